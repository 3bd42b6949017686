import { type DescMethod, type Message, toBinary } from '@bufbuild/protobuf';
import type { Authenticate } from '../auth/tokens.ts';
import { EngineFailure } from '../engine/failure.ts';
import { PointsServiceService } from '../gen/points/v1/points_service.ts';
import { identify, requireScope, resolveAccount } from './access.ts';
import type { Api, CallContext } from './api.ts';
import { ApiError, faultError, invalidRequest } from './errors.ts';
import { type Call, type Handlers, type MethodName, SCOPE_OF } from './method.ts';
import { unsafeNumbers } from './unsafe-numbers.ts';
import { validate } from './validate.ts';

type UnaryHandler = (call: Call<unknown>) => Promise<object>;
type StreamHandler = (call: Call<unknown>) => AsyncIterable<object>;

/**
 * The calls of the service. In this order, which is also the order in which errors are reported: who calls, may they call
 * this, is the request valid, may they open its account; then the handler.
 *
 * @param stopping aborted when the server stops: streams, which would go on, end
 */
export function createApi(authenticate: Authenticate, handlers: Handlers, stopping: AbortSignal): Api {
  async function admit(
    method: DescMethod,
    message: Message,
    { authorization, isGone, deadline }: CallContext,
    encoded?: Buffer,
  ): Promise<Call<unknown>> {
    const name = method.localName as MethodName;
    const identity = await identify(authenticate, authorization);
    requireScope(identity, SCOPE_OF[name]);
    validate(method.input, message);
    const { account: requested = '' } = message as { account?: string };
    const account = resolveAccount(identity, requested);
    return { request: typed(method, message, encoded), account, isGone, deadline };
  }

  /** A stream of requests has no account of its own: its items name theirs. */
  async function admitStream(
    method: DescMethod,
    requests: AsyncIterable<Message>,
    { authorization, isGone, deadline }: CallContext,
  ): Promise<Call<AsyncIterable<Message>>> {
    const identity = await identify(authenticate, authorization);
    requireScope(identity, SCOPE_OF[method.localName as MethodName]);
    return { request: validated(method, requests), account: '', isGone, deadline };
  }

  return {
    async authorize(method, { authorization }) {
      requireScope(await identify(authenticate, authorization), SCOPE_OF[method.localName as MethodName]);
    },
    async unary(method, request, context, encoded) {
      try {
        const call = await admit(method, request, context, encoded);
        return await (handlerOf(handlers, method) as UnaryHandler)(call);
      } catch (error) {
        throw toApiError(error);
      }
    },
    async *serverStream(method, request, context) {
      try {
        const call = await admit(method, request, endingWith(stopping, context));
        yield* (handlerOf(handlers, method) as StreamHandler)(call);
        if (stopping.aborted) throw new EngineFailure('SERVER_STOPPING');
      } catch (error) {
        throw toApiError(stopping.aborted ? new EngineFailure('SERVER_STOPPING') : error);
      }
    },
    async *bidiStream(method, requests, context) {
      try {
        const call = await admitStream(method, requests, context);
        yield* (handlerOf(handlers, method) as StreamHandler)(call);
      } catch (error) {
        throw toApiError(error);
      }
    },
  };
}

function endingWith(stopping: AbortSignal, context: CallContext): CallContext {
  return { ...context, isGone: () => stopping.aborted || context.isGone() };
}

function handlerOf(handlers: Handlers, method: DescMethod): unknown {
  return handlers[method.localName as MethodName];
}

/** The request in the service's own types, which hold no number past 2^53-1. */
function typed(method: DescMethod, message: Message, encoded = encode(method, message)): unknown {
  try {
    return PointsServiceService[method.localName as MethodName].requestDeserialize(encoded);
  } catch (error) {
    const [first, ...rest] = unsafeNumbers(method.input, message);
    throw first ? invalidRequest(first, ...rest) : error;
  }
}

function encode(method: DescMethod, message: Message): Buffer {
  return Buffer.from(toBinary(method.input, message));
}

async function* validated(method: DescMethod, requests: AsyncIterable<Message>): AsyncIterable<Message> {
  for await (const request of requests) {
    validate(method.input, request);
    yield request;
  }
}

/** How long a client should wait before it tries again. */
const RETRY_AFTER_MS = { QUEUE_FULL: 200, CONTENTION: 200, DATABASE_UNAVAILABLE: 1000, SERVER_STOPPING: 500 };

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof EngineFailure)) return faultError(error);
  switch (error.reason) {
    case 'QUEUE_FULL':
      return new ApiError('QUEUE_FULL', 'the server is at its limit; nothing was done', retryAfter('QUEUE_FULL'));
    case 'CONTENTION':
      return new ApiError('CONTENTION', 'others kept changing the account; nothing was done', retryAfter('CONTENTION'));
    case 'DATABASE_UNAVAILABLE':
      return new ApiError(
        'DATABASE_UNAVAILABLE',
        'the database is away; repeat the call with the same request_id',
        retryAfter('DATABASE_UNAVAILABLE'),
      );
    case 'SERVER_STOPPING':
      return new ApiError('SERVER_STOPPING', 'this server is stopping', retryAfter('SERVER_STOPPING'));
    case 'DEADLINE_EXCEEDED':
      return new ApiError('DEADLINE_EXCEEDED', 'the deadline passed while the call waited; nothing was done');
    case 'CANCELLED':
      return new ApiError('CANCELLED', 'the client went away while the call waited; nothing was done');
  }
}

function retryAfter(reason: keyof typeof RETRY_AFTER_MS) {
  return { retryAfterMs: RETRY_AFTER_MS[reason] };
}
