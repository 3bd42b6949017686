import type { status } from '@grpc/grpc-js';

/** The name of a gRPC status code, for example `FAILED_PRECONDITION`. */
export type StatusName = Exclude<keyof typeof status, 'OK'>;

/** A field of a request, as a path in the proto's names such as `transactions[3].points`, and what is wrong with it. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What an error says beyond its message. */
export interface PointsErrorDetails {
  readonly code: StatusName;
  readonly reason?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly violations?: readonly FieldViolation[] | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  readonly maybeApplied?: boolean | undefined;
  readonly cause?: unknown;
}

/**
 * A call failed. Every error of the ledger is a PointsError; most are one of its subclasses, made from the details the
 * server sent and never from the text of a message. What has no class of its own (a reason of a newer server) is a plain
 * PointsError.
 */
export class PointsError extends Error {
  override readonly name: string = 'PointsError';
  /** The gRPC status. */
  readonly code: StatusName;
  /** A `points.v1.ErrorReason` without its prefix; undefined where something else than the ledger answered. */
  readonly reason: string | undefined;
  /** The particulars of the reason; numbers are decimal texts. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The fields at fault, where the server named any. */
  readonly violations: readonly FieldViolation[];
  /** How long the server asks to wait before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The request_id of a write, yours or the one the client made: with it the call may be repeated safely. */
  readonly requestId: string | undefined;
  /** True where a write may have been done although the call failed: repeat it with the same `requestId` to know. */
  readonly maybeApplied: boolean;

  constructor(message: string, details: PointsErrorDetails) {
    super(message, { cause: details.cause });
    this.code = details.code;
    this.reason = details.reason;
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.requestId = details.requestId;
    this.maybeApplied = details.maybeApplied ?? false;
  }
}

/** A field is missing, malformed or out of its range: see `violations`. */
export class InvalidArgumentError extends PointsError {
  override readonly name = 'InvalidArgumentError';
}

/** The request is larger than the server takes. */
export class RequestTooLargeError extends PointsError {
  override readonly name = 'RequestTooLargeError';
  /** The largest request the server takes, in bytes. */
  readonly limit = number(this, 'limit');
}

/** There is no token, or it is malformed, forged, expired or not yet valid. */
export class UnauthenticatedError extends PointsError {
  override readonly name = 'UnauthenticatedError';
}

/** The token does not open the account, or its scopes do not cover the call. */
export class PermissionDeniedError extends PointsError {
  override readonly name = 'PermissionDeniedError';
  /** The account the token does not open, where that is why. */
  readonly account = this.metadata.account;
  /** The scope the token lacks, where that is why. */
  readonly scope = this.metadata.scope;
}

/** The account has used the request_id for a call with another body. */
export class RequestIdReusedError extends PointsError {
  override readonly name = 'RequestIdReusedError';
  /** The first field that differs; `method` where another method used the id. */
  readonly field = this.metadata.field ?? '';
}

/** The account has no such transaction. */
export class NotFoundError extends PointsError {
  override readonly name = 'NotFoundError';
  /** The sequence that was asked for, where the ledger answered. */
  readonly sequence = this.reason === 'TRANSACTION_NOT_FOUND' ? number(this, 'sequence') : undefined;
}

/** Only a spend can be reversed. */
export class NotASpendError extends PointsError {
  override readonly name = 'NotASpendError';
  /** The sequence that was to be reversed. */
  readonly sequence = number(this, 'sequence');
}

/** Less of the spend is left to reverse than asked for. */
export class ReversalExceedsSpendError extends PointsError {
  override readonly name = 'ReversalExceedsSpendError';
  /** The sequence of the spend. */
  readonly sequence = number(this, 'sequence');
  /** The points that are left of the spend. */
  readonly available = number(this, 'available');
}

/** The account holds less than the spend. */
export class InsufficientPointsError extends PointsError {
  override readonly name = 'InsufficientPointsError';
  /** The points that were to be spent. */
  readonly requested = number(this, 'requested');
  /** The account's balance, in points. */
  readonly available = number(this, 'available');
  /** The points that are missing. */
  readonly shortfall = number(this, 'shortfall');
}

/** An adjustment would take the payer's balance below zero. */
export class PayerBalanceInsufficientError extends PointsError {
  override readonly name = 'PayerBalanceInsufficientError';
  /** The payer. */
  readonly payer = this.metadata.payer ?? '';
  /** The payer's balance before the call, in points. */
  readonly available = number(this, 'available');
  /** How far below zero it would end, in points. */
  readonly shortfall = number(this, 'shortfall');
}

/** Points, a balance or an account's floating adjustments would pass 2^53-1. */
export class OutOfRangeError extends PointsError {
  override readonly name = 'OutOfRangeError';
}

/** The server's queue is full; nothing was done. The client has already tried again for as long as it may. */
export class OverloadedError extends PointsError {
  override readonly name = 'OverloadedError';
}

/** The database kept refusing in favour of other calls; nothing was done. The client has already tried again. */
export class ContentionError extends PointsError {
  override readonly name = 'ContentionError';
}

/** The server or its database cannot be reached, or the connection was cut: see `maybeApplied`. */
export class UnavailableError extends PointsError {
  override readonly name = 'UnavailableError';
}

/** The deadline passed: see `maybeApplied`. */
export class DeadlineError extends PointsError {
  override readonly name = 'DeadlineError';
}

/** The caller's signal aborted the call, or the client was closed: see `maybeApplied`. `cause` is the signal's reason. */
export class CancelledError extends PointsError {
  override readonly name = 'CancelledError';
}

/** A fault of the server, or an answer that is none of the ledger's. */
export class InternalError extends PointsError {
  override readonly name = 'InternalError';
  /** The incident to name when asking the people who run the ledger. */
  readonly incident = this.metadata.incident;
}

function number(error: PointsError, name: string): number {
  return Number(error.metadata[name]);
}
