/**
 * What a failed statement means for a retry. `contention`: the database refused the transaction in favour of others;
 * nothing was done. `connection`: the server went away or is not ready; whether a COMMIT took effect is unknown.
 * `statement`: the statement itself is at fault; a retry would fail again.
 */
type Fault = 'contention' | 'connection' | 'statement';

const CONTENTION = new Set([
  1020, // ER_CHECKREAD: record has changed since last read
  1205, // ER_LOCK_WAIT_TIMEOUT
  1213, // ER_LOCK_DEADLOCK; on Galera also a conflict found at COMMIT
  1062, // ER_DUP_ENTRY: the row lock excludes it on one server; another node of a cluster may have won
  3572, // ER_LOCK_NOWAIT
  8002, // TiDB: write conflict in a pessimistic transaction
  8022, // TiDB: the transaction could not commit and may be retried
  8028, // TiDB: the schema changed meanwhile
  9007, // TiDB: write conflict
]);

const CONNECTION = new Set<number | string>([
  1040, // ER_CON_COUNT_ERROR: too many connections
  1047, // ER_UNKNOWN_COM_ERROR: a Galera node without quorum
  1053, // ER_SERVER_SHUTDOWN
  1080, // ER_FORCING_CLOSE
  1152, // ER_ABORTING_CONNECTION
  1159, // ER_NET_READ_INTERRUPTED
  1161, // ER_NET_WRITE_INTERRUPTED
  1180, // ER_ERROR_DURING_COMMIT: a Galera node that lost its quorum
  1290, // ER_OPTION_PREVENTS_STATEMENT: the server is read-only, as during a fail-over
  1317, // ER_QUERY_INTERRUPTED
  1836, // ER_READ_ONLY_MODE
  1927, // ER_CONNECTION_KILLED (MariaDB)
  3169, // ER_SESSION_WAS_KILLED
  4031, // ER_CLIENT_INTERACTION_TIMEOUT
  9001, // TiDB: the placement driver does not answer
  9002, // TiDB: the storage does not answer
  9005, // TiDB: a region is unavailable
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT', // no socket file: the server is not up
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Sorts a driver's error. */
export function faultOf(error: unknown): Fault {
  const { errno, code, name, fatal, message } = (error ?? {}) as {
    errno?: number;
    code?: string;
    name?: string;
    fatal?: boolean;
    message?: string;
  };
  if (errno !== undefined && CONTENTION.has(errno)) return 'contention';
  if (CONNECTION.has(errno ?? '') || CONNECTION.has(code ?? '')) return 'connection';
  if (name === 'KnexTimeoutError' || /closed state|Connection lost/.test(message ?? '')) return 'connection';
  return fatal ? 'connection' : 'statement';
}
