import { once } from 'node:events';
import { setImmediate as afterMicrotasks } from 'node:timers/promises';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { onAbort } from './abort.ts';
import {
  type CallOptions,
  type Connection,
  cancelled,
  headers,
  retryOptions,
  signalOf,
  tokenOf,
  type Write,
} from './call.ts';
import { checkOptions } from './check-options.ts';
import { streamError, withMaybeApplied } from './error-of.ts';
import { DeadlineError, PointsError, UnavailableError } from './errors.ts';
import {
  type ImportedTransaction as ImportedMessage,
  type ImportTransactionsRequest,
  type ImportTransactionsResponse,
  PointsServiceService,
} from './gen/points/v1/points_service.ts';
import { type ImportedTransaction, importedTransaction } from './requests.ts';
import { sleep, waitToReopen } from './retry.ts';

/** How far an import has come. */
export interface ImportProgress {
  /** How many transactions, from the first on without a gap, have their final answer: durable, or rejected. */
  readonly decided: number;
  /** How many of them are in the journal. */
  readonly accepted: number;
  /** Those of them that were rejected since the progress before. */
  readonly rejections: readonly ImportRejection[];
}

/** A transaction that an import rejected. It changed nothing. */
export interface ImportRejection {
  /** Its place in the import, from 0. */
  readonly index: number;
  /** A `points.v1.ErrorReason` without its prefix, for example `PAYER_BALANCE_INSUFFICIENT`. */
  readonly reason: string;
  /** The field at fault, where there is one. */
  readonly field: string;
  /** What is wrong, for people. */
  readonly message: string;
  /** The transaction, as it was given. */
  readonly transaction: ImportedTransaction;
}

type Stream = ClientDuplexStream<ImportTransactionsRequest, ImportTransactionsResponse>;

/** What was read from the source and has no final answer yet, so that a cut stream can be made good. */
interface Backlog {
  /** The index in the import of the first entry. */
  decided: number;
  /** How many of those before it are in the journal. */
  accepted: number;
  /** The index in the import of the first that no stream has sent yet. */
  sent: number;
  /** When it last got further. Only time in which the server owes an answer counts. */
  progressAt: number;
  readonly entries: { readonly given: ImportedTransaction; readonly message: ImportedMessage }[];
  /** The source has no more. */
  complete: boolean;
  /** What the source, or a transaction of it, failed with. */
  failure: { readonly cause: unknown } | undefined;
  /** The import is over: read no further. */
  stopped: boolean;
  /** Called whenever anything of this changes. */
  changed(): void;
  /** Waits for the next change. */
  change(): Promise<void>;
}

/** How long a server that owes an answer may take, in milliseconds. */
interface Limits {
  /** To say anything on one stream. */
  readonly silenceMs: number;
  /** To get the import further, over any number of streams. */
  readonly timeoutMs: number;
}

const { path, requestSerialize, responseDeserialize } = PointsServiceService.importTransactions;

/** Transactions of one message. */
const CHUNK = 500;
/** Transactions that may wait for their answer; no more is read from the source meanwhile. */
const BACKLOG_MAX = 10_000;
const TIMEOUT_MS = 60_000;
const SILENCE_MS = 30_000;

/**
 * Imports transactions and tells the progress. Reads the source no faster than the server and the caller keep up. A stream
 * that was cut is opened again and what had no answer is sent again, under the same request_ids. Fails with a PointsError
 * where no other try would mend it, or none got further for `timeoutMs`; with InvalidArgumentError where a transaction
 * cannot be sent at all; and with whatever the source fails with, or the token function before anything was sent. A
 * PointsError tells by `maybeApplied` whether any transaction was sent that has no answer.
 */
export async function* importAll(
  connection: Connection,
  source: Iterable<ImportedTransaction> | AsyncIterable<ImportedTransaction>,
  options: CallOptions,
): AsyncGenerator<ImportProgress, void> {
  checkOptions(options);
  const backlog = emptyBacklog();
  // It reports its failure through the backlog.
  void readSource(source, backlog);
  try {
    yield* importBacklog(connection, backlog, options);
  } catch (error) {
    if (error instanceof PointsError) withMaybeApplied(error, writeOf(backlog).maybeApplied);
    throw error;
  } finally {
    backlog.stopped = true;
    backlog.changed();
  }
}

/** Tells the progress until everything is decided, over as many streams as that takes. */
async function* importBacklog(
  connection: Connection,
  backlog: Backlog,
  options: CallOptions,
): AsyncGenerator<ImportProgress> {
  const signal = signalOf(connection, options);
  const retry = retryOptions(connection, options);
  const limits = { silenceMs: retry.attemptTimeoutMs ?? SILENCE_MS, timeoutMs: options.timeoutMs ?? TIMEOUT_MS };
  // Tries since the last progress.
  let attempts = 0;
  while (!isEverythingDecided(backlog)) {
    if (signal.aborted) throw cancelled(options.signal, writeOf(backlog));
    attempts += 1;
    const token = await tokenOf(connection, backlog.progressAt + limits.timeoutMs, signal, writeOf(backlog));
    try {
      for await (const progress of importOverOneStream(connection, token, backlog, limits, signal)) {
        attempts = 0;
        yield progress;
        backlog.progressAt = Date.now();
      }
    } catch (cause) {
      if (signal.aborted) throw cancelled(options.signal, writeOf(backlog));
      if (backlog.failure) throw backlog.failure.cause;
      // However the stream ended: nothing is left to send.
      if (backlog.decided > 0 && isEverythingDecided(backlog)) return;
      const giveUpAt = backlog.progressAt + limits.timeoutMs;
      await sleep(waitToReopen(streamError(cause), attempts, retry, giveUpAt), signal);
    }
  }
}

