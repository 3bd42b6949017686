import { expect } from 'chai';
import * as client from '../../clients/typescript/src/index.ts';
import { ApiError, ERRORS, type ErrorDetails, type Reason } from '../../src/api/errors.ts';
import { failure } from '../support/outcomes.ts';
import { bareStatus, serviceError, startFakeServer } from './fake-server.ts';

type ErrorClass = new (...args: never) => client.PointsError;

/** Every reason there is, with the class it becomes, and what that class tells of the details. */
const REASONS: Readonly<Record<Reason, [ErrorClass, ErrorDetails?, Record<string, unknown>?]>> = {
  TOKEN_MISSING: [client.UnauthenticatedError],
  TOKEN_INVALID: [client.UnauthenticatedError],
  SCOPE_MISSING: [
    client.PermissionDeniedError,
    { metadata: { scope: 'spend' } },
    { scope: 'spend', account: undefined },
  ],
  INVALID_REQUEST: [
    client.InvalidArgumentError,
    { violations: [{ field: 'transactions[3].points', description: 'must not be 0' }] },
    { violations: [{ field: 'transactions[3].points', description: 'must not be 0' }] },
  ],
  ACCOUNT_FORBIDDEN: [
    client.PermissionDeniedError,
    { metadata: { account: 'bob' } },
    { account: 'bob', scope: undefined },
  ],
  REQUEST_ID_REUSED: [client.RequestIdReusedError, { metadata: { field: 'points' } }, { field: 'points' }],
  TRANSACTION_NOT_FOUND: [client.NotFoundError, { metadata: { sequence: '7' } }, { sequence: 7 }],
  NOT_A_SPEND: [client.NotASpendError, { metadata: { sequence: '7', kind: 'EARN' } }, { sequence: 7 }],
  REVERSAL_EXCEEDS_SPEND: [
    client.ReversalExceedsSpendError,
    { metadata: { sequence: '7', requested: '10', available: '4' } },
    { sequence: 7, available: 4 },
  ],
  INSUFFICIENT_POINTS: [
    client.InsufficientPointsError,
    { metadata: { requested: '5', available: '3', shortfall: '2' } },
    { requested: 5, available: 3, shortfall: 2 },
  ],
  PAYER_BALANCE_INSUFFICIENT: [
    client.PayerBalanceInsufficientError,
    { metadata: { payer: 'DANNON', available: '3', shortfall: '2' } },
    { payer: 'DANNON', available: 3, shortfall: 2 },
  ],
  POINTS_OUT_OF_RANGE: [client.OutOfRangeError, { metadata: { limit: '9007199254740991' } }],
  QUEUE_FULL: [client.OverloadedError, { retryAfterMs: 1_250 }, { retryAfterMs: 1_250 }],
  REQUEST_TOO_LARGE: [client.RequestTooLargeError, { metadata: { limit: '4194304' } }, { limit: 4_194_304 }],
  CONTENTION: [client.ContentionError, { retryAfterMs: 100 }, { retryAfterMs: 100 }],
  DATABASE_UNAVAILABLE: [client.UnavailableError, { retryAfterMs: 100 }, { maybeApplied: true }],
  SERVER_STOPPING: [client.UnavailableError, { retryAfterMs: 500 }, { maybeApplied: false }],
  DEADLINE_EXCEEDED: [client.DeadlineError, {}, { maybeApplied: false }],
  CANCELLED: [client.CancelledError, {}, { maybeApplied: false }],
  ROUTE_NOT_FOUND: [client.NotFoundError],
  VERB_NOT_ALLOWED: [client.PointsError],
  NOT_JSON: [client.InvalidArgumentError],
  INTERNAL: [client.InternalError, { metadata: { incident: 'f00d' } }, { incident: 'f00d', maybeApplied: false }],
};

