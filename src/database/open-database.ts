// The database that the service runs on: the one that DATABASE_URL names, or an embedded one in
// the data folder, so that the service runs on a machine where nothing was set up.
import type { Database } from './database.ts';
import { openEmbedded } from './embedded.ts';

type DatabaseOptions = {
  /** A server that is there; undefined: an embedded one. */
  databaseUrl: string | undefined;
  dataDir: string;
  /** Memory for the embedded server's pages, as in 128M or 1G. */
  bufferPool: string;
  /** Told one line for everything that takes a while. */
  log: (line: string) => void;
};

export async function openDatabase({ databaseUrl, dataDir, bufferPool, log }: DatabaseOptions): Promise<Database> {
  if (databaseUrl === undefined) return openEmbedded({ dataDir, bufferPool, log });
  return { url: databaseUrl, embedded: false, stop: async () => undefined };
}
