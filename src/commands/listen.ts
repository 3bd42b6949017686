import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, isIPv6 } from 'node:net';
import { type Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { Knex } from 'knex';
import { createApi } from '../api/calls.ts';
import { createHandlers } from '../api/handlers/handlers.ts';
import { registry, service } from '../api/schema.ts';
import { openSecret } from '../auth/secret.ts';
import { createAuthenticate } from '../auth/tokens.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { createEngine } from '../engine/engine.ts';
import { createReads } from '../engine/reads.ts';
import { createGrpcServer } from '../grpc/server.ts';
import { answerClientError } from '../rest/client-error.ts';
import { createGateway } from '../rest/gateway.ts';
import { ping } from '../storage/ping.ts';

/** How long calls under way may take to end when the server stops. */
const STOP_MS_MAX = 5_000;

/** How often the health that clients see is brought up to date. */
const HEALTH_MS = 2_000;

/** Where a server listens, and its end. */
interface Listening {
  readonly grpcAddress: string;
  readonly httpUrl: string;
  stop(): Promise<void>;
}

/** Puts the service together on a database, and listens on its two ports. */
export async function listen(config: Config, db: Knex): Promise<Listening> {
  const authenticate = createAuthenticate(openSecret(config.dataDir, config.authSecret));
  const engine = createEngine(db, systemClock, config);
  const handlers = createHandlers(engine, createReads(db), systemClock, config.clockSkewMs);
  const stopping = new AbortController();
  const api = createApi(authenticate, handlers, stopping.signal);
  const health = new HealthImplementation({ '': 'SERVING', [service.typeName]: 'SERVING' });

  const { tls } = config;
  const grpc = createGrpcServer(service, api, health);
  const credentials = tls
    ? ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }])
    : ServerCredentials.createInsecure();
  const host = isIPv6(config.host) ? `[${config.host}]` : config.host;
  const gateway = createGateway({ api, service, registry, health: () => ping(db) });
  const http = tls ? createTlsServer(tls, gateway) : createServer(gateway);
  http.on('clientError', answerClientError);
  try {
    const grpcPort = await bindGrpc(grpc, `${host}:${config.grpcPort}`, credentials);
    const httpPort = await bindHttp(http, config.host, config.httpPort);
    const watching = watchHealth(db, health);
    return {
      grpcAddress: `${host}:${grpcPort}`,
      httpUrl: `${tls ? 'https' : 'http'}://${host}:${httpPort}`,
      async stop() {
        clearInterval(watching);
        stopping.abort();
        await Promise.all([stopGrpc(grpc), stopHttp(http)]);
        await engine.close();
      },
    };
  } catch (error) {
    grpc.forceShutdown();
    http.close();
    throw error;
  }
}

function watchHealth(db: Knex, health: HealthImplementation): NodeJS.Timeout {
  return setInterval(async () => {
    const status = (await ping(db)) ? 'SERVING' : 'NOT_SERVING';
    health.setStatus('', status);
    health.setStatus(service.typeName, status);
  }, HEALTH_MS);
}

function bindGrpc(server: GrpcServer, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (!error) return resolve(port);
      const [, cause = error.message] = /\[(.*)\]/.exec(error.message) ?? [];
      reject(new Error(`gRPC cannot listen on ${address} (HOST, GRPC_PORT): ${cause}`));
    });
  });
}

function bindHttp(server: HttpServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`REST cannot listen on ${host}:${port} (HOST, HTTP_PORT): ${error.message}`));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function stopGrpc(server: GrpcServer): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), STOP_MS_MAX);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

function stopHttp(server: HttpServer): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), STOP_MS_MAX);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
