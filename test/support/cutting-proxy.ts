// A TCP proxy that breaks connections at a chosen byte, as networks do at moments nobody chooses.
import { createConnection, createServer, type Socket } from 'node:net';
import { listenLocally } from './listen-locally.ts';

/** How a connection through the proxy ends. */
export interface Fate {
  /** The direction in which bytes are counted: requests or answers. */
  readonly direction: 'toServer' | 'toClient';
  /** So many bytes still pass. */
  readonly afterBytes: number;
  /**
   * `reset`: both ends see ECONNRESET. `end`: both ends see an orderly end of the stream. `blackHole`: the connection stays
   * open, and nothing passes any more, in either direction.
   */
  readonly how: 'reset' | 'end' | 'blackHole';
}

export interface CuttingProxy {
  /** What a client connects to. */
  readonly address: string;
  /** Decides each new connection's fate; undefined lets it be. */
  fate: () => Fate | undefined;
  /** Connections made so far. */
  readonly connections: number;
  /** Resets all connections now. */
  cut(): void;
  /** Nothing passes on the present connections any more, which stay open. */
  freeze(): void;
  /** Resets all connections and refuses new ones until `accept`. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  close(): Promise<void>;
}

interface Pipe {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing is forwarded any more. */
  over: boolean;
}

/** Forwards a free port of 127.0.0.1 to `target`, a `host:port`. */
export async function startCuttingProxy(target: string, fate: CuttingProxy['fate'] = () => undefined) {
  const { hostname, port: targetPort } = new URL(`tcp://${target}`);
  const pipes = new Set<Pipe>();
  const listener = createServer((client) => {
    proxy.connections += 1;
    const pipe = { client, server: createConnection(Number(targetPort), hostname), over: false };
    pipes.add(pipe);
    connect(pipe, proxy.fate());
    client.on('close', () => pipes.delete(pipe));
  });
  const port = await listenLocally(listener);

  const proxy = {
    address: `127.0.0.1:${port}`,
    fate,
    connections: 0,
    cut() {
      for (const pipe of pipes) end(pipe, 'reset');
    },
    freeze() {
      for (const pipe of pipes) end(pipe, 'blackHole');
    },
    async refuse() {
      const closed = new Promise((resolve) => listener.close(resolve));
      proxy.cut();
      await closed;
    },
    accept: async () => {
      await listenLocally(listener, port);
    },
    async close() {
      if (listener.listening) await proxy.refuse();
    },
  };
  return proxy satisfies CuttingProxy as CuttingProxy;
}

function connect(pipe: Pipe, fate: Fate | undefined): void {
  forward(pipe, pipe.client, pipe.server, fate?.direction === 'toServer' ? fate : undefined);
  forward(pipe, pipe.server, pipe.client, fate?.direction === 'toClient' ? fate : undefined);
}

function forward(pipe: Pipe, from: Socket, to: Socket, fate: Fate | undefined): void {
  let left = fate?.afterBytes ?? Number.POSITIVE_INFINITY;
  from.setNoDelay(true);
  from.on('data', (bytes) => {
    if (pipe.over) return;
    if (fate && bytes.length >= left) {
      // The last bytes are on their way before the connection breaks.
      if (left > 0) to.write(bytes.subarray(0, left), () => end(pipe, fate.how));
      else end(pipe, fate.how);
      pipe.over = true;
      return;
    }
    left -= bytes.length;
    to.write(bytes);
  });
  // A pipe that is over by itself tells neither end of the other.
  from.on('end', () => {
    if (!pipe.over) to.end();
  });
  from.on('error', () => {
    if (!pipe.over) end(pipe, 'reset');
  });
  from.on('close', () => {
    if (!pipe.over) to.destroy();
  });
}

function end(pipe: Pipe, how: Fate['how']): void {
  pipe.over = true;
  for (const socket of [pipe.client, pipe.server]) {
    if (how === 'end') socket.end();
    if (how === 'reset') reset(socket);
  }
}

function reset(socket: Socket): void {
  // A socket that is connecting or ending cannot be reset: Node would never finish with it, nor exit.
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
