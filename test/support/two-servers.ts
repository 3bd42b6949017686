// Two service processes on one database, shared by all test files that need no settings of their own.
import { expect } from 'chai';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { openTables, type Tables } from './rows.ts';
import { runCommand, startServer, type TestServer } from './server.ts';

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

/** A name for an account that no other test uses; where the ledger is found broken at the end, it tells whose it was. */
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

after('points-ledger verify finds nothing wrong in what all these tests have done', async function () {
  this.timeout(60_000);
  const servers = await started?.catch(() => undefined);
  if (!servers) return;
  const { database, tables, one, other } = servers;
  await Promise.all([one.stop(), other.stop()]);
  const verify = runCommand(['verify'], { DATABASE_URL: database.url });
  const code = await verify.ended;
  await tables.close();
  await database.drop();
  expect(verify.stdout() + verify.stderr()).to.match(/^\d+ accounts verified, 0 with discrepancies\n$/);
  expect(code).to.equal(0);
});
