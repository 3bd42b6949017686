import type { IncomingMessage } from 'node:http';
import type { CallContext } from '../api/api.ts';
import { invalidRequest } from '../api/errors.ts';

/** What the headers say of a call: who makes it, and until when the answer is of use. */
export function callContext(request: IncomingMessage, isGone: () => boolean): CallContext {
  const { authorization } = request.headers;
  const timeout = timeoutMs(request) ?? Number.POSITIVE_INFINITY;
  return { authorization, isGone, deadline: Date.now() + timeout };
}

export function requireWellFormedTimeout(request: IncomingMessage): void {
  if (timeoutMs(request) !== undefined) return;
  const description = 'must be up to 8 digits and H, M, S, m, u or n, as 5S';
  throw invalidRequest({ field: 'grpc-timeout', description });
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000001 };

/** The `grpc-timeout` header, for example `5S`: Infinity where there is none, undefined where it is malformed. */
function timeoutMs({ headers }: IncomingMessage): number | undefined {
  const timeout = headers['grpc-timeout'];
  if (timeout === undefined) return Number.POSITIVE_INFINITY;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(timeout)) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNIT_MS[unit!]!;
}
