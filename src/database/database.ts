/** A database that is open for this process. */
export type Database = {
  /** For mysql2 and Knex, and as the DATABASE_URL of another process on this machine. */
  url: string;
  embedded: boolean;
  /** Ends the embedded server if this process owns it. A server that DATABASE_URL names is left alone. */
  stop(): Promise<void>;
};
