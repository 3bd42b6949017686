import { setMaxListeners } from 'node:events';
import type { ChannelOptions } from '@grpc/grpc-js';
import { addressesOf } from './address.ts';
import { type CallOptions, type Connection, call, type UnaryMethod } from './call.ts';
import { openChannels, type TlsOptions } from './channels.ts';
import { checkOptions } from './check-options.ts';
import {
  type ReverseSpendResponse,
  type SpendPointsResponse,
  PointsServiceService as service,
} from './gen/points/v1/points_service.ts';
import { type ImportProgress, importAll } from './import.ts';
import { type PagedList, pagedList } from './pages.ts';
import * as requests from './requests.ts';
import { checkTokenSource } from './token.ts';
import type {
  AdjustTransaction,
  Allocation,
  EarnTransaction,
  Lot,
  PayerPoints,
  ReverseTransaction,
  SpendTransaction,
  Transaction,
} from './transactions.ts';
import { toAllocation, toLot, toTransaction } from './transactions.ts';
import { watch } from './watch.ts';

/** Where the ledger is, and how to call it. */
export interface ConnectOptions extends Pick<CallOptions, 'timeoutMs' | 'retry'> {
  /**
   * `host:port`, `[::1]:port`, `unix:/path`, or any target of grpc-js; the port is 50051 where there is none. Calls are
   * spread over all the addresses the DNS gives for a name, and over all those of an array.
   */
  readonly address: string | readonly string[];
  /** The bearer token, or a function that gives one; it is called before every attempt, so keep what is still good. */
  readonly token: string | (() => string | Promise<string>);
  /** Default: TLS, but for addresses of this machine. False sends the token and everything else in the clear. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** More options of grpc-js, for example `grpc.keepalive_time_ms`. */
  readonly channelOptions?: ChannelOptions | undefined;
}

/** What a spend or a reversal answers. */
export interface Movement<T> {
  /** The stored transaction. */
  readonly transaction: T;
  /** One line per payer, in order: points are negative where the payer pays and positive where it gets back. */
  readonly payers: readonly PayerPoints[];
  /** The lots, in order: points are positive where drawn and negative where given back. */
  readonly allocations: readonly Allocation[];
  /** The account's balance afterwards. */
  readonly balance: number;
}

/** An account's points. */
export interface Balance {
  readonly account: string;
  /** The single balance users see. */
  readonly points: number;
  /**
   * Every payer the account has ever seen, with the points it pays for. The object has no prototype, so every name is safe
   * to look up; names that look like whole numbers come first, the rest in order of appearance.
   */
  readonly payers: Readonly<Record<string, number>>;
  /** Payers with floating adjustments: how many points the next spend will settle. Already taken off `payers`. */
  readonly unsettled: Readonly<Record<string, number>>;
  /** The last transaction counted; 0 where there is none. */
  readonly sequence: number;
}

/**
 * The ledger. Every method is named like its rpc; fails with a PointsError, of the classes in errors.ts; and repeats itself
 * until its deadline where that may help. Writes are safe to repeat: all attempts carry one request_id.
 */
export interface PointsClient {
  /** Adds one transaction of a payer: positive points earn, negative points adjust. */
  addTransaction(
    request: requests.AddTransactionRequest,
    options?: CallOptions,
  ): Promise<EarnTransaction | AdjustTransaction>;
  /** Adds up to 1,000 transactions of one account, all or none. Answers them in the order of the request. */
  batchAddTransactions(
    request: requests.BatchAddTransactionsRequest,
    options?: CallOptions,
  ): Promise<(EarnTransaction | AdjustTransaction)[]>;
  /** Spends points, oldest lots first across all payers; all or nothing. */
  spendPoints(request: requests.SpendPointsRequest, options?: CallOptions): Promise<Movement<SpendTransaction>>;
  /** Takes a spend back, whole or in part. */
  reverseSpend(request: requests.ReverseSpendRequest, options?: CallOptions): Promise<Movement<ReverseTransaction>>;
  /** Gets the balance, now or as of a time. An account without transactions has 0 points and no payers. */
  getBalance(request?: requests.GetBalanceRequest, options?: CallOptions): Promise<Balance>;
  /** Gets one transaction. */
  getTransaction(request: requests.GetTransactionRequest, options?: CallOptions): Promise<Transaction>;
  /** Lists transactions, newest first unless asked otherwise; pages follow by themselves. */
  listTransactions(request?: requests.ListTransactionsRequest, options?: CallOptions): PagedList<Transaction>;
  /** Lists the open lots in the order the next spend would draw them; pages follow by themselves. */
  listLots(request?: requests.ListLotsRequest, options?: CallOptions): PagedList<Lot>;
  /**
   * Watches an account: its transactions after a sequence, history first, then each new one, without gap or repeat, through
   * cuts and restarts of servers. Ends when the signal is aborted or the client is closed; an outage only makes it wait.
   */
  watchTransactions(request?: requests.WatchTransactionsRequest, options?: CallOptions): AsyncIterable<Transaction>;
  /**
   * Imports transactions over many accounts, each accepted or rejected on its own, and tells the progress: iterate it to
   * drive it. Needs a token with the scope `import`.
   */
  importTransactions(
    transactions: Iterable<requests.ImportedTransaction> | AsyncIterable<requests.ImportedTransaction>,
    options?: CallOptions,
  ): AsyncIterable<ImportProgress>;
  /** Closes the connections when the calls under way have ended. Ends watches and imports; further calls fail. */
  close(): void;
}

