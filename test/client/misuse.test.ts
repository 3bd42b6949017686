// What a caller may get wrong, and what the client says to it before anything is sent.
import { expect } from 'chai';
import { type ConnectOptions, connect, type PointsClient } from '../../clients/typescript/src/index.ts';
import { collect, failure } from '../support/outcomes.ts';
import { type FakeServer, startFakeServer } from './fake-server.ts';

const EARN = { payer: 'DANNON', points: 1, timestamp: '2020-11-02T14:00:00Z' };
const IMPORTED = { ...EARN, account: 'a' };

/** What only callers without TypeScript give. */
const nothing = null as never;
const none = undefined as never;

describe('client: misuse', () => {
  let server: FakeServer;
  let points: PointsClient;
  before(async () => {
    server = await startFakeServer(() => ({ points: 0, sequence: 0 }));
    points = connect({ address: server.address, token: 't' });
  });
  beforeEach(() => {
    server.calls.length = 0;
  });
  afterEach(() => {
    expect(server.calls, 'calls sent').to.have.length(0);
  });
  after(() => {
    points.close();
    server.close();
  });

  describe('of the token', () => {
    const wrong = [
      ['a line break at its end', 'S3C.r.et\n', /a line break/],
      ['the line break of Windows', 'S3C.r.et\r\n', /a line break/],
      ['a space', 'S3C.r et', /a space/],
      ['a letter that is not ASCII', 'S3C.é.et', /not ASCII/],
      ['half of a surrogate pair', 'S3C.r.et\ud800', /not ASCII/],
      ['a control character', 'S3C.r.et\0', /a control character/],
    ] as const;

    for (const [what, token, said] of wrong) {
      it(`connect refuses ${what}, and does not repeat the token`, () => {
        expect(() => connect({ address: server.address, token }))
          .to.throw(TypeError, said)
          .that.satisfies((error: Error) => hides(error, 'S3C'));
      });

      it(`a call refuses ${what} from the token function, and does not repeat the token`, async () => {
        for (const call of [read, watch, load]) {
          const error = await failureWith(async () => token, call);
          expect(error).to.be.instanceOf(TypeError).with.property('message').that.matches(said);
          expect(hides(error, 'S3C')).to.equal(true);
        }
      });
    }

    for (const [given, said] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [{ token: 'S3C.r.et' }, 'an object'],
      [5, 'a number'],
    ] as const) {
      it(`a call refuses a token function that gives ${said}`, async () => {
        const error = await failureWith(() => given as never, read);
        expect(error)
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.matches(/^token: must be a string/);
        expect(error.message).to.include(said);
      });
    }

    for (const token of [undefined, null, 5, {}]) {
      it(`connect refuses ${JSON.stringify(token)} as the token`, () => {
        const connected = () => connect({ address: server.address, token: token as never });
        expect(connected).to.throw(TypeError, /^token: must be a string, or a function/);
      });
    }
  });

  describe('of a text', () => {
    const half = 'A\ud800';
    for (const [field, call] of [
      ['payer', () => points.addTransaction({ ...EARN, payer: half })],
      ['payer', () => points.addTransaction({ ...EARN, payer: '\udfffA' })],
      ['payer', () => points.addTransaction({ ...EARN, payer: '\udfff\ud800' })],
      ['account', () => points.addTransaction({ ...EARN, account: half })],
      ['request_id', () => points.addTransaction({ ...EARN, requestId: half })],
      ['transactions[1].payer', () => points.batchAddTransactions({ transactions: [EARN, { ...EARN, payer: half }] })],
      ['account', () => points.spendPoints({ points: 1, account: half })],
      ['reason', () => points.reverseSpend({ sequence: 1, reason: half })],
      ['account', () => points.getBalance({ account: half })],
      ['account', () => points.getTransaction({ account: half, sequence: 1 })],
      ['payer', () => collect(points.listTransactions({ payer: half }))],
      ['page_token', () => collect(points.listTransactions({ pageToken: half }))],
      ['page_token', () => collect(points.listLots({ pageToken: half }))],
      ['account', () => collect(points.watchTransactions({ account: half }))],
      ['transactions[1].payer', () => collect(points.importTransactions([IMPORTED, { ...IMPORTED, payer: half }]))],
      ['transactions[0].account', () => collect(points.importTransactions([{ ...IMPORTED, account: half }]))],
      ['transactions[0].request_id', () => collect(points.importTransactions([{ ...IMPORTED, requestId: half }]))],
    ] as const) {
      it(`half of a surrogate pair in ${field} of ${methodOf(call)} is refused: it would be sent as U+FFFD`, async () => {
        const error = await failure(call());
        expect(error).to.be.instanceOf(TypeError);
        expect(error.message).to.equal(`${field}: has half of a surrogate pair`);
      });
    }

    it('whole surrogate pairs are sent', async () => {
      await points.getTransaction({ account: '\ud83d\ude00', sequence: 1 }).catch(() => {});
      expect(server.calls.splice(0)[0]?.request).to.include({ account: '😀' });
    });
  });

  describe('of a request', () => {
    for (const [said, call] of [
      ['request: must be an object', () => points.addTransaction(none)],
      ['request: must be an object', () => points.addTransaction(nothing)],
      ['request: must be an object', () => points.batchAddTransactions(none)],
      ['request: must be an object', () => points.spendPoints(none)],
      ['request: must be an object', () => points.spendPoints(5 as never)],
      ['request: must be an object', () => points.reverseSpend(none)],
      ['request: must be an object', () => points.getBalance(nothing)],
      ['request: must be an object', () => points.getTransaction(none)],
      ['request: must be an object', () => collect(points.listTransactions(nothing))],
      ['request: must be an object', () => collect(points.listLots(nothing))],
      ['request: must be an object', () => collect(points.watchTransactions(nothing))],
      ['kinds: must be an array', () => collect(points.listTransactions({ kinds: 'EARN' as never }))],
      ['transactions[1]: must be an object', () => points.batchAddTransactions({ transactions: [EARN, nothing] })],
      ['transactions[1]: must be an object', () => collect(points.importTransactions([IMPORTED, nothing]))],
      ['transactions: must be an object', () => collect(points.importTransactions(nothing))],
      ['transactions: must be an iterable', () => collect(points.importTransactions({ ...IMPORTED } as never))],
    ] as const) {
      it(`${methodOf(call)}: ${said}`, async () => {
        const error = await failure(call());
        expect(error).to.include({ name: 'InvalidArgumentError', message: said });
        expect(error.violations.map(({ field }) => field)).to.deep.equal([said.split(':')[0]]);
      });
    }

    for (const [field, call] of [
      ['requestId', () => points.spendPoints({ points: 1, requestId: '' })],
      ['requestId', () => points.addTransaction({ ...EARN, requestId: '' })],
      ['transactions[0].requestId', () => collect(points.importTransactions([{ ...IMPORTED, requestId: '' }]))],
    ] as const) {
      it(`an empty ${field} of ${methodOf(call)} is refused: a new one would let it be done twice`, async () => {
        const error = await failure(call());
        expect(error).to.be.instanceOf(TypeError);
        expect(error.message).to.equal(`${field}: must not be empty; leave it out to get a new one`);
      });
    }
  });

  describe('of connect', () => {
    for (const options of [
      undefined,
      null,
      {},
      { token: 't' },
      { address: [], token: 't' },
      { address: 5, token: 't' },
    ]) {
      it(`${JSON.stringify(options)} has no address`, () => {
        expect(() => connect(options as never)).to.throw(TypeError, /^address: /);
      });
    }

    it('names a wrong one of several addresses', () => {
      expect(() => connect({ address: ['localhost', 5 as never], token: 't' })).to.throw(
        TypeError,
        /^address: must be/,
      );
    });

    it('wants a token', () => {
      expect(() => connect({ address: 'localhost:1' } as never)).to.throw(TypeError, /^token: must be/);
    });
  });

  /** What a call of a client with this token fails with. */
  async function failureWith(
    token: ConnectOptions['token'],
    call: (client: PointsClient) => Promise<unknown>,
  ): Promise<Error> {
    const client = connect({ address: server.address, token });
    try {
      return await failure(call(client));
    } finally {
      client.close();
    }
  }
});

const read = (client: PointsClient) => client.getBalance();
const watch = (client: PointsClient) => collect(client.watchTransactions());
const load = (client: PointsClient) => collect(client.importTransactions([IMPORTED]));

/** The method of the client that a function calls. */
function methodOf(call: () => unknown): string {
  return /points\s*\.(\w+)/.exec(String(call))![1]!;
}

function hides(error: Error, part: string): boolean {
  return ![error.message, error.stack, String(error.cause)].some((text) => text?.includes(part));
}
