import { type Client, Metadata, type ServiceError } from '@grpc/grpc-js';
import { onAbort } from './abort.ts';
import type { Channels } from './channels.ts';
import { checkOptions } from './check-options.ts';
import { errorOf, withMaybeApplied } from './error-of.ts';
import { CancelledError, DeadlineError, type PointsError, UnauthenticatedError } from './errors.ts';
import { isRetryable, ONE_ATTEMPT, type RetryOptions, sleep, TIMER_MS_MAX, waitAfter } from './retry.ts';
import { checkedToken } from './token.ts';

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call: it fails with CancelledError, and the server is told. A watch just ends. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The deadline of a call with all its attempts, in milliseconds from now. Default: that of the client, 10,000. Lists:
   * for each page. Imports: how long without progress, default 60,000. Watches have none.
   */
  readonly timeoutMs?: number | undefined;
  /** False: one attempt. Default: that of the client. */
  readonly retry?: boolean | RetryOptions | undefined;
}

/** What all calls of a client share. */
export interface Connection {
  readonly channels: Channels;
  readonly token: string | (() => string | Promise<string>);
  readonly defaults: CallOptions;
  /** Aborted when the client is closed. */
  readonly closed: AbortSignal;
}

/** A method that has one request and one answer, as the generated stubs describe it. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** What is known of a write so far; whatever it fails with tells it. */
export interface Write {
  /** Undefined: not a write, or one of many in an import. */
  readonly requestId?: string | undefined;
  /** Something was sent under it. */
  attempted: boolean;
  /** What was sent may have been done. */
  maybeApplied: boolean;
}

/** What changes nothing has nothing to tell. */
export const READ: Readonly<Write> = { attempted: false, maybeApplied: false };

const TIMEOUT_MS = 10_000;
const ATTEMPT_TIMEOUT_MS_MIN = 1_000;
const SILENCE_MS = 1_000;

/** Statuses by which the ledger itself says that this write, under this request_id, has not been done. */
const REFUSALS = ['ALREADY_EXISTS', 'FAILED_PRECONDITION', 'NOT_FOUND', 'OUT_OF_RANGE'];

/**
 * Calls, and repeats what may be repeated until the deadline. `requestId` is that of a write. Fails with a PointsError;
 * with what the token function fails with, or a TypeError where that gives no token that can be sent; once a write was
 * sent, with a PointsError only, since it knows the request_id.
 */
export async function call<Request, Response>(
  connection: Connection,
  method: UnaryMethod<Request, Response>,
  request: Request,
  options: CallOptions,
  requestId?: string,
): Promise<Response> {
  checkOptions(options);
  const { signal } = options;
  const timeoutMs = timerMs(options.timeoutMs ?? connection.defaults.timeoutMs ?? TIMEOUT_MS);
  const deadline = Date.now() + timeoutMs;
  const retry = retryOptions(connection, options);
  const attemptTimeoutMs = retry.attemptTimeoutMs ?? Math.max(ATTEMPT_TIMEOUT_MS_MIN, timeoutMs / 3);
  const write: Write = { requestId, attempted: false, maybeApplied: false };

  for (let attempts = 1; ; attempts += 1) {
    throwIfStopped(connection, signal, write);
    const token = await tokenOf(connection, deadline, signal, write);
    throwIfStopped(connection, signal, write);
    const channel = connection.channels.pick();
    const began = Date.now();
    try {
      const attemptDeadline = Math.min(deadline, began + attemptTimeoutMs);
      return await attempt(channel, method, request, headers(token), attemptDeadline, signal);
    } catch (cause) {
      const error = failedAttempt(cause as ServiceError, write);
      throwIfStopped(connection, signal, write);
      // Silence for so long may be that of a dead connection: the next attempt, or the next call, gets another.
      const silent = error.code === 'DEADLINE_EXCEEDED' && error.reason === undefined;
      if (silent && Date.now() - began >= Math.min(attemptTimeoutMs, SILENCE_MS)) connection.channels.renew(channel);
      if (attempts >= (retry.attemptsMax ?? Number.POSITIVE_INFINITY) || !isRetryable(error)) throw error;
      const waitMs = waitAfter(attempts, error, retry);
      if (Date.now() + waitMs >= deadline) throw error;
      await sleep(waitMs, signal ?? connection.closed);
    }
  }
}

