import type { Bench, Engine } from '../bench.ts';
import type { Comparison } from '../comparison.ts';
import { median } from '../measure.ts';
import type { Case } from './case.ts';

/** Lots that no measurement drains: how many lots a spend draws is then the same on both sides. */
const LOT_POINTS = 10_000;

/** Lots that are open besides a history that is all spent. */
const OPEN_LOTS = 50;

/** Several small accounts in turn, so that their histories stay small. */
const SMALL_ACCOUNTS = 10;

interface InTurns {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A spend costs the same however long the account's history is, spent or open. */
export const history: Case = {
  name: 'history',
  seconds: ({ quick, history: { spends } }) => (quick ? 6 : 40) + spends * 0.014,
  async run(bench) {
    const { large, small } = bench.settings.history;
    const account = (name: string, accounts: number, spent: number, open: number) => ({
      name: accounts === 1 ? `'${name}'` : `CONCAT('${name}-', LPAD(a.n, 2, '0'))`,
      accounts,
      spent,
      open,
      lotPoints: LOT_POINTS,
    });
    const url = await bench.filled('history', [
      account('spent-large', 1, large / 2, OPEN_LOTS),
      account('spent-small', SMALL_ACCOUNTS, small / 2, OPEN_LOTS),
      account('open-large', 1, 0, large),
      account('open-small', SMALL_ACCOUNTS, 0, small),
    ]);
    const engine = await bench.engine(url, bench.environment('grouped'));
    await checkFilling(engine);
    return [await compare(bench, engine, 'spent'), await compare(bench, engine, 'open')];
  },
};

/** The data must be what the service would have written: its own check says so. */
async function checkFilling({ child }: Engine): Promise<void> {
  for (const account of ['spent-small-01', 'open-small-01']) {
    const found = await child.call<string[]>('verify', account);
    if (found.length > 0) throw new Error(`${account} is not as the service would have it: ${found.join('; ')}`);
  }
}

async function compare(bench: Bench, engine: Engine, shape: 'spent' | 'open'): Promise<Comparison> {
  const { rounds, history: sizes } = bench.settings;
  const small = Array.from(
    { length: SMALL_ACCOUNTS },
    (_, index) => `${shape}-small-${String(index + 1).padStart(2, '0')}`,
  );
  const lists = [[`${shape}-large`], small];
  const spends = Math.ceil(sizes.spends / rounds);
  await engine.child.call('spendInTurns', { lists, spends: 50 });
  const samples: InTurns[][] = [];
  for (let round = 1; round <= rounds; round += 1) {
    bench.note(`round ${round} of ${rounds}, ${shape}`, (shape === 'spent' ? 0.5 : 0.75) + round / rounds / 4);
    samples.push(await engine.child.call<InTurns[]>('spendInTurns', { lists, spends }));
  }
  const p50s = (index: number) => samples.map((round) => round[index]?.p50Ms ?? Number.NaN);
  const what = shape === 'spent' ? 'all spent' : 'all open';
  return {
    name: `spend after ${sizes.large.toLocaleString('en')} transactions, ${what}: p50`,
    comparedWith: `after ${sizes.small}`,
    unit: 'ms',
    target: { atMost: 1.2 },
    values: p50s(0),
    others: p50s(1),
    notes: [
      `in-process engine, one call at a time, both accounts in turn; p99 ${median(samples.map((round) => round[0]?.p99Ms ?? 0)).toFixed(2)} ms and ${median(samples.map((round) => round[1]?.p99Ms ?? 0)).toFixed(2)} ms`,
    ],
    samples,
  };
}
