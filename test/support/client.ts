// The client package's generated stubs as promises, for tests that say things its front would not let through: partial
// requests in, errors with their details out.
import {
  type CallOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status as StatusCode,
} from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo } from '../../clients/typescript/src/gen/google/rpc/error_details.ts';
import { Status } from '../../clients/typescript/src/gen/google/rpc/status.ts';
import * as proto from '../../clients/typescript/src/gen/points/v1/points_service.ts';

/** Requests whose fields may be left out, and whose timestamps are RFC 3339 texts. */
type Loose<Value> = Value extends { seconds: number; nanos: number }
  ? string
  : Value extends readonly (infer Item)[]
    ? readonly Loose<Item>[]
    : Value extends object
      ? { readonly [Key in keyof Value]?: Loose<Value[Key]> | undefined }
      : Value;

/** A failed call. */
export class CallError extends Error {
  override readonly name = 'CallError';
  /** The name of its gRPC status. */
  readonly code: string;
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  readonly retryAfterMs: number | undefined;

  constructor(error: ServiceError) {
    super(error.details);
    this.code = StatusCode[error.code];
    const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
    const details = bytes ? Status.decode(bytes as Buffer).details : [];
    const detail = (type: string) => details.find(({ typeUrl }) => typeUrl.endsWith(`/${type}`))?.value;
    const info = detail('google.rpc.ErrorInfo');
    const { reason, domain, metadata } = info ? ErrorInfo.decode(info) : ErrorInfo.create();
    [this.reason, this.domain, this.metadata] = [reason, domain, Object.fromEntries(metadata)];
    const bad = detail('google.rpc.BadRequest');
    const fields = bad ? BadRequest.decode(bad).fieldViolations : [];
    this.violations = fields.map(({ field, description }) => ({ field, description }));
    const retry = detail('google.rpc.RetryInfo');
    const delay = retry && RetryInfo.decode(retry).retryDelay;
    this.retryAfterMs = delay && delay.seconds * 1000 + delay.nanos / 1e6;
  }
}

