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
const BUILT = join('dist', MARK);
const NEXT = 'dist.next';
const LOCK = '.data/prepare.lock';
const LOCK_AGE_MS_MAX = 10 * 60 * 1000;

checkNode(JSON.parse(readFileSync('package.json', 'utf8')).engines.node);
if (!isInstalled() || !isBuilt()) {
  await lock();
  // Looked at again: another process may have done it while this one waited.
  if (!isInstalled()) install();
  if (!isBuilt()) build();
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
  npm(['ci', '--no-fund', '--no-audit', '--include=dev'], 'npm ci failed; run it by hand to see more.');
  writeFileSync(INSTALLED, hash);
}

/** Nothing in src/ is newer than the last build, and no file of it was removed or added since. */
function isBuilt() {
  if (!existsSync(BUILT)) return false;
  const built = statSync(BUILT).mtimeMs;
  const sources = sourceFiles();
  return readFileSync(BUILT, 'utf8') === sources.join('\n') && sources.every((path) => statSync(path).mtimeMs <= built);
}

function sourceFiles() {
  const entries = readdirSync('src', { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const settings = readdirSync('.').filter((name) => /^tsconfig.*\.json$/.test(name));
  return [...files, ...settings].sort();
}

function build() {
  say('building dist/');
  // What changes while the compiler runs must count as newer than the build.
  const began = new Date();
  const sources = sourceFiles();
  // Beside dist/ and then in its place: nothing stale stays, and dist/ is at no time half a build.
  rmSync(NEXT, { recursive: true, force: true });
  npm(['run', '--silent', 'build', '--', '--outDir', NEXT], 'The build failed.');
  writeFileSync(join(NEXT, MARK), sources.join('\n'));
  utimesSync(join(NEXT, MARK), began, began);
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
