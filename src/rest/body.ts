import type { IncomingMessage } from 'node:http';
import { ApiError } from '../api/errors.ts';

/** Reads the body of a request, at most `maxBytes`, and refuses one that is not marked as JSON before it reads it. */
export async function readBodyBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (!hasBody(request)) return Buffer.alloc(0);
  requireJson(request);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  return collect(request, maxBytes);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const JSON_IN_UTF_8 = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?$/i;

function requireJson({ headers }: IncomingMessage): void {
  const type = headers['content-type'] ?? '';
  if (type !== 'application/json' && !JSON_IN_UTF_8.test(type)) {
    throw new ApiError('NOT_JSON', 'the content-type of the body must be application/json', {
      metadata: { content_type: type },
      violations: [{ field: 'body', description: 'must be application/json in UTF-8' }],
    });
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new ApiError('NOT_JSON', `the body must not be encoded, but its content-encoding is ${encoding}`, {
      metadata: { content_type: type, content_encoding: encoding },
      violations: [{ field: 'body', description: 'must not be compressed' }],
    });
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError('REQUEST_TOO_LARGE', `the body is larger than ${maxBytes} bytes`, {
    metadata: { limit: String(maxBytes) },
    violations: [{ field: 'body', description: `must be at most ${maxBytes} bytes` }],
  });
}

function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (error?: ApiError) => {
      request.off('data', take).off('end', settle).off('close', leave);
      if (error) reject(error);
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    };
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) settle(tooLarge(maxBytes));
      else chunks.push(chunk);
    };
    const leave = () => settle(new ApiError('CANCELLED', 'the client went away before its request was complete'));
    request.on('data', take).on('end', settle).on('close', leave);
  });
}
