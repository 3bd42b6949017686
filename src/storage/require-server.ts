import type { Knex } from 'knex';

/** Fails in one line where the server that DATABASE_URL names is not to be had. `db` is a pool of connections to it. */
export async function requireServer(db: Knex, databaseUrl: string): Promise<void> {
  try {
    await db.raw('SELECT 1');
  } catch (error) {
    const { host, searchParams } = new URL(databaseUrl);
    throw new Error(`DATABASE_URL: ${searchParams.get('socketPath') ?? host} ${complaintOf(error)}`, { cause: error });
  }
}

/** What a server said is worth repeating; what the driver says in its stead comes down to the code. */
function complaintOf(error: unknown): string {
  const { sqlMessage, code, message } = error as { sqlMessage?: string; code?: string; message?: string };
  return sqlMessage === undefined ? `cannot be reached (${code ?? message})` : `refuses: ${sqlMessage}`;
}
