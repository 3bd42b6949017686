// Debian and Ubuntu: the MariaDB server as a private copy, unpacked from the distribution's own
// packages into a folder of ours. Needs no root, installs nothing, starts no system service.
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { removeFolder } from './files.ts';
import { runProgram } from './run-program.ts';
import { describeServer, type ServerProgram, serverEnvironment } from './server-program.ts';

const PACKAGE = 'mariadb-server-core';

/** The copy that an earlier start unpacked, if it is whole and runs. */
export async function findFetchedServer(folder: string): Promise<ServerProgram | undefined> {
  if (!existsSync(join(folder, 'complete'))) return undefined;
  // A copy that no longer runs (the machine's own libraries moved on) is fetched anew.
  return describeServer(programIn(folder), libraryPathIn(folder)).catch(() => undefined);
}

export function canFetchServer(): boolean {
  return process.platform === 'linux' && existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg');
}

export async function fetchServer(folder: string, log: (line: string) => void): Promise<ServerProgram> {
  log('fetching the MariaDB server (about 8 MB, once) with apt into the data folder');
  const draft = `${folder}.draft`;
  const apt = `${folder}.apt`;
  removeFolder(draft);
  removeFolder(folder);
  try {
    await unpackServer(draft, apt);
    await describeServer(programIn(draft), libraryPathIn(draft));
    // Written last, on a folder that gets its name last: a fetch that was cut short is done again.
    writeFileSync(join(draft, 'complete'), '');
    renameSync(draft, folder);
  } finally {
    removeFolder(draft);
    removeFolder(apt);
  }
  return describeServer(programIn(folder), libraryPathIn(folder));
}

async function unpackServer(root: string, apt: string): Promise<void> {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  try {
    await unpackWith([], root, apt);
  } catch {
    // The machine's package lists are missing (as in most containers) or stale. Lists of our own
    // need neither root nor the machine's apt lock, and leave the machine as it was.
    const options = ownListOptions(apt);
    // One source of several may fail without harm, so the failure counts only if there is no package in the end.
    const failure = await updateLists(options).then(
      () => undefined,
      (error: Error) => error,
    );
    await unpackWith(options, root, apt).catch((error: Error) => {
      throw failure ?? error;
    });
  }
}

function ownListOptions(apt: string): string[] {
  mkdirSync(join(apt, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(apt, 'cache', 'archives', 'partial'), { recursive: true });
  return [`Dir::State::lists=${apt}/lists`, `Dir::Cache=${apt}/cache`].flatMap((option) => ['-o', option]);
}

async function updateLists(options: string[]): Promise<void> {
  const strict = ['-o', 'APT::Update::Error-Mode=any'];
  await runProgram('apt-get', [...options, ...APT_OPTIONS, ...strict, '-q', 'update']);
}

const APT_OPTIONS = [
  'Debug::NoLocking=1',
  // Root would fetch as the user _apt, who cannot write into a private folder.
  'APT::Sandbox::User=root',
  'Acquire::Retries=2',
  'Acquire::http::Timeout=20',
].flatMap((option) => ['-o', option]);

/** The server, then the libraries that it lacks on this machine, then what those lack. */
async function unpackWith(options: string[], root: string, apt: string): Promise<void> {
  let wanted = [await packageName(options)];
  const unpacked: string[] = [];
  while (wanted.length > 0) {
    await unpackPackages(options, wanted, root, apt);
    const before = wanted;
    unpacked.push(...before);
    const missing = await missingLibraries(root);
    if (missing.length === 0) return;
    wanted = (await dependenciesNotInstalled(options, before)).filter((name) => !unpacked.includes(name));
    if (wanted.length === 0) throw new Error(`no package has ${missing.join(', ')}, which the MariaDB server needs`);
  }
}

/** Older releases put the version into the name: mariadb-server-core-10.6. */
async function packageName(options: string[]): Promise<string> {
  const names = (await runProgram('apt-cache', [...options, 'pkgnames', PACKAGE])).split('\n');
  const versioned = names.filter((name) => /^mariadb-server-core-[\d.]+$/.test(name));
  const newest = versioned.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  for (const name of [PACKAGE, newest]) {
    if (name === undefined) continue;
    // A name may be known only because another package mentions it.
    const policy = await runProgram('apt-cache', [...options, 'policy', name]);
    if (/Candidate: \d/.test(policy)) return name;
  }
  throw new Error(`apt knows no package ${PACKAGE}`);
}

async function unpackPackages(options: string[], names: string[], root: string, apt: string): Promise<void> {
  const downloads = join(apt, 'downloads');
  mkdirSync(downloads, { recursive: true });
  await runProgram('apt-get', [...options, ...APT_OPTIONS, '-q', 'download', ...names], { cwd: downloads });
  for (const file of readdirSync(downloads)) await runProgram('dpkg', ['-x', join(downloads, file), root]);
  removeFolder(downloads);
}

async function missingLibraries(root: string): Promise<string[]> {
  const env = serverEnvironment(libraryPathIn(root));
  const lines = (await runProgram('ldd', [programIn(root)], { env })).split('\n');
  return lines.flatMap((line) => /^\s*(\S+) => not found/.exec(line)?.[1] ?? []);
}

async function dependenciesNotInstalled(options: string[], names: string[]): Promise<string[]> {
  const answer = await runProgram('apt-cache', [...options, 'depends', ...names]);
  const dependencies = answer.split('\n').flatMap((line) => /^ [ |]Depends: ([^<\s]+)$/.exec(line)?.[1] ?? []);
  const installed = await installedPackages();
  // Packages named …-common hold configuration, no libraries.
  return [...new Set(dependencies)].filter((name) => !installed.has(name) && !name.endsWith('-common'));
}

async function installedPackages(): Promise<Set<string>> {
  const format = '$' + '{db:Status-Abbrev} $' + '{Package}\\n';
  const lines = (await runProgram('dpkg-query', ['-W', '-f', format])).split('\n');
  return new Set(lines.flatMap((line) => /^ii\s+(\S+)/.exec(line)?.[1] ?? []));
}

function programIn(root: string): string {
  const places = ['usr/sbin/mariadbd', 'usr/sbin/mysqld', 'usr/bin/mariadbd'].map((place) => join(root, place));
  return places.find((place) => existsSync(place)) ?? join(root, 'usr/sbin/mariadbd');
}

/** usr/lib/x86_64-linux-gnu and its like, whatever the machine is. */
function libraryPathIn(root: string): string {
  const parents = [join(root, 'usr', 'lib'), join(root, 'lib')].filter((parent) => existsSync(parent));
  const folders = parents.flatMap((parent) => [parent, ...readdirSync(parent).map((name) => join(parent, name))]);
  return folders.filter((folder) => folder.endsWith('-linux-gnu') || /-linux-gnu\w+$/.test(folder)).join(delimiter);
}