function writeOf({ sent, decided }: Backlog): Write {
  return { attempted: sent > 0, maybeApplied: sent > decided };
}

function isEverythingDecided({ complete, entries }: Backlog): boolean {
  return complete && entries.length === 0;
}

/** Tells the progress of what one stream decides; throws where it ends before everything is. */
async function* importOverOneStream(
  connection: Connection,
  token: string,
  backlog: Backlog,
  limits: Limits,
  signal: AbortSignal,
): AsyncGenerator<ImportProgress> {
  // The server counts from the start of the stream.
  const { decided, accepted } = backlog;
  for await (const response of stream(connection, token, backlog, limits, signal)) {
    if (decided + response.decided === backlog.decided) continue;
    const rejections = response.rejections.map((rejection) => ({ ...rejection, index: decided + rejection.index }));
    yield settle(backlog, decided + response.decided, accepted + response.accepted, rejections);
  }
  if (!isEverythingDecided(backlog)) throw new UnavailableError('the server ended the import', { code: 'UNAVAILABLE' });
}

/** Takes what is decided out of the backlog. Everything is counted from the start of the import. */
function settle(
  backlog: Backlog,
  decided: number,
  accepted: number,
  rejected: readonly Omit<ImportRejection, 'transaction'>[],
): ImportProgress {
  const settled = backlog.entries.splice(0, decided - backlog.decided);
  const rejections = rejected.map((rejection) => ({
    ...rejection,
    transaction: settled[rejection.index - backlog.decided]!.given,
  }));
  Object.assign(backlog, { decided, accepted });
  backlog.changed();
  return { decided, accepted, rejections };
}

function emptyBacklog(): Backlog {
  let waiting: (() => void)[] = [];
  return {
    decided: 0,
    accepted: 0,
    sent: 0,
    progressAt: Date.now(),
    entries: [],
    complete: false,
    failure: undefined,
    stopped: false,
    changed() {
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    change: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

async function readSource(
  source: Iterable<ImportedTransaction> | AsyncIterable<ImportedTransaction>,
  backlog: Backlog,
): Promise<void> {
  try {
    for await (const given of source) {
      if (backlog.stopped) return;
      backlog.entries.push({ given, message: importedTransaction(given, backlog.decided + backlog.entries.length) });
      backlog.changed();
      while (backlog.entries.length >= BACKLOG_MAX && !backlog.stopped) await backlog.change();
      if (backlog.stopped) return;
    }
    backlog.complete = true;
  } catch (cause) {
    backlog.failure = { cause };
  } finally {
    backlog.changed();
  }
}

/** One stream: sends the backlog from its first entry on, and gives what the server answers. */
async function* stream(
  connection: Connection,
  token: string,
  backlog: Backlog,
  limits: Limits,
  signal: AbortSignal,
): AsyncGenerator<ImportTransactionsResponse> {
  const channel = connection.channels.pick();
  const call: Stream = channel.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, headers(token));
  const ended = new AbortController();
  const forget = onAbort(signal, () => call.cancel());
  const watch = watchSilence(backlog, limits, () => call.cancel());
  void send(call, backlog, ended.signal);
  try {
    for await (const response of call as AsyncIterable<ImportTransactionsResponse>) {
      watch.pause();
      yield response;
      watch.resume();
    }
  } catch (error) {
    if (!watch.isOver) throw error;
    connection.channels.renew(channel);
    throw new DeadlineError('the server did not answer the import in time', {
      code: 'DEADLINE_EXCEEDED',
      cause: error,
    });
  } finally {
    watch.end();
    forget();
    ended.abort();
    backlog.changed();
    call.on('error', () => {});
    call.cancel();
  }
}

/** Calls back when a stream, or the whole import, has waited for an answer for as long as it may. */
function watchSilence(backlog: Backlog, { silenceMs, timeoutMs }: Limits, over: () => void) {
  let heardAt = Date.now();
  let paused = false;
  const look = () => {
    const now = Date.now();
    const owed = backlog.entries.length > 0 || backlog.complete;
    // Neither the caller's own time counts nor that of the source.
    if (paused || !owed) heardAt = backlog.progressAt = now;
    if (now - heardAt <= silenceMs && now - backlog.progressAt <= timeoutMs) return;
    watch.isOver = true;
    over();
  };
  const timer = setInterval(look, Math.min(1_000, Math.max(10, Math.min(silenceMs, timeoutMs) / 4)));
  const watch = {
    isOver: false,
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      heardAt = Date.now();
    },
    end: () => clearInterval(timer),
  };
  return watch;
}

async function send(call: Stream, backlog: Backlog, ended: AbortSignal): Promise<void> {
  // The index in the import of what is sent next.
  let next = backlog.decided;
  while (!ended.aborted) {
    // A source that has more at once fills the backlog first, so that messages are few.
    await afterMicrotasks();
    if (ended.aborted) return;
    if (backlog.failure) {
      call.cancel();
      return;
    }
    const from = next - backlog.decided;
    const transactions = backlog.entries.slice(from, from + CHUNK).map(({ message }) => message);
    if (transactions.length > 0) {
      next += transactions.length;
      backlog.sent = Math.max(backlog.sent, next);
      if (!call.write({ transactions })) await once(call, 'drain', { signal: ended }).catch(() => {});
    } else if (backlog.complete) {
      call.end();
      return;
    } else {
      await backlog.change();
    }
  }
}
