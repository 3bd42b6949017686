// The gRPC load: a client as lean as node allows, HTTP/2 with frames made by hand. On a machine that client, server and
// database share, what a client library costs would count as the server's slowness.
import { randomUUID } from 'node:crypto';
import { type ClientHttp2Session, connect } from 'node:http2';
import { GetBalanceRequest, SpendPointsRequest } from '../src/gen/points/v1/points_service.ts';
import { type Accounts, pickAccount, pickPoints } from './accounts.ts';
import { serveCalls } from './child.ts';
import { BALANCE_PATH, ECHO_PATH, SPEND_PATH, toFrame } from './grpc-frames.ts';
import { type LoadOptions, load } from './load.ts';
import type { ServerAddresses } from './server-process.ts';

/** What is called. */
export type GrpcCalls = 'spend' | 'balance' | 'echo';

export interface GrpcLoad {
  readonly server: ServerAddresses;
  readonly calls: GrpcCalls;
  readonly accounts: Accounts;
  readonly options: LoadOptions;
}

const PATHS = { spend: SPEND_PATH, balance: BALANCE_PATH, echo: ECHO_PATH };

const sessions = new Map<number, ClientHttp2Session>();

function sessionTo(port: number): ClientHttp2Session {
  const known = sessions.get(port);
  if (known && !known.destroyed) return known;
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => session.destroy());
  sessions.set(port, session);
  return session;
}

function unary(session: ClientHttp2Session, path: string, authorization: string, frame: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '10S',
      authorization,
    });
    let status: unknown;
    let message: unknown;
    let bytes = 0;
    const note = (headers: Readonly<Record<string, unknown>>) => {
      status ??= headers['grpc-status'];
      message ??= headers['grpc-message'];
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (data: Buffer) => {
      bytes += data.length;
    });
    stream.on('error', reject);
    stream.on('close', () => {
      if (status === '0' && bytes > 0) resolve();
      else reject(new Error(`${path}: gRPC status ${status}: ${message}`));
    });
    stream.end(frame);
  });
}

function framesOf(calls: GrpcCalls, accounts: Accounts): () => Buffer {
  const account = pickAccount(accounts);
  if (calls === 'spend') return () => toFrame(spendMessage(account()));
  return () => toFrame(GetBalanceRequest.encode({ account: account(), asOf: undefined }).finish());
}

/** With a request id, as the client package sends one with every spend. */
function spendMessage(account: string): Uint8Array {
  const request = { account, points: pickPoints(), requestId: randomUUID(), validateOnly: false };
  return SpendPointsRequest.encode(request).finish();
}

serveCalls({
  run({ server, calls, accounts, options }: GrpcLoad) {
    const session = sessionTo(server.grpcPort);
    const frame = framesOf(calls, accounts);
    const authorization = `Bearer ${server.token}`;
    return load(options, () => unary(session, PATHS[calls], authorization, frame()));
  },
});
