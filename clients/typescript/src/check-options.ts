import type { CallOptions } from './call.ts';
import type { RetryOptions } from './retry.ts';

/**
 * Throws a TypeError or a RangeError that names the option at fault. Plain JavaScript may pass anything, and a wrong value
 * found later would be found in a timer, where nobody catches what it causes.
 */
export function checkOptions({ signal, timeoutMs, retry }: CallOptions): void {
  if (isGiven(signal) && !(signal instanceof AbortSignal)) throw new TypeError('signal: must be an AbortSignal');
  checkNumber('timeoutMs', timeoutMs, 'a number of milliseconds greater than 0', (ms) => ms > 0);
  if (!isGiven(retry) || typeof retry === 'boolean') return;
  if (typeof retry !== 'object') throw new TypeError(`retry: must be true, false or an object, not ${shown(retry)}`);
  checkRetry(retry);
}

function checkRetry({ attemptsMax, attemptTimeoutMs, delayMs, delayMsMax }: RetryOptions): void {
  const isCount = (count: number) => count >= 1 && (Number.isInteger(count) || count === Number.POSITIVE_INFINITY);
  checkNumber('retry.attemptsMax', attemptsMax, 'a whole number of at least 1', isCount);
  const isPositive = (ms: number) => ms > 0;
  checkNumber('retry.attemptTimeoutMs', attemptTimeoutMs, 'a number of milliseconds greater than 0', isPositive);
  const isDelay = (ms: number) => ms >= 0;
  checkNumber('retry.delayMs', delayMs, 'a number of milliseconds of at least 0', isDelay);
  checkNumber('retry.delayMsMax', delayMsMax, 'a number of milliseconds of at least 0', isDelay);
}

function checkNumber(field: string, value: unknown, expected: string, isRight: (value: number) => boolean): void {
  if (!isGiven(value)) return;
  if (typeof value !== 'number') throw new TypeError(`${field}: must be ${expected}, not ${shown(value)}`);
  if (!isRight(value)) throw new RangeError(`${field}: must be ${expected}, not ${value}`);
}

/** Null stands for the default too. */
function isGiven<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : `a ${typeof value}`;
}
