/** The command line was not understood; the message says what to write. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What `points-ledger --help` prints. */
export const USAGE = `points-ledger: loyalty points, exact to the payer

  points-ledger serve [--demo]            run the service; --demo makes tokens for alice and bob and prints lines to try
  points-ledger migrate                   bring the database's schema up to date
  points-ledger token --account NAME      print a token that opens one account
  points-ledger token --service NAME --scope "earn spend read reverse import report"
                                          print a token that opens any account, for some of these scopes
      --expires 30d                       how long it is good for (s, m, h, d)
  points-ledger verify [--account NAME]   check that the journal rebuilds every balance and lot
  points-ledger import FILE [--url HOST:PORT] [--token TOKEN]
                                          load transactions from a .csv or .ndjson file
  points-ledger --help

environment
  DATABASE_URL          mysql://user:password@host:3306/points; unset: an embedded MariaDB in DATA_DIR
  DATABASE_CONNECTIONS  the most connections to the database (10)
  DATABASE_BUFFER_POOL  memory for the embedded database, such as 1G (128M)
  DATA_DIR              the embedded database, the secret, the demo tokens (.data)
  HOST                  address to listen on (127.0.0.1)
  GRPC_PORT, HTTP_PORT  ports (50051, 5000)
  TLS_CERT_FILE, TLS_KEY_FILE   PEM files; both set: TLS on both ports
  AUTH_SECRET           signs the tokens, 32 bytes or more; unset: made once and kept in DATA_DIR
  MAX_CLOCK_SKEW        how far in the future a timestamp may lie (5m)
  GROUP_MAX             the most commands in one database transaction (128)
  QUEUE_MAX             the most commands that wait (10000)
  WORKERS               database transactions under way at once (2)
`;
