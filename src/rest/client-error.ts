import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { invalidRequest } from '../api/errors.ts';
import { errorStatus } from '../api/status.ts';
import { statusJson } from './answer.ts';

/**
 * Answers what node refuses before it is a request at all (an http.Server's `clientError` event): malformed HTTP, too
 * many bytes of headers, a request that does not come to its end. The connection closes, as nothing after it is safe
 * to read.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { http, field, description } = FAULTS[error.code ?? ''] ?? MALFORMED;
  const json = statusJson(errorStatus(invalidRequest({ field, description })));
  socket.end(
    `HTTP/1.1 ${http} ${STATUS_CODES[http]}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
  );
}

const MALFORMED = { http: 400, field: 'request', description: 'is not well-formed HTTP' };
const FAULTS: Readonly<Record<string, typeof MALFORMED>> = {
  HPE_HEADER_OVERFLOW: { http: 431, field: 'headers', description: 'are larger than the server takes' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { http: 413, field: 'body', description: 'has chunk extensions that are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { http: 408, field: 'request', description: 'did not come to its end in time' },
};
