/** Where a server is: what grpc-js calls it, and whether it is on this machine. */
export interface Target {
  readonly name: string;
  readonly local: boolean;
}

const PORT = 50051;
const SCHEME = /^(unix:|unix-abstract:|dns:\/|ipv4:|ipv6:)/;
// All of it: a list that names another machine as well is not local.
const LOCAL = /^(unix(-abstract)?:.*|dns:\/\/\/localhost(:\d+)?|ipv4:127\.[\d.]+(:\d+)?|ipv6:(\[::1\](:\d+)?|::1))$/;

/** The addresses a caller gave: one, or an array. Throws a TypeError where that is none. */
export function addressesOf(address: unknown): readonly string[] {
  const addresses = Array.isArray(address) ? address : [address];
  if (addresses.length === 0) throw new TypeError('address: there is none');
  for (const one of addresses) {
    if (typeof one !== 'string')
      throw new TypeError('address: must be a string such as host:port, or an array of them');
  }
  return addresses;
}

/**
 * Reads an address: `host`, `host:port`, `1.2.3.4:port`, `[::1]:port`, `unix:/path` or any other target of grpc-js, such
 * as `dns:///host:port`. The port is 50051 where there is none. A name stands for all the addresses the DNS gives for it.
 * Throws a TypeError where the text is no address.
 */
export function parseAddress(address: string): Target {
  const name = SCHEME.test(address) ? address : targetOf(address);
  return { name, local: LOCAL.test(name) };
}

function targetOf(address: string): string {
  const [, bracketed, plain, port = PORT] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(address) ?? [];
  if (bracketed !== undefined) return `ipv6:[${bracketed}]:${port}`;
  if (plain === undefined) throw new TypeError(`address: ${JSON.stringify(address)} is not of the form host:port`);
  return /^\d+\.\d+\.\d+\.\d+$/.test(plain) ? `ipv4:${plain}:${port}` : `dns:///${plain}:${port}`;
}
