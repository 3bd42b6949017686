import { setTimeout as delay } from 'node:timers/promises';
import type { PointsError } from './errors.ts';

/** How a call is repeated. Repeating is safe for writes too: all its attempts carry one request_id. */
export interface RetryOptions {
  /** Attempts at most, the first included. Default: as many as the deadline leaves time for. */
  readonly attemptsMax?: number | undefined;
  /**
   * How long one attempt may take before it is given up, along with its connection, in milliseconds. Default: a third of
   * the call's `timeoutMs`, but at least 1,000. Streams: how long an import may go without an answer; default 30,000.
   */
  readonly attemptTimeoutMs?: number | undefined;
  /** The longest wait before the second attempt, in milliseconds. It doubles with each attempt. Default 50. */
  readonly delayMs?: number | undefined;
  /** The longest wait before any attempt, in milliseconds. Default 2,000. */
  readonly delayMsMax?: number | undefined;
}

/** Timers count to 2^31-1 ms, more than three weeks, and take more for 1 ms. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** `retry: false`: one attempt, with all the time there is. */
export const ONE_ATTEMPT: RetryOptions = { attemptsMax: 1, attemptTimeoutMs: Number.POSITIVE_INFINITY };

/** True where another attempt may end better. */
export function isRetryable(error: PointsError): boolean {
  switch (error.code) {
    case 'UNAVAILABLE':
    case 'ABORTED':
    case 'DEADLINE_EXCEEDED':
      return true;
    case 'RESOURCE_EXHAUSTED':
      return error.retryAfterMs !== undefined;
    // Without a reason the ledger did not send it: the transport did, for a stream that was reset or ended early.
    case 'CANCELLED':
    case 'INTERNAL':
      return error.reason === undefined;
    default:
      return false;
  }
}

/**
 * How long to wait after the given number of attempts, in milliseconds: what the server asks for, and on top a random
 * part of a limit that doubles, so that many clients do not come back at the same moment.
 */
export function waitAfter(attempts: number, error: PointsError, retry: RetryOptions): number {
  const { delayMs = 50, delayMsMax = 2_000 } = retry;
  const limit = Math.min(delayMsMax, delayMs * 2 ** Math.min(attempts - 1, 30));
  return Math.max(0, error.retryAfterMs ?? 0) + Math.random() * limit;
}

/**
 * How long to wait before a stream is opened again, in milliseconds, after a number of tries without progress. Throws the
 * error it failed with where no other try may mend it, or none would come before `giveUpAt`.
 */
export function waitToReopen(error: PointsError, attempts: number, retry: RetryOptions, giveUpAt: number): number {
  const tried = Math.max(attempts, 1);
  if (tried >= (retry.attemptsMax ?? Number.POSITIVE_INFINITY) || !isRetryable(error)) throw error;
  const waitMs = waitAfter(tried, error, retry);
  if (Date.now() + waitMs > giveUpAt) throw error;
  return waitMs;
}

/** Waits, for at most what a timer can count. Returns early when the signal is aborted. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(Math.min(ms, TIMER_MS_MAX), undefined, { signal }).catch(() => {});
}
