import { isIPv6 } from 'node:net';

/** Where a server is: what grpc-js calls it, and whether it is on this machine. */
export interface Target {
  readonly name: string;
  readonly local: boolean;
}

const PORT = 50051;
const PORT_MAX = 65_535;
// A machine may be called dns: only a port follows it then.
const SCHEME = /^(unix:|unix-abstract:|dns:(?!\d+$)|ipv4:|ipv6:)/;
// All of it: a list that names another machine as well is not local.
const LOCAL =
  /^(unix(-abstract)?:.*|dns:(\/\/\/)?localhost(:\d+)?|ipv4:127\.[\d.]+(:\d+)?|ipv6:(\[::1\](:\d+)?|::1))$/i;

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
 * as `dns:host:port`. The port is 50051 where there is none. A name stands for all the addresses the DNS gives for it.
 * Throws a TypeError where the text is no address.
 */
export function parseAddress(address: string): Target {
  const name = SCHEME.test(address) ? address : targetOf(address);
  if (!name.startsWith('unix')) checkPort(name);
  return { name, local: LOCAL.test(name) };
}

function targetOf(address: string): string {
  // Whether the end of ::1:50051 is a port cannot be told.
  if (isIPv6(address) || /^[0-9a-f:]*:[0-9a-f]*:\d+$/i.test(address)) {
    throw new TypeError(`address: an IPv6 address goes in brackets, such as [::1]:${PORT}, unlike in ${address}`);
  }
  const [, bracketed, plain, port = PORT] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d+))?$/.exec(address) ?? [];
  if (bracketed !== undefined) return `ipv6:[${bracketed}]:${port}`;
  if (plain === undefined) throw new TypeError(`address: ${JSON.stringify(address)} is not of the form host:port`);
  return /^\d+\.\d+\.\d+\.\d+$/.test(plain) ? `ipv4:${plain}:${port}` : `dns:///${plain}:${port}`;
}

/** Node refuses such a port only when it connects, and the calls would wait for it until their deadlines. */
function checkPort(name: string): void {
  // Of an IPv6 address without brackets, which grpc-js takes for one without a port, the end is no port.
  const ports = name.startsWith('ipv6:') ? /\]:(\d+)(?=,|$)/g : /[^:]:(\d+)(?=,|$)/g;
  for (const [, port] of name.matchAll(ports)) {
    if (Number(port) >= 1 && Number(port) <= PORT_MAX) continue;
    throw new TypeError(`address: the port must be from 1 to ${PORT_MAX}, not ${port}`);
  }
}
