// Runs before npm start, npm test and npm run bench: the right Node, the dependencies installed as
// package-lock.json says, dist/ built from src/ as it is now. Says nothing when all of that holds.
// Node's own modules only: there may be no others yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const INSTALLED = 'node_modules/.points-ledger-lock';
const MARK = '.points-ledger-built';
const NEXT = 'dist.next';
/** The service uses it too, so it is built first. */
const CLIENT = 'clients/typescript';
const LOCK = '.data/prepare.lock';
const LOCK_AGE_MS_MAX = 10 * 60 * 1000;

checkNode(JSON.parse(readFileSync('package.json', 'utf8')).engines.node);
if (!isInstalled() || !isBuilt(CLIENT) || !isBuilt('.')) {
  await lock();
  // Looked at again: another process may have done it while this one waited.
  if (!isInstalled()) install();
  if (!isBuilt(CLIENT)) buildClient();
  if (!isBuilt('.')) buildService();
  unlock();
}

/** `range` is a list such as `^20.19.0 || >=22.12.0`. */
function checkNode(range) {
  const mine = process.versions.node.split('.').map(Number);
  const accepted = range.split('||').some((part) => {
    const [, operator, version] = /^\s*(\^|>=)(\d+\.\d+\.\d+)\s*$/.exec(part) ?? [];
    const wanted = (version ?? '').split('.').map(Number);
    if (operator === '^' && mine[0] !== wanted[0]) return false;
    const differing = mine.findIndex((number, index) => number !== wanted[index]);
    return differing === -1 || mine[differing] > wanted[differing];
  });
  if (accepted) return;
  fail(`points-ledger needs Node ${range}; this is ${process.versions.node}. See https://nodejs.org/ for a newer one.`);
}

function lockHash() {
  return createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
}

/** npm ci begins by removing node_modules, so a note inside it also tells of an npm ci that was cut short. */
function isInstalled() {
  return existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === lockHash();
}

function install() {
  say('installing the dependencies (npm ci)');
  const hash = lockHash();
  rmSync(INSTALLED, { force: true });
  npm(
    ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--include=dev'],
    'npm ci failed; run it by hand to see more.',
  );
  writeFileSync(INSTALLED, hash);
}

/** Nothing in the folder's src/ is newer than its dist/, and no file there was added or removed since. */
function isBuilt(folder) {
  const mark = join(folder, 'dist', MARK);
  if (!existsSync(mark)) return false;
  const built = statSync(mark).mtimeMs;
  const sources = sourceFiles(folder);
  return readFileSync(mark, 'utf8') === sources.join('\n') && sources.every((path) => statSync(path).mtimeMs <= built);
}

function sourceFiles(folder) {
  const entries = readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const settings = ['.', folder].flatMap((place) => readdirSync(place).map((name) => join(place, name)));
  return [...files, ...settings.filter((path) => /tsconfig[^/]*\.json$/.test(path))].sort();
}

/** The mark in dist/ lists what it was made of. What changes while the compiler runs counts as newer than the build. */
function build(folder, compile) {
  const began = new Date();
  const sources = sourceFiles(folder);
  const made = compile();
  writeFileSync(join(made, MARK), sources.join('\n'));
  utimesSync(join(made, MARK), began, began);
}

function buildClient() {
  say('building the client package');
  build(CLIENT, () => {
    npm(['run', '--silent', 'build', '--workspace', CLIENT], 'The build of the client package failed.');
    return join(CLIENT, 'dist');
  });
}

/** Beside dist/ and then in its place: nothing stale stays, and dist/ is at no time half a build. */
function buildService() {
  say('building dist/');
  rmSync(NEXT, { recursive: true, force: true });
  build('.', () => {
    npm(['run', '--silent', 'build', '--', '--outDir', NEXT], 'The build failed.');
    return NEXT;
  });
  rmSync('dist', { recursive: true, force: true });
  renameSync(NEXT, 'dist');
}

/** Its output is shown only when it fails. */
function npm(args, complaint) {
  // npm tells its scripts where it is itself; without that (`node scripts/prepare.js`) the PATH has it.
  const script = process.env.npm_execpath;
  const [command, first] = script?.endsWith('npm-cli.js') ? [process.execPath, [script]] : ['npm', []];
  const { status, stdout, stderr, error } = spawnSync(command, [...first, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return;
  rmSync(NEXT, { recursive: true, force: true });
  fail(`${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}${complaint}`);
}

/**
 * Two at once (npm start beside npm test) must not install or build into each other's files.
 * The lock is a symbolic link to the holder's process id: made in one step, or not at all.
 */
async function lock() {
  mkdirSync('.data', { recursive: true });
  for (let waits = 0; ; waits += 1) {
    try {
      symlinkSync(String(process.pid), LOCK);
      process.on('exit', unlock);
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isLocked()) rmSync(LOCK, { force: true });
    if (waits === 10) say('waiting for another process that prepares this folder');
    await sleep(100);
  }
}

function isLocked() {
  const holder = lockHolder();
  // Just released: the next try will do.
  if (holder === undefined) return true;
  try {
    if (Date.now() - lstatSync(LOCK).mtimeMs > LOCK_AGE_MS_MAX) return false;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return error.code === 'EPERM' || error.code === 'ENOENT';
  }
}

function unlock() {
  if (lockHolder() === process.pid) rmSync(LOCK, { force: true });
}

function lockHolder() {
  try {
    return Number(readlinkSync(LOCK));
  } catch {
    return undefined;
  }
}

function say(line) {
  console.log(`points-ledger: ${line}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
