// A proxy before the database that reads the statements passing through, and cuts a connection exactly at one of them.
import { createConnection, createServer, type Socket } from 'node:net';
import { listenLocally } from './listen-locally.ts';

/**
 * What becomes of a statement: it passes; or the connection is cut before the server sees it; or after the server has
 * done it, before the client sees the answer; or it and its answer pass, but the answer takes a while.
 */
type Fate = 'pass' | 'cut before' | 'cut after' | { readonly delayMs: number };

export interface MysqlProxy {
  /** The database's URL by way of the proxy. */
  readonly url: string;
  /** Decides on each statement; `sql` is its text. */
  fate: (sql: string) => Fate;
  /** Connections cut by fate so far. */
  readonly cuts: number;
  /** Cuts all connections and refuses new ones, until `accept`. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  close(): Promise<void>;
}

interface Pipe {
  readonly client: Socket;
  readonly server: Socket;
  /** The next answer does not get through. */
  doomed: boolean;
  delayMs: number;
}

const COM_QUERY = 3;

/** A proxy on a free port of 127.0.0.1 before the database at a URL. */
export async function startMysqlProxy(databaseUrl: string): Promise<MysqlProxy> {
  const pipes = new Set<Pipe>();
  const listener = createServer((client) => {
    const pipe: Pipe = { client, server: connectTo(databaseUrl), doomed: false, delayMs: 0 };
    pipes.add(pipe);
    client.once('close', () => pipes.delete(pipe));
    forward(pipe);
  });
  const port = await listenLocally(listener);

  function forward(pipe: Pipe): void {
    const { client, server } = pipe;
    const cut = () => {
      proxy.cuts += 1;
      client.resetAndDestroy();
      server.destroy();
    };
    onPackets(client, (packet) => {
      const sql = statementOf(packet);
      const fate = sql === undefined ? 'pass' : proxy.fate(sql);
      if (fate === 'cut before') return cut();
      if (fate === 'cut after') pipe.doomed = true;
      if (typeof fate === 'object') pipe.delayMs = fate.delayMs;
      server.write(packet);
    });
    server.on('data', (bytes) => {
      if (pipe.doomed) return cut();
      if (pipe.delayMs === 0) return client.write(bytes);
      const { delayMs } = pipe;
      pipe.delayMs = 0;
      setTimeout(() => client.write(bytes), delayMs);
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }

  const proxy = {
    url: proxied(databaseUrl, port),
    fate: (_sql: string): Fate => 'pass',
    cuts: 0,
    async refuse() {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const { client, server } of pipes) {
        client.resetAndDestroy();
        server.destroy();
      }
      await closed;
    },
    accept: async () => {
      await listenLocally(listener, port);
    },
    async close() {
      if (listener.listening) await proxy.refuse();
    },
  };
  return proxy;
}

function connectTo(databaseUrl: string): Socket {
  const url = new URL(databaseUrl);
  const socketPath = url.searchParams.get('socketPath');
  return socketPath ? createConnection(socketPath) : createConnection(Number(url.port || 3306), url.hostname);
}

function proxied(databaseUrl: string, port: number): string {
  const url = new URL(databaseUrl);
  url.searchParams.delete('socketPath');
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

/** Calls back with each packet of the MySQL protocol: three bytes of length, one of sequence, the payload. */
function onPackets(socket: Socket, take: (packet: Buffer) => void): void {
  let waiting: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes]);
    while (waiting.length >= 4) {
      const length = 4 + waiting.readUIntLE(0, 3);
      if (waiting.length < length) return;
      take(waiting.subarray(0, length));
      waiting = waiting.subarray(length);
    }
  });
}

/**
 * The text of a COM_QUERY, the first packet of a command; undefined for anything else. Between MySQL 8 and its clients the
 * number of query attributes comes first: none, in one set.
 */
function statementOf(packet: Buffer): string | undefined {
  if (packet[3] !== 0 || packet[4] !== COM_QUERY) return undefined;
  const hasAttributes = packet[5] === 0 && packet[6] === 1;
  return packet.toString('utf8', hasAttributes ? 7 : 5);
}
