import type { Knex } from 'knex';
import type { Account, Allocation, Instant, Lot, Transaction } from '../ledger/account.ts';
import type { Change } from '../ledger/command.ts';
import type { Loading } from './loading.ts';
import { executeInChunks, toBytes, toDatetime } from './sql.ts';

/**
 * The lots that the hint in an account's row makes the next spend read at first: as many as hold what this group could
 * draw, twice over, and a few at least. More would be read for nothing, fewer would need a second read too often.
 */
const HEAD_LOTS_MIN = 2;
const HEAD_LOTS_MAX = 1_000;

/** A change to an account, decided on the account in memory and applied to it. */
export interface AccountChange {
  readonly account: Account;
  readonly change: Change;
}

/** Rows of one INSERT: its packet stays far below what servers take. */
const INSERTED_ROWS_MAX = 1_000;

/** Rows of one DELETE: the optimizer's work on the conditions grows faster than their number. */
const DELETED_ROWS_MAX = 200;

/**
 * Writes what a group changed, a statement per table. Values are absolute: a CHECK is tested on the row that an upsert
 * proposes, so differences would be refused.
 */
export async function saveChanges(
  trx: Knex.Transaction,
  changes: readonly AccountChange[],
  loading: readonly Loading[],
): Promise<void> {
  if (changes.length === 0) return;
  const changed = new Set(changes.map(({ account }) => account));
  await saveAccounts(
    trx,
    loading.filter(({ account }) => changed.has(account)),
  );
  await savePayers(trx, changes);
  await saveLots(trx, changes);
  await saveTransactions(trx, changes);
}

async function saveAccounts(trx: Knex.Transaction, loading: readonly Loading[]): Promise<void> {
  const rows = loading.map((target) => {
    const { id, sequence, balance, unsettled, recordedAt } = target.account;
    return [id, sequence, balance, unsettled, toDatetime(recordedAt), toDatetime(nextHead(target))];
  });
  await insert(
    trx,
    `INSERT INTO accounts (account_id, sequence, balance, unsettled, recorded_at, head_until)
     VALUES ?
     ON DUPLICATE KEY UPDATE sequence = VALUES(sequence), balance = VALUES(balance), unsettled = VALUES(unsettled),
       recorded_at = VALUES(recorded_at), head_until = VALUES(head_until)`,
    rows,
  );
}

/** Up to the last lot of the next head; as far as lots were loaded without a gap where they are fewer. */
function nextHead({ account, demand, headUntil, loadedUntil }: Loading): Instant {
  if (loadedUntil === null) return headUntil;
  let wanted = demand.points * 2n;
  for (const [index, { earnedAt, remaining }] of account.open.slice(0, HEAD_LOTS_MAX).entries()) {
    if (earnedAt > loadedUntil) break;
    wanted -= BigInt(remaining);
    if (index + 1 === HEAD_LOTS_MAX || (index + 1 >= HEAD_LOTS_MIN && wanted <= 0n)) return earnedAt;
  }
  return loadedUntil;
}

async function savePayers(trx: Knex.Transaction, changes: readonly AccountChange[]): Promise<void> {
  const rows = new Map<string, unknown[]>();
  for (const { account, change } of changes) {
    for (const { payer, points, unsettled, firstSequence } of change.payers) {
      rows.set(`${account.id} ${payer}`, [account.id, payer, points, unsettled, firstSequence]);
    }
  }
  await insert(
    trx,
    `INSERT INTO payer_balances (account_id, payer, points, unsettled, first_sequence)
     VALUES ?
     ON DUPLICATE KEY UPDATE points = VALUES(points), unsettled = VALUES(unsettled)`,
    [...rows.values()],
  );
}

async function saveLots(trx: Knex.Transaction, changes: readonly AccountChange[]): Promise<void> {
  const lots = new Map<string, { id: string; lot: Lot }>();
  for (const { account, change } of changes) {
    for (const lot of change.lots) lots.set(`${account.id} ${lot.sequence}`, { id: account.id, lot });
  }
  const open: unknown[][] = [];
  const drained: unknown[][] = [];
  for (const { id, lot } of lots.values()) {
    const key = [id, toDatetime(lot.earnedAt), lot.sequence];
    if (lot.remaining > 0) open.push([...key, lot.payer, lot.points, lot.remaining]);
    else drained.push(key);
  }
  await insert(
    trx,
    `INSERT INTO open_lots (account_id, earned_at, sequence, payer, points, remaining)
     VALUES ?
     ON DUPLICATE KEY UPDATE remaining = VALUES(remaining)`,
    open,
  );
  await executeInChunks(trx, drained, DELETED_ROWS_MAX, (keys) => ({
    // Not (a, b, c) IN (...), which MariaDB would scan the table for, as there is a DATETIME among them; and not left to
    // the optimizer, which would rather scan a small table, and wait for the locks of accounts that are not of the group.
    sql: `DELETE open_lots
            FROM open_lots FORCE INDEX (PRIMARY)
           WHERE ${keys.map(() => '(account_id = ? AND earned_at = ? AND sequence = ?)').join(' OR ')}`,
    bindings: keys.flat(),
  }));
}

async function saveTransactions(trx: Knex.Transaction, changes: readonly AccountChange[]): Promise<void> {
  const transactions: unknown[][] = [];
  const allocations: unknown[][] = [];
  const reversals: unknown[][] = [];
  for (const { account, change } of changes) {
    for (const transaction of change.transactions) {
      transactions.push(transactionRow(account.id, transaction));
      for (const row of allocationRows(account.id, transaction)) allocations.push(row);
      if (transaction.kind !== 'REVERSE') continue;
      const { spend, sequence, reason, rest } = transaction;
      reversals.push([account.id, spend, sequence, reason, rest]);
    }
  }
  await insert(
    trx,
    `INSERT INTO transactions
       (account_id, sequence, kind, payer, points, earned_at, recorded_at, request_id, request_index, balance)
     VALUES ?`,
    transactions,
  );
  await insert(
    trx,
    'INSERT INTO allocations (account_id, sequence, position, lot_sequence, points, settlement) VALUES ?',
    allocations,
  );
  await insert(trx, 'INSERT INTO reversals (account_id, spend_sequence, sequence, reason, rest) VALUES ?', reversals);
}

function insert(trx: Knex.Transaction, sql: string, rows: readonly (readonly unknown[])[]): Promise<void> {
  return executeInChunks(trx, rows, INSERTED_ROWS_MAX, (chunk) => ({ sql, bindings: [chunk] }));
}

function transactionRow(id: string, transaction: Transaction): unknown[] {
  const { sequence, kind, points, recordedAt, requestId, requestIndex, balance } = transaction;
  const paid = transaction.kind === 'EARN' || transaction.kind === 'ADJUST';
  return [
    id,
    sequence,
    kind,
    paid ? transaction.payer : null,
    points,
    paid ? toDatetime(transaction.earnedAt) : null,
    toDatetime(recordedAt),
    toBytes(requestId),
    requestIndex,
    balance,
  ];
}

function allocationRows(id: string, transaction: Transaction): unknown[][] {
  if (transaction.kind !== 'SPEND' && transaction.kind !== 'REVERSE') return [];
  const settlements = transaction.kind === 'SPEND' ? transaction.settlements : [];
  const row = ({ lot, points }: Allocation, position: number, settlement: boolean) => [
    id,
    transaction.sequence,
    position,
    lot,
    points,
    settlement,
  ];
  return [
    ...settlements.map((allocation, index) => row(allocation, index, true)),
    ...transaction.allocations.map((allocation, index) => row(allocation, settlements.length + index, false)),
  ];
}
