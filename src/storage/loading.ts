import type { Account, Instant, Lot } from '../ledger/account.ts';
import { drawingOrder } from '../ledger/account.ts';
import type { Demand } from '../ledger/demand.ts';

/** An account whose commands' needs are being loaded. */
export interface Loading {
  readonly account: Account;
  readonly demand: Demand;
  /** Request ids that may be in the journal already. */
  readonly requestIds: readonly string[];
  /** Payers whose balances are needed: those the commands name, and those of the lots they may draw or give back to. */
  readonly payers: Set<string>;
  /** The hint of the account's row: its first open lots are those earned up to this moment. */
  headUntil: Instant;
  /** Open lots are loaded up to this moment, but perhaps not all of this very moment; null where none were asked for. */
  loadedUntil: Instant | null;
}

/** A time after every lot: what is loaded up to it is all there is. */
export const END_OF_TIME: Instant = '9999-12-31T23:59:59.999999Z';

/** Puts lots in the account in memory, those with points remaining also in the order of drawing. */
export function addLots(account: Account, lots: readonly Lot[]): void {
  const added = lots.filter((lot) => !account.lots.has(lot.sequence));
  for (const lot of added) account.lots.set(lot.sequence, lot);
  account.open = account.open.concat(added.filter((lot) => lot.remaining > 0)).sort(drawingOrder);
}
