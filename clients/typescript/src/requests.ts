import { randomUUID } from 'node:crypto';
import { InvalidArgumentError } from './errors.ts';
import type * as rpc from './gen/points/v1/points_service.ts';
import { type InstantInput, toTimestamp } from './instant.ts';
import type { TransactionKind } from './transactions.ts';

/** The account a call is about. */
export interface AccountRequest {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`. Default: the token's own account. */
  readonly account?: string | undefined;
}

/** What all writes have in common. */
export interface WriteRequest extends AccountRequest {
  /**
   * A UUID that makes the call safe to repeat: the same id with the same body is done once and answered alike, for ever.
   * Default: a new one, made once for all attempts of the call. Give your own, stored with your order, and the call is
   * done once even across restarts of your service.
   */
  readonly requestId?: string | undefined;
  /** True: answer (or fail) as the call would, and write nothing. */
  readonly validateOnly?: boolean | undefined;
}

/** A transaction to add. */
export interface NewTransaction {
  /** Who pays for the points: 1 to 80 characters, compared byte for byte. */
  readonly payer: string;
  /** Positive earns, negative adjusts; -(2^53-1) to 2^53-1, not 0. */
  readonly points: number;
  /** When it happened at the payer: any past time, or a few minutes ahead at most. Kept to the microsecond. */
  readonly timestamp: InstantInput;
}

export interface AddTransactionRequest extends WriteRequest, NewTransaction {}

export interface BatchAddTransactionsRequest extends WriteRequest {
  /** 1 to 1,000, numbered in this order; all are added or none. */
  readonly transactions: readonly NewTransaction[];
}

export interface SpendPointsRequest extends WriteRequest {
  /** Points to spend, 1 to 2^53-1. */
  readonly points: number;
}

export interface ReverseSpendRequest extends WriteRequest {
  /** The sequence of the spend. */
  readonly sequence: number;
  /** Points to give back. Default: all that is left of the spend. */
  readonly points?: number | undefined;
  /** Why, for the journal: up to 200 characters. */
  readonly reason?: string | undefined;
}

export interface GetBalanceRequest extends AccountRequest {
  /** The balance after the last transaction recorded at or before this time. Default: now. */
  readonly asOf?: InstantInput | undefined;
}

export interface GetTransactionRequest extends AccountRequest {
  /** The transaction's sequence. */
  readonly sequence: number;
}

/** The part of a list to begin with. */
export interface PageRequest extends AccountRequest {
  /** Entries of a page, 1 to 1,000. Default 100. */
  readonly pageSize?: number | undefined;
  /** Where to go on: the `nextPageToken` of a page of the same list. */
  readonly pageToken?: string | undefined;
}

export interface ListTransactionsRequest extends PageRequest {
  /** Only these kinds. */
  readonly kinds?: readonly TransactionKind[] | undefined;
  /** Only transactions that touch this payer's points. */
  readonly payer?: string | undefined;
  /** Only EARN and ADJUST whose `timestamp` is at or after this. */
  readonly earnedFrom?: InstantInput | undefined;
  /** Only EARN and ADJUST whose `timestamp` is before this. */
  readonly earnedUntil?: InstantInput | undefined;
  /** Only transactions recorded at or after this. */
  readonly recordedFrom?: InstantInput | undefined;
  /** Only transactions recorded before this. */
  readonly recordedUntil?: InstantInput | undefined;
  /** By sequence. Default `NEWEST_FIRST`. */
  readonly order?: 'NEWEST_FIRST' | 'OLDEST_FIRST' | undefined;
}

export interface ListLotsRequest extends PageRequest {}

export interface WatchTransactionsRequest extends AccountRequest {
  /** Only transactions after this sequence. Default 0: from the first on. */
  readonly afterSequence?: number | undefined;
}

/** A transaction to import. */
export interface ImportedTransaction extends NewTransaction {
  /** The account; `me` is none here. */
  readonly account: string;
  /**
   * A UUID that makes it safe to send again. Default: a new one, which lasts as long as the import. Derive your own from
   * your data where the import may be run a second time.
   */
  readonly requestId?: string | undefined;
}

// What the types above promise is checked here for callers without TypeScript: protobuf would make a 0 of what it does not
// understand, or fail without naming the field. The rest of the rules are the server's to judge.

export function addTransactionRequest(request: AddTransactionRequest): rpc.AddTransactionRequest {
  return { ...write(request), ...newTransaction(request, '') };
}

export function batchAddTransactionsRequest(request: BatchAddTransactionsRequest): rpc.BatchAddTransactionsRequest {
  const { transactions } = object(request, 'request');
  if (!Array.isArray(transactions)) throw invalid('transactions', 'must be an array');
  return {
    ...write(request),
    transactions: transactions.map((entry, index) => {
      const field = `transactions[${index}]`;
      return newTransaction(object(entry, field), `${field}.`);
    }),
  };
}

export function spendPointsRequest(request: SpendPointsRequest): rpc.SpendPointsRequest {
  const { points } = object(request, 'request');
  return { ...write(request), points: integer(points, 'points') };
}

export function reverseSpendRequest(request: ReverseSpendRequest): rpc.ReverseSpendRequest {
  const { sequence, points, reason } = object(request, 'request');
  return {
    ...write(request),
    sequence: integer(sequence, 'sequence'),
    points: points === undefined ? undefined : integer(points, 'points'),
    reason: text(reason, 'reason'),
  };
}

export function getBalanceRequest(request: GetBalanceRequest): rpc.GetBalanceRequest {
  const { account, asOf } = object(request, 'request');
  return { account: text(account, 'account'), asOf: moment(asOf, 'as_of') };
}

export function getTransactionRequest(request: GetTransactionRequest): rpc.GetTransactionRequest {
  const { account, sequence } = object(request, 'request');
  return { account: text(account, 'account'), sequence: integer(sequence, 'sequence') };
}

export function listTransactionsRequest(request: ListTransactionsRequest): rpc.ListTransactionsRequest {
  const { kinds = [], payer, earnedFrom, earnedUntil, recordedFrom, recordedUntil, order } = object(request, 'request');
  if (order !== undefined && order !== 'NEWEST_FIRST' && order !== 'OLDEST_FIRST') {
    throw invalid('order', 'must be NEWEST_FIRST or OLDEST_FIRST');
  }
  if (!Array.isArray(kinds)) throw invalid('kinds', 'must be an array');
  return {
    ...page(request),
    kinds: kinds.map((kind, index) => transactionKind(kind, `kinds[${index}]`)),
    payer: text(payer, 'payer'),
    earnedFrom: moment(earnedFrom, 'earned_from'),
    earnedUntil: moment(earnedUntil, 'earned_until'),
    recordedFrom: moment(recordedFrom, 'recorded_from'),
    recordedUntil: moment(recordedUntil, 'recorded_until'),
    order: order === undefined ? 'LIST_ORDER_UNSPECIFIED' : `LIST_ORDER_${order}`,
  };
}

export function listLotsRequest(request: ListLotsRequest): rpc.ListLotsRequest {
  return page(request);
}

export function watchTransactionsRequest(request: WatchTransactionsRequest): rpc.WatchTransactionsRequest {
  const { account, afterSequence = 0 } = object(request, 'request');
  return { account: text(account, 'account'), afterSequence: integer(afterSequence, 'after_sequence') };
}

/** What an import reads: checked before it begins. */
export function importSource<T extends object>(transactions: T): T {
  const source: { [Symbol.iterator]?: unknown; [Symbol.asyncIterator]?: unknown } = object(
    transactions,
    'transactions',
  );
  if (source[Symbol.iterator] ?? source[Symbol.asyncIterator]) return transactions;
  throw invalid('transactions', 'must be an iterable');
}

export function importedTransaction(entry: ImportedTransaction, index: number): rpc.ImportedTransaction {
  const field = `transactions[${index}]`;
  const { account, requestId } = object(entry, field);
  return {
    ...newTransaction(entry, `${field}.`),
    account: text(account, `${field}.account`),
    requestId: idOrNew(requestId, `${field}.`),
  };
}

function newTransaction({ payer, points, timestamp }: NewTransaction, path: string): rpc.NewTransaction {
  return {
    payer: text(payer, `${path}payer`),
    points: integer(points, `${path}points`),
    timestamp: toTimestamp(timestamp, `${path}timestamp`),
  };
}

function write(request: WriteRequest): { account: string; requestId: string; validateOnly: boolean } {
  const { account, requestId, validateOnly = false } = object(request, 'request');
  if (typeof validateOnly !== 'boolean') throw invalid('validate_only', 'must be true or false');
  return {
    account: text(account, 'account'),
    requestId: idOrNew(requestId, ''),
    validateOnly,
  };
}

function idOrNew(requestId: string | undefined, path: string): string {
  if (requestId === undefined) return randomUUID();
  // Whoever gives an id counts on it: a new one in the place of an empty one would let the call be done twice.
  if (requestId === '') throw new TypeError(`${path}requestId: must not be empty; leave it out to get a new one`);
  return text(requestId, `${path}request_id`);
}

function page(request: PageRequest): rpc.ListLotsRequest {
  const { account, pageSize, pageToken } = object(request, 'request');
  return {
    account: text(account, 'account'),
    pageSize: integer(pageSize ?? 0, 'page_size'),
    pageToken: text(pageToken, 'page_token'),
  };
}

const KINDS: readonly TransactionKind[] = ['EARN', 'ADJUST', 'SPEND', 'REVERSE'];

function transactionKind(kind: TransactionKind, field: string): `TRANSACTION_KIND_${TransactionKind}` {
  if (!KINDS.includes(kind)) throw invalid(field, `must be one of ${KINDS.join(', ')}`);
  return `TRANSACTION_KIND_${kind}`;
}

/** The object itself, where it is one. */
function object<T extends object>(value: T, field: string): T {
  if (typeof value !== 'object' || value === null) throw invalid(field, 'must be an object');
  return value;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function text(value: string | undefined, field: string): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') throw invalid(field, 'must be a string');
  // UTF-8 has no place for it: it would be sent as U+FFFD, and two payers be one.
  if (LONE_SURROGATE.test(value)) throw new TypeError(`${field}: has half of a surrogate pair`);
  return value;
}

function integer(value: number, field: string): number {
  if (!Number.isSafeInteger(value)) throw invalid(field, 'must be a whole number from -(2^53-1) to 2^53-1');
  return value;
}

function moment(value: InstantInput | undefined, field: string): ReturnType<typeof toTimestamp> | undefined {
  return value === undefined ? undefined : toTimestamp(value, field);
}

function invalid(field: string, description: string): InvalidArgumentError {
  return new InvalidArgumentError(`${field}: ${description}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_REQUEST',
    violations: [{ field, description }],
  });
}
