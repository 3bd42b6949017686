import type { DescMethod, Message } from '@bufbuild/protobuf';

/** Who calls, and for how long the answer is of use. */
export interface CallContext {
  /** The `authorization` header as it came. */
  readonly authorization: string | undefined;
  /** Whether the client has gone, or no longer wants the answer. */
  readonly isGone: () => boolean;
  /** The moment (as Date.now() counts) after which the client no longer waits; Infinity where it named none. */
  readonly deadline: number;
}

/**
 * The calls of the service, the same for every transport: each authenticates, validates, authorizes and runs the
 * handler. `request` is a message of the method's input type, however the transport came by it; the answers are the
 * generated (ts-proto) types of the output. They fail with an ApiError alone.
 */
export interface Api {
  /** Fails unless the caller may make this call, whatever it says: to be asked before a malformed request is refused. */
  authorize(method: DescMethod, context: CallContext): Promise<void>;
  /** `encoded`: the request as it came, where it came encoded. */
  unary(method: DescMethod, request: Message, context: CallContext, encoded?: Buffer): Promise<object>;
  serverStream(method: DescMethod, request: Message, context: CallContext): AsyncIterable<object>;
  bidiStream(method: DescMethod, requests: AsyncIterable<Message>, context: CallContext): AsyncIterable<object>;
}
