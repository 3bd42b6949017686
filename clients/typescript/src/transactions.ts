import type * as rpc from './gen/points/v1/resources.ts';
import { type Instant, toInstant } from './instant.ts';

/** What a transaction did to its account. */
export type TransactionKind = 'EARN' | 'ADJUST' | 'SPEND' | 'REVERSE';

/** An immutable record of the journal: `switch` on its `kind`. */
export type Transaction = EarnTransaction | AdjustTransaction | SpendTransaction | ReverseTransaction;

/** What all transactions have. */
export interface TransactionBase {
  readonly account: string;
  /** Its number in the account: 1, 2, 3 … without gaps, in the order of acceptance. */
  readonly sequence: number;
  readonly kind: TransactionKind;
  /** The change of the account's balance: positive for EARN and REVERSE, negative for ADJUST and SPEND. */
  readonly points: number;
  /** When the ledger accepted it. */
  readonly recordedAt: Instant;
  /** The UUID of the call that made it. */
  readonly requestId: string;
  /** The account's balance after the call that made it. */
  readonly balance: number;
}

/** A payer gave points: the transaction made a lot. */
export interface EarnTransaction extends TransactionBase {
  readonly kind: 'EARN';
  readonly payer: string;
  /** When it happened at the payer. */
  readonly timestamp: Instant;
  /** What is left of its lot now; only when read by getTransaction or listTransactions. */
  readonly remaining: number | undefined;
  /** Who drew on its lot, in order, the first 1,000; only when read by getTransaction or listTransactions. */
  readonly draws: readonly Draw[];
}

/** A payer took points back. */
export interface AdjustTransaction extends TransactionBase {
  readonly kind: 'ADJUST';
  readonly payer: string;
  /** When it happened at the payer. */
  readonly timestamp: Instant;
}

/** Points were spent, oldest lots first across all payers. */
export interface SpendTransaction extends TransactionBase {
  readonly kind: 'SPEND';
  /** Who pays: one line per payer in the order first drawn, points negative. */
  readonly payers: readonly PayerPoints[];
  /** The lots drawn, in order, points positive. */
  readonly allocations: readonly Allocation[];
  /** The lots that settled the adjustments still floating before it, in order. */
  readonly settlements: readonly Allocation[];
  /** How many points reversals have given back so far; only when read by getTransaction or listTransactions. */
  readonly reversedPoints: number | undefined;
}

/** A spend was taken back, whole or in part. */
export interface ReverseTransaction extends TransactionBase {
  readonly kind: 'REVERSE';
  /** Who gets how much back: one line per payer in the order first given back, points positive. */
  readonly payers: readonly PayerPoints[];
  /** The lots the points went back to, in order, points negative. */
  readonly allocations: readonly Allocation[];
  /** The sequence of the spend it took back. */
  readonly reversedSequence: number;
  /** Why, as the caller said; empty where it said nothing. */
  readonly reason: string;
}

/** A payer with points. */
export interface PayerPoints {
  readonly payer: string;
  readonly points: number;
}

/** Points drawn from one lot. */
export interface Allocation {
  /** The sequence of the EARN that made the lot. */
  readonly lotSequence: number;
  readonly payer: string;
  /** When the lot was earned: its place in the order of spending. */
  readonly earnedAt: Instant;
  /** Positive where drawn, negative where a reversal gave them back. */
  readonly points: number;
}

/** One draw on a lot, seen from the lot. */
export interface Draw {
  /** The sequence of the SPEND or REVERSE that drew or gave back. */
  readonly sequence: number;
  /** Positive where drawn, negative where given back. */
  readonly points: number;
  /** True where the points settled the payer's floating adjustments rather than being spent. */
  readonly settlement: boolean;
}

/** Points of one earn that are not spent yet. */
export interface Lot {
  /** The sequence of the EARN that made it. */
  readonly sequence: number;
  readonly payer: string;
  /** When it was earned: its place in the order of spending. */
  readonly earnedAt: Instant;
  /** Points earned. */
  readonly points: number;
  /** Points a spend could still draw from it. */
  readonly available: number;
}

export function toTransaction(message: rpc.Transaction): Transaction {
  const { account, sequence, points, requestId, balance } = message;
  const recordedAt = toInstant(message.recordedAt!);
  const kind = message.kind.replace('TRANSACTION_KIND_', '') as TransactionKind;
  const base = { account, sequence, kind, points, recordedAt, requestId, balance };
  switch (message.kind) {
    case 'TRANSACTION_KIND_EARN': {
      const { payer, remaining, draws } = message;
      return { ...base, kind: 'EARN', payer, timestamp: toInstant(message.timestamp!), remaining, draws };
    }
    case 'TRANSACTION_KIND_ADJUST':
      return { ...base, kind: 'ADJUST', payer: message.payer, timestamp: toInstant(message.timestamp!) };
    case 'TRANSACTION_KIND_SPEND': {
      const { payers, reversedPoints } = message;
      const allocations = message.allocations.map(toAllocation);
      const settlements = message.settlements.map(toAllocation);
      return { ...base, kind: 'SPEND', payers, allocations, settlements, reversedPoints };
    }
    case 'TRANSACTION_KIND_REVERSE': {
      const { payers, reversedSequence, reason } = message;
      const allocations = message.allocations.map(toAllocation);
      return { ...base, kind: 'REVERSE', payers, allocations, reversedSequence, reason };
    }
    default:
      // A kind of a newer server, of which this version knows only what all kinds have.
      return base as Transaction;
  }
}

export function toAllocation({ lotSequence, payer, earnedAt, points }: rpc.Allocation): Allocation {
  return { lotSequence, payer, earnedAt: toInstant(earnedAt!), points };
}

export function toLot({ sequence, payer, earnedAt, points, available }: rpc.Lot): Lot {
  return { sequence, payer, earnedAt: toInstant(earnedAt!), points, available };
}
