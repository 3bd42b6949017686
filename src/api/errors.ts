import { randomUUID } from 'node:crypto';
import { status as Code } from '@grpc/grpc-js';
import type { ErrorReason } from '../gen/points/v1/errors.ts';

type WithoutPrefix<Name> = Name extends `ERROR_REASON_${infer Reason}` ? Reason : never;

/** A reason of `points.v1.ErrorReason`, without its prefix. */
export type Reason = Exclude<WithoutPrefix<keyof typeof ErrorReason>, 'UNSPECIFIED'>;

/** The one error table: each reason's gRPC status and its HTTP status. */
export const ERRORS: Readonly<Record<Reason, { readonly code: Code; readonly http: number }>> = {
  TOKEN_MISSING: { code: Code.UNAUTHENTICATED, http: 401 },
  TOKEN_INVALID: { code: Code.UNAUTHENTICATED, http: 401 },
  SCOPE_MISSING: { code: Code.PERMISSION_DENIED, http: 403 },
  INVALID_REQUEST: { code: Code.INVALID_ARGUMENT, http: 400 },
  ACCOUNT_FORBIDDEN: { code: Code.PERMISSION_DENIED, http: 403 },
  REQUEST_ID_REUSED: { code: Code.ALREADY_EXISTS, http: 409 },
  TRANSACTION_NOT_FOUND: { code: Code.NOT_FOUND, http: 404 },
  NOT_A_SPEND: { code: Code.FAILED_PRECONDITION, http: 400 },
  REVERSAL_EXCEEDS_SPEND: { code: Code.FAILED_PRECONDITION, http: 400 },
  INSUFFICIENT_POINTS: { code: Code.FAILED_PRECONDITION, http: 400 },
  PAYER_BALANCE_INSUFFICIENT: { code: Code.FAILED_PRECONDITION, http: 400 },
  POINTS_OUT_OF_RANGE: { code: Code.OUT_OF_RANGE, http: 400 },
  QUEUE_FULL: { code: Code.RESOURCE_EXHAUSTED, http: 429 },
  REQUEST_TOO_LARGE: { code: Code.RESOURCE_EXHAUSTED, http: 413 },
  CONTENTION: { code: Code.ABORTED, http: 409 },
  DATABASE_UNAVAILABLE: { code: Code.UNAVAILABLE, http: 503 },
  DEADLINE_EXCEEDED: { code: Code.DEADLINE_EXCEEDED, http: 504 },
  CANCELLED: { code: Code.CANCELLED, http: 499 },
  ROUTE_NOT_FOUND: { code: Code.NOT_FOUND, http: 404 },
  VERB_NOT_ALLOWED: { code: Code.UNIMPLEMENTED, http: 405 },
  NOT_JSON: { code: Code.INVALID_ARGUMENT, http: 415 },
  INTERNAL: { code: Code.INTERNAL, http: 500 },
  SERVER_STOPPING: { code: Code.UNAVAILABLE, http: 503 },
};

/** A field of a request and what is wrong with it. `field` is a path such as `transactions[3].points`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What an error says beyond its message. */
export interface ErrorDetails {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  /** How long a client should wait before it tries again. */
  readonly retryAfterMs?: number;
}

/** The only error a handler may throw on purpose; anything else becomes INTERNAL and a log line. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: Reason;
  readonly details: ErrorDetails;

  constructor(reason: Reason, message: string, details: ErrorDetails = {}) {
    super(message);
    this.reason = reason;
    this.details = details;
  }
}

/** An INVALID_REQUEST that names its fields; the message names the first. */
export function invalidRequest(...violations: [FieldViolation, ...FieldViolation[]]): ApiError {
  const [{ field, description }] = violations;
  return new ApiError('INVALID_REQUEST', `${field}: ${description}`, { violations });
}

/** A fault of the server: logged whole, and told to the client by the number of the incident only. */
export function faultError(fault: unknown): ApiError {
  const incident = randomUUID();
  console.error(`incident ${incident}:`, fault);
  return new ApiError('INTERNAL', `a fault of the server, logged as ${incident}`, { metadata: { incident } });
}
