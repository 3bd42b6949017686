// npm run bench -- --profile: where the time goes.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import type { Connection } from 'mysql2/promise';
import { type Bench, createBench, type Side, usualData } from './bench.ts';
import { type ProfileSummary, summarize } from './cpu-profile.ts';
import { type BenchDatabase, query } from './database.ts';
import type { ImportSlice } from './import-rows.ts';
import type { Load } from './load.ts';
import { describeMachine } from './machine.ts';
import { type Measurement, measure, median } from './measure.ts';
import { type RecordedTransaction, spendsOf } from './record-statements.ts';
import { DATA_DIR, type Settings } from './settings.ts';

/** Left out of a profile: start, loading, warming up. */
const SKIP_MS = 4_000;
const IMPORT_SKIP_MS = 1_500;

export async function profile(settings: Settings, database: BenchDatabase): Promise<void> {
  const bench = createBench({ ...settings, quick: false }, database, 8, (text) => console.error(text));
  const url = await bench.data();
  const report = [
    `# Where the time goes\n\nWritten by \`npm run bench -- --profile\`. ${machineText(database.version)}`,
    await profileServer(bench, url),
    await profileEngine(bench, url),
    await profileImport(bench),
    await compareFlushes(bench, url),
    await explainAll(bench),
  ].join('\n\n');
  await bench.tidy();
  console.log(report);
  const folder = settings.quick ? new URL(`../${DATA_DIR}/`, import.meta.url) : new URL('.', import.meta.url);
  writeFileSync(new URL('profile.md', folder), `${report}\n`);
}

function machineText(version: string): string {
  const { cpus, cpuModel, node, database, commit } = describeMachine(version);
  return `${cpus} × ${cpuModel}, Node ${node}, ${database}, commit ${commit}.`;
}

