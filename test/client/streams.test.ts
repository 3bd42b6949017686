// Watching and importing through a network that breaks.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { expect } from 'chai';
import {
  type ImportTransactionsRequest,
  type ImportTransactionsResponse,
  PointsServiceService,
} from '../../clients/typescript/src/gen/points/v1/points_service.ts';
import {
  type ConnectOptions,
  connect,
  type ImportedTransaction,
  type PointsClient,
} from '../../clients/typescript/src/index.ts';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { collect, failure } from '../support/outcomes.ts';
import { startServer, stopServers, type TestServer } from '../support/server.ts';

const EARN = { payer: 'DANNON', points: 10, timestamp: '2020-11-02T14:00:00Z' };
const QUICK = { delayMs: 5, delayMsMax: 50 };

describe('client: streams', () => {
  let database: TestDatabase;
  let server: TestServer;
  let proxy: CuttingProxy;
  let straight: PointsClient;
  let points: PointsClient;
  let token: string;

  before(async () => {
    database = await createTestDatabase();
    server = await startServer({ databaseUrl: database.url });
    token = await server.serviceToken(['earn', 'spend', 'read', 'import']);
    straight = connect({ address: server.grpcAddress, token });
  });
  after(async () => {
    straight.close();
    await stopServers();
    await database.drop();
  });
  beforeEach(async () => {
    proxy = await startCuttingProxy(server.grpcAddress);
    points = through(proxy);
  });
  afterEach(async () => {
    points.close();
    await proxy.close();
  });

  function through(proxy: CuttingProxy, options: Partial<ConnectOptions> = {}): PointsClient {
    return connect({ address: proxy.address, token, retry: QUICK, ...options });
  }

  it('watches history and what is new, without gap or repeat, over any number of cuts', async () => {
    const account = 'watched';
    const history = Array.from({ length: 300 }, () => EARN);
    await straight.batchAddTransactions({ account, transactions: history });
    // Every connection breaks after some thousand bytes of answers.
    let bytes = 1_000;
    proxy.fate = () => {
      bytes = (bytes * 7) % 6_007;
      return { direction: 'toClient', afterBytes: 300 + bytes, how: bytes % 2 ? 'reset' : 'end' };
    };
    const writer = (async () => {
      for (let index = 0; index < 100; index += 1) await straight.addTransaction({ account, ...EARN });
    })();
    const seen: number[] = [];
    for await (const { sequence } of points.watchTransactions({ account })) {
      seen.push(sequence);
      if (seen.length === 400) break;
    }
    await writer;
    expect(seen).to.deep.equal(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(proxy.connections).to.be.greaterThan(5);
  });

  it('watches from a sequence on, through a restart of the server', async () => {
    const account = 'restarted';
    const own = await startServer({ databaseUrl: database.url });
    const first = await startCuttingProxy(own.grpcAddress);
    const client = connect({ address: [first.address, proxy.address], token, retry: QUICK });
    await straight.batchAddTransactions({ account, transactions: [EARN, EARN, EARN] });
    const seen: number[] = [];
    for await (const { sequence } of client.watchTransactions({ account, afterSequence: 1 })) {
      seen.push(sequence);
      if (sequence === 3) {
        await own.stop();
        await straight.addTransaction({ account, ...EARN });
      }
      if (sequence === 4) break;
    }
    expect(seen).to.deep.equal([2, 3, 4]);
    client.close();
    await first.close();
  });

  it('notices a connection that went silent, by keepalive', async () => {
    const account = 'silent-watch';
    await straight.addTransaction({ account, ...EARN });
    const channelOptions = { 'grpc.keepalive_time_ms': 300, 'grpc.keepalive_timeout_ms': 300 };
    const client = through(proxy, { channelOptions });
    const seen: number[] = [];
    for await (const { sequence } of client.watchTransactions({ account })) {
      seen.push(sequence);
      if (seen.length === 2) break;
      proxy.freeze();
      await straight.addTransaction({ account, ...EARN });
    }
    expect(seen).to.deep.equal([1, 2]);
    expect(proxy.connections).to.equal(2);
    client.close();
  });

  it('ends a watch when its signal is aborted, when the client is closed, and when the caller leaves', async () => {
    const account = 'ends';
    await straight.addTransaction({ account, ...EARN });
    for (const way of ['abort', 'close', 'away'] as const) {
      const client = through(proxy);
      const controller = new AbortController();
      const seen: number[] = [];
      for await (const { sequence } of client.watchTransactions({ account }, { signal: controller.signal })) {
        seen.push(sequence);
        setTimeout(async () => {
          if (way === 'away') await proxy.refuse();
          if (way === 'close') client.close();
          else controller.abort();
        }, 50);
      }
      expect(seen, way).to.deep.equal([1]);
      client.close();
    }
  });

  it('fails a watch that no other try would mend, and one that may not be tried again', async () => {
    const stranger = connect({ address: server.grpcAddress, token: 'none' });
    expect(await failure(collect(stranger.watchTransactions()))).to.include({ name: 'UnauthenticatedError' });
    stranger.close();
    await proxy.refuse();
    expect(await failure(collect(points.watchTransactions({}, { retry: false })))).to.include({
      name: 'UnavailableError',
    });
  });

  it('reads a watch no faster than the caller does', async () => {
    const account = 'slow-reader';
    for (let batch = 0; batch < 5; batch += 1) {
      await straight.batchAddTransactions({ account, transactions: Array.from({ length: 1_000 }, () => EARN) });
    }
    const seen: number[] = [];
    for await (const { sequence } of points.watchTransactions({ account })) {
      seen.push(sequence);
      if (sequence === 1) await delay(300);
      if (sequence === 5_000) break;
    }
    expect(seen).to.have.length(5_000);
    expect(seen.at(-1)).to.equal(5_000);
  });

  it('imports every transaction once, over any number of cuts', async () => {
    const transactions = Array.from({ length: 20_000 }, (_, index) => ({
      ...EARN,
      account: `cut-import-${index % 20}`,
    }));
    let bytes = 100_000;
    proxy.fate = () => {
      bytes = (bytes * 11) % 400_009;
      return bytes % 3
        ? { direction: 'toServer', afterBytes: 200_000 + bytes, how: 'reset' }
        : { direction: 'toClient', afterBytes: 400 + (bytes % 700), how: 'end' };
    };
    let last = 0;
    let accepted = 0;
    for await (const progress of points.importTransactions(transactions)) {
      expect(progress.decided).to.be.greaterThan(last);
      ({ decided: last, accepted } = progress);
    }
    expect({ last, accepted }).to.deep.equal({ last: 20_000, accepted: 20_000 });
    expect(proxy.connections).to.be.greaterThan(5);
    for (let index = 0; index < 20; index += 1) {
      const { points, sequence } = await straight.getBalance({ account: `cut-import-${index}` });
      expect({ points, sequence }).to.deep.equal({ points: 10_000, sequence: 1_000 });
    }
  });

  it('names each rejection once, with its index, over cuts', async () => {
    const transactions = Array.from({ length: 6_000 }, (_, index) => ({
      ...EARN,
      account: 'cut-rejections',
      ...(index % 500 === 3 ? { points: 0 } : {}),
    }));
    proxy.fate = () => ({ direction: 'toClient', afterBytes: 700, how: 'reset' });
    const rejected: number[] = [];
    let accepted = 0;
    for await (const progress of points.importTransactions(transactions)) {
      rejected.push(...progress.rejections.map(({ index, transaction }) => (transaction.points === 0 ? index : -1)));
      accepted = progress.accepted;
    }
    expect(rejected).to.deep.equal(Array.from({ length: 12 }, (_, index) => index * 500 + 3));
    expect(accepted).to.equal(5_988);
    expect(proxy.connections).to.be.greaterThan(1);
  });

  it('reads its source no faster than its caller reads the progress, and closes it when the caller leaves', async () => {
    let read = 0;
    let closed = false;
    function* source(): Generator<ImportedTransaction> {
      try {
        for (;;) {
          read += 1;
          yield { ...EARN, account: `endless-${read % 50}` };
        }
      } finally {
        closed = true;
      }
    }
    for await (const { decided } of points.importTransactions(source())) {
      await delay(20);
      expect(read - decided).to.be.at.most(10_001);
      if (decided > 20_000) break;
    }
    const readThen = read;
    await delay(50);
    expect(read).to.equal(readThen);
    expect(closed).to.equal(true);
  });

  it('sends what a slow source gives without waiting for more', async () => {
    let decided = 0;
    async function* source(): AsyncGenerator<ImportedTransaction> {
      yield { ...EARN, account: 'slow-source' };
      for (let waited = 0; decided === 0 && waited < 5_000; waited += 10) await delay(10);
      yield { ...EARN, account: 'slow-source', requestId: randomUUID() };
    }
    for await (const progress of points.importTransactions(source())) decided = progress.decided;
    expect(decided).to.equal(2);
  });

  it('gives up an import that gets no further for as long as it may, and stops at once when aborted', async () => {
    const transactions = [{ ...EARN, account: 'given-up' }];
    await proxy.refuse();
    let began = Date.now();
    const away = await failure(collect(points.importTransactions(transactions, { timeoutMs: 400 })));
    expect(away).to.include({ name: 'UnavailableError' });
    expect(Date.now() - began).to.be.within(100, 1_000);

    await proxy.accept();
    proxy.fate = () => ({ direction: 'toServer', afterBytes: 200, how: 'blackHole' });
    began = Date.now();
    const retry = { ...QUICK, attemptTimeoutMs: 150 };
    const silent = await failure(collect(points.importTransactions(transactions, { timeoutMs: 600, retry })));
    expect(silent).to.include({ name: 'DeadlineError' });
    expect(Date.now() - began).to.be.within(400, 2_000);
    expect(proxy.connections).to.be.greaterThan(1);

    const signal = AbortSignal.timeout(100);
    const aborted = await failure(collect(points.importTransactions(transactions, { signal })));
    expect(aborted).to.include({ name: 'CancelledError', maybeApplied: true });
  });

  for (const [name, options] of [
    ['and may try again', {}],
    ['and may not try again', { retry: false }],
  ] as const) {
    it(`ends an import whose server takes all and answers nothing, in time, ${name}`, async () => {
      const silent = await startImportServer((stream) => stream.resume());
      const client = connect({ address: silent.address, token });
      const began = Date.now();
      const imported = collect(client.importTransactions([{ ...EARN, account: 'a' }], { timeoutMs: 400, ...options }));
      expect(await failure(imported)).to.include({ name: 'DeadlineError', maybeApplied: true });
      expect(Date.now() - began).to.be.within(400, 1_500);
      client.close();
      silent.close();
    });
  }

  it('ends an import well where all is decided and only the end of the stream is missing', async () => {
    const endless = await startImportServer((stream) => {
      stream.on('data', () => stream.write({ decided: 1, accepted: 1, rejections: [] }));
    });
    const client = connect({ address: endless.address, token });
    const transactions = [{ ...EARN, account: 'a' }];
    const told = await collect(client.importTransactions(transactions, { timeoutMs: 300, retry: false }));
    expect(told).to.deep.equal([{ decided: 1, accepted: 1, rejections: [] }]);
    client.close();
    endless.close();
  });

  it('does not count the time that the source and the caller of an import take', async () => {
    async function* source(): AsyncGenerator<ImportedTransaction> {
      for (let index = 0; index < 2; index += 1) {
        await delay(900);
        yield { ...EARN, account: 'slow-both' };
      }
    }
    let decided = 0;
    for await (const progress of points.importTransactions(source(), { timeoutMs: 600, retry: false })) {
      ({ decided } = progress);
      await delay(900);
    }
    expect(decided).to.equal(2);
  });

  it('tells of a failed import whether anything it sent has no answer', async () => {
    const transactions = [{ ...EARN, account: 'unanswered' }];
    await proxy.refuse();
    const away = await failure(collect(points.importTransactions(transactions, { retry: false })));
    expect(away).to.include({ name: 'UnavailableError', maybeApplied: true });
    await proxy.accept();

    proxy.fate = () => ({ direction: 'toServer', afterBytes: 0, how: 'blackHole' });
    async function* spoilt(): AsyncGenerator<ImportedTransaction> {
      yield* transactions;
      await delay(50);
      yield { ...EARN, account: 'unanswered', points: 0.5 };
    }
    const invalid = await failure(collect(points.importTransactions(spoilt())));
    expect(invalid).to.include({ name: 'InvalidArgumentError', maybeApplied: true });
    const first = await failure(collect(points.importTransactions([{ ...EARN, account: 'a', points: 0.5 }])));
    expect(first).to.include({ name: 'InvalidArgumentError', maybeApplied: false });
    const signal = AbortSignal.abort();
    const aborted = await failure(collect(points.importTransactions(transactions, { signal })));
    expect(aborted).to.include({ name: 'CancelledError', maybeApplied: false });
  });

  it('tells of an import whose token function fails for a second stream that the first may have been done', async () => {
    proxy.fate = () => ({ direction: 'toClient', afterBytes: 0, how: 'reset' });
    for (const way of ['throws', 'hangs'] as const) {
      let asked = 0;
      const vault = new Error('no vault');
      const client = through(proxy, {
        token: () => {
          if (++asked === 1) return token;
          return way === 'throws' ? Promise.reject(vault) : new Promise(() => {});
        },
      });
      const imported = collect(client.importTransactions([{ ...EARN, account: 'no-token' }], { timeoutMs: 500 }));
      const expected = way === 'throws' ? { name: 'UnauthenticatedError', cause: vault } : { name: 'DeadlineError' };
      expect(await failure(imported), way).to.include({ ...expected, maybeApplied: true });
      client.close();
    }
  });
});

/** A server whose imports `answer` answers. */
async function startImportServer(
  answer: (stream: ServerDuplexStream<ImportTransactionsRequest, ImportTransactionsResponse>) => void,
) {
  const server = new Server();
  const { importTransactions } = PointsServiceService;
  server.addService({ importTransactions }, { importTransactions: answer as never });
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, port: number) => (error ? reject(error) : resolve(port));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound);
  });
  return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}
