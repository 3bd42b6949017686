import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { until } from '../support/until.ts';
import { type DataFolder, haveServer, makeDataFolder, query } from './data-folder.ts';

describe('embedded database: killed', () => {
  let folder: DataFolder;
  before(haveServer);
  beforeEach(() => {
    folder = makeDataFolder();
  });
  afterEach(() => folder.cleanUp());

  it('the service, by SIGKILL: the next start has its rows and one server', async () => {
    const child = folder.openInChild();
    const url = await child.up;
    await query(url, 'CREATE TABLE kept (id INT PRIMARY KEY)');
    await query(url, 'INSERT INTO kept VALUES (1), (2)');
    child.process.kill('SIGKILL');

    // At once: the service may not be dead yet, and its server still be shutting down.
    const database = await folder.open();
    expect(await query(database.url, 'SELECT id FROM kept')).to.deep.equal([{ id: 1 }, { id: 2 }]);
    expect(folder.servers()).to.have.length(1);
    await database.stop();
    expect(folder.servers()).to.deep.equal([]);
  });

  it('the service, again and again while it starts: the one that is left alone comes up', async function () {
    this.timeout(120_000);
    for (const delay_ms of [150, 300, 450, 600, 750]) {
      const child = folder.openInChild();
      await new Promise((done) => setTimeout(done, delay_ms));
      child.process.kill('SIGKILL');
      await child.ended;
    }
    const database = await folder.open();
    await query(database.url, 'SELECT 1');
    expect(folder.servers()).to.have.length(1);
  });

  it('the server, by SIGKILL: it comes back by itself with every committed row', async () => {
    const database = await folder.open();
    await query(database.url, 'CREATE TABLE kept (id INT PRIMARY KEY)');
    await query(database.url, 'INSERT INTO kept VALUES (1), (2), (3)');
    const [server] = folder.servers();
    process.kill(server!, 'SIGKILL');

    await until(() =>
      query(database.url, 'SELECT id FROM kept').then(
        (rows) => rows.length === 3,
        () => false,
      ),
    );
    expect(folder.servers()).to.have.length(1);
    expect(folder.servers()).to.not.include(server);
    expect(folder.log.join('\n')).to.include('the database ended unexpectedly; starting it again');
  });

  it('the server, and stop right after: nothing is started again', async () => {
    const database = await folder.open();
    process.kill(folder.servers()[0]!, 'SIGKILL');
    await database.stop();
    await new Promise((done) => setTimeout(done, 600));
    expect(folder.servers()).to.deep.equal([]);
  });

  it('a server left running by a killed service, not tied to it: adopted, and stopped at the end', async () => {
    const child = folder.openInChild();
    await child.up;
    const note = join(folder.path, 'run', 'server.json');
    const noted = readFileSync(note, 'utf8');
    const [server] = folder.servers();
    // The service is stopped rather than killed, so that a tied server stays; the note says it is not
    // tied, and the owner's note is gone as if its process were.
    child.process.kill('SIGSTOP');
    writeFileSync(note, JSON.stringify({ ...JSON.parse(noted), tied: false }));
    rmSync(join(folder.path, 'run', 'owner.json'));

    const database = await folder.open();
    expect(folder.servers()).to.deep.equal([server]);
    await database.stop();
    expect(folder.servers()).to.deep.equal([]);
  });

  it('a server that hangs, its service gone: killed, not waited for', async () => {
    const child = folder.openInChild();
    await child.up;
    const [server] = folder.servers();
    child.process.kill('SIGSTOP');
    process.kill(server!, 'SIGSTOP');
    rmSync(join(folder.path, 'run', 'owner.json'));

    const database = await folder.open();
    await query(database.url, 'SELECT 1');
    expect(folder.servers()).to.have.length(1);
    expect(folder.servers()).to.not.include(server);
  });

  it('a server of which no note is left: found by its socket', async () => {
    const child = folder.openInChild();
    await child.up;
    const [server] = folder.servers();
    child.process.kill('SIGSTOP');
    for (const name of ['server.json', 'owner.json']) rmSync(join(folder.path, 'run', name));

    const database = await folder.open();
    expect(folder.servers()).to.deep.equal([server]);
    await database.stop();
    expect(folder.servers()).to.deep.equal([]);
  });

  it('notes, socket and lock of processes that are no more, their ids in use by others: no obstacle', async () => {
    await (await folder.open()).stop();
    const run = join(folder.path, 'run');
    const someoneElse = { pid: process.pid, started: 'another time' };
    writeFileSync(join(run, 'owner.json'), JSON.stringify({ ...someoneElse, opening: 'x' }));
    writeFileSync(join(run, 'server.json'), JSON.stringify({ ...someoneElse, tied: true }));
    writeFileSync(join(run, 'database.pid'), String(process.pid));
    writeFileSync(join(run, 'database.sock'), '');
    writeFileSync(join(run, 'database.sock.lock'), String(process.pid));
    symlinkSync(JSON.stringify(someoneElse), join(run, 'lock.1000'));
    await query((await folder.open()).url, 'SELECT 1');
  });

  it('notes that are no notes: no obstacle', async () => {
    await (await folder.open()).stop();
    const run = join(folder.path, 'run');
    for (const name of ['owner.json', 'server.json']) writeFileSync(join(run, name), '{"pid":');
    writeFileSync(join(run, 'lock.1000'), '');
    await query((await folder.open()).url, 'SELECT 1');
  });

  it('a preparation that was cut short: made again', async () => {
    await (await folder.open()).stop();
    const home = join(folder.path, existsSync(join(folder.path, 'mysql')) ? 'mysql' : 'mariadb');
    rmSync(join(home, 'data'), { recursive: true });
    mkdirSync(join(home, 'data.x.draft'));
    writeFileSync(join(home, 'data.x.draft', 'ibdata1'), 'half');
    await query((await folder.open()).url, 'SELECT 1');
    expect(readdirSync(home)).to.not.include('data.x.draft');
  });
});
