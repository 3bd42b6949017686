import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import knex from 'knex';
import { type DataFolder, haveServer, makeDataFolder, query } from './data-folder.ts';

describe('embedded database: a life without accidents', () => {
  let folder: DataFolder;
  before(haveServer);
  beforeEach(() => {
    folder = makeDataFolder();
  });
  afterEach(() => folder.cleanUp());

  it('an empty folder becomes a database named points that compares byte for byte', async () => {
    const database = await folder.open();
    expect(database.embedded).to.equal(true);
    const [row] = await query(database.url, 'SELECT DATABASE() AS name, @@collation_database AS collation');
    expect(row).to.deep.equal({ name: 'points', collation: 'utf8mb4_bin' });
    expect(folder.servers()).to.have.length(1);
  });

  it('the second start finds what the first wrote', async () => {
    const first = await folder.open();
    await query(first.url, 'CREATE TABLE kept (id INT PRIMARY KEY)');
    await query(first.url, 'INSERT INTO kept VALUES (7)');
    await first.stop();

    const began = performance.now();
    const second = await folder.open();
    console.log(`      the second start took ${Math.round(performance.now() - began)} ms`);
    expect(await query(second.url, 'SELECT id FROM kept')).to.deep.equal([{ id: 7 }]);
    expect(second.url).to.equal(first.url);
  });

  it('stop leaves nothing running, and may be called twice', async () => {
    const database = await folder.open();
    await Promise.all([database.stop(), database.stop()]);
    await database.stop();
    expect(folder.servers()).to.deep.equal([]);
    expect(readdirSync(join(folder.path, 'run')).filter((name) => name.endsWith('.json'))).to.deep.equal([]);
  });

  it('the URL does for Knex', async () => {
    const database = await folder.open();
    const db = knex({ client: 'mysql2', connection: database.url });
    try {
      const [[row]] = await db.raw('SELECT DATABASE() AS name');
      expect(row.name).to.equal('points');
    } finally {
      await db.destroy();
    }
  });

  it('a COMMIT is on the disk, times are UTC, and no network port is open', async () => {
    const { url } = await folder.open();
    const [row] = await query(
      url,
      `SELECT @@innodb_flush_log_at_trx_commit AS flush, @@skip_networking AS closed, @@time_zone AS zone,
              @@innodb_buffer_pool_size AS pool`,
    );
    expect(row).to.deep.equal({ flush: 1, closed: 1, zone: '+00:00', pool: 32 * 1024 * 1024 });
  });

  it('other users cannot enter the folders of the data and of the socket', async () => {
    await folder.open();
    const names = ['run', 'mariadb', 'mysql'].filter((name) => readdirSync(folder.path).includes(name));
    expect(names).to.have.length(2);
    for (const name of names) expect(statSync(join(folder.path, name)).mode & 0o077).to.equal(0);
  });

  it('Ctrl-C reaches the service only: the database lives until the service stops it', async () => {
    const child = folder.openInChild();
    await child.up;
    const [server] = folder.servers();
    // A signal to a process group reaches those in it: the server must be in another.
    const { spawnSync } = await import('node:child_process');
    const groups = spawnSync('ps', ['-o', 'pgid=', '-p', `${server},${child.process.pid}`], { encoding: 'utf8' });
    expect(new Set(groups.stdout.trim().split(/\s+/)).size).to.equal(2);
    child.process.kill('SIGTERM');
    await child.ended;
    expect(folder.servers()).to.deep.equal([]);
  });
});
