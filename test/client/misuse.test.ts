// What a caller may get wrong, and what the client says to it before anything is sent.
import { expect } from 'chai';
import { type ConnectOptions, connect, type PointsClient } from '../../clients/typescript/src/index.ts';
import { collect, failure } from '../support/outcomes.ts';
import { type FakeServer, startFakeServer } from './fake-server.ts';

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

const TIMESTAMP = '2020-11-02T14:00:00Z';

const read = (client: PointsClient) => client.getBalance();
const watch = (client: PointsClient) => collect(client.watchTransactions());
const load = (client: PointsClient) =>
  collect(client.importTransactions([{ account: 'a', payer: 'DANNON', points: 1, timestamp: TIMESTAMP }]));

function hides(error: Error, part: string): boolean {
  return ![error.message, error.stack, String(error.cause)].some((text) => text?.includes(part));
}
