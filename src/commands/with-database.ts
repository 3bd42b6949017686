import type { Knex } from 'knex';
import type { Config } from '../config.ts';
import { openDatabase } from '../database/open-database.ts';
import { connect } from '../storage/connect.ts';

/** Runs a command's work on the configured database, and closes it. */
export async function withDatabase(config: Config, work: (db: Knex) => Promise<void>): Promise<void> {
  const log = (line: string) => console.error(line);
  const database = await openDatabase({ ...config, log, bufferPool: config.databaseBufferPool });
  const db = connect(database.url, { connectionsMax: config.databaseConnections });
  try {
    await work(db);
  } finally {
    await db.destroy();
    await database.stop();
  }
}
