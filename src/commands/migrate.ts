import type { Config } from '../config.ts';
import { migrate as migrateSchema } from '../storage/migrate.ts';
import { withDatabase } from './with-database.ts';

/** `points-ledger migrate`: brings the schema up to date. */
export async function migrate(config: Config): Promise<void> {
  await withDatabase(config, console.error, async (db) => {
    const ran = await migrateSchema(db);
    console.log(ran.length > 0 ? `ran ${ran.join(', ')}` : 'the schema is up to date');
  });
}
