// Which answers are repeated, when, and with what.
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { version } from '../../clients/typescript/src/gen/version.ts';
import {
  type CallOptions,
  type ConnectOptions,
  connect,
  type PointsClient,
  PointsError,
} from '../../clients/typescript/src/index.ts';
import { ApiError, type Reason } from '../../src/api/errors.ts';
import { collect, failure } from '../support/outcomes.ts';
import { bareStatus, type FakeCall, type FakeServer, startFakeServer } from './fake-server.ts';

const QUICK = { delayMs: 1, delayMsMax: 5 };
const EARN = { account: 'a', payer: 'DANNON', points: 10, timestamp: '2020-11-02T14:00:00Z' };

describe('client: attempts', () => {
  let server: FakeServer | undefined;
  let points: PointsClient | undefined;
  afterEach(() => {
    points?.close();
    server?.close();
  });

  async function start(
    answer: (call: FakeCall, index: number) => object | Promise<object>,
    options: Partial<ConnectOptions> = {},
  ): Promise<PointsClient> {
    server = await startFakeServer(answer);
    points = connect({ address: server.address, token: 't', retry: QUICK, ...options });
    return points;
  }

  const transient: [string, () => unknown][] = [
    ['DATABASE_UNAVAILABLE', () => new ApiError('DATABASE_UNAVAILABLE', '', { retryAfterMs: 1 })],
    ['CONTENTION', () => new ApiError('CONTENTION', '', { retryAfterMs: 1 })],
    ['QUEUE_FULL', () => new ApiError('QUEUE_FULL', '', { retryAfterMs: 1 })],
    ['DEADLINE_EXCEEDED', () => new ApiError('DEADLINE_EXCEEDED', '')],
    ['a bare UNAVAILABLE', () => bareStatus('UNAVAILABLE')],
    ['a bare CANCELLED (RST_STREAM)', () => bareStatus('CANCELLED')],
    ['a bare INTERNAL (RST_STREAM)', () => bareStatus('INTERNAL')],
  ];
  for (const [name, error] of transient) {
    it(`repeats a call answered with ${name}, under the same request_id`, async () => {
      const client = await start((_call, index) => {
        if (index < 2) throw error();
        return { payers: [], allocations: [], balance: 7, transaction: spend };
      });
      expect((await client.spendPoints({ points: 1 })).balance).to.equal(7);
      const ids = server!.calls.map(({ request }) => request.requestId);
      expect(ids).to.have.length(3);
      expect(new Set(ids).size).to.equal(1);
      expect(ids[0]).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    });
  }

  const final: Reason[] = ['INSUFFICIENT_POINTS', 'INVALID_REQUEST', 'REQUEST_ID_REUSED', 'TOKEN_INVALID', 'INTERNAL'];
  for (const reason of final) {
    it(`does not repeat a call answered with ${reason}`, async () => {
      const client = await start(() => {
        throw new ApiError(reason, '');
      });
      await failure(client.spendPoints({ points: 1 }));
      expect(server!.calls).to.have.length(1);
    });
  }

  it('repeats reads too', async () => {
    const client = await start((_call, index) => {
      if (index === 0) throw bareStatus('UNAVAILABLE');
      return { account: 'a', points: 5, payers: new Map(), unsettled: new Map(), sequence: 1 };
    });
    expect((await client.getBalance()).points).to.equal(5);
  });

  it('makes as many attempts as it may, one where retries are off', async () => {
    for (const [retry, attempts] of [
      [false, 1],
      [{ ...QUICK, attemptsMax: 3 }, 3],
    ] as const) {
      const client = await start(
        () => {
          throw bareStatus('UNAVAILABLE');
        },
        { retry },
      );
      await failure(client.getBalance());
      expect(server!.calls).to.have.length(attempts);
      await failure(client.getBalance({}, { retry: { ...QUICK, attemptsMax: 2 } }));
      expect(server!.calls, 'the call knows better').to.have.length(attempts + 2);
      client.close();
      server!.close();
    }
  });

  it('waits as long as the server asks for', async () => {
    const times: number[] = [];
    const client = await start((_call, index) => {
      times.push(Date.now());
      if (index === 0) throw new ApiError('QUEUE_FULL', '', { retryAfterMs: 300 });
      return { account: 'a', points: 5, payers: new Map(), unsettled: new Map(), sequence: 1 };
    });
    await client.getBalance();
    expect(times[1]! - times[0]!).to.be.within(295, 500);
  });

  it('fails at once where the server asks for more time than there is', async () => {
    const client = await start(() => {
      throw new ApiError('QUEUE_FULL', '', { retryAfterMs: 5_000 });
    });
    const began = Date.now();
    const error = await failure(client.getBalance({}, { timeoutMs: 1_000 }));
    expect(error).to.include({ name: 'OverloadedError', retryAfterMs: 5_000 });
    expect(Date.now() - began).to.be.lessThan(500);
  });

  it('waits where the server asks for more than a timer counts, and fails at once where there is a deadline', async () => {
    const client = await start(() => {
      throw new ApiError('QUEUE_FULL', '', { retryAfterMs: 2 ** 33 });
    });
    const unbounded = { timeoutMs: Number.POSITIVE_INFINITY, signal: AbortSignal.timeout(200) };
    expect(await failure(client.getBalance({}, unbounded))).to.include({ name: 'CancelledError' });
    expect(server!.calls).to.have.length(1);
    const began = Date.now();
    expect(await failure(client.getBalance({}))).to.include({ name: 'OverloadedError', retryAfterMs: 2 ** 33 });
    expect(Date.now() - began).to.be.lessThan(500);
  });

  it('tells the server the deadline of the attempt', async () => {
    const client = await start(() => ({
      account: '',
      points: 0,
      payers: new Map(),
      unsettled: new Map(),
      sequence: 0,
    }));
    for (const [options, within] of [
      [{}, 3_334],
      [{ timeoutMs: 1_500 }, 1_000],
      [{ timeoutMs: 500 }, 500],
      [{ timeoutMs: 5_000, retry: false }, 5_000],
    ] as const) {
      const began = Date.now();
      await client.getBalance({}, options);
      const deadline = Number(server!.calls.at(-1)!.getDeadline()) - began;
      expect(deadline).to.be.within(within - 50, within + 150);
    }
  });

  it('sends the token, asked anew for every attempt, and its own name', async () => {
    let asked = 0;
    const client = await start(
      (_call, index) => {
        if (index === 0) throw bareStatus('UNAVAILABLE');
        return { account: '', points: 0, payers: new Map(), unsettled: new Map(), sequence: 0 };
      },
      { token: async () => `token-${++asked}` },
    );
    await client.getBalance();
    const sent = server!.calls.map(({ metadata }) => metadata.get('authorization')[0]);
    expect(sent).to.deep.equal(['Bearer token-1', 'Bearer token-2']);
    expect(server!.calls[0]!.metadata.get('user-agent')[0]).to.match(new RegExp(`^points-ledger-client/${version} `));
  });

  it('fails as the token function does, and in time where it hangs', async () => {
    const broken = new Error('no vault');
    let client = await start(() => ({}), { token: () => Promise.reject(broken) });
    expect(await failure(client.getBalance())).to.equal(broken);
    client.close();
    server!.close();
    client = await start(() => ({}), { token: () => new Promise(() => {}) });
    expect(await failure(client.getBalance({}, { timeoutMs: 50 }))).to.include({ name: 'DeadlineError' });
    const signal = AbortSignal.timeout(50);
    expect(await failure(client.getBalance({}, { signal }))).to.include({ name: 'CancelledError' });
  });

  const vault = new Error('no vault');
  const forgetful: [string, object, () => Promise<string>, CallOptions?][] = [
    ['hangs', { name: 'DeadlineError' }, () => new Promise(() => {})],
    ['throws', { name: 'UnauthenticatedError', cause: vault }, () => Promise.reject(vault)],
    ['is aborted', { name: 'CancelledError' }, () => new Promise(() => {}), { timeoutMs: 5_000 }],
  ];
  for (const [name, expected, token, options] of forgetful) {
    for (const [code, maybeApplied] of [
      ['UNAVAILABLE', true],
      ['ABORTED', false],
    ] as const) {
      it(`knows of the attempt before, ended by ${code}, where the token function ${name}`, async () => {
        let asked = 0;
        const fails = () => {
          throw bareStatus(code);
        };
        const client = await start(fails, { token: () => (++asked === 1 ? 't' : token()) });
        const requestId = randomUUID();
        const signal = options && AbortSignal.timeout(100);
        const error = await failure(
          client.spendPoints({ points: 1, requestId }, { timeoutMs: 200, signal, ...options }),
        );
        expect(error).to.include({ ...expected, requestId, maybeApplied });
        expect(error).to.be.instanceOf(PointsError);
        expect(server!.calls).to.have.length(1);
      });
    }
  }

  it('names the request_id of a write it could not send in time', async () => {
    const client = await start(() => ({}), { token: () => new Promise(() => {}) });
    const requestId = randomUUID();
    const late = await failure(client.spendPoints({ points: 1, requestId }, { timeoutMs: 50 }));
    expect(late).to.include({ name: 'DeadlineError', requestId, maybeApplied: false });
    const signal = AbortSignal.timeout(50);
    const aborted = await failure(client.spendPoints({ points: 1, requestId }, { signal }));
    expect(aborted).to.include({ name: 'CancelledError', requestId, maybeApplied: false });
  });

  const wrong: [Record<string, unknown>, typeof TypeError | typeof RangeError, string][] = [
    [{ signal: new AbortController() }, TypeError, 'signal'],
    [{ signal: {} }, TypeError, 'signal'],
    [{ timeoutMs: '500' }, TypeError, 'timeoutMs'],
    [{ timeoutMs: 500n }, TypeError, 'timeoutMs'],
    [{ timeoutMs: Number.NaN }, RangeError, 'timeoutMs'],
    [{ timeoutMs: 0 }, RangeError, 'timeoutMs'],
    [{ retry: 'no' }, TypeError, 'retry'],
    [{ retry: { attemptTimeoutMs: Number.NaN } }, RangeError, 'retry.attemptTimeoutMs'],
    [{ retry: { attemptTimeoutMs: -5 } }, RangeError, 'retry.attemptTimeoutMs'],
    [{ retry: { attemptsMax: 0 } }, RangeError, 'retry.attemptsMax'],
    [{ retry: { attemptsMax: Number.NaN } }, RangeError, 'retry.attemptsMax'],
    [{ retry: { attemptsMax: '3' } }, TypeError, 'retry.attemptsMax'],
    [{ retry: { delayMs: -1 } }, RangeError, 'retry.delayMs'],
    [{ retry: { delayMsMax: Number.NaN } }, RangeError, 'retry.delayMsMax'],
  ];
  const kinds: [string, (client: PointsClient, options: CallOptions) => Promise<unknown>][] = [
    ['read', (client, options) => client.getBalance({}, options)],
    ['write', (client, options) => client.spendPoints({ points: 1 }, options)],
    ['list', (client, options) => collect(client.listTransactions({}, options))],
    ['watch', (client, options) => collect(client.watchTransactions({}, options))],
    ['import', (client, options) => collect(client.importTransactions([EARN], options))],
  ];
  for (const [options, Class, field] of wrong) {
    it(`refuses ${inspect(options, { compact: true, depth: 1 })} in every kind of call, before anything is sent`, async () => {
      let asked = 0;
      const client = await start(() => ({}), { token: async () => `t${++asked}` });
      for (const [kind, call] of kinds) {
        const error = await failure(call(client, options));
        expect(error, kind).to.be.instanceOf(Class);
        expect(error.message, kind).to.match(new RegExp(`^${field}: must be `));
      }
      expect({ asked, calls: server!.calls.length }).to.deep.equal({ asked: 0, calls: 0 });
    });
  }

  it('refuses wrong options of the client', () => {
    for (const [options, Class, field] of wrong.filter(([{ signal }]) => signal === undefined)) {
      const connecting = () => connect({ address: 'localhost:1', token: 't', ...options });
      expect(connecting, inspect(options)).to.throw(Class, new RegExp(`^${field.replace('.', '\\.')}: must be `));
    }
  });

  it('refuses addresses that are none', () => {
    for (const address of ['', 'http://localhost:50051', 'a b', 'host:port', []]) {
      expect(() => connect({ address, token: 't' }), String(address)).to.throw(TypeError, /^address: /);
    }
  });
});

const spend = {
  account: 'a',
  sequence: 1,
  kind: 'TRANSACTION_KIND_SPEND',
  payer: '',
  points: -1,
  recordedAt: { seconds: 0, nanos: 0 },
  requestId: '',
  balance: 7,
  payers: [],
  allocations: [],
  settlements: [],
  reversedSequence: 0,
  reason: '',
  draws: [],
};
