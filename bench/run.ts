// npm run bench: see README.md beside this file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Bench, createBench } from './bench.ts';
import { type BestWorkers, findBestWorkers } from './best-workers.ts';
import type { Case } from './cases/case.ts';
import { engine, engineHot } from './cases/engine.ts';
import { balance, grpc, grpcHot, lone, rest } from './cases/grpc.ts';
import { history } from './cases/history.ts';
import { imports } from './cases/import.ts';
import { limit } from './cases/limit.ts';
import { table } from './cases/table.ts';
import { killChildren } from './child.ts';
import { type Comparison, isReached, ratio } from './comparison.ts';
import { type BenchDatabase, openBenchDatabase } from './database.ts';
import { describeMachine, type Machine } from './machine.ts';
import { plot } from './plot.ts';
import { profile } from './profile.ts';
import { createProgress } from './progress.ts';
import { ratioText, reportTable } from './report.ts';
import { BUFFER_POOL, DATA_DIR, FULL, QUICK, type Settings } from './settings.ts';

const CASES: readonly Case[] = [engine, engineHot, grpc, grpcHot, rest, limit, lone, history, table, balance, imports];

/** Cases that compare with one transaction for each request. */
const NEEDS_BEST_WORKERS: readonly Case[] = [engine, engineHot, grpc, lone];

const USAGE = `npm run bench                 all cases, in about twelve minutes
npm run bench -- --quick      less of everything, in less than a minute; writes no results
npm run bench -- --only NAME  one case, or several: ${CASES.map(({ name }) => name).join(', ')}
npm run bench -- --with WORKERS=3,GROUP_MAX=64
                              the service with other settings than its defaults, to try them; writes no results
npm run bench -- --profile    where the time goes: processor time by package, and the plans of the statements`;

/** Settings of the service that the shell may carry: the benchmark goes by the defaults. */
const FOREIGN = [
  ...['DATABASE_URL', 'DATABASE_BUFFER_POOL', 'DATABASE_CONNECTIONS', 'DATA_DIR', 'HOST', 'GRPC_PORT', 'HTTP_PORT'],
  ...['TLS_CERT_FILE', 'TLS_KEY_FILE', 'AUTH_SECRET', 'MAX_CLOCK_SKEW', 'GROUP_MAX', 'QUEUE_MAX', 'WORKERS'],
];

