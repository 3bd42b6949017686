import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DescMessage, type DescMethod, type JsonValue, ScalarType, toJson } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import type { Api, CallContext } from '../../src/api/api.ts';
import { registry, service } from '../../src/api/schema.ts';
import { createGateway, type GatewayOptions } from '../../src/rest/gateway.ts';

/** A call as it reached the api: the request in its proto3 JSON form. */
interface Call {
  readonly method: string;
  readonly request: JsonValue;
  readonly context: CallContext;
}

export interface Served {
  readonly url: string;
  readonly port: number;
  /** The calls so far, in order. */
  readonly calls: Call[];
  close(): Promise<void>;
}

/** Of the api, what it does otherwise than to record. */
type Options = Partial<Omit<GatewayOptions, 'api'>> & { readonly api?: Partial<Api> };

type Answers = Record<string, (call: Call) => object | Promise<object> | AsyncIterable<object>>;

/** A gateway on a free port before an api that records its calls and gives the answers it is told to, or empty ones. */
export async function serveGateway(answers: Answers = {}, options: Options = {}): Promise<Served> {
  const calls: Call[] = [];
  const types = options.registry ?? registry;
  const record = (method: DescMethod, request: Parameters<Api['unary']>[1], context: CallContext) => {
    const call = { method: method.name, request: toJson(method.input, request, { registry: types }), context };
    calls.push(call);
    return call;
  };
  const api: Api = {
    authorize: async () => undefined,
    async unary(method, request, context) {
      const call = record(method, request, context);
      return answers[method.name]?.(call) ?? emptyAnswer(method.output);
    },
    async *serverStream(method, request, context) {
      const call = record(method, request, context);
      yield* (answers[method.name]?.(call) ?? []) as AsyncIterable<object>;
    },
    bidiStream() {
      throw new Error('has no REST form');
    },
  };
  const server = createServer(createGateway({ service, registry, ...options, api: { ...api, ...options.api } }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An answer of the generated types with nothing set. */
export function emptyAnswer(type: DescMessage): object {
  return Object.fromEntries(
    type.fields.map((field) => {
      if (field.fieldKind === 'list') return [field.localName, []];
      if (field.fieldKind === 'map') return [field.localName, new Map()];
      if (field.presence !== FeatureSet_FieldPresence.IMPLICIT) return [field.localName, undefined];
      if (field.enum) return [field.localName, field.enum.values[0]?.name];
      if (field.scalar === ScalarType.STRING) return [field.localName, ''];
      return [field.localName, field.scalar === ScalarType.BOOL ? false : 0];
    }),
  );
}

/** POSTs a body as JSON: a value, or a text or bytes as they are. */
export function post(url: string, body: unknown, headers: OutgoingHttpHeaders = {}): Promise<Response> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(headers as Record<string, string>) },
    body: raw ? (body as string) : JSON.stringify(body),
  });
}

/** What an error answer says: its HTTP status, reason, metadata, and the fields it names with what is wrong. */
export async function errorOf(response: Response) {
  const status = (await response.json()) as {
    code: number;
    message: string;
    details: { '@type': string; reason?: string; metadata?: object; fieldViolations?: Violation[] }[];
  };
  const [info, ...others] = status.details;
  const violations = others.flatMap((detail) => detail.fieldViolations ?? []);
  return {
    http: response.status,
    code: status.code,
    message: status.message,
    reason: info?.reason,
    metadata: info?.metadata,
    fields: violations.map(({ field }) => field),
    descriptions: violations.map(({ description }) => description),
  };
}

interface Violation {
  readonly field: string;
  readonly description: string;
}
