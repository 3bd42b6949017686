// A gRPC server whose answers a test writes itself, for what the real one answers too rarely.
import { Metadata, Server, ServerCredentials, type ServiceError, status as StatusCode } from '@grpc/grpc-js';
import { Any } from '../../clients/typescript/src/gen/google/protobuf/any.ts';
import { Status } from '../../clients/typescript/src/gen/google/rpc/status.ts';
import { PointsServiceService } from '../../clients/typescript/src/gen/points/v1/points_service.ts';
import { ApiError } from '../../src/api/errors.ts';
import { errorStatus } from '../../src/api/status.ts';

/** A call as grpc-js gives it to a handler. */
export interface FakeCall {
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it sent
  readonly request: any;
  readonly metadata: Metadata;
  getDeadline(): Date | number;
}

export interface FakeServer {
  readonly address: string;
  /** The calls received so far. */
  readonly calls: FakeCall[];
  close(): void;
}

/** Answers every unary call with what `answer` returns, as the response, or throws: an ApiError, or a bare status. */
export async function startFakeServer(
  answer: (call: FakeCall, index: number) => object | Promise<object>,
): Promise<FakeServer> {
  const calls: FakeCall[] = [];
  const handler = async (
    call: FakeCall,
    callback: (error: Partial<ServiceError> | null, response?: object) => void,
  ): Promise<void> => {
    calls.push(call);
    try {
      callback(null, await answer(call, calls.length - 1));
    } catch (error) {
      callback(error instanceof ApiError ? serviceError(error) : (error as ServiceError));
    }
  };
  const server = new Server();
  const unary = Object.entries(PointsServiceService).filter(([, method]) => !method.responseStream);
  server.addService(
    Object.fromEntries(unary) as never,
    Object.fromEntries(unary.map(([name]) => [name, handler])) as never,
  );
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, port: number) => (error ? reject(error) : resolve(port));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound);
  });
  return { address: `127.0.0.1:${port}`, calls, close: () => server.forceShutdown() };
}

/** A status without details, as a proxy or the transport answers it. */
export function bareStatus(code: keyof typeof StatusCode, details = 'no details'): Partial<ServiceError> {
  return { code: StatusCode[code], details, metadata: new Metadata() };
}

/** An error as the server sends it. */
export function serviceError(error: ApiError): Partial<ServiceError> {
  const { code, message, details } = errorStatus(error);
  const metadata = new Metadata();
  const encoded = details.map(({ type, bytes }) =>
    Any.create({ typeUrl: `type.googleapis.com/${type}`, value: Buffer.from(bytes) }),
  );
  metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code, message, details: encoded }).finish()));
  return { code, details: message, metadata };
}
