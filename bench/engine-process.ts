// The engine in a process of its own, and the load on it: no network but the database's.
import { randomUUID } from 'node:crypto';
import { type Accounts, pickAccount, pickPoints } from './accounts.ts';
import { serveCalls } from './child.ts';
import { type LoadOptions, load, percentile } from './load.ts';
import { connect, createEngine, readConfig, systemClock, verifyAccount } from './product.ts';
import { SPEND_POINTS_MAX } from './settings.ts';

const config = readConfig(process.env);
const db = connect(config.databaseUrl ?? '', { connectionsMax: config.databaseConnections });
const engine = createEngine(db, systemClock, config);

/** With a request id, as the client package sends one with every spend. */
async function spend(account: string, points: number): Promise<void> {
  const outcome = await engine.submit({
    account,
    command: { kind: 'spend', requestId: randomUUID(), points },
    preview: false,
    repeatable: true,
    isGone: () => false,
    deadline: Number.POSITIVE_INFINITY,
  });
  if (!outcome.accepted) throw new Error(`${account}: ${outcome.rejection.reason}`);
}

/** Spends one after another, an account of each list in turn: what each list's spends take, in milliseconds, sorted. */
async function inTurns(lists: readonly (readonly string[])[], spends: number): Promise<number[][]> {
  const latencies: number[][] = lists.map(() => []);
  for (let turn = 0; turn < spends; turn += 1) {
    for (const [index, accounts] of lists.entries()) {
      const begin = performance.now();
      await spend(accounts[turn % accounts.length] ?? '', 1 + (turn % SPEND_POINTS_MAX));
      latencies[index]?.push(performance.now() - begin);
    }
  }
  return latencies.map((list) => list.sort((a, b) => a - b));
}

serveCalls({
  spend({ accounts, options }: { accounts: Accounts; options: LoadOptions }) {
    const account = pickAccount(accounts);
    return load(options, () => spend(account(), pickPoints()));
  },
  async spendInTurns({ lists, spends }: { lists: string[][]; spends: number }) {
    const latencies = await inTurns(lists, spends);
    return latencies.map((list) => ({ p50Ms: percentile(list, 0.5), p99Ms: percentile(list, 0.99) }));
  },
  verify: (account: string) => verifyAccount(db, account),
  stats: () => ({ ...engine.stats }),
  async stop() {
    await engine.close();
    await db.destroy();
  },
});
