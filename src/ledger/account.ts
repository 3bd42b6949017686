/** The largest number of points anywhere: 2^53-1, so that JSON numbers are exact. */
export const POINTS_MAX = Number.MAX_SAFE_INTEGER;

/** A moment in UTC to the microsecond, of fixed width, so that string order is time order: 2020-11-02T14:00:00.000000Z */
export type Instant = string;

/** Points of one earn. Named by the sequence of the transaction that made it. */
export interface Lot {
  readonly sequence: number;
  readonly payer: string;
  readonly earnedAt: Instant;
  /** Points earned, 1 to POINTS_MAX. */
  readonly points: number;
  /** What no spend and no settlement has drawn yet, 0 to points. */
  readonly remaining: number;
}

/** What one payer pays for in an account. */
export interface PayerBalance {
  readonly payer: string;
  /** The sum of the remaining points of the payer's lots, less `unsettled`; never negative. */
  readonly points: number;
  /** Points of floating adjustments: off `points` already, not yet off any lot. */
  readonly unsettled: number;
  /** The sequence of the payer's first transaction: payers are listed in this order. */
  readonly firstSequence: number;
}

/** Points drawn from one lot: positive where drawn, negative where given back. */
export interface Allocation {
  readonly lot: number;
  readonly payer: string;
  readonly earnedAt: Instant;
  readonly points: number;
}

interface Recorded {
  readonly sequence: number;
  /** The change of the account's balance; never 0. */
  readonly points: number;
  readonly recordedAt: Instant;
  readonly requestId: string;
  /** Its place among the transactions of its request, from 0. */
  readonly requestIndex: number;
  /** The account's balance after the whole request. */
  readonly balance: number;
}

/** A positive transaction: it made a lot. */
export interface Earn extends Recorded {
  readonly kind: 'EARN';
  readonly payer: string;
  readonly earnedAt: Instant;
}

/** A negative transaction of one payer: it floats until a spend settles it. */
export interface Adjustment extends Recorded {
  readonly kind: 'ADJUST';
  readonly payer: string;
  readonly earnedAt: Instant;
}

/** Points spent: first the lots that settled floating adjustments, then the lots drawn, in order. */
export interface Spend extends Recorded {
  readonly kind: 'SPEND';
  readonly settlements: readonly Allocation[];
  readonly allocations: readonly Allocation[];
}

/** A spend taken back, whole or in part. */
export interface Reversal extends Recorded {
  readonly kind: 'REVERSE';
  /** The sequence of the spend. */
  readonly spend: number;
  readonly reason: string;
  /** Whether the request named no points: all that was left. */
  readonly rest: boolean;
  readonly allocations: readonly Allocation[];
}

/** A record of the journal. */
export type Transaction = Earn | Adjustment | Spend | Reversal;

/**
 * An account in memory: its own row, and of the rest as much as the commands at hand need (see `demand`).
 * Only `apply` changes it.
 */
export interface Account {
  readonly id: string;
  /** The sequence of the last transaction; 0 where there is none. */
  sequence: number;
  /** The sum over all payers. */
  balance: number;
  /** The floating adjustments of all payers together. */
  unsettled: number;
  /** When the last transaction was recorded; empty where there is none. */
  recordedAt: Instant;
  /** Payers by name. */
  readonly payers: Map<string, PayerBalance>;
  /** Lots by sequence. */
  readonly lots: Map<number, Lot>;
  /** The lots with points remaining, in the order a spend draws them. */
  open: Lot[];
  /** Transactions by sequence: those a reversal names, and all that were made since loading. */
  readonly journal: Map<number, Transaction>;
  /** How many points of a spend in `journal` reversals have given back. */
  readonly reversed: Map<number, number>;
  /** The transactions each known request made. */
  readonly requests: Map<string, readonly Transaction[]>;
}

/** An account that has no transactions. */
export function emptyAccount(id: string): Account {
  return {
    id,
    sequence: 0,
    balance: 0,
    unsettled: 0,
    recordedAt: '',
    payers: new Map(),
    lots: new Map(),
    open: [],
    journal: new Map(),
    reversed: new Map(),
    requests: new Map(),
  };
}

/** The order in which spends draw lots: by the time earned, then by arrival. */
export function drawingOrder(a: Lot, b: Lot): number {
  if (a.earnedAt !== b.earnedAt) return a.earnedAt < b.earnedAt ? -1 : 1;
  return a.sequence - b.sequence;
}

/** The lines of a spend or a reversal: one per payer in order of first appearance, with the change of its balance. */
export function payerLines(allocations: readonly Allocation[]): { payer: string; points: number }[] {
  const lines = new Map<string, number>();
  for (const { payer, points } of allocations) lines.set(payer, (lines.get(payer) ?? 0) - points);
  return [...lines].map(([payer, points]) => ({ payer, points }));
}
