// The REST load: keep-alive connections, one call at a time on each, HTTP/1.1 written by hand for the same reason as the
// frames of the gRPC load.
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { type Accounts, pickAccount, pickPoints } from './accounts.ts';
import { serveCalls } from './child.ts';
import { type LoadOptions, load } from './load.ts';
import type { ServerAddresses } from './server-process.ts';

export interface RestLoad {
  readonly server: ServerAddresses;
  readonly accounts: Accounts;
  readonly options: LoadOptions;
}

/** A keep-alive connection: sends a request, and settles with its answer. */
type Connection = (request: string) => Promise<void>;

/** The connections to each server that no call is on. */
const idle = new Map<number, Connection[]>();

/** `free`: where connections wait for their next call, until the server closes them for having waited too long. */
function open(port: number, free: Connection[]): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.setEncoding('latin1');
  let received = '';
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  socket.on('data', (text: string) => {
    received += text;
    if (!isWhole(received)) return;
    const answer = received;
    received = '';
    if (answer.startsWith('HTTP/1.1 200 ')) settle?.resolve();
    else settle?.reject(new Error(answer));
  });
  socket.on('error', (error) => settle?.reject(error));
  socket.on('close', () => {
    settle?.reject(new Error('the server closed a connection'));
    const index = free.indexOf(call);
    if (index >= 0) free.splice(index, 1);
  });
  function call(request: string): Promise<void> {
    return new Promise((resolve, reject) => {
      settle = { resolve, reject };
      socket.write(request);
    });
  }
  return call;
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${answer}`);
  return answer.length >= end + 4 + Number(length);
}

/** With a request id, as the gRPC load's. */
function requestOf(token: string, account: string): string {
  const body = JSON.stringify({ points: pickPoints(), requestId: randomUUID() });
  const lines = [
    `POST /v1/accounts/${account}:spend HTTP/1.1`,
    'host: 127.0.0.1',
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

function idleOf(port: number): Connection[] {
  const known = idle.get(port);
  if (known) return known;
  const none: Connection[] = [];
  idle.set(port, none);
  return none;
}

serveCalls({
  run({ server, accounts, options }: RestLoad) {
    const account = pickAccount(accounts);
    const free = idleOf(server.httpPort);
    return load(options, async () => {
      const call = free.pop() ?? open(server.httpPort, free);
      await call(requestOf(server.token, account()));
      free.push(call);
    });
  },
});
