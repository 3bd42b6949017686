import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ApiError } from '../api/errors.ts';
import { type ErrorStatus, errorStatus } from '../api/status.ts';

const API_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** How much of a refused body is read away, and for how long, so that the client gets to see the answer. */
const LINGER_BYTES = 16 * 1024 * 1024;
const LINGER_MS = 2_000;

/** Sends the JSON of an answer. To a HEAD, node sends the headers alone. */
export function sendJson(response: ServerResponse, http: number, json: string, headers?: OutgoingHttpHeaders): void {
  response.writeHead(http, jsonHeaders(json, headers));
  response.end(json);
}

function jsonHeaders(json: string, headers?: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(json),
    ...API_HEADERS,
    ...headers,
  };
}

/** The media type of a stream of JSON lines. */
export const STREAM_TYPE = 'application/x-ndjson';
export const STREAM_HEADERS = { 'content-type': `${STREAM_TYPE}; charset=utf-8`, ...API_HEADERS };

/** Sends an error as google.rpc.Status. Does nothing where the client has gone. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: unknown, maxBodyBytes: number) {
  if (response.destroyed || response.headersSent) return;
  const status = errorStatus(error);
  const json = statusJson(status);
  const headers = errorHeaders(error, status);
  if (leavesBody(request, maxBodyBytes)) sendAndClose(request, response, status.http, json, headers);
  else sendJson(response, status.http, json, headers);
}

/** The JSON of a google.rpc.Status. */
export function statusJson({ code, message, details }: ErrorStatus): string {
  const anys = details.map(({ type, json }) => ({ '@type': `type.googleapis.com/${type}`, ...json }));
  return JSON.stringify({ code, message, details: anys });
}

function errorHeaders(error: unknown, { http }: ErrorStatus): OutgoingHttpHeaders {
  const details = error instanceof ApiError ? error.details : {};
  if (http === 401) return { 'www-authenticate': 'Bearer' };
  if (http === 405) return { allow: details.metadata?.allow ?? '' };
  if (http === 429 || http === 503) {
    const seconds = Math.max(1, Math.ceil((details.retryAfterMs ?? 0) / 1000));
    return { 'retry-after': String(seconds) };
  }
  return {};
}

/** Whether more of the body may come than node should read away in silence to keep the connection. */
function leavesBody(request: IncomingMessage, maxBodyBytes: number): boolean {
  if (request.complete) return false;
  const { headers } = request;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > maxBodyBytes;
}

/**
 * Answers and closes the connection, but reads on for a while first: closed at once, with bytes unread, the connection
 * would be reset, and the reset would overtake the answer.
 */
function sendAndClose(
  request: IncomingMessage,
  response: ServerResponse,
  http: number,
  json: string,
  headers: OutgoingHttpHeaders,
): void {
  response.writeHead(http, jsonHeaders(json, { ...headers, connection: 'close' }));
  response.write(json);
  let bytes = 0;
  const timer = setTimeout(close, LINGER_MS);
  function close() {
    clearTimeout(timer);
    response.end();
  }
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LINGER_BYTES) close();
  });
  request.on('end', close).on('close', close).on('error', close);
}
