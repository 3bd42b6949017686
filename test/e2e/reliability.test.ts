import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type DataFolder, haveServer, makeDataFolder } from '../database/data-folder.ts';
import { type CallError, connectClient, failure, type TestClient } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startMysqlProxy } from '../support/mysql-proxy.ts';
import { restClient, statusOf } from '../support/rest.ts';
import { expectVerified, openTables, type Tables, unchanged } from '../support/rows.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const T = '2020-01-01T00:00:00Z';

interface Sent {
  readonly account: string;
  readonly requestId: string;
  readonly points: number;
  /** The sequence it was acknowledged with; 0 where it was not acknowledged. */
  sequence: number;
}

/** Sends one write: positive points earn, negative spend. */
async function send(client: TestClient, { account, requestId, points }: Sent): Promise<number> {
  const { transaction } =
    points > 0
      ? await client.addTransaction({ account, requestId, payer: 'A', points, timestamp: T })
      : await client.spendPoints({ account, requestId, points: -points });
  return transaction!.sequence;
}

/** Writes from 16 callers on 4 accounts until told to stop; keeps what was sent and what was acknowledged. */
function startLoad(client: TestClient) {
  const sent: Sent[] = [];
  let stopped = false;
  const callers = Array.from({ length: 16 }, async (_, caller) => {
    for (let round = 0; !stopped; round += 1) {
      const account = `load-${caller % 4}`;
      const write: Sent = { account, requestId: randomUUID(), points: round % 3 === 0 ? 10 : -2, sequence: 0 };
      sent.push(write);
      try {
        write.sequence = await send(client, write);
      } catch (error) {
        const { code } = error as CallError;
        if (code === 'UNAVAILABLE' || code === 'CANCELLED' || code === 'INTERNAL') return;
        if ((error as CallError).reason !== 'INSUFFICIENT_POINTS') throw error;
        sent.pop();
      }
    }
  });
  const acknowledged = () => sent.filter(({ sequence }) => sequence > 0).length;
  return {
    sent,
    acknowledged,
    async stop() {
      stopped = true;
      await Promise.all(callers);
    },
  };
}