/**
 * Makes a client. It connects when first used, holds its connections and is meant to be shared: one for a process.
 * Throws a TypeError or a RangeError where the address is none, the token cannot be sent, or an option is wrong.
 */
export function connect(options: ConnectOptions): PointsClient {
  if (typeof options !== 'object' || options === null) throw new TypeError('address: there is none');
  const { address, token, tls, channelOptions = {}, timeoutMs, retry } = options;
  const addresses = addressesOf(address);
  checkTokenSource(token);
  checkOptions({ timeoutMs, retry });
  const closing = new AbortController();
  // Every call that waits before its next attempt listens.
  setMaxListeners(0, closing.signal);
  const connection: Connection = {
    channels: openChannels(addresses, tls, channelOptions),
    token,
    defaults: { timeoutMs, retry },
    closed: closing.signal,
  };

  function read<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ) {
    return call(connection, method, request, options);
  }

  function write<Request extends { requestId: string; validateOnly: boolean }, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ) {
    return call(connection, method, request, options, request.validateOnly ? undefined : request.requestId);
  }

  return {
    async addTransaction(request, options) {
      const { transaction } = await write(service.addTransaction, requests.addTransactionRequest(request), options);
      return toTransaction(transaction!) as EarnTransaction | AdjustTransaction;
    },

    async batchAddTransactions(request, options) {
      const message = requests.batchAddTransactionsRequest(request);
      const { transactions } = await write(service.batchAddTransactions, message, options);
      return transactions.map(toTransaction) as (EarnTransaction | AdjustTransaction)[];
    },

    async spendPoints(request, options) {
      const response = await write(service.spendPoints, requests.spendPointsRequest(request), options);
      return toMovement<SpendTransaction>(response);
    },

    async reverseSpend(request, options) {
      const response = await write(service.reverseSpend, requests.reverseSpendRequest(request), options);
      return toMovement<ReverseTransaction>(response);
    },

    async getBalance(request = {}, options) {
      const response = await read(service.getBalance, requests.getBalanceRequest(request), options);
      const { account, points, payers, unsettled, sequence } = response;
      return { account, points, payers: toRecord(payers), unsettled: toRecord(unsettled), sequence };
    },

    async getTransaction(request, options) {
      const { transaction } = await read(service.getTransaction, requests.getTransactionRequest(request), options);
      return toTransaction(transaction!);
    },

    listTransactions(request = {}, options) {
      return pagedList(async (pageToken) => {
        const message = { ...requests.listTransactionsRequest(request), pageToken };
        const { transactions, nextPageToken } = await read(service.listTransactions, message, options);
        return { items: transactions.map(toTransaction), nextPageToken };
      }, request?.pageToken);
    },

    listLots(request = {}, options) {
      return pagedList(async (pageToken) => {
        const message = { ...requests.listLotsRequest(request), pageToken };
        const { lots, nextPageToken } = await read(service.listLots, message, options);
        return { items: lots.map(toLot), nextPageToken };
      }, request?.pageToken);
    },

    async *watchTransactions(request = {}, options = {}) {
      yield* watch(connection, requests.watchTransactionsRequest(request), options);
    },

    async *importTransactions(transactions, options = {}) {
      yield* importAll(connection, requests.importSource(transactions), options);
    },

    close() {
      closing.abort();
      connection.channels.close();
    },
  };
}

function toMovement<T extends Transaction>(response: SpendPointsResponse | ReverseSpendResponse): Movement<T> {
  const { transaction, payers, allocations, balance } = response;
  return {
    transaction: toTransaction(transaction!) as T,
    payers,
    allocations: allocations.map(toAllocation),
    balance,
  };
}

function toRecord(map: ReadonlyMap<string, number>): Record<string, number> {
  return Object.assign(Object.create(null), Object.fromEntries(map));
}
