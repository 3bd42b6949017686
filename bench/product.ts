// The service as it is shipped: the modules that the build made. (tsx wraps closures to keep their names, which a hot
// path would feel.)
import { existsSync } from 'node:fs';

const dist = new URL('../dist/', import.meta.url);
if (!existsSync(dist)) throw new Error('dist/ is missing: run the benchmark as `npm run bench`, which builds it first');

function load(path: string): Promise<unknown> {
  return import(new URL(path, dist).href);
}

export const { createEngine } = (await load('engine/engine.js')) as typeof import('../src/engine/engine.ts');
export const { createReads } = (await load('engine/reads.js')) as typeof import('../src/engine/reads.ts');
export const { connect } = (await load('storage/connect.js')) as typeof import('../src/storage/connect.ts');
export const { migrate } = (await load('storage/migrate.js')) as typeof import('../src/storage/migrate.ts');
export const { systemClock } = (await load('clock.js')) as typeof import('../src/clock.ts');
export const { readConfig } = (await load('config.js')) as typeof import('../src/config.ts');
export const { createApi } = (await load('api/calls.js')) as typeof import('../src/api/calls.ts');
export const { createHandlers } = (await load(
  'api/handlers/handlers.js',
)) as typeof import('../src/api/handlers/handlers.ts');
export const { registry, service } = (await load('api/schema.js')) as typeof import('../src/api/schema.ts');
export const { createAuthenticate, signToken } = (await load(
  'auth/tokens.js',
)) as typeof import('../src/auth/tokens.ts');
export const { createGrpcServer } = (await load('grpc/server.js')) as typeof import('../src/grpc/server.ts');
export const { createGateway } = (await load('rest/gateway.js')) as typeof import('../src/rest/gateway.ts');
export const { openDatabase } = (await load(
  'database/open-database.js',
)) as typeof import('../src/database/open-database.ts');
export const { verifyAccount } = (await load('commands/verify.js')) as typeof import('../src/commands/verify.ts');
