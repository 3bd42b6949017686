import type { Timestamp } from '../gen/google/protobuf/timestamp.ts';
import type * as proto from '../gen/points/v1/resources.ts';
import { type Allocation, type Instant, payerLines, type Transaction } from '../ledger/account.ts';
import { isInYears1To9999 } from '../timestamps.ts';
import { invalidRequest } from './errors.ts';

/** What a timestamp may be, for the error. */
export const TIMESTAMP_RANGE = 'must be from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z';

/** A timestamp as an instant; digits finer than a microsecond are cut off. `field` is its path, for the error. */
export function toInstant({ seconds, nanos }: Timestamp, field: string): Instant {
  const valid = isInYears1To9999(seconds) && nanos >= 0 && nanos <= 999_999_999;
  if (!valid) throw invalidRequest({ field, description: TIMESTAMP_RANGE });
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${micros}Z`;
}

/** An instant as a timestamp. */
export function toTimestamp(instant: Instant): Timestamp {
  return { seconds: Date.parse(`${instant.slice(0, 19)}Z`) / 1000, nanos: Number(instant.slice(20, 26)) * 1000 };
}

/** A transaction as the API shows it right after it was made. */
export function toTransaction(account: string, transaction: Transaction): proto.Transaction {
  const paid = transaction.kind === 'EARN' || transaction.kind === 'ADJUST';
  const allocations = paid ? [] : transaction.allocations;
  return {
    account,
    sequence: transaction.sequence,
    kind: `TRANSACTION_KIND_${transaction.kind}`,
    payer: paid ? transaction.payer : '',
    points: transaction.points,
    timestamp: paid ? toTimestamp(transaction.earnedAt) : undefined,
    recordedAt: toTimestamp(transaction.recordedAt),
    requestId: transaction.requestId,
    balance: transaction.balance,
    payers: payerLines(allocations),
    allocations: allocations.map(toAllocation),
    settlements: transaction.kind === 'SPEND' ? transaction.settlements.map(toAllocation) : [],
    reversedSequence: transaction.kind === 'REVERSE' ? transaction.spend : 0,
    reason: transaction.kind === 'REVERSE' ? transaction.reason : '',
    reversedPoints: undefined,
    remaining: undefined,
    draws: [],
  };
}

function toAllocation({ lot, payer, earnedAt, points }: Allocation): proto.Allocation {
  return { lotSequence: lot, payer, earnedAt: toTimestamp(earnedAt), points };
}
