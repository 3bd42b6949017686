import type { ServerResponse } from 'node:http';
import { STREAM_HEADERS, statusJson, statusOf } from './answer.ts';

/** How long a stream may take to its first message before the headers go out without it. */
const FIRST_MESSAGE_MS = 1_000;

/**
 * Sends a stream of answers as lines of JSON, `{"result":…}` each, at the client's pace; where it fails midway, the
 * last line is `{"error":…}`. An error before the first line is thrown, for an ordinary error response, unless a
 * second passed before it: by then the headers have gone out, so that a client which waits for news knows it is heard.
 */
export async function sendStream(
  response: ServerResponse,
  messages: AsyncIterable<object>,
  write: (message: object) => string,
): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  const stop = () => void Promise.resolve(iterator.return?.()).catch(() => {});
  response.once('close', stop);
  const timer = setTimeout(() => {
    sendHeaders(response);
    response.flushHeaders();
  }, FIRST_MESSAGE_MS);
  try {
    for (;;) {
      const next = await iterator.next();
      clearTimeout(timer);
      if (response.destroyed) return;
      sendHeaders(response);
      if (next.done) break;
      if (!response.write(`{"result":${write(next.value)}}\n`)) await drained(response);
    }
    response.end();
  } catch (error) {
    if (response.destroyed) return;
    if (!response.headersSent) throw error;
    response.end(`{"error":${statusJson(statusOf(error))}}\n`);
  } finally {
    clearTimeout(timer);
    response.off('close', stop);
    stop();
  }
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
