import type { Config } from '../config.ts';
import { migrate } from '../storage/migrate.ts';
import { printDemo } from './demo.ts';
import { listen } from './listen.ts';
import { withDatabase } from './with-database.ts';

/** `points-ledger serve`: runs until SIGINT or SIGTERM. `demo`: also makes and prints the demo accounts' tokens. */
export async function serve(config: Config, { demo }: { demo: boolean }): Promise<void> {
  const log = (line: string) => console.log(line);
  await withDatabase(config, log, async (db, { url, embedded }) => {
    // Not before: a signal ends a process that still prepares its database at once, and the database with it.
    const stopped = nextSignal();
    const migrations = await migrate(db);
    if (migrations.length > 0) log(`migrated the database: ${migrations.join(', ')}`);
    const server = await listen(config, db);
    try {
      log(`gRPC on ${server.grpcAddress}, REST on ${server.httpUrl}, documentation on ${server.httpUrl}/api/docs`);
      if (embedded) log(`another server process on this database: DATABASE_URL='${url}'`);
      if (demo) await printDemo(config, server, log);
      log('ready');
      log(`stopping on ${await stopped}`);
    } finally {
      await server.stop();
    }
  });
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.on('SIGINT', resolve);
    process.on('SIGTERM', resolve);
  });
}
