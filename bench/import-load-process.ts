// The import's client: one stream, messages as large as the client package sends them, written as fast as the server
// takes them.
import { once } from 'node:events';
import { connect } from 'node:http2';
import { ImportTransactionsRequest, ImportTransactionsResponse } from '../src/gen/points/v1/points_service.ts';
import { serveCalls } from './child.ts';
import { IMPORT_PATH, takeMessages, toFrame } from './grpc-frames.ts';
import { type ImportSlice, importRow } from './import-rows.ts';
import type { Load } from './load.ts';
import type { ServerAddresses } from './server-process.ts';

/** Transactions of one message. */
const CHUNK = 500;

async function importSlice({ server, slice }: { server: ServerAddresses; slice: ImportSlice }): Promise<Load> {
  const begin = performance.now();
  const session = connect(`http://127.0.0.1:${server.grpcPort}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': IMPORT_PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': '600S',
    authorization: `Bearer ${server.token}`,
  });
  let progress: ImportTransactionsResponse = { decided: 0, accepted: 0, rejections: [] };
  let received: Buffer = Buffer.alloc(0);
  let trailers: unknown;
  stream.on('data', (data: Buffer) => {
    received = takeMessages(Buffer.concat([received, data]), (message) => {
      progress = ImportTransactionsResponse.decode(message);
    });
  });
  stream.on('trailers', (headers: unknown) => {
    trailers = headers;
  });
  const closed = once(stream, 'close');
  for (let from = slice.from; from < slice.to; from += CHUNK) {
    if (!stream.write(messageOf(from, Math.min(slice.to, from + CHUNK), slice.accounts))) await once(stream, 'drain');
  }
  stream.end();
  await closed;
  session.close();
  const count = slice.to - slice.from;
  if (progress.accepted !== count) {
    throw new Error(`accepted ${progress.accepted} of ${count}: ${JSON.stringify({ trailers, progress })}`);
  }
  const seconds = (performance.now() - begin) / 1000;
  return { calls: count, callsInAll: count, seconds, p50Ms: 0, p99Ms: 0 };
}

function messageOf(from: number, to: number, accounts: number): Buffer {
  const transactions = Array.from({ length: to - from }, (_, index) => {
    const { earnedAtSeconds: seconds, ...row } = importRow(from + index, accounts);
    return { ...row, timestamp: { seconds, nanos: 0 } };
  });
  return toFrame(ImportTransactionsRequest.encode({ transactions }).finish());
}

serveCalls({ importSlice });
