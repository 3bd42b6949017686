import type { Knex } from 'knex';
import { up as ledger } from './migrations/0001_ledger.ts';
import { select } from './sql.ts';

/** In order; a migration that has been released is never edited. */
const MIGRATIONS = [{ name: '0001_ledger', up: ledger }];

const LOCK = 'points_ledger.migrate';
const LOCK_SECONDS = 60;

/**
 * Brings the schema up to date; returns the names of the migrations it ran. Several processes may start at once: they
 * take turns by a lock of the session, which, unlike Knex's lock table, dies with a killed process.
 */
export async function migrate(db: Knex): Promise<string[]> {
  const [{ name } = { name: '' }] = await select<{ name: string }>(db, 'SELECT DATABASE() AS name', []);
  const lock = `${LOCK}.${name}`.slice(0, 64);
  return db.transaction(async (session) => {
    const [row] = await select<{ locked: number }>(session, 'SELECT GET_LOCK(?, ?) AS locked', [lock, LOCK_SECONDS]);
    if (row?.locked !== 1) throw new Error(`another process has been migrating for more than ${LOCK_SECONDS} s`);
    try {
      await db.migrate.forceFreeMigrationsLock({ migrationSource });
      const [, ran] = await db.migrate.latest({ migrationSource });
      return ran.map((migration: { name: string } | string) =>
        typeof migration === 'string' ? migration : migration.name,
      );
    } finally {
      await select(session, 'SELECT RELEASE_LOCK(?)', [lock]);
    }
  });
}

const migrationSource: Knex.MigrationSource<(typeof MIGRATIONS)[number]> = {
  getMigrations: async () => MIGRATIONS,
  getMigrationName: (migration) => migration.name,
  getMigration: async ({ up }) => ({ up, down: async () => undefined, config: { transaction: false } }),
};
