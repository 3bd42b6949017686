import type { Bench } from '../bench.ts';
import type { Comparison } from '../comparison.ts';
import { tableSizes } from '../database.ts';
import type { Measurement } from '../measure.ts';
import { BUFFER_POOL } from '../settings.ts';
import { type Case, turnsSeconds } from './case.ts';

const LOTS_PER_ACCOUNT = 50;

/** A spend costs nearly the same however many lots the table holds. */
export const table: Case = {
  name: 'table',
  seconds: (settings) => settings.table.large / 80_000 + 2 * turnsSeconds(settings),
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
    const name = `spend with ${sizes.large.toLocaleString('en')} lots in the table`;
    const about = {
      comparedWith: `with ${sizes.small.toLocaleString('en')}`,
      unit: 'ms',
      target: { atMost: 1.5 },
      notes,
    };
    return [
      compare(lone, ({ p50Ms }) => p50Ms, { ...about, name: `${name}: p50, one at a time` }),
      compare(busy, ({ rate }) => 1000 / rate, { ...about, name: `${name}: time of each, ${inFlight} in flight` }),
    ];
  },
};

async function sideOf(bench: Bench, name: string, lots: number) {
  const accounts = lots / LOTS_PER_ACCOUNT;
  const filling = { name: "CONCAT('member-', LPAD(a.n, 7, '0'))", accounts, spent: 0, open: LOTS_PER_ACCOUNT };
  const url = await bench.filled(`table_${name}`, [filling]);
  const engine = await bench.engine(url, bench.environment('grouped'));
  return { url, engine, accounts: { hot: false, count: accounts } as const };
}

async function fitNote({ database }: Bench, url: string): Promise<string> {
  const sizes = await tableSizes(database.admin, url);
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  const all = Object.values(sizes).reduce((sum, { bytes }) => sum + bytes, 0);
  const each = Object.entries(sizes).map(([name, { bytes }]) => `${name} ${gib(bytes)}`);
  return `the large database has ${gib(all)} (${each.join(', ')}), the buffer pool ${BUFFER_POOL}iB`;
}

function compare(
  [a, b]: [Measurement[], Measurement[]],
  value: (measurement: Measurement) => number,
  about: Pick<Comparison, 'name' | 'comparedWith' | 'unit' | 'target' | 'notes'>,
): Comparison {
  return { ...about, values: a.map(value), others: b.map(value), samples: { measured: a, comparedWith: b } };
}
