// @points-ledger/client: everything a caller may use. The generated stubs are in `@points-ledger/client/gen`.
export type { CallOptions } from './call.ts';
export type { TlsOptions } from './channels.ts';
export { type Balance, type ConnectOptions, connect, type Movement, type PointsClient } from './connect.ts';
export * from './errors.ts';
export { version } from './gen/version.ts';
export type { ImportProgress, ImportRejection } from './import.ts';
export type { Instant, InstantInput } from './instant.ts';
export type { Page, PagedList } from './pages.ts';
export type {
  AccountRequest,
  AddTransactionRequest,
  BatchAddTransactionsRequest,
  GetBalanceRequest,
  GetTransactionRequest,
  ImportedTransaction,
  ListLotsRequest,
  ListTransactionsRequest,
  NewTransaction,
  PageRequest,
  ReverseSpendRequest,
  SpendPointsRequest,
  WatchTransactionsRequest,
  WriteRequest,
} from './requests.ts';
export type { RetryOptions } from './retry.ts';
export type {
  AdjustTransaction,
  Allocation,
  Draw,
  EarnTransaction,
  Lot,
  PayerPoints,
  ReverseTransaction,
  SpendTransaction,
  Transaction,
  TransactionBase,
  TransactionKind,
} from './transactions.ts';
