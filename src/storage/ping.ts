import type { Knex } from 'knex';

/** How long an answer may take before the database counts as away. */
const PING_MS_MAX = 1_500;

/** Whether the database answers. */
export async function ping(db: Knex): Promise<boolean> {
  try {
    await db.raw('SELECT 1').timeout(PING_MS_MAX);
    return true;
  } catch {
    return false;
  }
}
