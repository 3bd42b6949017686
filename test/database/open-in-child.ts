// A process that opens the database in the folder its argument names, prints the URL, and closes
// the database when it is told to end.
import { openDatabase } from '../../src/database/open-database.ts';

const database = await openDatabase({
  databaseUrl: undefined,
  dataDir: process.argv[2]!,
  bufferPool: '32M',
  log: (line) => console.error(line),
});
console.log(database.url);
const forever = setInterval(() => undefined, 1000);
process.once('SIGTERM', () => {
  clearInterval(forever);
  void database.stop();
});
