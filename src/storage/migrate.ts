import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { faultOf } from './faults.ts';
import { up as ledger } from './migrations/0001_ledger.ts';
import { select } from './sql.ts';

/** In order; a migration that has been released is never edited. Each may be run again after it was cut short. */
const MIGRATIONS = [{ name: '0001_ledger', up: ledger }];

const LOCK = 'points_ledger.migrate';
const LOCK_SECONDS = 60;

const TRIES_MAX = 20;
const WAIT_MS = 500;
const ER_TABLE_EXISTS = 1050;

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
      return await migrateBesideOthers(db);
    } finally {
      await select(session, 'SELECT RELEASE_LOCK(?)', [lock]);
    }
  });
}

/** Whether the schema has ever been made. */
export function isMigrated(db: Knex): Promise<boolean> {
  return db.schema.hasTable('accounts');
}

/** The lock is one of a single server: on the nodes of a cluster two may still meet, and the one that fails tries again. */
async function migrateBesideOthers(db: Knex): Promise<string[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      await db.migrate.forceFreeMigrationsLock({ migrationSource });
      const [, ran] = await db.migrate.latest({ migrationSource });
      return ran as string[];
    } catch (error) {
      if (tries === TRIES_MAX || !metAnother(error)) throw error;
    }
    await sleep(WAIT_MS * (0.5 + Math.random()));
  }
}

function metAnother(error: unknown): boolean {
  const { errno, message } = error as { errno?: number; message?: string };
  return errno === ER_TABLE_EXISTS || /already locked/.test(message ?? '') || faultOf(error) === 'contention';
}

const migrationSource: Knex.MigrationSource<(typeof MIGRATIONS)[number]> = {
  getMigrations: async () => MIGRATIONS,
  getMigrationName: (migration) => migration.name,
  getMigration: async ({ up }) => ({ up, down: async () => undefined, config: { transaction: false } }),
};
