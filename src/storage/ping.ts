import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';

/** How long an answer may take before the database counts as away. */
const PING_MS_MAX = 1_500;

/** Whether the database answers. */
export function ping(db: Knex): Promise<boolean> {
  const answer = db.raw('SELECT 1').then(
    () => true,
    () => false,
  );
  // Knex's own timeout would not count the time it takes to get a connection.
  return Promise.race([answer, sleep(PING_MS_MAX, false, { ref: false })]);
}
