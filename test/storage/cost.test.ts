import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { systemClock } from '../../src/clock.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import { createReads, type Reads } from '../../src/engine/reads.ts';
import { connect } from '../../src/storage/connect.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { expectVerified } from '../support/rows.ts';
import { at, earn, reverse, spend, submission, summary } from '../support/submissions.ts';

/** Spent lots and open lots of a large account: half each. */
const LOTS = 20_000;
const READER = { isGone: () => false, deadline: Number.POSITIVE_INFINITY };

describe('what a call costs the database', () => {
  let database: TestDatabase;
  /** One connection, so that its session counts all that an engine reads. */
  let db: Knex;
  let engine: Engine;
  let reads: Reads;
  before(async function () {
    this.timeout(120_000);
    database = await createTestDatabase();
    db = connect(database.url, { connectionsMax: 1 });
    const migrating = connect(database.url, { connectionsMax: 2 });
    await migrate(migrating);
    await migrating.destroy();
    engine = createEngine(db, systemClock, { groupMax: 128, queueMax: 10_000, workers: 1 });
    reads = createReads(db);
    await fill('small', 20);
    await fill('large', LOTS);
    await Promise.all(Array.from({ length: 50 }, (_, index) => fillReversed(`other-${index}`, 10)));
    await db.raw('ANALYZE TABLE accounts, payer_balances, open_lots, transactions, allocations, reversals');
  });
  after(async () => {
    await engine?.close();
    await db?.destroy();
    await expectVerified(database.url);
    await database.drop();
  });

  /** An account with so many spent lots, and as many open ones, of three payers. */
  async function fill(account: string, lots: number): Promise<void> {
    for (const half of [0, 1]) {
      const earning: Promise<unknown>[] = [];
      const spending: Promise<unknown>[] = [];
      for (let first = 0; first < lots; first += 1000) {
        const count = Math.min(1000, lots - first);
        const entries = Array.from({ length: count }, (_, index) => ({
          payer: `P${index % 3}`,
          points: 10,
          earnedAt: at(half * lots + first + index),
        }));
        earning.push(engine.submit(submission(account, { kind: 'add', requestId: randomUUID(), entries })));
        if (half === 0) spending.push(engine.submit(spend(account, count * 10)));
      }
      await Promise.all([...earning, ...spending]);
    }
  }

  /** An account with so many spends, each taken back. */
  async function fillReversed(account: string, spends: number): Promise<void> {
    const work = [earn(account, 10)];
    for (let sequence = 2; sequence < 2 + spends; sequence += 1) work.push(spend(account, 1));
    for (let sequence = 2; sequence < 2 + spends; sequence += 1) work.push(reverse(account, sequence));
    await Promise.all(work.map((each) => engine.submit(each)));
  }

  async function rowsRead(): Promise<number> {
    const [rows] = await db.raw("SHOW SESSION STATUS LIKE 'Handler\\_read\\_%'");
    return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0);
  }

  /** How many rows the database touched for some work, the least of three times. */
  async function costOf(work: () => Promise<unknown>): Promise<number> {
    const costs: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      const before = await rowsRead();
      await work();
      const between = await rowsRead();
      const status = (await rowsRead()) - between; // what looking costs
      costs.push(between - before - status);
    }
    return Math.min(...costs);
  }

  const WORK: readonly [string, (account: string) => Promise<unknown>][] = [
    ['a spend of a part of a lot', (account) => engine.submit(spend(account, 1))],
    ['a spend over 5 lots', (account) => engine.submit(spend(account, 45))],
    ['an earn', (account) => engine.submit(earn(account, 5))],
    [
      'an adjustment, and the spend that settles it',
      async (account) => {
        await engine.submit(
          submission(account, {
            kind: 'add',
            requestId: randomUUID(),
            entries: [{ payer: 'P1', points: -3, earnedAt: at(0) }],
          }),
        );
        await engine.submit(spend(account, 1));
      },
    ],
    ['a refused spend', (account) => engine.submit(spend(account, Number.MAX_SAFE_INTEGER))],
    ['a balance', (account) => reads.balance(READER, account)],
    ['the first lots', (account) => reads.lots(READER, account, null, 10)],
    [
      'the newest transactions',
      (account) => reads.transactions(READER, account, NO_FILTER, { order: 'newest', after: null, limit: 10 }),
    ],
    [
      'a spend and its reversal',
      async (account) => {
        const outcome = await engine.submit(spend(account, 3));
        await engine.submit(reverse(account, Number(summary(outcome))));
      },
    ],
  ];
  for (const [name, work] of WORK) {
    it(`${name}: as many rows in an account of ${LOTS} spent and ${LOTS} open lots as in one of 20 and 20`, async () => {
      const small = await costOf(() => work('small'));
      const large = await costOf(() => work('large'));
      expect(small, 'rows in the small account').to.be.greaterThan(0);
      expect(large, `${small} rows in the small account, ${large} in the large one`).to.be.at.most(small * 1.5 + 20);
    });
  }

  it('no statement scans a table', async () => {
    const seen = new Map<string, { sql: string; bindings: Knex.RawBinding[] }>();
    const listen = ({ sql, bindings }: { sql: string; bindings: Knex.RawBinding[] }) => {
      if (/^\s*\(?(select|update|delete)\b/i.test(sql) && !/session status/i.test(sql)) {
        seen.set(sql.replace(/\s+/g, ' '), { sql, bindings });
      }
    };
    db.on('query', listen);
    const accounts = ['large', 'small', 'other-1', 'other-2'];
    for (const [, work] of WORK) await Promise.all(accounts.map((account) => work(account)));
    await engine.submit(spend('large', 3000));
    await engine.submit(earn('unheard-of', 1));
    await reads.balanceAsOf(READER, 'small', at(1e9));
    await reads.transaction(READER, 'large', 3);
    await reads.tail(READER, 'large', 100, 10);
    await reads.lastSequence(READER, 'large');
    await reads.lots(READER, 'large', { earnedAt: at(LOTS + 900), sequence: 7 }, 10);
    for (const order of ['newest', 'oldest'] as const) {
      await reads.transactions(READER, 'large', FILTER, { order, after: 500, limit: 10 });
    }
    db.removeListener('query', listen);
    expect(seen.size, 'statements seen').to.be.greaterThan(15);

    const scans: string[] = [];
    for (const { sql, bindings } of seen.values()) {
      const [plan] = await db.raw(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, bindings);
      for (const { table, type, rows, key } of plan as {
        table: string | null;
        type: string | null;
        rows: number;
        key: string;
      }[]) {
        const derived = table === null || table.startsWith('<');
        if (!derived && (type === 'ALL' || type === 'index'))
          scans.push(`${table} ${type} ${key} ${rows} rows: ${sql}`);
      }
    }
    expect(scans, scans.join('\n')).to.eql([]);
  });

  it('a spend of all that is left, twenty thousand lots, is done', async function () {
    this.timeout(120_000);
    const { payers } = await reads.balance(READER, 'large');
    const points = payers.reduce((sum, payer) => sum + payer.points, 0);
    const outcome = await engine
      .submit(spend('large', points))
      .then(summary, (error: Error) => error.message.slice(0, 80));
    expect(outcome).to.match(/^\d+$/);
  });
});

const NO_FILTER = {
  kinds: [],
  payer: null,
  earnedFrom: null,
  earnedUntil: null,
  recordedFrom: null,
  recordedUntil: null,
};
const FILTER = {
  kinds: ['EARN' as const, 'SPEND' as const],
  payer: 'P1',
  earnedFrom: at(0),
  earnedUntil: at(1e8),
  recordedFrom: at(0),
  recordedUntil: at(1e9),
};
