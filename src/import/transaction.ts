import { createHash } from 'node:crypto';
import type { ImportedTransaction } from '@points-ledger/client';
import { LONE_SURROGATE } from '../json-text.ts';
import { parseTimestamp } from '../timestamps.ts';
import type { Row } from './rows.ts';

/** A transaction to import, and the row it came from. */
export interface RowTransaction extends ImportedTransaction {
  readonly row: Row;
  readonly requestId: string;
}

/** A row that was not imported. */
export interface Reject {
  readonly row: Row;
  /** The id the row has, mended or not: it cannot be imported twice. */
  readonly requestId: string;
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

/**
 * The transaction of a row, or why it cannot be one. Only what cannot be sent at all is refused here: the rest is the
 * server's to judge.
 *
 * @param fileName what the ids of rows without a request_id derive from, with the row's number and its fields: the same
 *   file imported again does nothing twice
 */
export function transactionOf(row: Row, fileName: string): RowTransaction | Reject {
  const { account, payer, timestamp, request_id: given } = row.fields;
  const requestId = typeof given === 'string' && given !== '' ? given : deriveId([fileName, row.number, row.fields]);
  const reject = (field: string, message: string): Reject => ({
    row,
    requestId,
    reason: 'INVALID_REQUEST',
    field,
    message,
  });
  if (row.fault !== null) return reject('', row.fault);
  if (typeof account !== 'string') return reject('account', 'must be a string');
  if (typeof payer !== 'string') return reject('payer', 'must be a string');
  // Sent as it is, it would become another character.
  for (const [field, text] of Object.entries({ account, payer, request_id: requestId })) {
    if (LONE_SURROGATE.test(text)) return reject(field, 'has half of a surrogate pair');
  }
  const points = toPoints(row.fields.points);
  if (points === null) return reject('points', 'must be a whole number from -(2^53-1) to 2^53-1');
  if (typeof timestamp !== 'string' || parseTimestamp(timestamp) === undefined) {
    return reject('timestamp', 'must be an RFC 3339 time such as 2020-11-02T14:00:00Z');
  }
  if (given !== undefined && typeof given !== 'string') return reject('request_id', 'must be a string');
  return { row, requestId, account, payer, points, timestamp };
}

function toPoints(value: unknown): number | null {
  const points = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(points) ? (points as number) : null;
}

/** A UUID of version 8 (RFC 9562, section 5.8): our own, from a hash. */
function deriveId(parts: readonly unknown[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest();
  hash[6] = 0x80 | ((hash[6] ?? 0) & 0x0f);
  hash[8] = 0x80 | ((hash[8] ?? 0) & 0x3f);
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
