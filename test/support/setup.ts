// Mocha's root plugin: one database server for the whole run. The one that DATABASE_URL names, else
// an embedded one in .data/test, which stays there for the next run to start in a moment.
import { readConfig } from '../../src/config.ts';
import type { Database } from '../../src/database/database.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { dropOldTestDatabases } from './database.ts';

/** How long the run may take to end after the last test. */
const ENDED_MS_MAX = 20_000;

let database: Database | undefined;

export async function mochaGlobalSetup(): Promise<void> {
  const { databaseUrl } = readConfig({ DATABASE_URL: process.env.DATABASE_URL });
  database = await openDatabase({
    databaseUrl,
    dataDir: '.data/test',
    bufferPool: '256M',
    log: (line) => console.log(line),
  });
  process.env.TEST_SERVER_URL = database.url;
  await dropOldTestDatabases(database.url);
}

export async function mochaGlobalTeardown(): Promise<void> {
  await database?.stop();
  setTimeout(endAnyway, ENDED_MS_MAX).unref();
}

/** A test that failed may have left something open, which must not keep the run from ending. */
function endAnyway(): void {
  console.error(`still open after the last test: ${process.getActiveResourcesInfo().join(', ')}`);
  // After mocha's own listener, which sets the exit code by the failures it knows of.
  process.once('exit', () => {
    process.exitCode = 1;
  });
  process.exit();
}
