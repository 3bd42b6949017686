import type { ServerResponse } from 'node:http';
import { ApiError } from '../api/errors.ts';
import { errorStatus } from '../api/status.ts';
import { STREAM_HEADERS, statusJson } from './answer.ts';

/** The longest delay that setTimeout takes; a deadline past it, more than three weeks away, is not kept. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** How long a stream may take to its first message before the headers go out without it. */
const FIRST_MESSAGE_MS = 1_000;

/**
 * Sends a stream of answers as lines of JSON, `{"result":…}` each, at the client's pace; where it fails midway, the
 * last line is `{"error":…}`. An error before the first line is thrown, for an ordinary error response, unless a
 * second passed before it: by then the headers have gone out, so that a client which waits for news knows it is heard.
 *
 * @param end tells the source to stop; called when the stream ends for whatever reason, at its `deadline` at the latest
 */
export async function sendStream(
  response: ServerResponse,
  messages: AsyncIterable<object>,
  write: (message: object) => string,
  end: () => void,
  deadline: number,
): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  const stop = () => {
    end();
    Promise.resolve(iterator.return?.()).catch(() => {});
  };
  response.once('close', stop);
  const first = setTimeout(() => {
    sendHeaders(response);
    response.flushHeaders();
  }, FIRST_MESSAGE_MS);
  let expired: ApiError | undefined;
  const last = onceAt(deadline, () => {
    expired = new ApiError('DEADLINE_EXCEEDED', 'the deadline of the stream has passed');
    stop();
  });
  try {
    for (;;) {
      const next = await iterator.next();
      clearTimeout(first);
      if (response.destroyed) return;
      if (expired) throw expired;
      sendHeaders(response);
      if (next.done) break;
      if (!response.write(`{"result":${write(next.value)}}\n`)) await drained(response);
    }
    response.end();
  } catch (thrown) {
    const error = expired ?? thrown;
    if (response.destroyed) return;
    if (!response.headersSent) throw error;
    response.end(`{"error":${statusJson(errorStatus(error))}}\n`);
  } finally {
    clearTimeout(first);
    clearTimeout(last);
    response.off('close', stop);
    stop();
  }
}

function onceAt(deadline: number, act: () => void): NodeJS.Timeout | undefined {
  const ms = deadline - Date.now();
  return ms > TIMER_MS_MAX ? undefined : setTimeout(act, ms);
}

function sendHeaders(response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(200, STREAM_HEADERS);
}

/** Waits until the client has taken what was sent, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
    if (response.destroyed) go();
  });
}
