import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { ApiError } from '../../src/api/errors.ts';
import { errorOf, type Served, serveGateway } from './serve.ts';

describe('rest: streams', () => {
  let served: Served;
  let stream: (isGone: () => boolean) => AsyncIterable<object>;
  const path = '/v1/accounts/a/transactions:watch';
  const empty = { transaction: undefined };
  before(async () => {
    served = await serveGateway({ WatchTransactions: ({ context }) => stream(context.isGone) });
  });
  after(() => served.close());

  it('are lines of JSON', async () => {
    stream = async function* () {
      yield empty;
      yield empty;
    };
    const response = await fetch(served.url + path);
    expect(response.headers.get('content-type')).to.equal('application/x-ndjson; charset=utf-8');
    expect(await response.text()).to.equal('{"result":{}}\n{"result":{}}\n');
  });

  it('may be empty', async () => {
    stream = async function* () {};
    const response = await fetch(served.url + path);
    expect([response.status, await response.text()]).to.deep.equal([200, '']);
  });

  it('that fail before the first line are answered as any error', async () => {
    stream = async function* () {
      if (served) throw new ApiError('ACCOUNT_FORBIDDEN', 'not yours');
      yield empty;
    };
    expect(await errorOf(await fetch(served.url + path))).to.include({ http: 403, reason: 'ACCOUNT_FORBIDDEN' });
  });

  it('that fail midway say so in the last line', async () => {
    stream = async function* () {
      yield empty;
      throw new ApiError('DATABASE_UNAVAILABLE', 'away', { retryAfterMs: 1000 });
    };
    const [first, last, rest] = (await (await fetch(served.url + path)).text()).split('\n');
    expect([first, rest]).to.deep.equal(['{"result":{}}', '']);
    expect(JSON.parse(last!)).to.have.nested.property('error.code', 14);
    expect(JSON.parse(last!)).to.have.nested.property('error.details[0].reason', 'DATABASE_UNAVAILABLE');
  });

  it('reach the client line by line, and their headers before the first line that takes long', async () => {
    let go = () => {};
    stream = async function* () {
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      yield empty;
    };
    const response = await fetch(served.url + path);
    expect(response.status).to.equal(200);
    go();
    expect(await response.text()).to.equal('{"result":{}}\n');
  });

  it('end at the deadline that the client sets', async () => {
    stream = async function* (isGone) {
      yield empty;
      while (!isGone()) await sleep(5);
      throw new ApiError('CANCELLED', 'told to stop');
    };
    const response = await fetch(served.url + path, { headers: { 'grpc-timeout': '50m' } });
    const [first, last] = (await response.text()).split('\n');
    expect(first).to.equal('{"result":{}}');
    expect(JSON.parse(last!)).to.have.nested.property('error.details[0].reason', 'DEADLINE_EXCEEDED');
    const far = fetch(served.url + path, { headers: { 'grpc-timeout': '99999999H' }, signal: AbortSignal.timeout(50) });
    expect(await far.then((open) => open.text()).catch((error) => error.name)).to.equal('TimeoutError');
  });

  it('end when the client leaves: the call is told, the iterator returns', async () => {
    let ended = false;
    let gone = () => false;
    stream = async function* (isGone) {
      gone = isGone;
      try {
        for (;;) {
          yield empty;
          await sleep(5);
        }
      } finally {
        ended = true;
      }
    };
    const leave = new AbortController();
    const response = await fetch(served.url + path, { signal: leave.signal });
    await response.body!.getReader().read();
    expect(ended).to.equal(false);
    leave.abort();
    while (!ended) await sleep(5);
    expect(gone()).to.equal(true);
  });

  it('wait for a client that does not read', async () => {
    let sent = 0;
    let ended = false;
    stream = async function* () {
      try {
        for (;;) {
          sent += 1;
          yield empty;
        }
      } finally {
        ended = true;
      }
    };
    const socket = connect(served.port, '127.0.0.1');
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    let before = -1;
    while (before !== sent) {
      before = sent;
      await sleep(100);
    }
    expect(sent).to.be.within(1, 2_000_000);
    expect(ended).to.equal(false);
    socket.destroy();
    while (!ended) await sleep(5);
  });
});