interface CallSettings {
  /** Another token than the client's; empty for none. */
  readonly token?: string;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

type Unary<Request, Response> = (request?: Loose<Request>, settings?: CallSettings) => Promise<Response>;

export interface TestClient {
  readonly addTransaction: Unary<proto.AddTransactionRequest, proto.AddTransactionResponse>;
  readonly batchAddTransactions: Unary<proto.BatchAddTransactionsRequest, proto.BatchAddTransactionsResponse>;
  readonly spendPoints: Unary<proto.SpendPointsRequest, proto.SpendPointsResponse>;
  readonly reverseSpend: Unary<proto.ReverseSpendRequest, proto.ReverseSpendResponse>;
  readonly getBalance: Unary<proto.GetBalanceRequest, proto.GetBalanceResponse>;
  readonly getTransaction: Unary<proto.GetTransactionRequest, proto.GetTransactionResponse>;
  readonly listTransactions: Unary<proto.ListTransactionsRequest, proto.ListTransactionsResponse>;
  readonly listLots: Unary<proto.ListLotsRequest, proto.ListLotsResponse>;
  watchTransactions(request?: Loose<proto.WatchTransactionsRequest>, settings?: CallSettings): Stream;
  importTransactions(settings?: CallSettings): ImportCall;
  /** Sends bytes as the request of a unary method; returns the bytes of the answer. */
  raw(method: MethodName, bytes: Uint8Array, settings?: CallSettings): Promise<Buffer>;
  close(): void;
}

/** The names of the methods as the generated code spells them. */
type MethodName = keyof typeof proto.PointsServiceService;

type Stream = AsyncIterable<proto.WatchTransactionsResponse> & { cancel(): void };

/** An import under way: messages go out with `send`, which waits while the server does not read. */
export interface ImportCall extends AsyncIterable<proto.ImportTransactionsResponse> {
  send(transactions: readonly Loose<proto.ImportedTransaction>[]): Promise<void>;
  /** Nothing more will be sent. */
  end(): void;
  cancel(): void;
  /** Bytes that wait in this process because the server does not read them. */
  readonly bytesWaiting: number;
}

/** A client of the server at an address, with a token for its calls. */
export function connectClient(address: string, token = ''): TestClient {
  const options = { 'grpc.max_receive_message_length': 64 * 2 ** 20, 'grpc.use_local_subchannel_pool': 1 };
  const client = new proto.PointsServiceClient(address, credentials.createInsecure(), options);

  function callOptions(settings: CallSettings): [Metadata, CallOptions] {
    const metadata = new Metadata();
    const used = settings.token ?? token;
    if (used !== '') metadata.set('authorization', `Bearer ${used}`);
    return [metadata, settings.deadlineMs === undefined ? {} : { deadline: Date.now() + settings.deadlineMs }];
  }

  function unary<Request, Response>(name: MethodName, create: (request: never) => Request): Unary<Request, Response> {
    type Call = (
      request: Request,
      metadata: Metadata,
      options: CallOptions,
      callback: (error: ServiceError | null, response: Response) => void,
    ) => ClientUnaryCall;
    const send = (client[name as keyof typeof client] as unknown as Call).bind(client);
    return (request, settings = {}) =>
      new Promise((resolve, reject) => {
        const message = create(exact(request ?? {}) as never);
        const call = send(message, ...callOptions(settings), (error, response) =>
          error ? reject(new CallError(error)) : resolve(response),
        );
        settings.signal?.addEventListener('abort', () => call.cancel(), { once: true });
      });
  }

  return {
    addTransaction: unary('addTransaction', proto.AddTransactionRequest.fromPartial),
    batchAddTransactions: unary('batchAddTransactions', proto.BatchAddTransactionsRequest.fromPartial),
    spendPoints: unary('spendPoints', proto.SpendPointsRequest.fromPartial),
    reverseSpend: unary('reverseSpend', proto.ReverseSpendRequest.fromPartial),
    getBalance: unary('getBalance', proto.GetBalanceRequest.fromPartial),
    getTransaction: unary('getTransaction', proto.GetTransactionRequest.fromPartial),
    listTransactions: unary('listTransactions', proto.ListTransactionsRequest.fromPartial),
    listLots: unary('listLots', proto.ListLotsRequest.fromPartial),

    watchTransactions(request = {}, settings = {}) {
      const message = proto.WatchTransactionsRequest.fromPartial(exact(request) as never);
      const call = client.watchTransactions(message, ...callOptions(settings));
      const answers = readable(call);
      return { [Symbol.asyncIterator]: () => answers, cancel: () => call.cancel() };
    },

    importTransactions(settings = {}) {
      const call = client.importTransactions(...callOptions(settings));
      let over = false;
      const ended = new Promise<void>((resolve) => {
        const end = () => {
          over = true;
          resolve();
        };
        call.once('error', end).once('end', end);
      });
      const answers = readable(call);
      let waiting = 0;
      return {
        [Symbol.asyncIterator]: () => answers,
        async send(transactions) {
          if (over) throw new Error('the import is over');
          const message = proto.ImportTransactionsRequest.fromPartial(exact({ transactions }) as never);
          const bytes = proto.ImportTransactionsRequest.encode(message).finish().length;
          waiting += bytes;
          await Promise.race([new Promise((resolve) => call.write(message, resolve)), ended]);
          waiting -= bytes;
        },
        end: () => call.end(),
        cancel: () => call.cancel(),
        get bytesWaiting() {
          return waiting;
        },
      };
    },

    raw: (method, bytes, settings = {}) =>
      new Promise((resolve, reject) => {
        const same = (value: Buffer) => value;
        const { path } = proto.PointsServiceService[method];
        client.makeUnaryRequest(path, same, same, Buffer.from(bytes), ...callOptions(settings), (error, answer) =>
          error ? reject(new CallError(error)) : resolve(answer!),
        );
      }),

    close: () => client.close(),
  };
}

/** The messages of a stream; its error becomes a CallError, also one that came before anyone read. */
function readable<Message>(
  call: AsyncIterable<Message> & NodeJS.EventEmitter,
): AsyncGenerator<Message, void, undefined> {
  let failed: ServiceError | undefined;
  call.on('error', (error) => {
    failed ??= error;
  });
  async function* messages() {
    try {
      yield* call;
    } catch (error) {
      failed ??= error as ServiceError;
    }
    if (failed) throw typeof failed.code === 'number' ? new CallError(failed) : failed;
  }
  return messages();
}

const TIMESTAMPS = new Set(['timestamp', 'asOf', 'earnedFrom', 'earnedUntil', 'recordedFrom', 'recordedUntil']);

/** A loose request as the generated code takes it. */
function exact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      TIMESTAMPS.has(key) && typeof inner === 'string' ? toTimestamp(inner) : exact(inner),
    ]),
  );
}

/** RFC 3339 in UTC, up to 9 digits of a second, as a protobuf Timestamp. */
export function toTimestamp(text: string): { seconds: number; nanos: number } {
  const [, whole = '', digits = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  if (whole === '') throw new Error(`not a time in UTC: ${text}`);
  return { seconds: Date.parse(`${whole}Z`) / 1000, nanos: Number(digits.padEnd(9, '0')) };
}

/** A protobuf Timestamp as RFC 3339 with all nine digits. */
export function toText(timestamp: { seconds: number; nanos: number } | undefined): string {
  if (!timestamp) return '';
  const whole = new Date(timestamp.seconds * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(timestamp.nanos).padStart(9, '0')}Z`;
}

/** The error of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<CallError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error('the call succeeded');
}