describe('client: errors', () => {
  for (const [reason, [Class, details = {}, properties = {}]] of Object.entries(REASONS)) {
    it(`${reason} becomes ${Class.name}`, async () => {
      const error = await failureFor(() => {
        throw new ApiError(reason as Reason, 'The message, for people.', details);
      });
      expect(error).to.be.instanceOf(Class).and.instanceOf(client.PointsError).and.instanceOf(Error);
      expect(error.name).to.equal(Class.name);
      expect(error.message).to.equal('The message, for people.');
      expect(error.reason).to.equal(reason);
      expect(error.code).to.equal(CODES[ERRORS[reason as Reason].code]);
      expect(error.metadata).to.deep.equal(details.metadata ?? {});
      expect(error.requestId).to.match(/^[0-9a-f-]{36}$/);
      for (const [name, value] of Object.entries(properties)) expect(error, name).to.have.deep.property(name, value);
    });
  }

  for (const [code, className, maybeApplied] of [
    ['INVALID_ARGUMENT', 'InvalidArgumentError', false],
    ['NOT_FOUND', 'NotFoundError', false],
    ['UNAUTHENTICATED', 'UnauthenticatedError', false],
    ['PERMISSION_DENIED', 'PermissionDeniedError', false],
    ['OUT_OF_RANGE', 'OutOfRangeError', false],
    ['RESOURCE_EXHAUSTED', 'OverloadedError', false],
    ['ABORTED', 'ContentionError', false],
    ['UNAVAILABLE', 'UnavailableError', true],
    ['DEADLINE_EXCEEDED', 'DeadlineError', true],
    ['CANCELLED', 'CancelledError', true],
    ['INTERNAL', 'InternalError', true],
    ['UNKNOWN', 'InternalError', true],
    ['UNIMPLEMENTED', 'PointsError', false],
    ['FAILED_PRECONDITION', 'PointsError', false],
  ] as const) {
    it(`a bare ${code}, as a proxy sends it, becomes ${className}`, async () => {
      const error = await failureFor(() => {
        throw bareStatus(code, 'upstream');
      });
      expect(error.name).to.equal(className);
      expect(error).to.include({ code, reason: undefined, message: 'upstream', maybeApplied });
    });
  }

  it('ignores details that are no google.rpc.Status, and those of another domain', async () => {
    const foreign = serviceError(new ApiError('INSUFFICIENT_POINTS', '')).metadata!.get('grpc-status-details-bin')[0];
    const details = [
      Buffer.from('not protobuf at all'),
      Buffer.from((foreign as Buffer).toString('latin1').replace('points-ledger', 'other-service'), 'latin1'),
    ];
    for (const bytes of details) {
      const { metadata, ...status } = bareStatus('UNAVAILABLE');
      metadata!.set('grpc-status-details-bin', bytes);
      const error = await failureFor(() => {
        throw { ...status, metadata };
      });
      expect(error).to.include({ name: 'UnavailableError', reason: undefined });
    }
  });

  it('a read has no request_id, and was never applied', async () => {
    const server = await startFakeServer(() => {
      throw bareStatus('UNAVAILABLE');
    });
    const points = client.connect({ address: server.address, token: 't', retry: false });
    const error = await failure(points.getBalance());
    expect(error).to.include({ requestId: undefined, maybeApplied: false });
    points.close();
    server.close();
  });

  it('a refusal settles what an attempt before it left open', async () => {
    const server = await startFakeServer((_call, index) => {
      if (index === 0) throw bareStatus('UNAVAILABLE');
      throw new ApiError('INSUFFICIENT_POINTS', 'too few', {});
    });
    const points = client.connect({ address: server.address, token: 't', retry: { delayMs: 1 } });
    expect(await failure(points.spendPoints({ points: 1 }))).to.include({
      name: 'InsufficientPointsError',
      maybeApplied: false,
    });
    points.close();
    server.close();
  });
});

const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** What a spend fails with whose only attempt is answered so. */
async function failureFor(answer: () => never): Promise<client.PointsError> {
  const server = await startFakeServer(answer);
  const points = client.connect({ address: server.address, token: 't', retry: false });
  try {
    return await failure(points.spendPoints({ points: 5 }));
  } finally {
    points.close();
    server.close();
  }
}
