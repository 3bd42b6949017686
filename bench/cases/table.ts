import type { Bench } from '../bench.ts';
import type { Comparison } from '../comparison.ts';
import { query, tableSizes } from '../database.ts';
import type { Measurement } from '../measure.ts';
import { BUFFER_POOL } from '../settings.ts';
import { type Case, turnsSeconds } from './case.ts';

const LOTS_PER_ACCOUNT = 50;

/** So many that the few accounts of the small table do not run dry. */
const LOT_POINTS = 2_000;

/** Holds all of the large database. */
const LARGE_POOL_GIB = 4;

/** A spend costs nearly the same however many lots the table holds. */
export const table: Case = {
  name: 'table',
  seconds: (settings) => settings.table.large / 80_000 + 3 * turnsSeconds(settings),
  async run(bench) {
    const { table: sizes, inFlight } = bench.settings;
    const large = await sideOf(bench, 'large', sizes.large);
    const small = await sideOf(bench, 'small', sizes.small);
    const notes = [await fitNote(bench, large.url)];
    const lone = await bench.inTurns(
      () => large.engine.spend(large.accounts, 1),
      () => small.engine.spend(small.accounts, 1),
    );
    const busy = await bench.inTurns(
      () => large.engine.spend(large.accounts, inFlight),
      () => small.engine.spend(small.accounts, inFlight),
    );
    const fitting = await withLargePool(bench, large.url, () =>
      bench.inTurns(
        () => large.engine.spend(large.accounts, inFlight),
        () => small.engine.spend(small.accounts, inFlight),
      ),
    );
    const name = `spend among ${sizes.large.toLocaleString('en')} lots`;
    const about = { comparedWith: `among ${sizes.small.toLocaleString('en')}`, unit: 'ms', target: { atMost: 1.5 } };
    const eachMs = ({ rate }: Measurement) => 1000 / rate;
    return [
      compare(lone, ({ p50Ms }) => p50Ms, { ...about, name: `${name}: p50, one at a time`, notes }),
      compare(busy, eachMs, { ...about, name: `${name}: each, ${inFlight} in flight`, notes: [] }),
      compare(fitting, eachMs, { ...about, name: `${name}: the same, buffer pool ${LARGE_POOL_GIB} GiB`, notes: [] }),
    ];
  },
};

async function sideOf(bench: Bench, name: string, lots: number) {
  const accounts = lots / LOTS_PER_ACCOUNT;
  const member = "CONCAT('member-', LPAD(a.n, 7, '0'))";
  const filling = { name: member, accounts, spent: 0, open: LOTS_PER_ACCOUNT, lotPoints: LOT_POINTS };
  const url = await bench.filled(`table_${name}`, [filling]);
  const engine = await bench.engine(url, bench.environment('grouped'));
  return { url, engine, accounts: { hot: false, count: accounts } as const };
}

/** What the same costs when all of it is in memory. */
async function withLargePool<Value>({ database, note }: Bench, url: string, run: () => Promise<Value>): Promise<Value> {
  const { admin } = database;
  const name = new URL(url).pathname.slice(1);
  const [before = {}] = await query(admin, 'SELECT @@innodb_buffer_pool_size AS bytes');
  await admin.query(`SET GLOBAL innodb_buffer_pool_size = ${LARGE_POOL_GIB * 2 ** 30}`);
  note('reading the tables into memory', 0.7);
  for (const [table, index] of INDEXES)
    await admin.query(`SELECT COUNT(payer) FROM ${name}.${table} FORCE INDEX (${index})`);
  try {
    return await run();
  } finally {
    await admin.query(`SET GLOBAL innodb_buffer_pool_size = ${Number(before.bytes)}`);
  }
}

/** What a spend touches of the large tables. */
const INDEXES = [
  ['open_lots', 'PRIMARY'],
  ['open_lots', 'open_lots_by_payer'],
  ['transactions', 'PRIMARY'],
  ['payer_balances', 'PRIMARY'],
];

async function fitNote({ database }: Bench, url: string): Promise<string> {
  const sizes = await tableSizes(database.admin, url);
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  const all = Object.values(sizes).reduce((sum, { bytes }) => sum + bytes, 0);
  const each = Object.entries(sizes).map(([name, { bytes }]) => `${name} ${gib(bytes)}`);
  return `the large database has ${gib(all)} (${each.join(', ')}), the buffer pool ${BUFFER_POOL}iB, ${LARGE_POOL_GIB} GiB where it says so`;
}

function compare(
  [a, b]: [Measurement[], Measurement[]],
  value: (measurement: Measurement) => number,
  about: Pick<Comparison, 'name' | 'comparedWith' | 'unit' | 'target' | 'notes'>,
): Comparison {
  return { ...about, values: a.map(value), others: b.map(value), samples: { measured: a, comparedWith: b } };
}
