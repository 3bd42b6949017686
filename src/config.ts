import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { SECRET_BYTES_MIN } from './auth/secret.ts';

/** The settings of a process, read once from the environment. */
export interface Config {
  /** mysql://user:password@host:3306/database; undefined: an embedded server in `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** Memory for the embedded server's pages, as in 128M or 1G. */
  readonly databaseBufferPool: string;
  /** The most connections to the database. */
  readonly databaseConnections: number;
  /** Where the embedded database, the secret and the demo tokens are kept. Absolute. */
  readonly dataDir: string;
  /** The address to listen on. */
  readonly host: string;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Certificate chain and key for TLS on both ports, PEM; undefined: no TLS. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** The secret of the tokens; undefined: one made at random and kept in `dataDir`. */
  readonly authSecret: string | undefined;
  /** How far in the future a transaction's timestamp may lie. */
  readonly clockSkewMs: number;
  /** The most commands in one database transaction. */
  readonly groupMax: number;
  /** The most commands that wait. */
  readonly queueMax: number;
  /** How many groups are under way at once. */
  readonly workers: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that cannot be used; the message names its variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the settings; fails with a ConfigError. An empty variable counts as unset. */
export function readConfig(environment: Environment): Config {
  const text = (name: string) => environment[name] || undefined;
  const config: Config = {
    databaseUrl: readDatabaseUrl(text('DATABASE_URL')),
    databaseBufferPool: size(environment, 'DATABASE_BUFFER_POOL', '128M'),
    databaseConnections: integer(environment, 'DATABASE_CONNECTIONS', 10, 3, 1000),
    dataDir: resolve(text('DATA_DIR') ?? '.data'),
    host: text('HOST') ?? '127.0.0.1',
    grpcPort: integer(environment, 'GRPC_PORT', 50051, 0, 65535),
    httpPort: integer(environment, 'HTTP_PORT', 5000, 0, 65535),
    tls: readTls(text('TLS_CERT_FILE'), text('TLS_KEY_FILE')),
    authSecret: readSecret(text('AUTH_SECRET')),
    clockSkewMs: duration(environment, 'MAX_CLOCK_SKEW', '5m'),
    groupMax: integer(environment, 'GROUP_MAX', 128, 1, 1024),
    queueMax: integer(environment, 'QUEUE_MAX', 10_000, 1, 1_000_000),
    workers: integer(environment, 'WORKERS', 2, 1, 64),
  };
  if (config.databaseConnections <= config.workers) {
    throw new ConfigError(
      'DATABASE_CONNECTIONS must be greater than WORKERS: each group holds one, and reads need some',
    );
  }
  if (config.grpcPort === config.httpPort && config.grpcPort !== 0) {
    throw new ConfigError(`GRPC_PORT and HTTP_PORT must differ: both are ${config.grpcPort}`);
  }
  return Object.freeze(config);
}

function integer(environment: Environment, name: string, standard: number, min: number, max: number): number {
  const text = environment[name] || String(standard);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new ConfigError(`${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function duration(environment: Environment, name: string, standard: string): number {
  const text = environment[name] || standard;
  const [, digits = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (digits !== '') return Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS];
  throw new ConfigError(`${name} must be a duration such as 300s, 5m or 1h, not ${JSON.stringify(text)}`);
}

function size(environment: Environment, name: string, standard: string): string {
  const text = environment[name] || standard;
  if (/^[1-9]\d*[KMG]$/i.test(text)) return text;
  throw new ConfigError(`${name} must be a size such as 512M or 2G, not ${JSON.stringify(text)}`);
}

/** What is said of it never repeats it: it holds a password. */
function readDatabaseUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const form = 'it must look like mysql://user:password@host:3306/points';
  if (!URL.canParse(text)) throw new ConfigError(`DATABASE_URL is not a URL: ${form}`);
  const url = new URL(text);
  if (url.protocol !== 'mysql:') throw new ConfigError(`DATABASE_URL does not begin with mysql://: ${form}`);
  if (url.hostname === '') throw new ConfigError(`DATABASE_URL names no host: ${form}`);
  if (!/^\/[^/]+$/.test(url.pathname)) throw new ConfigError(`DATABASE_URL names no database: ${form}`);
  return text;
}

function readSecret(secret: string | undefined): string | undefined {
  if (secret !== undefined && Buffer.byteLength(secret) < SECRET_BYTES_MIN) {
    throw new ConfigError(`AUTH_SECRET must be at least ${SECRET_BYTES_MIN} bytes long`);
  }
  return secret;
}

function readTls(certFile: string | undefined, keyFile: string | undefined): Config['tls'] {
  if (!certFile && !keyFile) return undefined;
  if (!certFile || !keyFile) throw new ConfigError('TLS_CERT_FILE and TLS_KEY_FILE go together: set both or neither');
  const pair = { cert: readPem('TLS_CERT_FILE', certFile), key: readPem('TLS_KEY_FILE', keyFile) };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new ConfigError(`TLS_CERT_FILE and TLS_KEY_FILE are no certificate and its key: ${(error as Error).message}`);
  }
  return pair;
}

function readPem(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${name} cannot be read: ${(error as Error).message}`);
  }
}
