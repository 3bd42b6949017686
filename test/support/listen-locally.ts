import type { AddressInfo, Server } from 'node:net';

/** Listens on a port of 127.0.0.1, a free one unless it is given; returns it. */
export function listenLocally(server: Server, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
