import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { explainFileError } from '../../src/database/files.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { objectionTo, rememberVersion, serverFilesIn } from '../../src/database/server-files.ts';
import type { ServerProgram } from '../../src/database/server-program.ts';
import { type DataFolder, haveServer, makeDataFolder } from './data-folder.ts';

async function messageOf(opening: Promise<unknown>): Promise<string> {
  try {
    await opening;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it opened');
}

describe('embedded database: folders that make trouble', () => {
  let folder: DataFolder;
  before(haveServer);
  beforeEach(() => {
    folder = makeDataFolder();
  });
  afterEach(() => folder.cleanUp());

  it('a path too long for a socket: the socket is elsewhere, private, and found by the next process', async () => {
    const deep = makeDataFolder('a-rather-long-name'.repeat(5), 'and-another-one'.repeat(5));
    try {
      const database = await deep.open();
      const socketPath = new URL(database.url).searchParams.get('socketPath')!;
      expect(Buffer.byteLength(socketPath)).to.be.at.most(107);
      expect(statSync(join(socketPath, '..')).mode & 0o777).to.equal(0o700);
      expect(await deep.openInChild().up).to.equal(database.url);
      expect(deep.servers()).to.have.length(1);
      await deep.cleanUp();
      rmSync(join(socketPath, '..'), { recursive: true });
    } finally {
      await deep.cleanUp();
    }
  });

  it('a file where the folder should be', async () => {
    const path = join(folder.path, 'file');
    writeFileSync(path, '');
    const message = await messageOf(
      openDatabase({ databaseUrl: undefined, dataDir: join(path, 'data'), bufferPool: '32M', log: () => undefined }),
    );
    expect(message)
      .to.include(`The data folder ${join(path, 'data')} cannot be used`)
      .and.include('ENOTDIR');
  });

  for (const [code, reason] of [
    ['EACCES', 'it is not writable for this user'],
    ['EROFS', 'it is on a read-only file system'],
    ['ENOSPC', 'the disk is full'],
  ] as const) {
    it(`${code}: ${reason}`, () => {
      const failure = Object.assign(new Error(code), { code, syscall: 'mkdir' });
      const { message } = explainFileError(failure, '/srv/points');
      expect(message).to.equal(`The data folder /srv/points cannot be used: ${reason} (${code}).`);
    });
  }

  it('data of a MySQL, and only a MariaDB at hand: refused, not begun anew beside it', async function () {
    await (await folder.open()).stop();
    if (readdirSync(folder.path).includes('mysql')) this.skip();
    renameSync(join(folder.path, 'mariadb'), join(folder.path, 'mysql'));
    const message = await messageOf(folder.open());
    expect(message).to.include('made by mysql').and.include('DATABASE_URL');
    expect(readdirSync(folder.path)).to.not.include('mariadb');
  });

  it('data of a newer server: not given to an older one', () => {
    const program = (version: string): ServerProgram => ({
      kind: 'mariadb',
      version,
      path: '/usr/sbin/mariadbd',
      libraryPath: '',
      shareFolder: '/usr/share/mariadb',
    });
    const files = serverFilesIn(folder.path, 'mariadb');
    mkdirSync(files.data, { recursive: true });
    rememberVersion(files, program('11.4.2'));
    expect(objectionTo(program('10.11.9'), folder.path)).to.include('was last used by the newer 11.4.2');
    expect(objectionTo(program('11.4.1'), folder.path)).to.equal(undefined);
    expect(objectionTo(program('12.0.1'), folder.path)).to.equal(undefined);
  });

  it('a server that cannot start: its own words are in the message', async () => {
    await (await folder.open()).stop();
    const [kind] = ['mariadb', 'mysql'].filter((name) => readdirSync(folder.path).includes(name)) as [string];
    writeFileSync(join(folder.path, kind, 'data', 'ibdata1'), 'not a tablespace');
    const message = await messageOf(folder.open());
    expect(message).to.include('did not start').and.include('[ERROR]').and.include('error.log');
    expect(folder.servers()).to.deep.equal([]);
  });
});