interface Results {
  readonly machine: Machine;
  readonly at: string;
  readonly settings: Settings & { readonly bufferPool: string };
  /** Spends a second with one transaction for each request, by its number of workers. */
  readonly singleWorkers: BestWorkers;
  readonly seconds: number;
  readonly comparisons: readonly object[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      with: { type: 'string', default: '' },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const cases = chosen(values.only.flatMap((names) => names.split(',')));
  for (const name of FOREIGN) delete process.env[name];
  mkdirSync(DATA_DIR, { recursive: true, mode: 0o700 });
  const database = await openBenchDatabase((line) => console.error(line));
  stopOnSignals(database);
  try {
    const settings = { ...(values.quick ? QUICK : FULL), grouped: environmentOf(values.with) };
    const keep = cases.length === CASES.length && !values.quick && values.with === '';
    if (values.profile) await profile(settings, database);
    else await runCases(cases, settings, database, keep);
  } finally {
    await database.stop();
  }
}

function chosen(names: readonly string[]): readonly Case[] {
  if (names.length === 0) return CASES;
  const unknown = names.find((name) => !CASES.some((each) => each.name === name));
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}\n${USAGE}`);
  return CASES.filter(({ name }) => names.includes(name));
}

/** Settings as `--with` takes them: NAME=VALUE, with commas between. */
function environmentOf(text: string): Record<string, string> {
  const pairs = text === '' ? [] : text.split(',').map((pair) => pair.split('=', 2));
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value]));
}

/** Ctrl-C leaves no process behind: the load's by their ids, then the database. */
function stopOnSignals(database: BenchDatabase): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      killChildren();
      database.stop().finally(() => process.exit(130));
    });
  }
}

async function runCases(cases: readonly Case[], settings: Settings, database: BenchDatabase, keep: boolean) {
  const began = Date.now();
  const needsWorkers = cases.some((each) => NEEDS_BEST_WORKERS.includes(each));
  const expected = new Map(cases.map((each) => [each.name, each.seconds(settings)]));
  if (needsWorkers) expected.set('workers', settings.quick ? 7 : 22);
  const progress = createProgress(expected);
  const workers = needsWorkers ? await tryWorkers(settings, database, progress) : { best: 8, tried: {} };
  const bench = createBench(settings, database, workers.best, progress.note);
  const comparisons: Comparison[] = [];
  for (const each of cases) {
    progress.begin(each.name);
    for (const comparison of await runCase(each, bench)) {
      comparisons.push(comparison);
      progress.end(summary(comparison));
    }
  }
  const seconds = Math.round((Date.now() - began) / 1000);
  const machine = describeMachine(database.version);
  const results: Results = {
    machine,
    at: new Date().toISOString(),
    settings: { ...settings, bufferPool: BUFFER_POOL },
    singleWorkers: workers,
    seconds,
    comparisons: comparisons.map((comparison) => ({
      ...comparison,
      ratio: ratio(comparison),
      reached: isReached(comparison),
    })),
  };
  const text = textOf(comparisons, machine, workers, settings, seconds);
  console.log(`\n${text}`);
  const folder = keep ? new URL('.', import.meta.url) : new URL(`../${DATA_DIR}/`, import.meta.url);
  writeFileSync(new URL('results.json', folder), `${JSON.stringify(results, compact, 1)}\n`);
  writeFileSync(new URL('results.svg', folder), plot(comparisons, captionOf(machine, settings)));
  writeFileSync(new URL('results.md', folder), `# Results\n\nWritten by \`npm run bench\`.\n\n${text}\n`);
  console.log(`\nwritten: results.json, results.md and results.svg in ${keep ? 'bench' : DATA_DIR}`);
}

async function tryWorkers(settings: Settings, database: BenchDatabase, progress: ReturnType<typeof createProgress>) {
  progress.begin('workers');
  const workers = await findBestWorkers(settings, database);
  progress.end(`one transaction per request is compared with ${workers.best} workers (${workersText(workers)})`);
  return workers;
}

async function runCase(each: Case, bench: Bench): Promise<Comparison[]> {
  try {
    return await each.run(bench);
  } catch (error) {
    throw new Error(`case ${each.name}: ${(error as Error).message}`, { cause: error });
  } finally {
    await bench.tidy();
  }
}

function summary(comparison: Comparison): string {
  return `${isReached(comparison) ? '✓' : '✗'} ${comparison.name}: ${ratioText(ratio(comparison))} ${comparison.comparedWith}`;
}

function textOf(
  comparisons: readonly Comparison[],
  machine: Machine,
  workers: BestWorkers,
  settings: Settings,
  seconds: number,
): string {
  const reached = comparisons.filter(isReached).length;
  const changed = Object.entries(settings.grouped).map(([name, value]) => `${name}=${value}`);
  const service = changed.length === 0 ? "at the service's defaults" : `with ${changed.join(', ')}`;
  return [
    captionOf(machine, settings),
    `GROUP_MAX=1 at its best number of workers, ${workers.best} (${workersText(workers)}); the rest ${service}.`,
    reportTable(comparisons),
    `${reached} of ${comparisons.length} targets reached, in ${seconds} s.`,
  ].join('\n\n');
}

function workersText({ tried }: BestWorkers): string {
  return Object.entries(tried)
    .map(([count, rate]) => `${count}: ${rate.toLocaleString('en')}/s`)
    .join(', ');
}

function captionOf(machine: Machine, { quick }: Settings): string {
  const { cpus, cpuModel, memoryGiB, node, database, commit } = machine;
  const scale = quick ? 'quick: fewer and shorter measurements, smaller tables; ' : '';
  return `${scale}${cpus} × ${cpuModel}, ${memoryGiB} GiB, Node ${node}, ${database}, commit ${commit}`;
}

/** Raw samples need no more than six digits. */
function compact(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

main().catch((error: unknown) => {
  killChildren();
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
