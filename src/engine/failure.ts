/** Why the engine gave a command or a read up. */
export type FailureReason =
  /** The queue is full; nothing was done. */
  | 'QUEUE_FULL'
  /** The database kept refusing the transaction in favour of others; nothing was done. */
  | 'CONTENTION'
  /** The database is away; the command may or may not have taken effect. */
  | 'DATABASE_UNAVAILABLE'
  /** The engine is closed; nothing was done. */
  | 'SERVER_STOPPING'
  /** The caller's deadline passed before it was taken up; nothing was done. */
  | 'DEADLINE_EXCEEDED'
  /** The caller went away before it was taken up; nothing was done. */
  | 'CANCELLED';

/** A command or a read that the engine gave up. The cause, if any, is for the log. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';
  readonly reason: FailureReason;

  constructor(reason: FailureReason, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

/** How long the engine tries again, from when a call came in. */
export const PATIENCE_MS = 10_000;

const BACKOFF_MS_FIRST = 10;
const BACKOFF_MS_MAX = 500;

/** Waits before a retry: longer each time, and at random, so that those who collided do not meet again. */
export function backOff(attempt: number): Promise<void> {
  const ceiling = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** attempt);
  return new Promise((resolve) => setTimeout(resolve, ceiling * (0.5 + Math.random() / 2)));
}
