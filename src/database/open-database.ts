// The database that the service runs on: the one that DATABASE_URL names, or an embedded one in
// the data folder, so that the service runs on a machine where nothing was set up.
import { openEmbedded } from './embedded.ts';

export type Database = {
  /** For mysql2 and Knex, and as the DATABASE_URL of another process on this machine. */
  url: string;
  embedded: boolean;
  /** Ends the embedded server if this process owns it. A server that DATABASE_URL names is left alone. */
  stop(): Promise<void>;
};

export type DatabaseOptions = {
  databaseUrl: string | undefined;
  dataDir: string;
  /** Told one line for everything that takes a while. */
  log: (line: string) => void;
  /** Memory for the embedded server's pages, as in 128M or 1G. Without it: DATABASE_BUFFER_POOL, else 128M. */
  bufferPool?: string | undefined;
};

const DEFAULT_BUFFER_POOL = '128M';

export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { databaseUrl, dataDir, log } = options;
  if (databaseUrl) {
    checkDatabaseUrl(databaseUrl);
    return { url: databaseUrl, embedded: false, stop: async () => undefined };
  }
  const bufferPool = options.bufferPool || process.env.DATABASE_BUFFER_POOL || DEFAULT_BUFFER_POOL;
  if (!/^[1-9]\d*[KMG]$/i.test(bufferPool)) {
    throw new Error(`DATABASE_BUFFER_POOL must be a size such as 512M or 2G, not ${bufferPool}`);
  }
  return openEmbedded({ dataDir, bufferPool, log });
}

/** The message never repeats the URL: it holds a password. */
function checkDatabaseUrl(databaseUrl: string): void {
  const form = 'it must look like mysql://user:password@host:3306/points';
  const url = parseUrl(databaseUrl);
  if (url === undefined) throw new Error(`DATABASE_URL is not a URL: ${form}`);
  if (url.protocol !== 'mysql:') throw new Error(`DATABASE_URL begins with ${url.protocol}// but ${form}`);
  if (url.hostname === '') throw new Error(`DATABASE_URL names no host: ${form}`);
  if (!/^\/[^/]+$/.test(url.pathname)) throw new Error(`DATABASE_URL names no database: ${form}`);
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
