// Calls through a network that breaks, on a real server and a real database: each is done exactly once.
import { expect } from 'chai';
import {
  CancelledError,
  connect,
  DeadlineError,
  InsufficientPointsError,
  type PointsClient,
  UnavailableError,
} from '../../clients/typescript/src/index.ts';
import { type CuttingProxy, type Fate, startCuttingProxy } from '../support/cutting-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { collect, failure } from '../support/outcomes.ts';
import { startServer, stopServers, type TestServer } from '../support/server.ts';

const TIMESTAMP = '2020-11-02T14:00:00Z';

describe('client: retries', () => {
  let database: TestDatabase;
  let server: TestServer;
  let proxy: CuttingProxy;
  const clients: PointsClient[] = [];

  before(async () => {
    database = await createTestDatabase();
    server = await startServer({ databaseUrl: database.url });
  });
  after(async () => {
    await stopServers();
    await database.drop();
  });
  beforeEach(async () => {
    proxy = await startCuttingProxy(server.grpcAddress);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await proxy.close();
  });

  async function client(account: string, address: string, options: Partial<Parameters<typeof connect>[0]> = {}) {
    const opened = connect({ address, token: await server.token(account), ...options });
    clients.push(opened);
    return opened;
  }

  for (const seed of [1, 2, 3]) {
    it(`does N earns and N spends exactly N times while connections are cut at random moments (${seed})`, async () => {
      const random = randomFrom(seed);
      const account = `cut-${seed}`;
      const cutting = { timeoutMs: 60_000, retry: { attemptTimeoutMs: 400, delayMs: 5, delayMsMax: 50 } };
      // Every connection lives for some requests, and breaks inside one.
      proxy.fate = () => randomFate(random);
      const points = await client(account, proxy.address, cutting);
      const straight = await client(account, server.grpcAddress);

      const earns = await inTurn(60, 6, () =>
        points.addTransaction({ payer: 'DANNON', points: 10, timestamp: TIMESTAMP }),
      );
      const spends = await inTurn(60, 6, () => points.spendPoints({ points: 7 }));

      expect(proxy.connections, 'connections that were cut').to.be.greaterThan(10);
      const sequences = [...earns, ...spends.map(({ transaction }) => transaction)].map(({ sequence }) => sequence);
      expect([...sequences].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 120 }, (_, index) => index + 1));
      const balance = await straight.getBalance();
      expect(balance.points).to.equal(60 * 10 - 60 * 7);
      expect(balance.sequence).to.equal(120);
      const journal = await collect(straight.listTransactions({ order: 'OLDEST_FIRST' }));
      expect(new Set(journal.map(({ requestId }) => requestId)).size).to.equal(120);
    });
  }

  it('repeats a spend whose answer was lost, and gives the answer of the first', async () => {
    const points = await client('lost-answer', proxy.address);
    await points.addTransaction({ payer: 'DANNON', points: 10, timestamp: TIMESTAMP });
    proxy.cut();
    // The first connection from now on delivers the request whole, and cuts the answer.
    const fates: (Fate | undefined)[] = [{ direction: 'toClient', afterBytes: 100, how: 'reset' }];
    proxy.fate = () => fates.shift();
    const { balance, transaction } = await points.spendPoints({ points: 10 });
    expect({ balance, sequence: transaction.sequence }).to.deep.equal({ balance: 0, sequence: 2 });
    expect(fates).to.have.length(0);
  });

  it('gets past a connection that went silent, on a new one', async () => {
    const points = await client('silent', proxy.address, { timeoutMs: 10_000, retry: { attemptTimeoutMs: 300 } });
    await points.addTransaction({ payer: 'DANNON', points: 10, timestamp: TIMESTAMP });
    proxy.freeze();
    expect((await points.spendPoints({ points: 4 })).balance).to.equal(6);
    expect(proxy.connections).to.equal(2);
  });

  it('waits for a server that is away for a while', async () => {
    const points = await client('away', proxy.address);
    await points.addTransaction({ payer: 'DANNON', points: 10, timestamp: TIMESTAMP });
    await proxy.refuse();
    const spent = points.spendPoints({ points: 4 });
    await new Promise((resolve) => setTimeout(resolve, 700));
    await proxy.accept();
    expect((await spent).balance).to.equal(6);
  });

  it('fails with UnavailableError at the deadline while the server is away', async () => {
    const points = await client('gone', proxy.address);
    await proxy.refuse();
    const began = Date.now();
    const error = await failure(points.spendPoints({ points: 1 }, { timeoutMs: 600 }));
    expect(error).to.be.instanceOf(UnavailableError);
    expect(Date.now() - began).to.be.within(50, 1_000);
    expect((error as UnavailableError).maybeApplied).to.equal(true);
    expect((error as UnavailableError).requestId).to.match(/^[0-9a-f-]{36}$/);
  });

  it('fails with DeadlineError at the deadline while nothing answers, and knows the request_id to repeat', async () => {
    const points = await client('dark', proxy.address);
    await points.addTransaction({ payer: 'DANNON', points: 10, timestamp: TIMESTAMP });
    proxy.freeze();
    proxy.fate = () => ({ direction: 'toServer', afterBytes: 0, how: 'blackHole' });
    const began = Date.now();
    const error = await failure(
      points.spendPoints({ points: 1 }, { timeoutMs: 800, retry: { attemptTimeoutMs: 200 } }),
    );
    expect(error).to.be.instanceOf(DeadlineError);
    expect(Date.now() - began).to.be.within(500, 1_200);
    const { requestId, maybeApplied } = error as DeadlineError;
    expect(maybeApplied).to.equal(true);

    proxy.fate = () => undefined;
    proxy.cut();
    expect((await points.spendPoints({ points: 1, requestId: requestId! })).balance).to.equal(9);
  });

  it('stops when its signal is aborted: under way, and between attempts', async () => {
    const points = await client('aborted', proxy.address);
    await points.addTransaction({ payer: 'DANNON', points: 10, timestamp: TIMESTAMP });
    for (const outage of ['silent', 'away']) {
      if (outage === 'silent') proxy.freeze();
      else await proxy.refuse();
      const reason = new Error('the shopper left');
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 100);
      const began = Date.now();
      const error = await failure(points.spendPoints({ points: 1 }, { signal: controller.signal }));
      expect(error, outage).to.be.instanceOf(CancelledError);
      expect((error as CancelledError).cause).to.equal(reason);
      expect(Date.now() - began).to.be.lessThan(500);
    }
    const error = await failure(points.getBalance({}, { signal: AbortSignal.abort() }));
    expect(error).to.be.instanceOf(CancelledError);
  });

  it('does not repeat what the ledger refused', async () => {
    const points = await client('refused', server.grpcAddress);
    const error = await failure(points.spendPoints({ points: 5 }));
    expect(error).to.be.instanceOf(InsufficientPointsError);
    const { requested, available, shortfall, maybeApplied } = error as InsufficientPointsError;
    expect({ requested, available, shortfall, maybeApplied }).to.deep.equal({
      requested: 5,
      available: 0,
      shortfall: 5,
      maybeApplied: false,
    });
  });

  it('spreads calls over several addresses, and does without one that is dead', async () => {
    const second = await startCuttingProxy(server.grpcAddress);
    const third = await startCuttingProxy(server.grpcAddress);
    await third.refuse();
    try {
      const points = await client('several', [proxy.address, second.address, third.address] as never);
      await inTurn(30, 3, () => points.addTransaction({ payer: 'DANNON', points: 1, timestamp: TIMESTAMP }));
      expect((await points.getBalance()).points).to.equal(30);
      expect([proxy.connections, second.connections]).to.deep.equal([1, 1]);
      await proxy.refuse();
      await inTurn(30, 3, () => points.addTransaction({ payer: 'DANNON', points: 1, timestamp: TIMESTAMP }));
      expect((await points.getBalance()).points).to.equal(60);
    } finally {
      await second.close();
    }
  });

  it('serves many calls at once on one connection and one signal', async () => {
    const points = await client('many', proxy.address);
    const { signal } = new AbortController();
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    await inTurn(300, 300, () =>
      points.addTransaction({ payer: 'DANNON', points: 1, timestamp: TIMESTAMP }, { signal }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);
    expect(warnings).to.deep.equal([]);
    expect((await points.getBalance()).points).to.equal(300);
    expect(proxy.connections).to.equal(1);
  });

  it('refuses calls once it is closed', async () => {
    const points = await client('closed', proxy.address);
    const under = points.addTransaction({ payer: 'DANNON', points: 1, timestamp: TIMESTAMP });
    await under;
    points.close();
    expect(await failure(points.getBalance())).to.be.instanceOf(CancelledError);
  });
});

function randomFate(random: () => number): Fate {
  const how = random() < 0.1 ? 'blackHole' : random() < 0.5 ? 'reset' : 'end';
  return random() < 0.5
    ? { direction: 'toServer', afterBytes: 40 + Math.floor(random() * 3_000), how }
    : { direction: 'toClient', afterBytes: 1 + Math.floor(random() * 2_500), how };
}

/** `count` calls, `parallel` at a time. */
async function inTurn<T>(count: number, parallel: number, call: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let started = 0;
  const worker = async () => {
    while (started < count) {
      started += 1;
      results.push(await call());
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

/** Mulberry32: the same numbers in every run. */
function randomFrom(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