async function profileServer(bench: Bench, url: string): Promise<string> {
  const folder = emptyFolder('server');
  const server = await bench.server(url, bench.environment('grouped'), ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const measured = await repeat(bench, () => server.grpc('spend', bench.spread, bench.settings.inFlight));
  await server.child.stop();
  return `## gRPC spends, ${bench.settings.inFlight} in flight\n\n${cpuText(measured)}\n\n${sharesText(summaryIn(folder))}`;
}

async function profileEngine(bench: Bench, url: string): Promise<string> {
  const folder = emptyFolder('engine');
  const engine = await bench.engine(url, bench.environment('grouped'), ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const measured = await repeat(bench, () => engine.spend(bench.spread, bench.settings.inFlight));
  await engine.child.stop();
  return `## In-process engine, ${bench.settings.inFlight} in flight\n\n${cpuText(measured)}\n\n${sharesText(summaryIn(folder))}`;
}

async function profileImport(bench: Bench): Promise<string> {
  const { settings, database } = bench;
  const folder = emptyFolder('import');
  const url = await bench.filled('import_profile', []);
  const server = await bench.server(url, bench.environment('grouped'), ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const importer = await bench.start('import-load-process.ts');
  const processes = { server: server.child.pid, database: database.pid, client: importer.pid };
  const slice: ImportSlice = { from: 0, to: settings.imported / 5, accounts: settings.accounts };
  const call = { server: server.addresses, slice };
  const measured = await measure(() => importer.call<Load>('importSlice', call), processes);
  await server.child.stop();
  return `## Import\n\n${cpuText([measured], 'transactions')}\n\n${sharesText(summaryIn(folder, IMPORT_SKIP_MS))}`;
}

function emptyFolder(name: string): string {
  const folder = join(DATA_DIR, 'profiles', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function repeat(bench: Bench, side: Side): Promise<Measurement[]> {
  const { rounds, windowMs } = bench.settings;
  const warmUps = Math.ceil(SKIP_MS / windowMs);
  const measured: Measurement[] = [];
  for (let index = 0; index < warmUps + rounds; index += 1) measured.push(await side());
  return measured.slice(warmUps);
}

function cpuText(measured: readonly Measurement[], what = 'spends'): string {
  const names = Object.keys(measured[0]?.cpuUsPerCall ?? {});
  const times = names.map(
    (name) => `${name} ${Math.round(median(measured.map(({ cpuUsPerCall }) => cpuUsPerCall[name] ?? Number.NaN)))} µs`,
  );
  const rate = Math.round(median(measured.map((each) => each.rate)));
  return `${rate.toLocaleString('en')} ${what}/s while profiled. Processor time of each: ${times.join(', ')}.`;
}

function summaryIn(folder: string, skipMs = SKIP_MS): ProfileSummary {
  // The workers of the TypeScript loader write profiles too: the process's own is the largest.
  const files = readdirSync(folder).map((name) => join(folder, name));
  const sized = files.map((path) => ({ path, size: readFileSync(path).length })).sort((a, b) => b.size - a.size);
  return summarize(sized[0]?.path ?? '', skipMs);
}

function sharesText({ idle, parts, functions }: ProfileSummary): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const rows = parts.filter(({ share }) => share >= 0.005).map(({ part, share }) => `| ${part} | ${percent(share)} |`);
  const most = functions.map(({ part, share }) => `${part} ${percent(share)}`);
  return `The node process waits ${percent(idle)} of the time; of the rest:\n\n| code | share |\n|---|---|\n${rows.join('\n')}\n\nMost in: ${most.join('; ')}.`;
}

/** What the flush at each commit costs: the same load without it, as no service may run. */
async function compareFlushes(bench: Bench, url: string): Promise<string> {
  const { admin } = bench.database;
  const engine = await bench.engine(url, bench.environment('grouped'));
  const side =
    (flush: 0 | 1): Side =>
    async () => {
      await admin.query(`SET GLOBAL innodb_flush_log_at_trx_commit = ${flush}`);
      return engine.spend(bench.spread, bench.settings.inFlight);
    };
  const [durable, careless] = await bench.inTurns(side(1), side(0));
  await admin.query('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
  const rates = [durable, careless].map((side) =>
    Math.round(median(side.map(({ rate }) => rate))).toLocaleString('en'),
  );
  return `## The flush\n\nIn-process engine: ${rates[0]} spends/s with a flush at each commit, ${rates[1]} without.`;
}

/** The plans of one group's statements, and what each takes when a bare client sends it to equal data. */
async function explainAll(bench: Bench): Promise<string> {
  const { admin } = bench.database;
  const path = join(DATA_DIR, 'statements');
  const data = () => usualData({ ...bench.settings, hotLots: 50 });
  const server = await bench.server(await bench.filled('recorded', data()), bench.environment('grouped'));
  await server.child.call('record');
  for (let window = 0; window < 4; window += 1) await server.grpc('spend', bench.spread, bench.settings.inFlight);
  await server.child.call('recorded', path);
  const url = await bench.filled('replayed', data());
  const replayer = await bench.start('replay-process.ts');
  const count = await replayer.call<number>('open', { url, path, connections: 1 });
  const transactions = deserialize(readFileSync(path)) as RecordedTransaction[];
  rmSync(path);
  const warm = Math.floor(count / 2);
  await replayer.call('replay', { from: 0, to: warm });
  const times = await replayer.call<Record<string, number>>('timeStatements', { from: warm, to: count });
  await admin.query(`USE ${new URL(url).pathname.slice(1)}`);
  const spends = transactions.slice(warm).reduce((sum, each) => sum + spendsOf(each), 0) / (count - warm);
  const lines = Object.entries(times).map(([name, ms]) => `- ${ms.toFixed(2)} ms \`${name}\``);
  return [
    `## One group's statements\n\n${spends.toFixed(0)} spends in a group; sent by a bare client, one connection:`,
    lines.join('\n'),
    `Their plans:\n\n${(await plansOf(admin, transactions.at(-1) ?? [])).join('\n')}`,
  ].join('\n\n');
}

async function plansOf(admin: Connection, statements: RecordedTransaction): Promise<string[]> {
  const plans: string[] = [];
  for (const { sql, bindings } of statements) {
    if (/^\s*INSERT/.test(sql)) continue;
    const rows = await query(admin, `EXPLAIN ${sql}`, bindings as unknown[]);
    const steps = rows.map(
      ({ table, type, key, rows: read, Extra }) => `${table}: ${type}, key ${key}, ${read} rows, ${Extra}`,
    );
    plans.push(`- \`${sql.replace(/\s+/g, ' ').slice(0, 110)}\`\n  ${[...new Set(steps)].join('\n  ')}`);
  }
  return plans;
}
