import { compareRates } from '../comparison.ts';
import { type Case, dataSeconds, turnsSeconds } from './case.ts';

const startSeconds = 4;

/** Spends through gRPC: how many, and how long the slowest of them take. */
export const grpc: Case = {
  name: 'grpc',
  seconds: (settings) => dataSeconds(settings) + 2 * startSeconds + turnsSeconds(settings),
  async run(bench) {
    const { inFlight, accounts } = bench.settings;
    const url = await bench.data();
    const grouped = await bench.server(url, bench.environment('grouped'));
    const single = await bench.server(url, bench.environment('single'));
    const [a, b] = await bench.inTurns(
      () => grouped.grpc('spend', bench.spread, inFlight),
      () => single.grpc('spend', bench.spread, inFlight),
    );
    return [
      compareRates(a, b, {
        name: `gRPC spends, ${accounts.toLocaleString('en')} accounts`,
        comparedWith: 'GROUP_MAX=1',
        unit: 'spends/s',
        target: { atLeast: 3 },
      }),
      {
        name: `gRPC spends, p99 under ${inFlight} in flight`,
        comparedWith: 'GROUP_MAX=1',
        unit: 'ms',
        target: { atMost: 0.5 },
        values: a.map(({ p99Ms }) => p99Ms),
        others: b.map(({ p99Ms }) => p99Ms),
        notes: [],
        samples: 'those of the case before',
      },
    ];
  },
};

/** A hot account is no slower than many. */
export const grpcHot: Case = {
  name: 'grpc-hot',
  seconds: (settings) => dataSeconds(settings) + startSeconds + turnsSeconds(settings),
  async run(bench) {
    const { inFlight, accounts } = bench.settings;
    const server = await bench.server(await bench.data(), bench.environment('grouped'));
    const [hot, spread] = await bench.inTurns(
      () => server.grpc('spend', bench.hot, inFlight),
      () => server.grpc('spend', bench.spread, inFlight),
    );
    return [
      compareRates(hot, spread, {
        name: 'gRPC spends, one hot account',
        comparedWith: `${accounts.toLocaleString('en')} accounts`,
        unit: 'spends/s',
        target: { atLeast: 1 },
      }),
    ];
  },
};

/** REST beside gRPC, on one server. */
export const rest: Case = {
  name: 'rest',
  seconds: (settings) => dataSeconds(settings) + startSeconds + turnsSeconds(settings),
  async run(bench) {
    const { inFlight } = bench.settings;
    const server = await bench.server(await bench.data(), bench.environment('grouped'));
    const [a, b] = await bench.inTurns(
      () => server.rest(bench.spread, inFlight),
      () => server.grpc('spend', bench.spread, inFlight),
    );
    return [
      compareRates(a, b, {
        name: 'REST spends, keep-alive',
        comparedWith: 'gRPC',
        unit: 'spends/s',
        target: { atLeast: 1 },
      }),
    ];
  },
};

/** Reading a balance beside an answer that needs nothing. */
export const balance: Case = {
  name: 'balance',
  seconds: (settings) => dataSeconds(settings) + startSeconds + turnsSeconds(settings),
  async run(bench) {
    const { inFlight } = bench.settings;
    const server = await bench.server(await bench.data(), bench.environment('grouped'));
    const [a, b] = await bench.inTurns(
      () => server.grpc('balance', bench.spread, inFlight),
      () => server.grpc('echo', bench.spread, inFlight),
    );
    return [
      compareRates(a, b, {
        name: 'gRPC GetBalance',
        comparedWith: 'a bare unary echo on the same server',
        unit: 'calls/s',
        target: { atLeast: 0.5 },
      }),
    ];
  },
};

/** One client that waits for each answer: grouping must not delay it. */
export const lone: Case = {
  name: 'lone',
  seconds: (settings) => dataSeconds(settings) + 2 * startSeconds + turnsSeconds(settings),
  async run(bench) {
    const url = await bench.data();
    const grouped = await bench.server(url, bench.environment('grouped'));
    const single = await bench.server(url, bench.environment('single'));
    const [a, b] = await bench.inTurns(
      () => grouped.grpc('spend', bench.spread, 1),
      () => single.grpc('spend', bench.spread, 1),
    );
    return [
      {
        name: 'one lone gRPC client, p50',
        comparedWith: 'GROUP_MAX=1',
        unit: 'ms',
        target: { atMost: 1.1 },
        values: a.map(({ p50Ms }) => p50Ms),
        others: b.map(({ p50Ms }) => p50Ms),
        notes: [],
        samples: { measured: a, comparedWith: b },
      },
    ];
  },
};
