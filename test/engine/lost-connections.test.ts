import { expect } from 'chai';
import type { Knex } from 'knex';
import { systemClock } from '../../src/clock.ts';
import { createEngine, type Engine, type Submission } from '../../src/engine/engine.ts';
import type { Outcome } from '../../src/ledger/command.ts';
import { connect } from '../../src/storage/connect.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type MysqlProxy, startMysqlProxy } from '../support/mysql-proxy.ts';
import { expectVerified, openTables, type Tables } from '../support/rows.ts';
import { earn, spend, summary } from '../support/submissions.ts';
import { until } from '../support/until.ts';

describe('connections lost under way', () => {
  let database: TestDatabase;
  let proxy: MysqlProxy;
  let db: Knex;
  let engine: Engine;
  let tables: Tables;
  before(async () => {
    database = await createTestDatabase();
    proxy = await startMysqlProxy(database.url);
    db = connect(proxy.url, { connectionsMax: 4 });
    await migrate(db);
    tables = await openTables(database.url);
    engine = createEngine(db, systemClock, { groupMax: 128, queueMax: 10_000, workers: 2 });
  });
  afterEach(() => {
    proxy.fate = () => 'pass';
  });
  after(async () => {
    await engine?.close();
    await db?.destroy();
    await proxy?.close();
    await tables?.close();
    await expectVerified(database.url);
    await database.drop();
  });

  /** The sequences of an account's transactions made with a request id. */
  async function madeBy({ account, command }: Submission): Promise<number[]> {
    const [rows] = await tables.connection.query(
      'SELECT sequence FROM transactions WHERE account_id = ? AND request_id = ? ORDER BY sequence',
      [account, Buffer.from(command.requestId.replaceAll('-', ''), 'hex')],
    );
    return (rows as { sequence: number }[]).map(({ sequence }) => sequence);
  }

  const isCommit = (sql: string) => /^\s*commit/i.test(sql);
  const ROUNDS = 30;
  for (const cut of ['cut after', 'cut before'] as const) {
    for (const repeatable of [false, true]) {
      const where = cut === 'cut after' ? 'between COMMIT and its answer' : 'just before COMMIT';
      it(`${where}, ${ROUNDS} times, ${repeatable ? "with the client's" : 'without'} request ids: each is done once`, async () => {
        const accounts = ['a', 'b', 'c'].map((name) => `${name}-${cut.replace(' ', '-')}-${repeatable}`);
        await Promise.all(accounts.map((account) => engine.submit(earn(account, 1_000_000))));
        const before = proxy.cuts;
        for (let round = 0; round < ROUNDS; round += 1) {
          let left = 1 + (round % 3 === 0 ? 1 : 0); // at times the repeated transaction loses its COMMIT as well
          proxy.fate = (sql) => {
            if (!isCommit(sql) || left === 0) return 'pass';
            left -= 1;
            return cut;
          };
          const sent = accounts.flatMap((account) => [
            earn(account, 1, { repeatable }),
            spend(account, 2, { repeatable }),
            spend(account, 3, { repeatable }),
          ]);
          const outcomes = await Promise.all(sent.map((each) => engine.submit(each)));
          for (const [index, outcome] of outcomes.entries()) {
            expect(summary(outcome), `round ${round}`).to.equal(String(await madeBy(sent[index]!)));
          }
        }
        expect(proxy.cuts - before).to.be.at.least(ROUNDS);
        for (const account of accounts) {
          const [rows] = await tables.connection.query('SELECT sequence, balance FROM accounts WHERE account_id = ?', [
            account,
          ]);
          expect(rows).to.eql([{ sequence: 1 + ROUNDS * 3, balance: 1_000_000 - ROUNDS * 4 }]);
        }
      });
    }
  }

  it('at the first, second … statement of a group, before and after it is done: each is done once', async () => {
    const account = 'every-statement';
    await engine.submit(earn(account, 1000));
    let spends = 0;
    for (const cut of ['cut before', 'cut after'] as const) {
      for (let at = 1; ; at += 1) {
        let statement = 0;
        let over = true;
        proxy.fate = () => {
          statement += 1;
          if (statement !== at) return 'pass';
          over = false;
          return cut;
        };
        const sent = spend(account, 1, { repeatable: false });
        const outcome = await engine.submit(sent);
        spends += 1;
        expect(summary(outcome), `${cut} ${at}`).to.equal(String(await madeBy(sent)));
        expect(summary(outcome), `${cut} ${at}`).to.equal(String(1 + spends));
        if (over) break;
        expect(at, 'a spend takes fewer statements').to.be.below(40);
      }
    }
    expect(spends).to.be.greaterThan(12);
  });

  it('the database away for a while: calls wait and succeed when it is back', async () => {
    const account = 'away-for-a-while';
    await engine.submit(earn(account, 1000));
    await proxy.refuse();
    const sent = Array.from({ length: 20 }, () => spend(account, 1, { repeatable: false }));
    const outcomes = Promise.all(sent.map((each) => engine.submit(each)));
    const failures = engine.stats.disconnections;
    await until(() => engine.stats.disconnections > failures + 3);
    await proxy.accept();
    expect((await outcomes).map(summary)).to.eql(sent.map((_, index) => String(index + 2)));
  });

  it('an answer that takes its time does not confuse the order', async () => {
    const account = 'slow';
    await engine.submit(earn(account, 1000));
    proxy.fate = (sql) => (isCommit(sql) ? { delayMs: 20 } : 'pass');
    const outcomes: Outcome[] = [];
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        outcomes.push(await engine.submit(spend(account, 1)));
      }),
    );
    expect(outcomes.map(summary)).to.eql(outcomes.map((_, index) => String(index + 2)));
  });
});
