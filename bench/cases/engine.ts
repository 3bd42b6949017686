import type { Accounts } from '../accounts.ts';
import type { Bench } from '../bench.ts';
import { type Comparison, compareRates } from '../comparison.ts';
import type { Measurement } from '../measure.ts';
import { type Case, dataSeconds, turnsSeconds } from './case.ts';

const seconds: Case['seconds'] = (settings) => dataSeconds(settings) + 3 + turnsSeconds(settings);

/** The group commit alone: no gRPC, spends over all accounts. */
export const engine: Case = {
  name: 'engine',
  seconds,
  async run(bench) {
    const [grouped, single] = await measureBoth(bench, bench.spread);
    return [
      compareRates(grouped, single, {
        name: `in-process engine, ${bench.settings.accounts.toLocaleString('en')} accounts`,
        comparedWith: 'GROUP_MAX=1',
        unit: 'spends/s',
        target: { atLeast: 5 },
      }),
    ];
  },
};

/** The same on one account. */
export const engineHot: Case = {
  name: 'engine-hot',
  seconds,
  async run(bench): Promise<Comparison[]> {
    const [grouped, single] = await measureBoth(bench, bench.hot);
    return [
      compareRates(grouped, single, {
        name: 'in-process engine, one hot account',
        comparedWith: 'GROUP_MAX=1',
        unit: 'spends/s',
        target: { atLeast: 25 },
      }),
    ];
  },
};

async function measureBoth(bench: Bench, accounts: Accounts): Promise<[Measurement[], Measurement[]]> {
  const { inFlight } = bench.settings;
  const url = await bench.data();
  const grouped = await bench.engine(url, bench.environment('grouped'));
  const single = await bench.engine(url, bench.environment('single'));
  return bench.inTurns(
    () => grouped.spend(accounts, inFlight),
    () => single.spend(accounts, inFlight),
  );
}
