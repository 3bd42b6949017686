// A MariaDB or MySQL server program on this machine: finding it, and what it is.
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { runProgram } from './run-program.ts';

export type ServerKind = 'mariadb' | 'mysql';

export type ServerProgram = {
  kind: ServerKind;
  /** As in 10.11.19. */
  version: string;
  path: string;
  /** Folders of shared libraries that the machine itself does not have; empty for an installed program. */
  libraryPath: string;
  /** MariaDB only: the folder with the SQL files that a new data folder is made from. */
  shareFolder: string | undefined;
};

/** Older ones lack what the schema needs: CHECK constraints that are enforced. */
const OLDEST: Record<ServerKind, string> = { mariadb: '10.5.0', mysql: '8.0.16' };

/** Server programs often live outside a normal user's PATH. */
const MORE_FOLDERS = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/opt/homebrew/opt/mysql/bin',
  '/usr/local/opt/mariadb/bin',
  '/usr/local/opt/mysql/bin',
  '/home/linuxbrew/.linuxbrew/bin',
];

/** The installed server programs, MariaDB's first. `problems` collects why others will not do. */
export async function findInstalledServers(problems: string[]): Promise<ServerProgram[]> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...MORE_FOLDERS].filter((folder) => folder !== '');
  const found: ServerProgram[] = [];
  const seen = new Set<string>();
  for (const name of ['mariadbd', 'mysqld']) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (!existsSync(path) || seen.has(realpathSync(path))) continue;
      seen.add(realpathSync(path));
      try {
        found.push(await describeServer(path, process.env.LD_LIBRARY_PATH ?? ''));
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
  }
  return found.sort((a, b) => a.kind.localeCompare(b.kind));
}

/** What a server process gets of our environment: it has no use for the service's secrets. */
export function serverEnvironment(libraryPath: string): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, ...(libraryPath === '' ? {} : { LD_LIBRARY_PATH: libraryPath }) };
}

/** Asks the program itself; throws when it does not run here or is too old. */
export async function describeServer(path: string, libraryPath: string): Promise<ServerProgram> {
  const env = serverEnvironment(libraryPath);
  const answer = await runProgram(path, ['--no-defaults', '--version'], { env, timeoutMs: 30_000 });
  const version = /Ver (\d+\.\d+\.\d+)/.exec(answer)?.[1];
  if (version === undefined) throw new Error(`${path} does not say which version it is`);
  const kind: ServerKind = /mariadb/i.test(answer) ? 'mariadb' : 'mysql';
  if (compareVersions(version, OLDEST[kind]) < 0) {
    throw new Error(`${path} is ${kind} ${version}; at least ${OLDEST[kind]} is needed`);
  }
  const shareFolder = kind === 'mariadb' ? findShareFolder(path) : undefined;
  if (kind === 'mariadb' && shareFolder === undefined) {
    throw new Error(`${path} has no folder with its system tables (mariadb_system_tables.sql)`);
  }
  return { kind, version, path, libraryPath, shareFolder };
}

/** Release series decide, as in 10.11 and 11.4: a patch release reads and writes what its siblings do. */
export function isOlderSeries(a: string, b: string): boolean {
  const series = (version: string) => version.split('.').slice(0, 2).join('.');
  return compareVersions(series(a), series(b)) < 0;
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function findShareFolder(path: string): string | undefined {
  const prefix = dirname(dirname(realpathSync(path)));
  const places = [prefix, '/usr', '/usr/local'].flatMap((place) => [
    join(place, 'share', 'mariadb'),
    join(place, 'share', 'mysql'),
    join(place, 'share'),
  ]);
  return places.find((place) => systemTablesFile(place, 'system_tables') !== undefined);
}

/** The same file is mysql_….sql in older releases and mariadb_….sql in newer ones. */
export function systemTablesFile(shareFolder: string, name: string): string | undefined {
  return [`mariadb_${name}.sql`, `mysql_${name}.sql`]
    .map((file) => join(shareFolder, file))
    .find((file) => existsSync(file));
}
