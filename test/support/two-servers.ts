// Two service processes on one database, shared by all test files that need no settings of their own.
import { createTestDatabase, type TestDatabase } from './database.ts';
import { openTables, type Tables } from './rows.ts';
import { startServer, type TestServer } from './server.ts';

export interface TwoServers {
  readonly database: TestDatabase;
  readonly tables: Tables;
  readonly one: TestServer;
  readonly other: TestServer;
}

let started: Promise<TwoServers> | undefined;

/** Starts them the first time. They live until the end of the run: tests use accounts of their own. */
export function twoServers(): Promise<TwoServers> {
  started ??= start();
  return started;
}

/** A name for an account that no other test uses. */
export function newAccount(name = 'account'): string {
  accounts += 1;
  return `${name}-${accounts}`;
}
let accounts = 0;

async function start(): Promise<TwoServers> {
  const database = await createTestDatabase();
  const [one, other] = await Promise.all([
    startServer({ databaseUrl: database.url, shared: true }),
    startServer({ databaseUrl: database.url, shared: true }),
  ]);
  return { database, tables: await openTables(database.url), one, other };
}

after(async () => {
  const servers = await started?.catch(() => undefined);
  if (!servers) return;
  const { database, tables, one, other } = servers;
  await Promise.all([one.stop(), other.stop()]);
  await tables.close();
  await database.drop();
});
