import { expect } from 'chai';
import type { Knex } from 'knex';
import { systemClock } from '../../src/clock.ts';
import { createEngine, type Engine, type EngineSettings, type Submission } from '../../src/engine/engine.ts';
import { EngineFailure } from '../../src/engine/failure.ts';
import { connect } from '../../src/storage/connect.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { expectVerified, openTables, type Tables } from '../support/rows.ts';
import { at, earn, spend, submission, summary } from '../support/submissions.ts';
import { until } from '../support/until.ts';

const SETTINGS: EngineSettings = { groupMax: 128, queueMax: 10_000, workers: 2 };

describe('groups', () => {
  let database: TestDatabase;
  let db: Knex;
  let tables: Tables;
  const engines: Engine[] = [];
  let names = 0;
  before(async () => {
    database = await createTestDatabase();
    db = connect(database.url, { connectionsMax: 6 });
    await migrate(db);
    tables = await openTables(database.url);
  });
  after(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    await db?.destroy();
    await tables?.close();
    await expectVerified(database.url);
    await database.drop();
  });

  function engineWith(settings: Partial<EngineSettings> = {}): Engine {
    const engine = createEngine(db, systemClock, { ...SETTINGS, ...settings });
    engines.push(engine);
    return engine;
  }

  async function accountWith(points: number): Promise<string> {
    names += 1;
    const account = `groups-${names}`;
    await engineWith().submit(earn(account, points));
    return account;
  }

  function accountsWith(count: number, points: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => accountWith(points)));
  }

  function outcomeOf(engine: Engine, sent: Submission): Promise<string> {
    return engine.submit(sent).then(summary, (error) => (error instanceof EngineFailure ? error.reason : 'failed'));
  }

  /** Holds an account's row, so that whatever concerns it waits. */
  async function hold(account: string): Promise<() => Promise<void>> {
    const trx = await db.transaction();
    await trx.raw('SELECT 1 FROM accounts WHERE account_id = ? FOR UPDATE', [account]);
    return async () => {
      await trx.rollback();
    };
  }

  for (const groupMax of [1, 7, 128]) {
    describe(`GROUP_MAX=${groupMax}`, () => {
      it('commands of one account are done and answered in their order of arrival', async () => {
        const engine = engineWith({ groupMax });
        const account = await accountWith(1_000_000);
        const answered: string[] = [];
        const sent = Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? earn(account, 1) : spend(account, 1)));
        await Promise.all(sent.map(async (each) => answered.push(await outcomeOf(engine, each))));
        expect(answered).to.eql(sent.map((_, index) => String(index + 2)));
      });

      it('the same request id many times at once is done once, and all are answered alike', async () => {
        const engine = engineWith({ groupMax });
        const account = await accountWith(100);
        const sent = spend(account, 1);
        const outcomes = await Promise.all(Array.from({ length: 40 }, () => outcomeOf(engine, sent)));
        expect(new Set(outcomes)).to.eql(new Set(['2']));
        expect((await tables.count(account)).transactions).to.equal(2);
      });

      it('a rejected command disturbs none of its neighbours', async () => {
        const engine = engineWith({ groupMax });
        const account = await accountWith(10);
        const sent = [spend(account, 11), spend(account, 4), spend(account, 7), spend(account, 6), spend(account, 1)];
        expect(await Promise.all(sent.map((each) => outcomeOf(engine, each)))).to.eql([
          'INSUFFICIENT_POINTS',
          '2',
          'INSUFFICIENT_POINTS',
          '3',
          'INSUFFICIENT_POINTS',
        ]);
      });

      it('a preview among them sees those before it and changes nothing', async () => {
        const engine = engineWith({ groupMax });
        const account = await accountWith(10);
        const sent = [
          spend(account, 6),
          spend(account, 4, { preview: true }),
          spend(account, 5, { preview: true }),
          spend(account, 4),
        ];
        expect(await Promise.all(sent.map((each) => outcomeOf(engine, each)))).to.eql([
          '2',
          '3',
          'INSUFFICIENT_POINTS',
          '3',
        ]);
      });

      it('a command that fails in the database fails alone', async () => {
        const engine = engineWith({ groupMax });
        await db.raw('ALTER TABLE transactions ADD CONSTRAINT unlucky CHECK (points <> -666)');
        try {
          const accounts = await accountsWith(5, 10_000);
          const before = await tables.dump(accounts[2]!);
          const sent = accounts.flatMap((account, index) => [
            ...(index === 2 ? [] : [spend(account, 1)]),
            ...(index === 2 || index === 3 ? [spend(account, 666)] : []),
            ...(index === 2 ? [] : [spend(account, 1)]),
          ]);
          const outcomes = await Promise.all(sent.map((each) => outcomeOf(engine, each)));
          expect(outcomes).to.eql(['2', '3', '2', '3', 'failed', '2', 'failed', '3', '2', '3']);
          expect(await tables.dump(accounts[2]!), 'the account with nothing but a failure').to.equal(before);
        } finally {
          await db.raw('ALTER TABLE transactions DROP CONSTRAINT unlucky');
        }
      });
    });
  }

  it('what comes together goes together: one database transaction for 64 commands', async () => {
    const engine = engineWith({ workers: 1 });
    const accounts = await accountsWith(8, 100);
    await Promise.all(Array.from({ length: 64 }, (_, index) => engine.submit(spend(accounts[index % 8]!, 1))));
    expect(engine.stats).to.include({ groups: 1, commands: 64, contentions: 0, disconnections: 0 });
  });

  describe('past its deadline, or its client gone, while it waits', () => {
    it('a command is never done, and its neighbours are', async () => {
      const engine = engineWith({ workers: 1 });
      const account = await accountWith(100);
      const release = await hold(account);
      const first = outcomeOf(engine, spend(account, 1));
      await until(() => waiting(1));
      let gone = false;
      const rest = [
        spend(account, 1),
        spend(account, 10, { deadline: Date.now() + 50 }),
        spend(account, 20, { isGone: () => gone }),
        spend(account, 1),
      ].map((each) => outcomeOf(engine, each));
      gone = true;
      await new Promise((resolve) => setTimeout(resolve, 100)); // the deadline itself
      await release();
      expect(await Promise.all([first, ...rest])).to.eql(['2', '3', 'DEADLINE_EXCEEDED', 'CANCELLED', '4']);
      const [rows] = await tables.connection.query('SELECT balance FROM accounts WHERE account_id = ?', [account]);
      expect(rows).to.eql([{ balance: 97 }]);
    });

    /** Whether so many statements wait for a row lock in the test's database. */
    async function waiting(count: number): Promise<boolean> {
      const [rows] = await tables.connection.query(
        `SELECT COUNT(*) AS number FROM information_schema.processlist
          WHERE db = DATABASE() AND info LIKE '%FOR UPDATE%' AND id <> CONNECTION_ID()`,
      );
      return (rows as { number: number }[])[0]!.number >= count;
    }
  });

  it('a full queue refuses at once, and what waits in it is done', async () => {
    const engine = engineWith({ workers: 1, queueMax: 5, groupMax: 1 });
    const account = await accountWith(100);
    const release = await hold(account);
    const first = outcomeOf(engine, spend(account, 1));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve))); // taken up
    const outcomes = Array.from({ length: 8 }, () => outcomeOf(engine, spend(account, 1)));
    const began = Date.now();
    expect(await Promise.all(outcomes.slice(5))).to.eql(['QUEUE_FULL', 'QUEUE_FULL', 'QUEUE_FULL']);
    expect(Date.now() - began).to.be.below(1000);
    await release();
    expect(await Promise.all([first, ...outcomes.slice(0, 5)])).to.eql(['2', '3', '4', '5', '6', '7']);
  });

  it('a full queue makes room where those who wait in it have gone', async () => {
    const engine = engineWith({ workers: 1, queueMax: 5, groupMax: 1 });
    const account = await accountWith(100);
    const release = await hold(account);
    const first = outcomeOf(engine, spend(account, 1));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve))); // taken up
    let gone = false;
    const leaving = Array.from({ length: 3 }, () => outcomeOf(engine, spend(account, 1, { isGone: () => gone })));
    const staying = Array.from({ length: 2 }, () => outcomeOf(engine, spend(account, 1)));
    gone = true;
    const late = Array.from({ length: 4 }, () => outcomeOf(engine, spend(account, 1)));
    expect(await Promise.all(leaving)).to.eql(['CANCELLED', 'CANCELLED', 'CANCELLED']);
    expect(await late[3]).to.equal('QUEUE_FULL');
    await release();
    expect(await Promise.all([first, ...staying, ...late.slice(0, 3)])).to.eql(['2', '3', '4', '5', '6', '7']);
  });

  it('a row held for long by someone else: the group is tried again, and nothing is done twice', async () => {
    const engine = engineWith();
    const account = await accountWith(100);
    const release = await hold(account);
    const sent = [spend(account, 1, { repeatable: false }), spend(account, 2, { repeatable: false })];
    const outcomes = sent.map((each) => outcomeOf(engine, each));
    await until(() => engine.stats.contentions > 0);
    await release();
    expect(await Promise.all(outcomes)).to.eql(['2', '3']);
  });

  it('closing lets what is under way end, and refuses what comes after', async () => {
    const engine = engineWith();
    const account = await accountWith(100);
    const outcomes = Promise.all(Array.from({ length: 20 }, () => outcomeOf(engine, spend(account, 1))));
    const closed = engine.close();
    expect(await outcomeOf(engine, spend(account, 1))).to.equal('SERVER_STOPPING');
    await closed;
    expect(await outcomes).to.eql(Array.from({ length: 20 }, (_, index) => String(index + 2)));
  });

  describe('the number of statements', () => {
    /** The statements that one group of these commands takes. */
    async function statementsOf(sent: readonly Submission[]): Promise<string[]> {
      const engine = engineWith({ workers: 1 });
      const statements: string[] = [];
      const listen = ({ sql }: { sql: string }) => statements.push(sql.trim().split(/\s+/).slice(0, 3).join(' '));
      db.on('query', listen);
      const outcomes = await Promise.all(sent.map((each) => outcomeOf(engine, each)));
      db.removeListener('query', listen);
      expect(
        outcomes.every((outcome) => /^\d/.test(outcome)),
        outcomes.join(),
      ).to.equal(true);
      expect(engine.stats.groups, 'all in one group').to.equal(1);
      return statements;
    }

    const CASES: readonly { name: string; one: (account: string, index: number) => Submission }[] = [
      { name: 'earns', one: (account) => earn(account, 1) },
      { name: 'adjustments', one: (account) => earn(account, -1) },
      { name: 'spends', one: (account) => spend(account, 1) },
      {
        name: 'batches of 10',
        one: (account, index) =>
          submission(account, {
            kind: 'add',
            requestId: `00000000-0000-4000-9000-${String(index).padStart(12, '0')}`,
            entries: Array.from({ length: 10 }, (_, second) => ({
              payer: `P${second}`,
              points: 1,
              earnedAt: at(second),
            })),
          }),
      },
      {
        name: 'reversals',
        one: (account, index) =>
          submission(account, {
            kind: 'reverse',
            requestId: `00000000-0000-4000-a000-${String(index).padStart(12, '0')}`,
            spend: 2,
            points: 1,
            reason: '',
          }),
      },
    ];
    for (const { name, one } of CASES) {
      it(`${name}: the same for 1, 8 and 64 of them, in one account or in as many`, async () => {
        const counts: Record<string, number> = {};
        for (const count of [1, 8, 64]) {
          for (const spread of ['one account', 'many accounts']) {
            const accounts = await accountsWith(spread === 'one account' ? 1 : count, 1000);
            await Promise.all(accounts.map((account) => engineWith().submit(spend(account, 500))));
            const sent = Array.from({ length: count }, (_, index) => one(accounts[index % accounts.length]!, index));
            counts[`${count} in ${spread}`] = (await statementsOf(sent)).length;
          }
        }
        expect(new Set(Object.values(counts)).size, JSON.stringify(counts)).to.equal(1);
        expect(Object.values(counts)[0]).to.be.at.most(16);
      });
    }
  });
});
