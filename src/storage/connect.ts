import createKnex, { type Knex } from 'knex';
import type { Connection } from 'mysql2';

/** A statement that stays silent this long has lost its server: the connection is cut, so that nothing waits for ever. */
const SILENCE_MS_MAX = 30_000;

/**
 * Every session starts from the same settings, whatever the server's defaults: errors instead of silent truncation (and
 * no NO_BACKSLASH_ESCAPES, under which the driver's escaping would not hold); fresh reads after a row lock; lock waits
 * shorter than a client's patience; UTC. On a Galera cluster, where another node may lag, reads wait for what was
 * committed before them.
 */
const SESSION = [
  `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO',
     time_zone = '+00:00', innodb_lock_wait_timeout = 5 /*M! , wsrep_sync_wait = 1 */`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

/** A pool of connections to the database at a mysql:// URL. Nothing connects before the first statement. */
export function connect(url: string, { connectionsMax }: { connectionsMax: number }): Knex {
  return createKnex({
    client: 'mysql2',
    connection: {
      uri: url,
      charset: 'utf8mb4',
      timezone: 'Z',
      dateStrings: true,
      supportBigNumbers: true,
      connectTimeout: 5_000,
    } as Knex.MySql2ConnectionConfig,
    acquireConnectionTimeout: 10_000,
    pool: { min: 0, max: connectionsMax, idleTimeoutMillis: 60_000, afterCreate: prepareSession },
    log: { warn: () => undefined },
  });
}

function prepareSession(
  connection: Connection & { stream: import('node:net').Socket },
  done: (error: unknown) => void,
) {
  connection.stream.setTimeout(SILENCE_MS_MAX, () => connection.stream.destroy());
  const [settings = '', isolation = ''] = SESSION;
  connection.query(settings, (error) => (error ? done(error) : connection.query(isolation, (failed) => done(failed))));
}
