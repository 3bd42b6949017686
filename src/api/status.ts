import { BadRequest, ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.ts';
import { ApiError, ERRORS, faultError } from './errors.ts';

/** A detail of a `google.rpc.Status`: the full name of its type, its JSON form and its encoded form. */
interface StatusDetail {
  readonly type: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

/** What both transports answer for an error: its HTTP status and the parts of a `google.rpc.Status` (AIP-193). */
export interface ErrorStatus {
  readonly http: number;
  readonly code: number;
  readonly message: string;
  readonly details: readonly StatusDetail[];
}

/** The domain of every ErrorInfo. */
const ERROR_DOMAIN = 'points-ledger';

/** Any error as both transports answer it. What is not an ApiError is a fault of the server. */
export function errorStatus(thrown: unknown): ErrorStatus {
  const error = thrown instanceof ApiError ? thrown : faultError(thrown);
  const { metadata, violations, retryAfterMs } = error.details;
  const details = [errorInfo(error.reason, metadata ?? {})];
  if (violations) details.push(badRequest(violations));
  if (retryAfterMs !== undefined) details.push(retryInfo(retryAfterMs));
  return { ...ERRORS[error.reason], message: error.message, details };
}

function errorInfo(reason: string, metadata: Readonly<Record<string, string>>): StatusDetail {
  const domain = ERROR_DOMAIN;
  return {
    type: 'google.rpc.ErrorInfo',
    json: { reason, domain, metadata },
    bytes: ErrorInfo.encode({ reason, domain, metadata: new Map(Object.entries(metadata)) }).finish(),
  };
}

function badRequest(violations: readonly { field: string; description: string }[]): StatusDetail {
  const fieldViolations = violations.map((violation) => ({ ...violation, reason: '' }));
  return {
    type: 'google.rpc.BadRequest',
    json: { fieldViolations: violations },
    bytes: BadRequest.encode({ fieldViolations }).finish(),
  };
}

function retryInfo(ms: number): StatusDetail {
  const retryDelay = { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
  return {
    type: 'google.rpc.RetryInfo',
    json: { retryDelay: `${ms / 1000}s` },
    bytes: RetryInfo.encode({ retryDelay }).finish(),
  };
}
