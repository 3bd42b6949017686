// Every method, on a real server.
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import {
  connect,
  type ImportedTransaction,
  InvalidArgumentError,
  type PointsClient,
} from '../../clients/typescript/src/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { collect, failure } from '../support/outcomes.ts';
import { startServer, stopServers, type TestServer } from '../support/server.ts';

/** The example of the brief, in the order of arrival. */
const EXAMPLE = [
  { payer: 'DANNON', points: 1000, timestamp: '2020-11-02T14:00:00Z' },
  { payer: 'UNILEVER', points: 200, timestamp: new Date('2020-10-31T11:00:00Z') },
  { payer: 'DANNON', points: -200, timestamp: '2020-10-31T15:00:00Z' },
  { payer: 'MILLER COORS', points: 10000, timestamp: '2020-11-01T15:00:00+01:00' },
  { payer: 'DANNON', points: 300, timestamp: '2020-10-31T10:00:00.000001Z' },
];

describe('client: calls', () => {
  let database: TestDatabase;
  let server: TestServer;
  let points: PointsClient;
  before(async () => {
    database = await createTestDatabase();
    server = await startServer({ databaseUrl: database.url });
    const token = await server.serviceToken(['earn', 'spend', 'read', 'reverse', 'import']);
    points = connect({ address: server.grpcAddress, token });
  });
  after(async () => {
    points.close();
    await stopServers();
    await database.drop();
  });

  it('earns, spends, reads and reverses the example', async () => {
    const account = 'example';
    const added = [];
    for (const transaction of EXAMPLE) added.push(await points.addTransaction({ account, ...transaction }));
    const [earn, , adjustment, offset, exact] = added;
    expect(earn).to.include({ account, sequence: 1, kind: 'EARN', payer: 'DANNON', points: 1000, balance: 1000 });
    expect(earn!.timestamp).to.deep.equal({ iso: '2020-11-02T14:00:00Z', date: new Date('2020-11-02T14:00:00Z') });
    expect(Math.abs(earn!.recordedAt.date.getTime() - Date.now())).to.be.lessThan(60_000);
    expect(adjustment).to.include({ kind: 'ADJUST', points: -200 });
    expect(offset!.timestamp.iso).to.equal('2020-11-01T14:00:00Z');
    expect(exact!.timestamp.iso).to.equal('2020-10-31T10:00:00.000001Z');

    const floating = await points.getBalance({ account });
    expect({ ...floating.unsettled }).to.deep.equal({ DANNON: 200 });

    const spent = await points.spendPoints({ account, points: 5000 });
    expect(spent.payers).to.deep.equal([
      { payer: 'DANNON', points: -100 },
      { payer: 'UNILEVER', points: -200 },
      { payer: 'MILLER COORS', points: -4700 },
    ]);
    expect(spent.allocations[0]).to.deep.include({ lotSequence: 5, payer: 'DANNON', points: 100 });
    expect(spent.allocations[0]!.earnedAt.iso).to.equal('2020-10-31T10:00:00.000001Z');
    expect(spent.transaction).to.include({ kind: 'SPEND', points: -5000, sequence: 6 });
    expect(spent.transaction.settlements).to.have.length(1);
    expect(spent.balance).to.equal(6300);

    const balance = await points.getBalance({ account });
    expect(Object.entries(balance.payers)).to.deep.equal([
      ['DANNON', 1000],
      ['UNILEVER', 0],
      ['MILLER COORS', 5300],
    ]);
    expect(balance).to.include({ account, points: 6300, sequence: 6 });
    expect({ ...balance.unsettled }).to.deep.equal({});

    const reversed = await points.reverseSpend({ account, sequence: 6, points: 4800, reason: 'returned' });
    expect(reversed.payers).to.deep.equal([
      { payer: 'MILLER COORS', points: 4700 },
      { payer: 'UNILEVER', points: 100 },
    ]);
    expect(reversed.transaction).to.include({ kind: 'REVERSE', reversedSequence: 6, reason: 'returned', points: 4800 });
    const rest = await points.reverseSpend({ account, sequence: 6 });
    expect(rest.transaction.points).to.equal(200);

    const spend = await points.getTransaction({ account, sequence: 6 });
    expect(spend).to.include({ kind: 'SPEND', reversedPoints: 5000 });
    const lot = await points.getTransaction({ account, sequence: 5 });
    expect(lot.kind === 'EARN' && lot.remaining).to.equal(100);
    expect(lot.kind === 'EARN' && lot.draws.map(({ settlement }) => settlement)).to.include.members([true, false]);

    const then = await points.getBalance({ account, asOf: spend.recordedAt });
    expect({ points: then.points, sequence: then.sequence }).to.deep.equal({ points: 6300, sequence: 6 });
  });

  it('adds a batch, all or nothing, and names the entry at fault', async () => {
    const account = 'batch';
    const added = await points.batchAddTransactions({ account, transactions: EXAMPLE });
    expect(added.map(({ sequence, points }) => [sequence, points])).to.deep.equal([
      [1, 1000],
      [2, 200],
      [3, -200],
      [4, 10000],
      [5, 300],
    ]);
    const error = await failure(
      points.batchAddTransactions({ account, transactions: [EXAMPLE[0]!, { ...EXAMPLE[1]!, points: -500 }] }),
    );
    expect(error).to.deep.include({ name: 'PayerBalanceInsufficientError', payer: 'UNILEVER', shortfall: 300 });
    expect(error.violations[0]!.field).to.equal('transactions[1].points');
    expect((await points.getBalance({ account })).sequence).to.equal(5);
  });

  it('does a write under one requestId once, and validates without writing', async () => {
    const account = 'once';
    const requestId = randomUUID();
    const first = await points.addTransaction({ account, requestId, ...EXAMPLE[0]! });
    expect(await points.addTransaction({ account, requestId, ...EXAMPLE[0]! })).to.deep.equal(first);
    const reused = await failure(points.addTransaction({ account, requestId, ...EXAMPLE[1]! }));
    expect(reused).to.include({ name: 'RequestIdReusedError', field: 'payer', requestId });
    expect((await points.spendPoints({ account, points: 1000, validateOnly: true })).balance).to.equal(0);
    expect((await points.getBalance({ account })).points).to.equal(1000);
  });

  it('reads names that JavaScript objects have of their own', async () => {
    const account = 'names';
    const payers = ['__proto__', 'constructor', 'toString', '7'];
    for (const payer of payers)
      await points.addTransaction({ account, payer, points: 5, timestamp: EXAMPLE[0]!.timestamp });
    const balance = await points.getBalance({ account });
    expect(Object.keys(balance.payers)).to.have.members(payers);
    for (const payer of payers) expect(balance.payers[payer]).to.equal(5);
    expect(balance.payers.hasOwnProperty).to.equal(undefined);
    expect(JSON.parse(JSON.stringify(balance.payers))).to.have.ownProperty('__proto__', 5);
  });

  it('lists transactions and lots to the end, over many pages, each iteration anew', async () => {
    const account = 'pages';
    const transactions = Array.from({ length: 23 }, (_, index) => ({
      payer: index % 2 ? 'ODD' : 'EVEN',
      points: index + 1,
      timestamp: new Date(Date.UTC(2020, 0, 31 - index)),
    }));
    await points.batchAddTransactions({ account, transactions });
    const list = points.listTransactions({ account, pageSize: 5, order: 'OLDEST_FIRST' });
    const numbers = Array.from({ length: 23 }, (_, index) => index + 1);
    expect((await collect(list)).map(({ sequence }) => sequence)).to.deep.equal(numbers);
    expect((await collect(list)).map(({ sequence }) => sequence)).to.deep.equal(numbers);
    expect((await collect(points.listTransactions({ account, pageSize: 7 })))[0]!.sequence).to.equal(23);

    const sizes = [];
    let second = '';
    for await (const { items, nextPageToken } of list.byPage()) {
      sizes.push(items.length);
      second ||= nextPageToken;
    }
    expect(sizes).to.deep.equal([5, 5, 5, 5, 3]);
    const rest = points.listTransactions({ account, pageSize: 5, order: 'OLDEST_FIRST', pageToken: second });
    expect((await collect(rest))[0]!.sequence).to.equal(6);

    const odd = points.listTransactions({ account, payer: 'ODD', kinds: ['EARN'], earnedFrom: '2020-01-20T00:00:00Z' });
    expect(await collect(odd)).to.have.length(6);
    const lots = await collect(points.listLots({ account, pageSize: 4 }));
    expect(lots.map(({ sequence }) => sequence)).to.deep.equal(numbers.toReversed());
    expect(lots[0]).to.deep.include({ payer: 'EVEN', points: 23, available: 23 });
    expect(lots[0]!.earnedAt.iso).to.equal('2020-01-09T00:00:00Z');
  });

  for (const [field, call] of [
    ['points', (client: PointsClient) => client.spendPoints({ points: '5' as never })],
    ['points', (client: PointsClient) => client.spendPoints({ points: 1.5 })],
    ['points', (client: PointsClient) => client.spendPoints({ points: Number.NaN })],
    ['points', (client: PointsClient) => client.spendPoints({ points: 2 ** 53 })],
    ['points', (client: PointsClient) => client.spendPoints({} as never)],
    ['points', (client: PointsClient) => client.spendPoints({ points: 0 })],
    ['account', (client: PointsClient) => client.spendPoints({ points: 5, account: 5 as never })],
    ['account', (client: PointsClient) => client.spendPoints({ points: 5, account: 'a b' })],
    ['request_id', (client: PointsClient) => client.spendPoints({ account: 'a', points: 5, requestId: 'mine' })],
    ['payer', (client: PointsClient) => client.addTransaction({ ...EXAMPLE[0]!, payer: 7 as never })],
    ['timestamp', (client: PointsClient) => client.addTransaction({ ...EXAMPLE[0]!, timestamp: 'soon' })],
    ['transactions', (client: PointsClient) => client.batchAddTransactions({ transactions: {} as never })],
    [
      'transactions[1].timestamp',
      (client: PointsClient) => {
        const wrong = { ...EXAMPLE[0]!, timestamp: new Date('x') };
        return client.batchAddTransactions({ transactions: [EXAMPLE[0]!, wrong] });
      },
    ],
    ['kinds[0]', (client: PointsClient) => collect(client.listTransactions({ kinds: ['HOLD' as never] }))],
    ['earned_from', (client: PointsClient) => collect(client.listTransactions({ earnedFrom: '2020' }))],
    ['page_size', (client: PointsClient) => collect(client.listLots({ account: 'a', pageSize: 2_000 }))],
    [
      'after_sequence',
      (client: PointsClient) => collect(client.watchTransactions({ account: 'a', afterSequence: -1 })),
    ],
  ] as const) {
    it(`names ${field} in ${String(call).slice(String(call).indexOf('client.') + 7)}`, async () => {
      const error = await failure(call(points));
      expect(error).to.be.instanceOf(InvalidArgumentError);
      expect(error.violations.map(({ field }) => field)).to.include(field);
    });
  }

  it('imports from an async source, tells its progress and what was rejected', async () => {
    async function* source(): AsyncGenerator<ImportedTransaction> {
      for (let index = 0; index < 2_500; index += 1) {
        const timestamp = '2020-11-02T14:00:00.000001Z';
        yield { account: `import-${index % 10}`, payer: 'DANNON', points: index === 1_234 ? -99_999 : 10, timestamp };
      }
    }
    const progress = await collect(points.importTransactions(source()));
    const last = progress.at(-1)!;
    expect({ decided: last.decided, accepted: last.accepted }).to.deep.equal({ decided: 2_500, accepted: 2_499 });
    const rejections = progress.flatMap(({ rejections }) => rejections);
    expect(rejections).to.have.length(1);
    expect(rejections[0]).to.deep.include({ index: 1_234, reason: 'PAYER_BALANCE_INSUFFICIENT' });
    expect(rejections[0]!.transaction).to.include({ account: 'import-4', points: -99_999 });
    expect((await points.getBalance({ account: 'import-4' })).points).to.equal(2_490);
    expect((await points.getBalance({ account: 'import-5' })).points).to.equal(2_500);
  });

  it('imports nothing, and fails as its source does', async () => {
    expect(await collect(points.importTransactions([]))).to.deep.equal([]);
    const broken = new Error('disk');
    async function* source(): AsyncGenerator<ImportedTransaction> {
      yield { account: 'broken', payer: 'DANNON', points: 1, timestamp: new Date() };
      throw broken;
    }
    expect(await failure(collect(points.importTransactions(source())))).to.equal(broken);
    const wrong = [{ account: 'broken', payer: 'DANNON', points: 1, timestamp: 'soon' }];
    const error = await failure(collect(points.importTransactions(wrong)));
    expect(error.violations[0]!.field).to.equal('transactions[0].timestamp');
  });
});
