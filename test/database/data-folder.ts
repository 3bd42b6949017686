// A data folder for one test, other processes that use it, and the certainty that nothing of it
// is left when the test is over, however it ended.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import mysql from 'mysql2/promise';
import type { Database } from '../../src/database/database.ts';
import { fetchServer, findFetchedServer } from '../../src/database/fetch-server.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { findInstalledServers } from '../../src/database/server-program.ts';
import { until } from '../support/until.ts';

const CHILD = fileURLToPath(new URL('./open-in-child.ts', import.meta.url));
/** Where the test run's own embedded server is unpacked, if the machine has none. */
const FETCHED = resolve('.data/test/mariadb-server');

type Child = {
  process: ChildProcess;
  log: string[];
  /** The URL it printed; rejects with its log when it ended instead. */
  up: Promise<string>;
  ended: Promise<void>;
};

export type DataFolder = {
  path: string;
  log: string[];
  open(): Promise<Database>;
  openInChild(): Child;
  /** The database servers that run on this folder now. */
  servers(): number[];
  cleanUp(): Promise<void>;
};

/** Spares each test the fetching of a server of its own. */
export async function haveServer(): Promise<void> {
  if ((await findInstalledServers([])).length > 0) return;
  if ((await findFetchedServer(FETCHED)) === undefined) await fetchServer(FETCHED, () => undefined);
}

export function makeDataFolder(...below: string[]): DataFolder {
  const top = mkdtempSync(join(tmpdir(), 'points-database-'));
  const path = join(top, ...below, 'data');
  const log: string[] = [];
  const opened: Database[] = [];
  const children: Child[] = [];
  spawnSync('mkdir', ['-p', path]);
  if (existsSync(FETCHED)) symlinkSync(FETCHED, join(path, 'mariadb-server'));

  return {
    path,
    log,
    async open() {
      const database = await openDatabase({
        databaseUrl: undefined,
        dataDir: path,
        bufferPool: '32M',
        log: (line) => log.push(line),
      });
      opened.push(database);
      return database;
    },
    openInChild() {
      const child = startChild(path);
      children.push(child);
      return child;
    },
    servers: () => serversOn(path),
    async cleanUp() {
      for (const child of children) child.process.kill('SIGKILL');
      await Promise.all(opened.map((database) => database.stop().catch(() => undefined)));
      await Promise.all(children.map((child) => child.ended));
      for (const pid of serversOn(path)) process.kill(pid, 'SIGKILL');
      await until(() => serversOn(path).length === 0);
      rmSync(top, { recursive: true, force: true });
    },
  };
}

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await mysql.createConnection(url);
  try {
    const [rows] = await connection.query(sql);
    return rows as Record<string, unknown>[];
  } finally {
    connection.destroy();
  }
}

function startChild(path: string): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, path], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  createInterface(child.stderr).on('line', (line) => log.push(line));
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const up = new Promise<string>((done, reject) => {
    createInterface(child.stdout).once('line', done);
    child.once('close', () => reject(new Error(log.join('\n'))));
  });
  // A test that kills the child before it is up does not wait for that.
  up.catch(() => undefined);
  return { process: child, log, up, ended };
}

function serversOn(path: string): number[] {
  const lines = spawnSync('ps', ['-eww', '-o', 'pid=,args='], { encoding: 'utf8' }).stdout.split('\n');
  return lines.filter((line) => line.includes(`--datadir=${path}/`)).map((line) => Number.parseInt(line, 10));
}