/** The error of an attempt, which knows of those before it; `write` learns of this one. */
function failedAttempt(cause: ServiceError, write: Write): PointsError {
  const error = errorOf(cause, write.requestId);
  const refused = error.reason !== undefined && REFUSALS.includes(error.code);
  write.attempted = write.requestId !== undefined;
  write.maybeApplied = !refused && (write.maybeApplied || error.maybeApplied);
  return withMaybeApplied(error, write.maybeApplied);
}

/** The retry options that hold for a call. */
export function retryOptions({ defaults }: Connection, options: CallOptions): RetryOptions {
  const retry = options.retry ?? defaults.retry ?? true;
  if (retry === false) return ONE_ATTEMPT;
  return retry === true ? (typeof defaults.retry === 'object' ? defaults.retry : {}) : retry;
}

/** Aborted when the caller aborts a stream, or the client is closed. */
export function signalOf({ closed }: Connection, { signal }: CallOptions): AbortSignal {
  return signal ? AbortSignal.any([signal, closed]) : closed;
}

/** The metadata of a call. */
export function headers(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

function attempt<Request, Response>(
  channel: Client,
  { path, requestSerialize, responseDeserialize }: UnaryMethod<Request, Response>,
  request: Request,
  metadata: Metadata,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const started = channel.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, response) => {
        forget?.();
        if (error) reject(error);
        else resolve(response!);
      },
    );
    const forget = signal && onAbort(signal, () => started.cancel());
  });
}

function throwIfStopped({ closed }: Connection, signal: AbortSignal | undefined, write: Write): void {
  if (signal?.aborted || closed.aborted) throw cancelled(signal, write);
}

/** The token for the next attempt. A caller's function may hang: the deadline and the signal hold all the same. */
export function tokenOf(
  { token }: Connection,
  deadline: number,
  signal: AbortSignal | undefined,
  write: Readonly<Write>,
): Promise<string> {
  if (typeof token === 'string') return Promise.resolve(token);
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      clearTimeout(timer);
      forget?.();
      settled();
    };
    const timer = setTimeout(
      () => settle(() => reject(tokenLate(write))),
      Math.min(deadline - Date.now(), TIMER_MS_MAX),
    );
    const forget = signal && onAbort(signal, () => settle(() => reject(cancelled(signal, write))));
    (async () => checkedToken(await token()))().then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(write.attempted ? tokenFailed(error, write) : error)),
    );
  });
}

function tokenLate(write: Readonly<Write>): DeadlineError {
  return new DeadlineError('the token function did not answer in time', { code: 'DEADLINE_EXCEEDED', ...write });
}

/** The function's own error would not tell of the attempts before. */
function tokenFailed(cause: unknown, write: Readonly<Write>): UnauthenticatedError {
  return new UnauthenticatedError('the token function failed', { code: 'UNAUTHENTICATED', cause, ...write });
}

/** The error of a call that its caller aborted; `cause` is the signal's reason. */
export function cancelled(signal: AbortSignal | undefined, write: Readonly<Write>): CancelledError {
  if (!signal?.aborted) return new CancelledError('the client is closed', { code: 'CANCELLED', ...write });
  return new CancelledError('the call was aborted', { code: 'CANCELLED', cause: signal.reason, ...write });
}

/** Who waits longer than a timer counts waits for ever. */
function timerMs(timeoutMs: number): number {
  return timeoutMs > TIMER_MS_MAX ? Number.POSITIVE_INFINITY : timeoutMs;
}
