// npm test: the style, the protos, the types, the generated code, then the tests. All of them run,
// whatever fails; the last line counts. Arguments go to mocha: npm test -- --grep spend
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const BIOME = 'node_modules/@biomejs/biome/bin/biome';
const BUF = 'node_modules/@bufbuild/buf/bin/buf';
const TSC = 'node_modules/typescript/bin/tsc';
const MOCHA = 'node_modules/mocha/bin/mocha.js';

/** What the generator neither reads nor writes. */
const NOT_SOURCE = ['.git', '.data', 'dist', 'dist.next', 'node_modules'];

const totals = { passed: 0, failed: 0, skipped: 0 };

check('style (biome check)', () => node(BIOME, 'check', '.'));
check('protos (buf lint, buf format)', () =>
  both(node(BUF, 'lint'), node(BUF, 'format', '--diff', '--exit-code', 'proto')),
);
check('types (tsc)', () => node(TSC, '--noEmit'));
check('generated code (scripts/generate.js)', generatedCodeIsCurrent);
heading('tests (mocha)');
runMocha(process.argv.slice(2));

const { passed, failed, skipped } = totals;
process.exitCode = failed > 0 ? 1 : 0;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);

function check(title, isFine) {
  heading(title);
  const began = performance.now();
  const fine = isFine();
  totals[fine ? 'passed' : 'failed'] += 1;
  console.log(`${fine ? 'ok' : 'FAILED'} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}

function heading(title) {
  console.log(`\n== ${title}`);
}

/** Runs a script with this Node, its output shown as it comes. */
function node(script, ...args) {
  return run({}, script, ...args);
}

function run(variables, script, ...args) {
  // buf finds its plugins on the PATH; npm puts the folder there, `node scripts/test.js` does not.
  const PATH = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH, ...variables };
  return spawnSync(process.execPath, [script, ...args], { stdio: 'inherit', env }).status === 0;
}

/** Both have run by now: the second is not skipped when the first fails. */
function both(first, second) {
  return first && second;
}

/** Generates in a copy of the tree: other processes (a watching editor, a second test run) never see it change. */
function generatedCodeIsCurrent() {
  const copy = mkdtempSync(join(tmpdir(), 'points-generate-'));
  try {
    for (const name of readdirSync('.').filter((name) => !NOT_SOURCE.includes(name))) {
      cpSync(name, join(copy, name), { recursive: true, filter: (path) => basename(path) !== 'node_modules' });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const before = contents(copy);
    if (!node(join(copy, 'scripts/generate.js'))) return false;
    const after = contents(copy);
    const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
      (path) => before.get(path) !== after.get(path),
    );
    for (const path of differing.sort()) console.log(`${path} is not what scripts/generate.js makes`);
    if (differing.length > 0) console.log('run `npm run generate` and commit what it changes');
    return differing.length === 0;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function contents(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path, 'latin1')]));
}

/** A mocha that does not get as far as its summary counts as a failure, and so does one that found no test. */
function runMocha(args) {
  const folder = mkdtempSync(join(tmpdir(), 'points-totals-'));
  try {
    const file = join(folder, 'totals.json');
    const fine = run({ MOCHA_TOTALS: file }, MOCHA, '--reporter', 'test/support/reporter.cjs', ...args);
    const { passes = 0, failures = 0, pending = 0 } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    totals.passed += passes;
    totals.failed += failures;
    totals.skipped += pending;
    if (fine && passes > 0) return;
    if (failures > 0) return;
    console.log(fine ? 'mocha ran no test' : 'mocha ended before its time');
    totals.failed += 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
