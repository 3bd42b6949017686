import type { Knex } from 'knex';
import type { Lot } from '../ledger/account.ts';
import { addLots, type Loading } from './loading.ts';
import { readReversed } from './read-reversed.ts';
import { readTransactions } from './read-transactions.ts';
import { select, toInstant } from './sql.ts';

interface DrawnLotRow {
  account_id: string;
  sequence: number;
  payer: string;
  earned_at: string;
  points: number;
  remaining: number;
}

/** Loads the transactions to be reversed, how much of each is reversed already, and the lots they drew. */
export async function loadReversals(trx: Knex.Transaction, loading: readonly Loading[]): Promise<void> {
  const keys = loading.flatMap(({ account, demand }) =>
    [...demand.spends].filter((spend) => spend <= account.sequence).map((spend) => [account.id, spend] as const),
  );
  if (keys.length === 0) return;
  const byId = new Map(loading.map((target) => [target.account.id, target]));
  for (const { account, transaction } of await readTransactions(trx, '(t.account_id, t.sequence) IN (?)', [keys])) {
    byId.get(account)?.account.journal.set(transaction.sequence, transaction);
  }
  for (const row of await readReversed(trx, keys)) {
    byId.get(row.account_id)?.account.reversed.set(row.spend_sequence, row.points);
  }
  const drawn = await readDrawnLots(trx, keys);
  for (const { account, payers } of byId.values()) {
    const lots = drawn.filter((row) => row.account_id === account.id).map(toLot);
    addLots(account, lots);
    for (const { payer } of lots) payers.add(payer);
  }
}

/** A lot that is spent has no row among the open ones: the earn that made it tells the rest. */
function readDrawnLots(trx: Knex.Transaction, keys: readonly unknown[]) {
  return select<DrawnLotRow>(
    trx,
    `SELECT DISTINCT e.account_id, e.sequence, e.payer, e.earned_at, e.points, COALESCE(l.remaining, 0) AS remaining
       FROM allocations a
       JOIN transactions e ON e.account_id = a.account_id AND e.sequence = a.lot_sequence
       LEFT JOIN open_lots l
         ON l.account_id = e.account_id AND l.earned_at = e.earned_at AND l.sequence = e.sequence
      WHERE (a.account_id, a.sequence) IN (?)`,
    [keys],
  );
}

function toLot({ sequence, payer, earned_at, points, remaining }: DrawnLotRow): Lot {
  return { sequence, payer, earnedAt: toInstant(earned_at), points, remaining };
}
