// Which server program the embedded database runs, and its tables made ready for it: an installed
// one, else a private copy that was fetched before, else one that is fetched now.
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { canFetchServer, fetchServer, findFetchedServer } from './fetch-server.ts';
import { kindOfData, objectionTo, prepareFiles, type ServerFiles, serverFilesIn } from './server-files.ts';
import { findInstalledServers, type ServerProgram } from './server-program.ts';

/** The unpacked server, its empty tables and its logs. */
const NEW_DATABASE_MB = 300;

type Log = (line: string) => void;

type PreparedServer = { program: ServerProgram; files: ServerFiles };

export async function prepareServer(dataDir: string, log: Log): Promise<PreparedServer> {
  if (kindOfData(dataDir) === undefined) checkSpace(dataDir);
  const problems: string[] = [];
  for await (const program of candidates(dataDir, problems, log)) {
    const objection = objectionTo(program, dataDir);
    if (objection !== undefined) {
      problems.push(objection);
      continue;
    }
    const files = serverFilesIn(dataDir, program.kind);
    try {
      await prepareFiles(program, files, log);
      return { program, files };
    } catch (error) {
      // The next may do better: Ubuntu's mysqld, for one, is confined to /var/lib/mysql.
      problems.push((error as Error).message);
    }
  }
  throw new Error(advice(dataDir, problems));
}

/** Said before the work begins: a disk that fills up in the middle of it shows as all sorts of errors. */
function checkSpace(dataDir: string): void {
  const { bavail, bsize } = statfsSync(dataDir);
  const megabytes = Math.floor((bavail * bsize) / 2 ** 20);
  if (megabytes >= NEW_DATABASE_MB) return;
  throw new Error(
    `A new database in ${dataDir} needs ${NEW_DATABASE_MB} MB, but the disk has only ${megabytes} MB left.`,
  );
}

async function* candidates(dataDir: string, problems: string[], log: Log): AsyncGenerator<ServerProgram> {
  yield* await findInstalledServers(problems);
  if (kindOfData(dataDir) === 'mysql') {
    // Only MariaDB can be fetched. An empty MariaDB beside a MySQL full of points would not do.
    if (problems.length === 0) problems.push('it was made by mysql, and no mysqld is installed');
    return;
  }
  const folder = join(dataDir, 'mariadb-server');
  const fetched = await findFetchedServer(folder);
  if (fetched !== undefined) yield fetched;
  if (!canFetchServer()) {
    problems.push('no mariadbd or mysqld is installed');
    return;
  }
  try {
    yield await fetchServer(folder, log);
  } catch (error) {
    problems.push(`fetching MariaDB with apt failed: ${(error as Error).message}`);
  }
}

function advice(dataDir: string, problems: string[]): string {
  const made = kindOfData(dataDir);
  const product = made === 'mysql' ? 'MySQL' : 'MariaDB';
  return [
    `There is no ${product} server to keep the data in ${dataDir} with: ${problems.join('; ')}.`,
    'Install one, then start again:',
    ...(made === 'mysql' ? INSTALL_MYSQL : INSTALL_MARIADB),
    'Or use a MySQL or MariaDB server that you have: DATABASE_URL=mysql://user:password@host:3306/points',
  ].join('\n');
}

const INSTALL_MARIADB = [
  '  Debian, Ubuntu:  sudo apt-get install mariadb-server-core',
  '  Fedora, RHEL:    sudo dnf install mariadb-server',
  '  macOS:           brew install mariadb',
  '  Docker:          docker run -d -p 3306:3306 -e MARIADB_ROOT_PASSWORD=secret -e MARIADB_DATABASE=points mariadb:11',
  '                   and DATABASE_URL=mysql://root:secret@127.0.0.1:3306/points',
];

const INSTALL_MYSQL = [
  '  Ubuntu:          sudo apt-get install mysql-server-core',
  '  Fedora, RHEL:    sudo dnf install mysql-server',
  '  macOS:           brew install mysql',
];
