import type { Message } from '@bufbuild/protobuf';
import type { Scope } from '../auth/tokens.ts';
import type { PointsServiceService } from '../gen/points/v1/points_service.ts';

type Definitions = typeof PointsServiceService;

/** The name of a method as the generated code spells it: `addTransaction`. */
export type MethodName = keyof Definitions;

/** The request of a method. */
type RequestOf<Name extends MethodName> = ReturnType<Definitions[Name]['requestDeserialize']>;

/** The response of a method. */
type ResponseOf<Name extends MethodName> = ReturnType<Definitions[Name]['responseDeserialize']>;

/** A call that is authenticated, validated and authorized. */
export interface Call<Request> {
  readonly request: Request;
  /** The account it is about: `me` and empty are resolved. Empty for methods without an account. */
  readonly account: string;
  /** Whether the caller has gone. */
  readonly isGone: () => boolean;
  /** When the caller stops waiting, as Date.now() counts; Infinity for never. */
  readonly deadline: number;
}

/**
 * What answers a method. It may fail with an ApiError or an EngineFailure; anything else is a fault of the server.
 * A stream of requests comes as decoded but unvalidated messages: its handler judges each item by itself.
 */
type Handler<Name extends MethodName> = Definitions[Name] extends { requestStream: true }
  ? (call: Call<AsyncIterable<Message>>) => AsyncIterable<ResponseOf<Name>>
  : Definitions[Name] extends { responseStream: true }
    ? (call: Call<RequestOf<Name>>) => AsyncIterable<ResponseOf<Name>>
    : (call: Call<RequestOf<Name>>) => Promise<ResponseOf<Name>>;

/** A handler for every method. */
export type Handlers = { readonly [Name in MethodName]: Handler<Name> };

/** The scope a token needs for each method. */
export const SCOPE_OF: Readonly<Record<MethodName, Scope>> = {
  addTransaction: 'earn',
  batchAddTransactions: 'earn',
  spendPoints: 'spend',
  reverseSpend: 'reverse',
  getBalance: 'read',
  getTransaction: 'read',
  listTransactions: 'read',
  listLots: 'read',
  watchTransactions: 'read',
  importTransactions: 'import',
};
