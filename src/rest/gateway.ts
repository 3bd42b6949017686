import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { DescService, FileRegistry, Message } from '@bufbuild/protobuf';
import type { Api, CallContext } from '../api/api.ts';
import { ApiError, invalidRequest } from '../api/errors.ts';
import { STREAM_HEADERS, sendError, sendJson } from './answer.ts';
import { readBodyBytes } from './body.ts';
import { documentationPages, type Page } from './documentation.ts';
import { createJsonReader, type JsonReader } from './json-reader.ts';
import { fieldValueWriter, jsonWriter } from './json-writer.ts';
import type { RequestPath } from './path-template.ts';
import { readRequest } from './request.ts';
import { findRoute, type Route, routesOf } from './routes.ts';
import { sendStream } from './stream.ts';

export interface GatewayOptions {
  readonly api: Api;
  readonly service: DescService;
  /** The types of the service and of the options on them, google.api.http above all. */
  readonly registry: FileRegistry;
  /** The largest body taken; 1 MiB unless given. */
  readonly maxBodyBytes?: number;
  /** Whether the service can do its work now; asked by GET /healthz. */
  readonly health?: () => Promise<boolean>;
  /**
   * Throws where the caller's token is not good. Asked only before a request is refused as malformed: by the order of
   * the error reasons, a caller without a token learns that first.
   */
  readonly authenticate?: (context: CallContext) => Promise<unknown>;
}

/** What the listener needs for every request, made once. */
interface Gateway {
  readonly api: Api;
  readonly routes: readonly Route[];
  readonly reader: JsonReader;
  readonly writers: ReadonlyMap<Route, (message: object) => string>;
  readonly pages: ReadonlyMap<string, Page>;
  readonly maxBodyBytes: number;
  readonly authenticate: (context: CallContext) => Promise<unknown>;
}

/**
 * The REST side of a service: its google.api.http annotations as HTTP routes, with their documentation. It knows the
 * service by its descriptors alone; an rpc with an annotation is a route, and nothing else needs to be written.
 */
export function createGateway(options: GatewayOptions): RequestListener {
  const { api, service, registry, maxBodyBytes = 2 ** 20, health = async () => true } = options;
  const routes = routesOf(service, registry);
  const gateway: Gateway = {
    api,
    routes,
    reader: createJsonReader(registry),
    writers: new Map(routes.map((route) => [route, answerWriter(route)])),
    pages: new Map([
      ...documentationPages(service, routes, registry),
      ['/healthz', (response) => sendHealth(health, response)],
    ]),
    maxBodyBytes,
    authenticate: options.authenticate ?? (async () => undefined),
  };
  return (request, response) => {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = mark < 0 ? '' : url.slice(mark + 1);
    serve(gateway, request, response, path, query).catch((error) => {
      sendError(request, response, error, maxBodyBytes);
    });
  };
}

async function serve(
  gateway: Gateway,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: string,
): Promise<void> {
  const httpMethod = request.method ?? 'GET';
  const page = gateway.pages.get(path);
  if (page !== undefined) {
    if (httpMethod !== 'GET' && httpMethod !== 'HEAD') throw verbNotAllowed(httpMethod, ['GET', 'HEAD']);
    return page(response);
  }
  const match = findRoute(gateway.routes, httpMethod, path);
  if (match.route) return answerCall(gateway, match.route, match.path, query, request, response);
  if (match.allowed.length > 0) throw verbNotAllowed(httpMethod, match.allowed);
  throw new ApiError('ROUTE_NOT_FOUND', `no route has the path ${path}`);
}

async function sendHealth(health: () => Promise<boolean>, response: ServerResponse): Promise<void> {
  const serving = await health().catch(() => false);
  sendJson(response, serving ? 200 : 503, serving ? '{"status":"SERVING"}' : '{"status":"NOT_SERVING"}');
}

function verbNotAllowed(httpMethod: string, allowed: readonly string[]): ApiError {
  const allow = allowed.join(', ');
  return new ApiError('VERB_NOT_ALLOWED', `this path does not take ${httpMethod}, but ${allow}`, {
    metadata: { allow },
  });
}

async function answerCall(
  gateway: Gateway,
  route: Route,
  path: RequestPath,
  query: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const call = new AbortController();
  const context = callContext(request, response, call);
  const message = await readCall(gateway, route, path, query, request, context);
  const write = gateway.writers.get(route)!;
  if (route.rpc.methodKind === 'server_streaming') {
    if (request.method !== 'HEAD') {
      const messages = gateway.api.serverStream(route.rpc, message, context);
      return sendStream(response, messages, write, call, context.deadline);
    }
    await gateway.authenticate(context);
    response.writeHead(200, STREAM_HEADERS).end();
    return;
  }
  const answer = await gateway.api.unary(route.rpc, message, context);
  if (!response.destroyed) sendJson(response, 200, write(answer));
}

async function readCall(
  { reader, maxBodyBytes, authenticate }: Gateway,
  route: Route,
  path: RequestPath,
  query: string,
  request: IncomingMessage,
  context: CallContext,
): Promise<Message> {
  try {
    if (timeoutMs(request) === undefined) {
      throw invalidRequest({
        field: 'grpc-timeout',
        description: 'must be up to 8 digits and H, M, S, m, u or n, as 5S',
      });
    }
    const body = route.body === 'none' ? undefined : await readBodyBytes(request, maxBodyBytes);
    return readRequest(reader, route, path, query, body);
  } catch (error) {
    await authenticate(context);
    throw error;
  }
}

function callContext(request: IncomingMessage, response: ServerResponse, call: AbortController): CallContext {
  response.once('close', () => {
    if (!response.writableFinished) call.abort();
  });
  const { authorization } = request.headers;
  const timeout = timeoutMs(request) ?? Number.POSITIVE_INFINITY;
  return { authorization, signal: call.signal, deadline: Date.now() + timeout };
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000001 };

/** What the `grpc-timeout` header says, for example `5S`: Infinity where there is none, undefined where it is malformed. */
function timeoutMs({ headers }: IncomingMessage): number | undefined {
  const timeout = headers['grpc-timeout'];
  if (timeout === undefined) return Number.POSITIVE_INFINITY;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(timeout)) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNIT_MS[unit!]!;
}

function answerWriter({ rpc, responseField }: Route): (message: object) => string {
  if (responseField === undefined) return jsonWriter(rpc.output);
  const write = fieldValueWriter(responseField);
  const { localName } = responseField;
  return (message) => {
    const value = (message as Readonly<Record<string, unknown>>)[localName];
    return value === undefined ? 'null' : write(value);
  };
}
