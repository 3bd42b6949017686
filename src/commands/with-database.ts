import type { Knex } from 'knex';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { openDatabase } from '../database/open-database.ts';
import { connect } from '../storage/connect.ts';
import { requireServer } from '../storage/require-server.ts';

/** Runs a command's work on the configured database, and closes it. `log` is told what takes a while. */
export async function withDatabase(
  config: Config,
  log: (line: string) => void,
  work: (db: Knex, database: Database) => Promise<void>,
): Promise<void> {
  const database = await openDatabase({ ...config, bufferPool: config.databaseBufferPool, log });
  const db = connect(database.url, { connectionsMax: config.databaseConnections });
  try {
    if (!database.embedded) await requireServer(db, database.url);
    await work(db, database);
  } finally {
    await db.destroy();
    await database.stop();
  }
}
