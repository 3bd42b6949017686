// The service's server, put together as `serve` does, with two things more that only a benchmark wants: a bare echo
// beside the service, and a record of the statements it sends.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type handleUnaryCall, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { serveCalls } from './child.ts';
import { ECHO_PATH } from './grpc-frames.ts';
import {
  connect,
  createApi,
  createAuthenticate,
  createEngine,
  createGateway,
  createGrpcServer,
  createHandlers,
  createReads,
  migrate,
  readConfig,
  registry,
  service,
  signToken,
  systemClock,
} from './product.ts';
import { recordStatements } from './record-statements.ts';

/** Where a server listens, and a token that opens all of it. */
export interface ServerAddresses {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly token: string;
}

const config = readConfig(process.env);
const db = connect(config.databaseUrl ?? '', { connectionsMax: config.databaseConnections });
const secret = new TextEncoder().encode('the secret of a benchmark: not one of a ledger');
const engine = createEngine(db, systemClock, config);
const handlers = createHandlers(engine, createReads(db), systemClock, config.clockSkewMs);
const authenticate = createAuthenticate(secret);
const stopping = new AbortController().signal;
const api = createApi(authenticate, handlers, stopping);
const health = new HealthImplementation({ '': 'SERVING' });
const grpc = createGrpcServer(service, api, health);
const echo: handleUnaryCall<Buffer, Buffer> = (call, callback) => callback(null, call.request);
grpc.addService(echoDefinition(), { echo });
const http = createServer(createGateway({ api, service, registry, health: async () => true }));
let recording: ReturnType<typeof recordStatements> | undefined;

function echoDefinition(): ServiceDefinition {
  const bytes = (value: Buffer) => value;
  return {
    echo: {
      path: ECHO_PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  };
}

async function listen(): Promise<ServerAddresses> {
  await migrate(db);
  const grpcPort = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const scopes = new Set(['earn', 'spend', 'read', 'import'] as const);
  const token = await signToken(secret, { kind: 'service', name: 'bench', scopes }, '1 day');
  return { grpcPort, httpPort: (http.address() as AddressInfo).port, token };
}

serveCalls({
  listen,
  stats: () => ({ ...engine.stats }),
  record() {
    recording = recordStatements(db);
  },
  recorded: (path: string) => recording?.write(path),
  async stop() {
    grpc.forceShutdown();
    http.close();
    http.closeAllConnections();
    await engine.close();
    await db.destroy();
  },
});
