import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { DescService, FileRegistry, Message } from '@bufbuild/protobuf';
import type { Api, CallContext } from '../api/api.ts';
import { ApiError } from '../api/errors.ts';
import { STREAM_HEADERS, sendError, sendJson } from './answer.ts';
import { readBodyBytes } from './body.ts';
import { callContext, requireWellFormedTimeout } from './call-context.ts';
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
}

/** What the listener needs for every request, made once. */
interface Gateway {
  readonly api: Api;
  readonly routes: readonly Route[];
  readonly reader: JsonReader;
  readonly writers: ReadonlyMap<Route, (message: object) => string>;
  readonly pages: ReadonlyMap<string, Page>;
  readonly maxBodyBytes: number;
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
  };
  return (request, response) => {
    const [path, query] = splitUrl(request.url ?? '/');
    serve(gateway, { request, response, path, query }).catch((error) => {
      sendError(request, response, error, maxBodyBytes);
    });
  };
}

/** A request and the response to it, as node has them, with the two parts of its URL. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: string;
}

function splitUrl(url: string): [path: string, query: string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}

async function serve(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { request, response, path } = exchange;
  const httpMethod = request.method ?? 'GET';
  const page = gateway.pages.get(path);
  if (page !== undefined) {
    if (httpMethod !== 'GET' && httpMethod !== 'HEAD') throw verbNotAllowed(httpMethod, ['GET', 'HEAD']);
    return page(response);
  }
  const match = findRoute(gateway.routes, httpMethod, path);
  if (match.route) return answerCall(gateway, match.route, match.path, exchange);
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

async function answerCall(gateway: Gateway, route: Route, path: RequestPath, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  let ended = false;
  const context = callContext(request, () => ended || response.destroyed);
  const message = await readCall(gateway, route, path, exchange, context);
  const write = gateway.writers.get(route)!;
  if (route.rpc.methodKind !== 'server_streaming') {
    const answer = await gateway.api.unary(route.rpc, message, context);
    if (!response.destroyed) sendJson(response, 200, write(answer));
  } else if (request.method === 'HEAD') {
    await gateway.api.authorize(route.rpc, context);
    response.writeHead(200, STREAM_HEADERS).end();
  } else {
    const messages = gateway.api.serverStream(route.rpc, message, context);
    const end = () => {
      ended = true;
    };
    await sendStream(response, messages, write, end, context.deadline);
  }
}

async function readCall(
  { api, reader, maxBodyBytes }: Gateway,
  route: Route,
  path: RequestPath,
  { request, query }: Exchange,
  context: CallContext,
): Promise<Message> {
  try {
    requireWellFormedTimeout(request);
    const body = route.body === 'none' ? undefined : await readBodyBytes(request, maxBodyBytes);
    return readRequest(reader, route, path, query, body);
  } catch (error) {
    await api.authorize(route.rpc, context);
    throw error;
  }
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
