// What a caller may get wrong, and what the client says to it before anything is sent.
import { expect } from 'chai';
import { type ConnectOptions, connect, type PointsClient } from '../../clients/typescript/src/index.ts';
import { collect, failure } from '../support/outcomes.ts';
import { type FakeServer, startFakeServer } from './fake-server.ts';

const TIMESTAMP = '2020-11-02T14:00:00Z';

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
    const transaction = { payer: 'DANNON', points: 1, timestamp: TIMESTAMP };
    const imported = { ...transaction, account: 'a' };
    for (const [field, call] of [
      ['payer', () => points.addTransaction({ ...transaction, payer: half })],
      ['payer', () => points.addTransaction({ ...transaction, payer: '\udfffA' })],
      ['payer', () => points.addTransaction({ ...transaction, payer: '\udfff\ud800' })],
      ['account', () => points.addTransaction({ ...transaction, account: half })],
      ['request_id', () => points.addTransaction({ ...transaction, requestId: half })],
      [
        'transactions[1].payer',
        () => points.batchAddTransactions({ transactions: [transaction, { ...transaction, payer: half }] }),
      ],
      ['account', () => points.spendPoints({ points: 1, account: half })],
      ['reason', () => points.reverseSpend({ sequence: 1, reason: half })],
      ['account', () => points.getBalance({ account: half })],
      ['account', () => points.getTransaction({ account: half, sequence: 1 })],
      ['payer', () => collect(points.listTransactions({ payer: half }))],
      ['page_token', () => collect(points.listTransactions({ pageToken: half }))],
      ['page_token', () => collect(points.listLots({ pageToken: half }))],
      ['account', () => collect(points.watchTransactions({ account: half }))],
      ['transactions[1].payer', () => collect(points.importTransactions([imported, { ...imported, payer: half }]))],
      ['transactions[0].account', () => collect(points.importTransactions([{ ...imported, account: half }]))],
      ['transactions[0].request_id', () => collect(points.importTransactions([{ ...imported, requestId: half }]))],
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
const load = (client: PointsClient) =>
  collect(client.importTransactions([{ account: 'a', payer: 'DANNON', points: 1, timestamp: TIMESTAMP }]));

/** The method of the client that a function calls. */
function methodOf(call: () => unknown): string {
  return /points\s*\.(\w+)/.exec(String(call))![1]!;
}

function hides(error: Error, part: string): boolean {
  return ![error.message, error.stack, String(error.cause)].some((text) => text?.includes(part));
}
