import type { Instant, Lot, PayerBalance, Transaction } from './account.ts';

/** A payer's points to add: positive earns, negative adjusts. */
export interface Entry {
  readonly payer: string;
  readonly points: number;
  readonly earnedAt: Instant;
}

/** Adds transactions, all or none, judged on the state they end in. */
export interface Add {
  readonly kind: 'add';
  readonly requestId: string;
  readonly entries: readonly Entry[];
}

/** Spends points, oldest lots first. */
export interface SpendCommand {
  readonly kind: 'spend';
  readonly requestId: string;
  readonly points: number;
}

/** Takes back a spend: `points` of it, or all that is left (null). */
export interface Reverse {
  readonly kind: 'reverse';
  readonly requestId: string;
  readonly spend: number;
  readonly points: number | null;
  readonly reason: string;
}

/** What an account can be asked to do. `requestId` is a lower-case UUID. */
export type Command = Add | SpendCommand | Reverse;

/** Why a command cannot be done. */
export type Rejection =
  | { readonly reason: 'REQUEST_ID_REUSED'; readonly field: string }
  | { readonly reason: 'TRANSACTION_NOT_FOUND'; readonly sequence: number }
  | { readonly reason: 'NOT_A_SPEND'; readonly sequence: number; readonly kind: Transaction['kind'] }
  | {
      readonly reason: 'REVERSAL_EXCEEDS_SPEND';
      readonly sequence: number;
      /** Null where all that is left was asked for, and nothing is. */
      readonly requested: number | null;
      readonly available: number;
    }
  | { readonly reason: 'INSUFFICIENT_POINTS'; readonly requested: number; readonly available: number }
  | {
      readonly reason: 'PAYER_BALANCE_INSUFFICIENT';
      readonly payer: string;
      /** The payer's balance before the command. */
      readonly available: number;
      /** How far below zero it would end. */
      readonly shortfall: bigint;
      /** The first entry that the payer's points, and all it earns in the command, do not cover. */
      readonly entry: number;
    }
  | { readonly reason: 'POINTS_OUT_OF_RANGE'; readonly what: 'balance' | 'unsettled' };

/** What an accepted command changes: absolute values, not differences. */
export interface Change {
  readonly transactions: readonly Transaction[];
  readonly payers: readonly PayerBalance[];
  readonly lots: readonly Lot[];
}

/** The answer to a command: `change` is null where an earlier request with the same id is answered again. */
export type Outcome =
  | { readonly accepted: true; readonly transactions: readonly Transaction[]; readonly change: Change | null }
  | { readonly accepted: false; readonly rejection: Rejection };

/** A rejection as an outcome. */
export function reject(rejection: Rejection): Outcome {
  return { accepted: false, rejection };
}

/** An acceptance as an outcome. */
export function accept(change: Change): Outcome {
  return { accepted: true, transactions: change.transactions, change };
}
