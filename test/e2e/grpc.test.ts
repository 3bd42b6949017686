import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import {
  AddTransactionRequest,
  BatchAddTransactionsRequest,
  ReverseSpendRequest,
  SpendPointsRequest,
} from '../../clients/typescript/src/gen/points/v1/points_service.ts';
import { connectClient, failure, type TestClient, toText, toTimestamp } from '../support/client.ts';
import { unchanged } from '../support/rows.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

const T = '2020-01-01T00:00:00Z';
const MAX = Number.MAX_SAFE_INTEGER;

type Fields = Record<string, unknown>;
type Write = 'addTransaction' | 'batchAddTransactions' | 'spendPoints' | 'reverseSpend';

describe('gRPC', () => {
  let servers: TwoServers;
  /** Clients of both servers, with a service token of every scope. */
  let one: TestClient;
  let other: TestClient;
  before(async () => {
    servers = await twoServers();
    const token = await servers.one.serviceToken(['earn', 'spend', 'read', 'reverse', 'import']);
    one = connectClient(servers.one.grpcAddress, token);
    other = connectClient(servers.other.grpcAddress, token);
  });
  after(() => {
    one?.close();
    other?.close();
  });

  /** Calls a write by its name. */
  function write(client: TestClient, method: Write, request: Fields): Promise<unknown> {
    return (client[method] as (request: Fields) => Promise<unknown>)(request);
  }

  /**
   * An account with A 100 (sequence 1), A -10 floating (2), B 50 (3) and a spend of 20 (4), which settled the 10.
   */
  async function someAccount(): Promise<string> {
    const account = newAccount('grpc');
    await one.addTransaction({ account, payer: 'A', points: 100, timestamp: T });
    await one.addTransaction({ account, payer: 'A', points: -10, timestamp: T });
    await one.addTransaction({ account, payer: 'B', points: 50, timestamp: '2020-01-02T00:00:00Z' });
    await one.spendPoints({ account, points: 20 });
    return account;
  }

  it('every rpc answers', async () => {
    const account = newAccount('grpc');
    const added = await one.addTransaction({
      account,
      payer: 'A',
      points: 100,
      timestamp: '2020-01-01T00:00:00.123456Z',
    });
    expect(added.transaction).to.deep.include({
      account,
      sequence: 1,
      kind: 'TRANSACTION_KIND_EARN',
      payer: 'A',
      points: 100,
    });
    expect(added.transaction?.requestId).to.match(/^[0-9a-f-]{36}$/);
    expect(toText(added.transaction?.timestamp)).to.equal('2020-01-01T00:00:00.123456000Z');
    const batch = await one.batchAddTransactions({
      account,
      transactions: [
        { payer: 'B', points: -5, timestamp: T },
        { payer: 'B', points: 50, timestamp: T },
      ],
    });
    expect(batch.transactions.map(({ sequence, kind, balance }) => [sequence, kind, balance])).to.eql([
      [2, 'TRANSACTION_KIND_ADJUST', 145],
      [3, 'TRANSACTION_KIND_EARN', 145],
    ]);
    const floating = await one.getBalance({ account });
    expect([...floating.payers]).to.eql([
      ['A', 100],
      ['B', 45],
    ]);
    expect([...floating.unsettled]).to.eql([['B', 5]]);
    expect(floating).to.include({ account, points: 145, sequence: 3 });

    const spend = await one.spendPoints({ account, points: 60 });
    expect(spend.payers).to.eql([
      { payer: 'B', points: -45 },
      { payer: 'A', points: -15 },
    ]);
    expect(spend.allocations.map(({ lotSequence, points }) => [lotSequence, points])).to.eql([
      [3, 45],
      [1, 15],
    ]);
    expect(spend.transaction?.settlements.map(({ lotSequence, points }) => [lotSequence, points])).to.eql([[3, 5]]);
    expect(spend.balance).to.equal(85);

    const reversal = await one.reverseSpend({ account, sequence: 4, points: 20, reason: 'returned' });
    expect(reversal.payers).to.eql([
      { payer: 'A', points: 15 },
      { payer: 'B', points: 5 },
    ]);
    expect(reversal.allocations.map(({ lotSequence, points }) => [lotSequence, points])).to.eql([
      [1, -15],
      [3, -5],
    ]);
    expect(reversal.transaction).to.include({
      sequence: 5,
      points: 20,
      reversedSequence: 4,
      reason: 'returned',
      balance: 105,
    });

    const read = await one.getTransaction({ account, sequence: 3 });
    expect(read.transaction).to.deep.include({
      remaining: 5,
      draws: [
        { sequence: 4, points: 5, settlement: true },
        { sequence: 4, points: 45, settlement: false },
        { sequence: 5, points: -5, settlement: false },
      ],
    });
    const { transactions } = await one.listTransactions({ account });
    expect(transactions.map(({ sequence }) => sequence)).to.eql([5, 4, 3, 2, 1]);
    expect(transactions[1]).to.include({ reversedPoints: 20 });
    const { lots } = await one.listLots({ account });
    expect(lots.map(({ sequence, points, available }) => [sequence, points, available])).to.eql([
      [3, 50, 5],
      [1, 100, 100],
    ]);

    const watched: number[] = [];
    for await (const { transaction } of one.watchTransactions({ account, afterSequence: 2 })) {
      watched.push(transaction!.sequence);
      if (watched.length === 3) break;
    }
    expect(watched).to.eql([3, 4, 5]);

    const call = one.importTransactions();
    await call.send([{ account, payer: 'C', points: 1, timestamp: T, requestId: randomUUID() }]);
    call.end();
    const progress = [];
    for await (const answer of call) progress.push(answer);
    expect(progress.at(-1)).to.deep.include({ decided: 1, accepted: 1 });
  });

  describe('every reason a call is refused for', () => {
    const add = (changes: Fields = {}): [Write, Fields] => [
      'addTransaction',
      { payer: 'A', points: 1, timestamp: T, ...changes },
    ];
    const spend = (points: number): [Write, Fields] => ['spendPoints', { points }];
    const reverse = (sequence: number, changes: Fields = {}): [Write, Fields] => [
      'reverseSpend',
      { sequence, ...changes },
    ];
    const batch = (...transactions: Fields[]): [Write, Fields] => [
      'batchAddTransactions',
      { transactions: transactions.map((each) => ({ payer: 'A', points: 1, timestamp: T, ...each })) },
    ];
    type Refused = { code: string; reason: string; metadata?: Record<string, string>; fields?: string[] };
    const invalid = (...fields: string[]): Refused => ({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', fields });
    const outOfRange = (...fields: string[]): Refused => ({
      code: 'OUT_OF_RANGE',
      reason: 'POINTS_OUT_OF_RANGE',
      metadata: { limit: '9007199254740991' },
      fields,
    });
    const precondition = (reason: string, metadata: Record<string, string>, ...fields: string[]): Refused => ({
      code: 'FAILED_PRECONDITION',
      reason,
      metadata,
      fields,
    });
    const short = (available: number, shortfall: number, field: string) =>
      precondition(
        'PAYER_BALANCE_INSUFFICIENT',
        { payer: 'A', available: String(available), shortfall: String(shortfall), field },
        field,
      );
    const CASES: readonly [string, [Write, Fields], Refused][] = [
      ['no points', add({ points: 0 }), invalid('points')],
      ['no payer', add({ payer: '' }), invalid('payer')],
      ['no timestamp', add({ timestamp: undefined }), invalid('timestamp')],
      ['nothing at all', ['addTransaction', {}], invalid('payer', 'points', 'timestamp')],
      ['a request id that is no UUID', add({ requestId: '17' }), invalid('request_id')],
      ['a timestamp an hour ahead', add({ timestamp: hourAhead() }), invalid('timestamp')],
      ['an empty batch', batch(), invalid('transactions')],
      ['1,001 transactions in a batch', batch(...Array<Fields>(1001).fill({})), invalid('transactions')],
      ['the third of a batch without points', batch({}, {}, { points: 0 }), invalid('transactions[2].points')],
      ['the second of a batch ahead', batch({}, { timestamp: hourAhead() }), invalid('transactions[1].timestamp')],
      ['a spend of 0', spend(0), invalid('points')],
      ['a spend of -1', spend(-1), invalid('points')],
      ['a reversal of sequence 0', reverse(0), invalid('sequence')],
      ['a reversal of 0 points', reverse(4, { points: 0 }), invalid('points')],
      ['a reason of 201 characters', reverse(4, { reason: 'x'.repeat(201) }), invalid('reason')],
      ['a reason in two lines', reverse(4, { reason: 'a\nb' }), invalid('reason')],
      ['a balance past 2^53-1', add({ points: MAX }), outOfRange('points')],
      ['a batch whose sum passes 2^53-1', batch({ points: MAX }, { points: MAX }), outOfRange('transactions')],
      [
        'a spend of one too many',
        spend(121),
        precondition('INSUFFICIENT_POINTS', { requested: '121', available: '120', shortfall: '1' }),
      ],
      ['an adjustment of one too many', add({ points: -71 }), short(70, 1, 'points')],
      [
        'an adjustment of one too many in a batch',
        batch({ payer: 'B' }, { points: 5 }, { points: -70 }, { points: -6 }),
        short(70, 1, 'transactions[3].points'),
      ],
      [
        'an adjustment of a payer never seen',
        add({ payer: 'A2', points: -1 }),
        {
          ...short(0, 1, 'points'),
          metadata: { payer: 'A2', available: '0', shortfall: '1', field: 'points' },
        },
      ],
      ['a reversal of an earn', reverse(1), precondition('NOT_A_SPEND', { sequence: '1', kind: 'EARN' })],
      ['a reversal of an adjustment', reverse(2), precondition('NOT_A_SPEND', { sequence: '2', kind: 'ADJUST' })],
      [
        'a reversal of more than the spend',
        reverse(4, { points: 21 }),
        precondition('REVERSAL_EXCEEDS_SPEND', { sequence: '4', requested: '21', available: '20' }),
      ],
      [
        'a reversal of what does not exist',
        reverse(5),
        { code: 'NOT_FOUND', reason: 'TRANSACTION_NOT_FOUND', metadata: { sequence: '5' }, fields: [] },
      ],
    ];

    let account: string;
    before(async () => {
      account = await someAccount();
    });

    for (const [name, [method, request], { code, reason, metadata = {}, fields = [] }] of CASES) {
      it(`${name}: ${code} ${reason}, and so by validate_only`, async () => {
        for (const validateOnly of [false, true]) {
          const call = () => failure(write(one, method, { ...request, account, validateOnly }));
          const error = await unchanged(servers.tables, account, call);
          expect(error).to.include({ code, reason, domain: 'points-ledger' });
          expect(error.metadata).to.eql(metadata);
          expect(error.violations.map(({ field }) => field)).to.eql(fields);
        }
      });
    }

    it('a spend reversed already: REVERSAL_EXCEEDS_SPEND', async () => {
      const spent = await someAccount();
      await one.reverseSpend({ account: spent, sequence: 4 });
      const error = await unchanged(servers.tables, spent, () =>
        failure(one.reverseSpend({ account: spent, sequence: 4 })),
      );
      expect(error).to.include({ code: 'FAILED_PRECONDITION', reason: 'REVERSAL_EXCEEDS_SPEND' });
      expect(error.metadata).to.eql({ sequence: '4', available: '0' });
    });

    it('a reversal of a reversal: NOT_A_SPEND', async () => {
      const spent = await someAccount();
      await one.reverseSpend({ account: spent, sequence: 4, points: 1 });
      const error = await failure(one.reverseSpend({ account: spent, sequence: 5 }));
      expect(error).to.include({ reason: 'NOT_A_SPEND' });
      expect(error.metadata).to.eql({ sequence: '5', kind: 'REVERSE' });
    });

    const READS: readonly [string, (client: TestClient, account: string) => Promise<unknown>, string, string[]][] = [
      [
        'GetTransaction of 0',
        (c, account) => c.getTransaction({ account, sequence: 0 }),
        'INVALID_REQUEST',
        ['sequence'],
      ],
      [
        'GetTransaction of none',
        (c, account) => c.getTransaction({ account, sequence: 99 }),
        'TRANSACTION_NOT_FOUND',
        [],
      ],
      ['page_size -1', (c, account) => c.listTransactions({ account, pageSize: -1 }), 'INVALID_REQUEST', ['page_size']],
      ['page_size 1001', (c, account) => c.listLots({ account, pageSize: 1001 }), 'INVALID_REQUEST', ['page_size']],
      ['a page token', (c, account) => c.listLots({ account, pageToken: 'x' }), 'INVALID_REQUEST', ['page_token']],
      [
        'kind UNSPECIFIED',
        (c, account) => c.listTransactions({ account, kinds: ['TRANSACTION_KIND_UNSPECIFIED'] }),
        'INVALID_REQUEST',
        ['kinds[0]'],
      ],
      ['as_of ahead', (c, account) => c.getBalance({ account, asOf: hourAhead() }), 'INVALID_REQUEST', ['as_of']],
      [
        'watching from -1',
        (c, account) => first(c.watchTransactions({ account, afterSequence: -1 })),
        'INVALID_REQUEST',
        ['after_sequence'],
      ],
    ];
    for (const [name, call, reason, fields] of READS) {
      it(`${name}: ${reason}`, async () => {
        const error = await failure(call(one, account));
        expect(error).to.include({ reason, code: reason === 'INVALID_REQUEST' ? 'INVALID_ARGUMENT' : 'NOT_FOUND' });
        expect(error.violations.map(({ field }) => field)).to.eql(fields);
      });
    }

    it('a request of more bytes than the server takes: REQUEST_TOO_LARGE', async () => {
      const reason = 'x'.repeat(5 * 2 ** 20);
      const error = await unchanged(servers.tables, account, () =>
        failure(one.reverseSpend({ account, sequence: 4, reason })),
      );
      expect(error).to.include({ code: 'RESOURCE_EXHAUSTED', reason: 'REQUEST_TOO_LARGE' });
      expect(error.metadata).to.eql({ limit: String(4 * 2 ** 20) });
    });

    it('the first reason in the order of the enum wins', async () => {
      const wrong = { account: 'bob', points: 0 };
      const token = await servers.one.token('alice');
      const reader = await servers.one.serviceToken(['read']);
      const bad = { ...wrong, requestId: '17' };
      expect(await failure(one.spendPoints(bad, { token: '' }))).to.include({ reason: 'TOKEN_MISSING' });
      expect(await failure(one.spendPoints(bad, { token: 'x' }))).to.include({ reason: 'TOKEN_INVALID' });
      expect(await failure(one.spendPoints(bad, { token: reader }))).to.include({ reason: 'SCOPE_MISSING' });
      expect(await failure(one.spendPoints(bad, { token }))).to.include({ reason: 'INVALID_REQUEST' });
      expect(await failure(one.spendPoints({ ...wrong, points: 1 }, { token }))).to.include({
        reason: 'ACCOUNT_FORBIDDEN',
      });
    });
  });

  describe('a request id', () => {
    /** Requests as bytes. */
    const ENCODE: Record<Write, (request: Fields) => Uint8Array> = {
      addTransaction: (fields) => AddTransactionRequest.encode(loose(AddTransactionRequest, fields)).finish(),
      batchAddTransactions: (fields) =>
        BatchAddTransactionsRequest.encode(loose(BatchAddTransactionsRequest, fields)).finish(),
      spendPoints: (fields) => SpendPointsRequest.encode(loose(SpendPointsRequest, fields)).finish(),
      reverseSpend: (fields) => ReverseSpendRequest.encode(loose(ReverseSpendRequest, fields)).finish(),
    };
    function loose<Request>(type: { fromPartial(fields: never): Request }, fields: Fields): Request {
      return type.fromPartial(fields as never);
    }
    const timestamp = toTimestamp(T);
    const entry = { payer: 'A', points: 7, timestamp };
    const second = { payer: 'B', points: -3, timestamp };
    const later = toTimestamp('2020-01-01T00:00:00.000001Z');
    const WRITES: readonly { name: string; method: Write; body: Fields; others: readonly [string, Fields][] }[] = [
      {
        name: 'AddTransaction',
        method: 'addTransaction',
        body: entry,
        others: [
          ['payer', { payer: 'a' }],
          ['points', { points: -7 }],
          ['timestamp', { timestamp: later }],
        ],
      },
      {
        name: 'BatchAddTransactions',
        method: 'batchAddTransactions',
        body: { transactions: [entry, second] },
        others: [
          ['transactions[1].payer', { transactions: [entry, { ...second, payer: 'B B' }] }],
          ['transactions[1].points', { transactions: [entry, { ...second, points: 3 }] }],
          ['transactions[0].timestamp', { transactions: [{ ...entry, timestamp: later }, second] }],
          ['transactions', { transactions: [entry] }],
          ['transactions', { transactions: [entry, second, second] }],
          ['transactions[0].payer', { transactions: [second, entry] }],
        ],
      },
      {
        name: 'SpendPoints',
        method: 'spendPoints',
        body: { points: 5 },
        others: [['points', { points: 6 }]],
      },
      {
        name: 'ReverseSpend of some',
        method: 'reverseSpend',
        body: { sequence: 4, points: 5, reason: 'returned' },
        others: [
          ['sequence', { sequence: 3 }],
          ['points', { points: 6 }],
          ['points', { points: undefined }],
          ['reason', { reason: '' }],
        ],
      },
      {
        name: 'ReverseSpend of the rest',
        method: 'reverseSpend',
        body: { sequence: 4 },
        others: [
          ['points', { points: 20 }],
          ['reason', { reason: 'x' }],
        ],
      },
    ];
    const bodyOf: Record<Write, Fields> = {
      addTransaction: entry,
      batchAddTransactions: { transactions: [second, second] },
      spendPoints: { points: 5 },
      reverseSpend: { sequence: 4 },
    };

    for (const { name, method, body, others } of WRITES) {
      it(`${name}: again, on either server, in any case of letters: the first answer byte for byte, done once`, async () => {
        const account = await someAccount();
        const requestId = randomUUID();
        const bytes = ENCODE[method]({ ...body, account, requestId });
        const first = await one.raw(method, bytes);
        await one.addTransaction({ account, payer: 'Z', points: 1, timestamp: T }); // life goes on
        await unchanged(servers.tables, account, async () => {
          expect((await one.raw(method, bytes)).equals(first), 'the same server').to.equal(true);
          expect((await other.raw(method, bytes)).equals(first), 'the other server').to.equal(true);
          const shouted = ENCODE[method]({ ...body, account, requestId: requestId.toUpperCase() });
          expect((await one.raw(method, shouted)).equals(first), 'in capitals').to.equal(true);
          const preview = ENCODE[method]({ ...body, account, requestId, validateOnly: true });
          expect((await other.raw(method, preview)).equals(first), 'as a preview').to.equal(true);
        });
      });

      it(`${name}: with another body is refused, and the field that differs named`, async () => {
        const account = await someAccount();
        const requestId = randomUUID();
        await write(one, method, { ...body, account, requestId });
        for (const [field, change] of others) {
          for (const validateOnly of [false, true]) {
            const request = { ...body, ...change, account, requestId, validateOnly };
            const error = await unchanged(servers.tables, account, () => failure(write(other, method, request)));
            expect(error, field).to.include({ code: 'ALREADY_EXISTS', reason: 'REQUEST_ID_REUSED' });
            expect(error.metadata).to.eql({ field });
          }
        }
      });

      it(`${name}: used by another method is refused`, async () => {
        const account = await someAccount();
        const requestId = randomUUID();
        await write(one, method, { ...body, account, requestId });
        const adds = (each: Write) => each === 'addTransaction' || each === 'batchAddTransactions';
        for (const [another, anotherBody] of Object.entries(bodyOf) as [Write, Fields][]) {
          if (another === method || (adds(another) && adds(method))) continue;
          const error = await failure(write(one, another, { ...anotherBody, account, requestId }));
          expect(error, another).to.include({ reason: 'REQUEST_ID_REUSED' });
          expect(error.metadata).to.eql({ field: 'method' });
        }
      });

      it(`${name}: sent to both servers at once is done once, and both are answered alike`, async () => {
        const account = await someAccount();
        for (let round = 0; round < 8; round += 1) {
          const fresh = round === 0 || method !== 'reverseSpend' ? account : await someAccount();
          const before = (await servers.tables.count(fresh)).transactions;
          const bytes = ENCODE[method]({ ...body, account: fresh, requestId: randomUUID() });
          const answers = await Promise.all([one, other, one, other].map((client) => client.raw(method, bytes)));
          for (const answer of answers) expect(answer.equals(answers[0]!)).to.equal(true);
          const made = method === 'batchAddTransactions' ? 2 : 1;
          expect((await servers.tables.count(fresh)).transactions).to.equal(before + made);
        }
      });
    }

    it('a single transaction and a batch of one are the same call', async () => {
      const account = await someAccount();
      const requestId = randomUUID();
      const { transaction } = await one.addTransaction({ account, payer: 'A', points: 7, timestamp: T, requestId });
      const transactions = [{ payer: 'A', points: 7, timestamp: T }];
      await unchanged(servers.tables, account, async () => {
        expect((await other.batchAddTransactions({ account, transactions, requestId })).transactions).to.eql([
          transaction,
        ]);
      });
      const id = randomUUID();
      const batch = await one.batchAddTransactions({ account, transactions, requestId: id });
      await unchanged(servers.tables, account, async () => {
        const single = await one.addTransaction({ account, payer: 'A', points: 7, timestamp: T, requestId: id });
        expect(single.transaction).to.eql(batch.transactions[0]);
      });
    });

    it('is not remembered by a call that failed', async () => {
      const account = await someAccount();
      const requestId = randomUUID();
      expect(await failure(one.spendPoints({ account, points: 1000, requestId }))).to.include({
        reason: 'INSUFFICIENT_POINTS',
      });
      expect((await one.spendPoints({ account, points: 10, requestId })).balance).to.equal(110);
    });

    it('is not remembered by a preview', async () => {
      const account = await someAccount();
      const requestId = randomUUID();
      await one.spendPoints({ account, points: 20, requestId, validateOnly: true });
      expect((await one.spendPoints({ account, points: 10, requestId })).balance).to.equal(110);
    });

    it("is the account's own: another account may use the same", async () => {
      const [a, b] = [await someAccount(), await someAccount()];
      const requestId = randomUUID();
      for (const account of [a, b]) {
        expect((await one.spendPoints({ account, points: 10, requestId })).transaction).to.include({
          account,
          requestId,
        });
      }
    });
  });

  describe('validate_only', () => {
    const WRITES: readonly [string, Write, Fields][] = [
      ['an earn', 'addTransaction', { payer: 'New', points: 5, timestamp: T }],
      ['an adjustment', 'addTransaction', { payer: 'A', points: -5, timestamp: T }],
      ['a batch', 'batchAddTransactions', { transactions: [{ payer: 'New', points: 5, timestamp: T }] }],
      ['a spend', 'spendPoints', { points: 100 }],
      ['a reversal', 'reverseSpend', { sequence: 4 }],
    ];
    for (const [name, method, request] of WRITES) {
      it(`${name}: the answer of the real call, and nothing written`, async () => {
        const account = await someAccount();
        const requestId = randomUUID();
        const preview = (await unchanged(servers.tables, account, () =>
          write(one, method, { ...request, account, requestId, validateOnly: true }),
        )) as Fields;
        const real = (await write(one, method, { ...request, account, requestId })) as Fields;
        expect(timeless(preview)).to.eql(timeless(real));
      });
    }

    it('of an account that does not exist makes none', async () => {
      const account = newAccount('unborn');
      const total = await servers.tables.countAll();
      await one.addTransaction({ account, payer: 'A', points: 5, timestamp: T, validateOnly: true });
      await failure(one.addTransaction({ account, payer: 'A', points: -5, timestamp: T }));
      await failure(one.spendPoints({ account, points: 5 }));
      expect(await servers.tables.countAll()).to.equal(total);
      expect(await one.getBalance({ account })).to.deep.include({ points: 0, sequence: 0 });
    });
  });

  /** An answer without the time at which it was recorded. */
  function timeless(answer: Fields): unknown {
    return JSON.parse(JSON.stringify(answer, (key, value) => (key === 'recordedAt' ? undefined : value)));
  }

  async function first(messages: AsyncIterable<unknown>): Promise<unknown> {
    for await (const message of messages) return message;
    return undefined;
  }

  function hourAhead(): string {
    return new Date(Date.now() + 3_600_000).toISOString();
  }
});
