import { type ServiceError, status } from '@grpc/grpc-js';
import {
  CancelledError,
  ContentionError,
  DeadlineError,
  InsufficientPointsError,
  InternalError,
  InvalidArgumentError,
  NotASpendError,
  NotFoundError,
  OutOfRangeError,
  OverloadedError,
  PayerBalanceInsufficientError,
  PermissionDeniedError,
  PointsError,
  type PointsErrorDetails,
  RequestIdReusedError,
  RequestTooLargeError,
  ReversalExceedsSpendError,
  type StatusName,
  UnauthenticatedError,
  UnavailableError,
} from './errors.ts';
import { BadRequest, ErrorInfo, RetryInfo } from './gen/google/rpc/error_details.ts';
import { Status } from './gen/google/rpc/status.ts';

type ErrorClass = new (message: string, details: PointsErrorDetails) => PointsError;

const DOMAIN = 'points-ledger';

const BY_REASON: ReadonlyMap<string | undefined, ErrorClass> = new Map<string, ErrorClass>([
  ['REQUEST_ID_REUSED', RequestIdReusedError],
  ['NOT_A_SPEND', NotASpendError],
  ['REVERSAL_EXCEEDS_SPEND', ReversalExceedsSpendError],
  ['INSUFFICIENT_POINTS', InsufficientPointsError],
  ['PAYER_BALANCE_INSUFFICIENT', PayerBalanceInsufficientError],
  ['REQUEST_TOO_LARGE', RequestTooLargeError],
]);

/** For the other reasons, and for what proxies and the transport answer: they send a status alone. */
const BY_CODE: Readonly<Partial<Record<StatusName, ErrorClass>>> = {
  INVALID_ARGUMENT: InvalidArgumentError,
  NOT_FOUND: NotFoundError,
  UNAUTHENTICATED: UnauthenticatedError,
  PERMISSION_DENIED: PermissionDeniedError,
  OUT_OF_RANGE: OutOfRangeError,
  RESOURCE_EXHAUSTED: OverloadedError,
  ABORTED: ContentionError,
  UNAVAILABLE: UnavailableError,
  DEADLINE_EXCEEDED: DeadlineError,
  CANCELLED: CancelledError,
  INTERNAL: InternalError,
  UNKNOWN: InternalError,
  DATA_LOSS: InternalError,
};

/** Statuses after which nobody knows whether the call took effect, unless the ledger itself sent a reason. */
const UNDECIDED: readonly StatusName[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'INTERNAL', 'UNKNOWN'];

/** The error a call ends with. `requestId` is that of a write. */
export function errorOf(error: ServiceError, requestId?: string): PointsError {
  const code = (status[error.code] ?? 'UNKNOWN') as StatusName;
  const { reason, metadata, violations, retryAfterMs } = detailsOf(error);
  const unknown = reason === undefined ? UNDECIDED.includes(code) : reason === 'DATABASE_UNAVAILABLE';
  const details = {
    code,
    reason,
    metadata,
    violations,
    retryAfterMs,
    requestId,
    maybeApplied: requestId !== undefined && unknown,
    cause: error,
  };
  const Class = BY_REASON.get(reason) ?? BY_CODE[code] ?? PointsError;
  return new Class(error.details || error.message, details);
}

/** The error a stream ends with: one of ours, or what the transport reports. */
export function streamError(cause: unknown): PointsError {
  return cause instanceof PointsError ? cause : errorOf(cause as ServiceError);
}

/** The same error, knowing better whether the call may have taken effect. */
export function withMaybeApplied<E extends PointsError>(error: E, maybeApplied: boolean): E {
  return Object.assign(error, { maybeApplied });
}

interface Details {
  reason?: string;
  metadata?: Record<string, string>;
  violations?: PointsErrorDetails['violations'];
  retryAfterMs?: number;
}

function detailsOf(error: ServiceError): Details {
  const [encoded] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!Buffer.isBuffer(encoded)) return {};
  const details: Details = {};
  try {
    for (const { typeUrl, value } of Status.decode(encoded).details) readDetail(details, typeUrl, value);
  } catch {
    // Not a google.rpc.Status: some proxy's own. The status code will have to do.
    return {};
  }
  return details;
}

function readDetail(details: Details, typeUrl: string, value: Uint8Array): void {
  switch (typeUrl.slice(typeUrl.lastIndexOf('/') + 1)) {
    case 'google.rpc.ErrorInfo': {
      const { reason, domain, metadata } = ErrorInfo.decode(value);
      if (domain === DOMAIN) Object.assign(details, { reason, metadata: Object.fromEntries(metadata) });
      return;
    }
    case 'google.rpc.BadRequest':
      details.violations = BadRequest.decode(value).fieldViolations.map(({ field, description }) => ({
        field,
        description,
      }));
      return;
    case 'google.rpc.RetryInfo': {
      const { seconds, nanos } = RetryInfo.decode(value).retryDelay ?? { seconds: 0, nanos: 0 };
      details.retryAfterMs = seconds * 1000 + nanos / 1_000_000;
    }
  }
}