describe('reliability', () => {
  let database: TestDatabase;
  let tables: Tables;
  before(async () => {
    database = await createTestDatabase();
    tables = await openTables(database.url);
  });
  after('the whole ledger verifies', async () => {
    await killOwn();
    await tables?.close();
    await expectVerified(database.url);
    await database.drop();
  });

  /** The servers of this file: those that all files share live on. */
  const own: TestServer[] = [];
  async function start(databaseUrl: string, env: Record<string, string> = {}): Promise<TestServer> {
    const server = await startServer({ databaseUrl, env });
    own.push(server);
    return server;
  }
  async function killOwn(): Promise<void> {
    await Promise.all(own.splice(0).map((server) => server.kill()));
  }
  async function clientOf(server: TestServer): Promise<TestClient> {
    return connectClient(server.grpcAddress, await server.serviceToken(['earn', 'spend', 'read', 'reverse']));
  }

  /** Every acknowledged write is in the journal where it was said to be; sending all again does each exactly once. */
  async function expectExactlyOnce(client: TestClient, sent: readonly Sent[]): Promise<void> {
    await Promise.all(
      sent.map(async (write) => {
        const sequence = await sendPatiently(client, write);
        if (write.sequence > 0) expect(sequence, 'an acknowledged write, again').to.equal(write.sequence);
        write.sequence = sequence;
      }),
    );
    for (const account of new Set(sent.map((write) => write.account))) {
      const mine = sent.filter((write) => write.account === account && write.sequence > 0);
      expect(new Set(mine.map(({ sequence }) => sequence)).size).to.equal(mine.length);
      const { points } = await client.getBalance({ account });
      const opening = 1_000_000;
      expect(points).to.equal(mine.reduce((sum, write) => sum + write.points, opening));
    }
  }

  /** A write that is tried again while the service is unavailable. */
  async function sendPatiently(client: TestClient, write: Sent): Promise<number> {
    const patience = Date.now() + 30_000;
    for (;;) {
      try {
        return await send(client, write);
      } catch (error) {
        if ((error as CallError).code !== 'UNAVAILABLE' || Date.now() > patience) throw error;
        await pause(50);
      }
    }
  }

  async function openAccounts(client: TestClient): Promise<void> {
    for (const number of [0, 1, 2, 3]) {
      await client.addTransaction({ account: `load-${number}`, payer: 'A', points: 1_000_000, timestamp: T });
    }
  }

  it('the service killed under load and started again: all that was acknowledged is there, nothing twice', async () => {
    let server = await start(database.url);
    let client = await clientOf(server);
    await openAccounts(client);
    const load = startLoad(client);
    await until(() => load.acknowledged() > 300);
    await server.kill();
    await load.stop();
    client.close();
    expect(load.sent.length, 'writes cut off').to.be.greaterThan(load.acknowledged());
    server = await start(database.url);
    client = await clientOf(server);
    await expectExactlyOnce(client, load.sent);
    client.close();
  });

  it('connections cut between COMMIT and its answer, and before it, under load: each write exactly once', async () => {
    const proxy = await startMysqlProxy(database.url);
    const server = await start(proxy.url);
    const client = await clientOf(server);
    const account = 'cut';
    await client.addTransaction({ account, payer: 'A', points: 1_000_000, timestamp: T });
    let commits = 0;
    proxy.fate = (sql) => {
      if (!/^\s*commit/i.test(sql)) return 'pass';
      commits += 1;
      return commits % 3 === 0 ? 'cut after' : commits % 7 === 0 ? 'cut before' : 'pass';
    };
    let spends = 0;
    while (proxy.cuts < 40) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => client.spendPoints({ account, points: 1 })));
      spends += answers.length;
    }
    proxy.fate = () => 'pass';
    expect(await client.getBalance({ account })).to.include({ points: 1_000_000 - spends, sequence: 1 + spends });
    client.close();
    await server.stop();
    await proxy.close();
  });

  it('the database away: 503 and UNAVAILABLE with when to try again, NOT_SERVING, and all well by itself after', async function () {
    this.timeout(60_000);
    const proxy = await startMysqlProxy(database.url);
    const server = await start(proxy.url);
    const client = await clientOf(server);
    const token = await server.serviceToken(['earn', 'spend', 'read']);
    const rest = restClient(server.httpUrl, token);
    const account = 'away';
    await client.addTransaction({ account, payer: 'A', points: 100, timestamp: T });
    await proxy.refuse();
    try {
      const spend = () => rest({ path: `/v1/accounts/${account}:spend`, body: { points: 1 } });
      const read = () => rest({ path: `/v1/accounts/${account}/balance` });
      const staggered = Array.from({ length: 20 }, async (_, index) => {
        await pause(index * 50);
        return failure(client.spendPoints({ account, points: 1 }, { deadlineMs: 20_000 }));
      });
      const [byGrpc, byRest, byRead] = await Promise.all([Promise.all(staggered), spend(), read()]);
      for (const error of byGrpc) {
        expect(error).to.include({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', retryAfterMs: 1000 });
        expect(error.message).to.not.match(/ECONN|mysql|127\.0\.0\.1/i);
      }
      for (const answer of [byRest, byRead]) {
        expect(statusOf(answer)).to.include({ http: 503, reason: 'DATABASE_UNAVAILABLE', retryDelay: '1s' });
        expect(answer.headers.get('retry-after')).to.equal('1');
        expect(answer.text).to.not.match(/ECONN|mysql|127\.0\.0\.1/i);
      }
      const health = await rest({ path: '/healthz' });
      expect([health.status, health.json]).to.eql([503, { status: 'NOT_SERVING' }]);
    } finally {
      await proxy.accept();
    }
    await until(async () => (await rest({ path: '/healthz' })).status === 200);
    expect(await client.spendPoints({ account, points: 1 })).to.include({ balance: 99 });
    client.close();
    await server.stop();
    await proxy.close();
  });

  describe('with a queue of 4, a group of 1 and one worker', () => {
    let server: TestServer;
    let client: TestClient;
    before(async () => {
      server = await start(database.url, { QUEUE_MAX: '4', GROUP_MAX: '1', WORKERS: '1' });
      client = await clientOf(server);
    });
    after(async () => {
      client?.close();
      await server?.stop();
    });

    /** An account with 100 points whose row the test holds until it calls the answer. */
    async function held(account: string): Promise<() => Promise<void>> {
      await client.addTransaction({ account, payer: 'A', points: 100, timestamp: T });
      await tables.connection.beginTransaction();
      await tables.connection.query('SELECT 1 FROM accounts WHERE account_id = ? FOR UPDATE', [account]);
      return () => tables.connection.rollback();
    }

    it('a full queue refuses at once, with when to try again; what waits is done', async () => {
      const release = await held('full');
      const outcomes: (number | CallError)[] = [];
      const spend = () =>
        client.spendPoints({ account: 'full', points: 1 }).then(
          ({ balance }) => outcomes.push(balance),
          (error: CallError) => outcomes.push(error),
        );
      const calls = [spend()];
      await until(async () => (await waitingForLocks()) > 0);
      for (let more = 0; more < 11; more += 1) calls.push(spend());
      await until(() => outcomes.length === 7);
      const rest = restClient(server.httpUrl, await server.serviceToken(['spend']));
      const byRest = await rest({ path: '/v1/accounts/full:spend', body: { points: 1 } });
      await release();
      for (const error of outcomes.slice(0, 7)) {
        expect(error).to.include({ code: 'RESOURCE_EXHAUSTED', reason: 'QUEUE_FULL', retryAfterMs: 200 });
      }
      expect(statusOf(byRest)).to.include({ http: 429, reason: 'QUEUE_FULL', retryDelay: '0.2s' });
      expect(byRest.headers.get('retry-after')).to.equal('1');
      await Promise.all(calls);
      expect(outcomes.slice(7)).to.eql([99, 98, 97, 96, 95]);
    });

    it('past its deadline, or its client gone, while it waits: never done, and neighbours are', async () => {
      const release = await held('late');
      const first = client.spendPoints({ account: 'late', points: 1 });
      await until(async () => (await waitingForLocks()) > 0);
      const gone = new AbortController();
      const cancelled = failure(client.spendPoints({ account: 'late', points: 30 }, { signal: gone.signal }));
      const late = failure(client.spendPoints({ account: 'late', points: 20 }, { deadlineMs: 300 }));
      const last = client.spendPoints({ account: 'late', points: 1 });
      expect((await late).code).to.equal('DEADLINE_EXCEEDED');
      gone.abort();
      expect((await cancelled).code).to.equal('CANCELLED');
      await release();
      expect((await first).balance).to.equal(99);
      expect((await last).balance).to.equal(98);
      expect(await client.getBalance({ account: 'late' })).to.include({ points: 98, sequence: 3 });
    });
  });

  async function waitingForLocks(): Promise<number> {
    const [rows] = await tables.connection.query(
      `SELECT COUNT(*) AS number FROM information_schema.processlist
        WHERE db = DATABASE() AND info LIKE '%FOR UPDATE%' AND id <> CONNECTION_ID()`,
    );
    return (rows as { number: number }[])[0]!.number;
  }

  it('a command that fails in the database alone: INTERNAL with an incident that the log tells more of', async () => {
    const server = await start(database.url);
    const client = await clientOf(server);
    const rest = restClient(server.httpUrl, await server.serviceToken(['spend']));
    for (const account of ['lucky', 'unlucky']) {
      await client.addTransaction({ account, payer: 'A', points: 10_000, timestamp: T });
    }
    await tables.connection.query('ALTER TABLE transactions ADD CONSTRAINT unlucky CHECK (points <> -666)');
    const error = await unchanged(tables, 'unlucky', async () => {
      const [failed, ...fine] = await Promise.all([
        failure(client.spendPoints({ account: 'unlucky', points: 666 })),
        ...Array.from({ length: 10 }, () => client.spendPoints({ account: 'lucky', points: 1 })),
      ]);
      expect(fine.map(({ balance }) => balance)).to.eql(Array.from({ length: 10 }, (_, index) => 9999 - index));
      const byRest = await rest({ path: '/v1/accounts/unlucky:spend', body: { points: 666 } });
      expect(statusOf(byRest)).to.include({ http: 500, reason: 'INTERNAL' });
      expect(byRest.text).to.not.match(/CONSTRAINT|INSERT|SQL/i);
      return failed;
    });
    await tables.connection.query('ALTER TABLE transactions DROP CONSTRAINT unlucky');
    expect(error).to.include({ code: 'INTERNAL', reason: 'INTERNAL' });
    expect(error.message).to.not.match(/CONSTRAINT|INSERT|SQL/i);
    expect(error.metadata.incident).to.match(/^[0-9a-f-]{36}$/);
    await until(() => server.output().includes(`incident ${error.metadata.incident}:`));
    expect(await client.spendPoints({ account: 'unlucky', points: 667 })).to.include({ balance: 9333 });
    client.close();
    await server.stop();
  });

  it('SIGTERM under load: what is under way ends, and the process with it', async () => {
    const server = await start(database.url);
    const client = await clientOf(server);
    const account = 'stopped';
    await client.addTransaction({ account, payer: 'A', points: 1000, timestamp: T });
    const watch = client.watchTransactions({ account });
    const watched = (async () => {
      for await (const _ of watch);
    })().catch((error: CallError) => error);
    const results = Array.from({ length: 50 }, () => client.spendPoints({ account, points: 1 }));
    const settled = Promise.allSettled(results);
    await Promise.race(results);
    expect(await server.stop()).to.equal(0);
    const done = (await settled).filter(({ status }) => status === 'fulfilled').length;
    expect(await watched).to.include({ code: 'UNAVAILABLE' });
    client.close();
    const [rows] = await tables.connection.query('SELECT balance FROM accounts WHERE account_id = ?', [account]);
    expect((rows as { balance: number }[])[0]!.balance).to.equal(1000 - done);
  });

  describe('the database killed under load', () => {
    let folder: DataFolder;
    before(async () => {
      await haveServer();
      folder = makeDataFolder();
    });
    after(async () => {
      await killOwn();
      await folder.cleanUp();
    });

    it('what was acknowledged is there, nothing is there twice, and the service goes on by itself', async function () {
      this.timeout(90_000);
      const opened = await folder.open();
      const server = await start(opened.url);
      const client = await clientOf(server);
      await openAccounts(client);
      const all: Sent[] = [];
      for (let round = 0; round < 2; round += 1) {
        const load = startLoad(client);
        await until(() => load.acknowledged() > 100);
        for (const pid of folder.servers()) process.kill(pid, 'SIGKILL');
        const before = load.acknowledged();
        await until(() => load.acknowledged() > before + 50, 40_000);
        await load.stop();
        all.push(...load.sent);
        await expectExactlyOnce(client, all);
      }
      client.close();
      await server.stop();
      await expectVerified(opened.url, 4);
    });
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
