import { onAbort } from './abort.ts';
import { type CallOptions, type Connection, headers, READ, retryOptions, signalOf, tokenOf } from './call.ts';
import { checkOptions } from './check-options.ts';
import { streamError } from './error-of.ts';
import { UnavailableError } from './errors.ts';
import {
  PointsServiceService,
  type WatchTransactionsRequest,
  type WatchTransactionsResponse,
} from './gen/points/v1/points_service.ts';
import { sleep, waitToReopen } from './retry.ts';
import { type Transaction, toTransaction } from './transactions.ts';

const { path, requestSerialize, responseDeserialize } = PointsServiceService.watchTransactions;

/**
 * The transactions of an account after a sequence, without gap or repeat: a stream that was cut goes on after the last
 * one seen. Ends when the signal is aborted or the client is closed. Fails with a PointsError that no other try would mend.
 */
export async function* watch(
  connection: Connection,
  request: WatchTransactionsRequest,
  options: CallOptions,
): AsyncGenerator<Transaction, void> {
  checkOptions(options);
  const signal = signalOf(connection, options);
  const retry = retryOptions(connection, options);
  let { afterSequence } = request;
  // Tries since the last transaction.
  let attempts = 0;
  while (!signal.aborted) {
    attempts += 1;
    const token = await tokenOf(connection, Number.POSITIVE_INFINITY, signal, READ).catch((error) => {
      if (!signal.aborted) throw error;
    });
    if (token === undefined || signal.aborted) return;
    try {
      for await (const { transaction } of stream(connection, token, { ...request, afterSequence }, signal)) {
        if (!transaction || transaction.sequence <= afterSequence) continue;
        attempts = 0;
        afterSequence = transaction.sequence;
        yield toTransaction(transaction);
      }
      // A watch has no end, and a server that stops says so by an error: this one was cut short on its way.
      throw new UnavailableError('the server ended the watch', { code: 'UNAVAILABLE' });
    } catch (cause) {
      if (signal.aborted) return;
      await sleep(waitToReopen(streamError(cause), attempts, retry, Number.POSITIVE_INFINITY), signal);
    }
  }
}

async function* stream(
  connection: Connection,
  token: string,
  request: WatchTransactionsRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchTransactionsResponse> {
  const channel = connection.channels.pick();
  const call = channel.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, headers(token));
  const forget = onAbort(signal, () => call.cancel());
  try {
    // Reads no faster than the caller does.
    yield* call;
  } finally {
    forget();
    // The caller may have left the loop. The error this ends the stream with is nobody's any more.
    call.on('error', () => {});
    call.cancel();
  }
}
