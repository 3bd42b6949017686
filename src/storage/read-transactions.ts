import type { Allocation, Transaction } from '../ledger/account.ts';
import { type Db, select, toInstant, toUuid } from './sql.ts';

interface TransactionRow {
  account_id: string;
  sequence: number;
  kind: Transaction['kind'];
  payer: string | null;
  points: number;
  earned_at: string | null;
  recorded_at: string;
  request_id: Buffer;
  request_index: number;
  balance: number;
  spend_sequence: number | null;
  reason: string | null;
  rest: number | null;
}

interface AllocationRow {
  account_id: string;
  sequence: number;
  lot_sequence: number;
  points: number;
  settlement: number;
  payer: string;
  earned_at: string;
}

/** A transaction and its account. */
export interface Entry {
  readonly account: string;
  readonly transaction: Transaction;
}

/**
 * Reads transactions whole, with their allocations.
 *
 * @param condition SQL on the table alias `t`, with what follows it: ORDER BY, LIMIT
 */
export async function readTransactions(db: Db, condition: string, bindings: readonly unknown[]): Promise<Entry[]> {
  const rows = await select<TransactionRow>(
    db,
    `SELECT t.account_id, t.sequence, t.kind, t.payer, t.points, t.earned_at, t.recorded_at, t.request_id,
            t.request_index, t.balance, r.spend_sequence, r.reason, r.rest
       FROM transactions t
       LEFT JOIN reversals r ON r.account_id = t.account_id AND r.sequence = t.sequence
      WHERE ${condition}`,
    bindings,
  );
  const allocations = await readAllocations(db, rows);
  return rows.map((row) => ({
    account: row.account_id,
    transaction: toTransaction(row, allocations.get(`${row.account_id} ${row.sequence}`) ?? []),
  }));
}

async function readAllocations(db: Db, rows: readonly TransactionRow[]): Promise<Map<string, AllocationRow[]>> {
  const keys = rows.filter(({ payer }) => payer === null).map((row) => [row.account_id, row.sequence]);
  const found = new Map<string, AllocationRow[]>();
  if (keys.length === 0) return found;
  const allocations = await select<AllocationRow>(
    db,
    `SELECT a.account_id, a.sequence, a.lot_sequence, a.points, a.settlement, e.payer, e.earned_at
       FROM allocations a
       JOIN transactions e ON e.account_id = a.account_id AND e.sequence = a.lot_sequence
      WHERE (a.account_id, a.sequence) IN (?)
      ORDER BY a.account_id, a.sequence, a.position`,
    [keys],
  );
  for (const row of allocations) {
    const key = `${row.account_id} ${row.sequence}`;
    const list = found.get(key);
    if (list) list.push(row);
    else found.set(key, [row]);
  }
  return found;
}

function toTransaction(row: TransactionRow, rows: readonly AllocationRow[]): Transaction {
  const recorded = {
    sequence: row.sequence,
    points: row.points,
    recordedAt: toInstant(row.recorded_at),
    requestId: toUuid(row.request_id),
    requestIndex: row.request_index,
    balance: row.balance,
  };
  const allocations = rows.filter(({ settlement }) => !settlement).map(toAllocation);
  switch (row.kind) {
    case 'EARN':
    case 'ADJUST':
      return { ...recorded, kind: row.kind, payer: row.payer ?? '', earnedAt: toInstant(row.earned_at ?? '') };
    case 'SPEND': {
      const settlements = rows.filter(({ settlement }) => settlement).map(toAllocation);
      return { ...recorded, kind: 'SPEND', settlements, allocations };
    }
    case 'REVERSE': {
      const { spend_sequence: spend, reason, rest } = row;
      return { ...recorded, kind: 'REVERSE', spend: spend ?? 0, reason: reason ?? '', rest: rest === 1, allocations };
    }
  }
}

function toAllocation({ lot_sequence, payer, earned_at, points }: AllocationRow): Allocation {
  return { lot: lot_sequence, payer, earnedAt: toInstant(earned_at), points };
}
