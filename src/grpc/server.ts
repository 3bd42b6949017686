import { type DescMethod, type DescService, fromBinary, type Message } from '@bufbuild/protobuf';
import {
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import type { HealthImplementation } from 'grpc-health-check';
import type { Api, CallContext } from '../api/api.ts';
import { ApiError, invalidRequest } from '../api/errors.ts';
import type { MethodName } from '../api/method.ts';
import { errorStatus } from '../api/status.ts';
import { Status } from '../gen/google/rpc/status.ts';
import { PointsServiceService } from '../gen/points/v1/points_service.ts';
import { createReflection } from './reflection.ts';

type ServerCall =
  | ServerUnaryCall<Buffer, object>
  | ServerWritableStream<Buffer, object>
  | ServerDuplexStream<Buffer, object>;

/** The largest request taken, in bytes. */
const REQUEST_BYTES_MAX = 4 * 2 ** 20;

/** The gRPC side of the service, with reflection and health, which need no token. Not listening yet. */
export function createGrpcServer(service: DescService, api: Api, health: HealthImplementation): Server {
  const server = new Server({
    // The library refuses without saying why to a program: it does so only for what is larger by far.
    'grpc.max_receive_message_length': 4 * REQUEST_BYTES_MAX,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.http2.min_ping_interval_without_data_ms': 5_000,
  });
  const definitions: Record<string, MethodDefinition<Buffer, object>> = {};
  const implementation: Record<string, UntypedHandleCall> = {};
  for (const method of service.methods) {
    definitions[method.localName] = definitionOf(method);
    implementation[method.localName] = implementationOf(method, api);
  }
  server.addService(definitions as ServiceDefinition, implementation);
  health.addToServer(server);
  createReflection().addToServer(server);
  return server;
}

/** Requests stay bytes: they are decoded where a malformed one can be answered as the contract says. */
function definitionOf(method: DescMethod): MethodDefinition<Buffer, object> {
  const generated = PointsServiceService[method.localName as MethodName];
  const bytes = (value: Buffer) => value;
  return {
    path: generated.path,
    requestStream: generated.requestStream,
    responseStream: generated.responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: generated.responseSerialize as (value: object) => Buffer,
    responseDeserialize: bytes,
  };
}

function implementationOf(method: DescMethod, api: Api): UntypedHandleCall {
  async function read(bytes: Buffer, context: CallContext): Promise<Message> {
    try {
      return decode(method, bytes);
    } catch (error) {
      await api.authorize(method, context);
      throw error;
    }
  }
  async function* stream(bytes: Buffer, context: CallContext): AsyncIterable<object> {
    yield* api.serverStream(method, await read(bytes, context), context);
  }
  switch (method.methodKind) {
    case 'unary':
      return ((call, callback) => {
        const context = contextOf(call);
        const answer = async () => api.unary(method, await read(call.request, context), context, call.request);
        answer().then(
          (response) => callback(null, response),
          (error) => callback(toServiceError(error)),
        );
      }) satisfies handleUnaryCall<Buffer, object>;
    case 'server_streaming':
      return (call: ServerWritableStream<Buffer, object>) => pour(call, () => stream(call.request, contextOf(call)));
    case 'bidi_streaming':
      return (call: ServerDuplexStream<Buffer, object>) =>
        pour(call, () => api.bidiStream(method, decodeAll(method, call), contextOf(call)));
    case 'client_streaming':
      throw new Error(`${method.name}: client streams are not served`);
  }
}

function contextOf(call: ServerCall): CallContext {
  const [authorization] = call.metadata.get('authorization');
  return {
    authorization: authorization?.toString(),
    isGone: () => call.cancelled,
    deadline: Number(call.getDeadline()),
  };
}

function decode(method: DescMethod, bytes: Buffer): Message {
  if (bytes.length > REQUEST_BYTES_MAX) {
    throw new ApiError('REQUEST_TOO_LARGE', `the request is larger than ${REQUEST_BYTES_MAX} bytes`, {
      metadata: { limit: String(REQUEST_BYTES_MAX) },
    });
  }
  try {
    return fromBinary(method.input, bytes);
  } catch {
    throw invalidRequest({ field: 'request', description: `is not an encoded ${method.input.typeName}` });
  }
}

/** The end of the requests must not destroy the call: answers are still to be written to it. */
async function* decodeAll(method: DescMethod, call: ServerDuplexStream<Buffer, object>): AsyncIterable<Message> {
  for await (const bytes of call.iterator({ destroyOnReturn: false })) yield decode(method, bytes);
}

/** Writes messages as fast as the client takes them, and stops when it has gone. */
async function pour(
  call: ServerWritableStream<Buffer, object> | ServerDuplexStream<Buffer, object>,
  answers: () => AsyncIterable<object>,
): Promise<void> {
  try {
    for await (const message of answers()) {
      if (call.cancelled) return;
      if (!call.write(message)) await drained(call);
    }
    call.end();
  } catch (error) {
    call.emit('error', toServiceError(error));
  }
}

function drained(call: ServerWritableStream<Buffer, object> | ServerDuplexStream<Buffer, object>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      call.off('cancelled', done);
      resolve();
    };
    call.once('drain', done);
    call.once('cancelled', done);
  });
}

/** An error with its google.rpc.Status in the trailer that clients of every language look for. */
function toServiceError(error: unknown): Partial<ServerErrorResponse> {
  const { code, message, details } = errorStatus(error);
  const status = Status.encode({
    code,
    message,
    details: details.map(({ type, bytes }) => ({ typeUrl: `type.googleapis.com/${type}`, value: Buffer.from(bytes) })),
  });
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(status.finish()));
  return { code, details: message, metadata };
}
