import type { Instant, PayerBalance } from '../ledger/account.ts';
import { type Db, select, toDatetime } from './sql.ts';

/** What an account holds. */
export interface Balance {
  /** The last transaction counted; 0 where there is none. */
  readonly sequence: number;
  /** Every payer seen by then, in order of appearance. */
  readonly payers: readonly Omit<PayerBalance, 'firstSequence'>[];
}

interface BalanceRow {
  account_id: string;
  sequence: number;
  payer: string;
  points: number;
  unsettled: number;
}

/** The balances of some accounts, in one statement, so that each is of one moment. */
export async function readBalances(db: Db, ids: readonly string[]): Promise<Map<string, Balance>> {
  const rows = await select<BalanceRow>(
    db,
    `SELECT a.account_id, a.sequence, p.payer, p.points, p.unsettled
       FROM accounts a
       JOIN payer_balances p ON p.account_id = a.account_id
      WHERE a.account_id IN (?)
      ORDER BY a.account_id, p.first_sequence`,
    [ids],
  );
  const balances = new Map<string, Balance & { payers: Balance['payers'][number][] }>();
  for (const { account_id, sequence, payer, points, unsettled } of rows) {
    let balance = balances.get(account_id);
    if (!balance) {
      balance = { sequence, payers: [] };
      balances.set(account_id, balance);
    }
    balance.payers.push({ payer, points, unsettled });
  }
  return balances;
}

/** What an account held after the last transaction recorded at or before `instant`, summed up from the journal. */
export async function readBalanceAsOf(db: Db, id: string, instant: Instant): Promise<Balance> {
  await waitForGroups(db, id);
  const sequence = await lastSequenceAt(db, id, instant);
  const rows = await select<{ payer: string; points: number; unsettled: number }>(
    db,
    `SELECT payer, CAST(SUM(points) AS SIGNED) AS points, CAST(SUM(unsettled) AS SIGNED) AS unsettled
       FROM (SELECT sequence AS seen_at, payer, points, IF(kind = 'ADJUST', -points, 0) AS unsettled
               FROM transactions
              WHERE account_id = ? AND sequence <= ? AND payer IS NOT NULL
              UNION ALL
             SELECT e.sequence, e.payer, IF(a.settlement, 0, -a.points), IF(a.settlement, -a.points, 0)
               FROM allocations a
               JOIN transactions e ON e.account_id = a.account_id AND e.sequence = a.lot_sequence
              WHERE a.account_id = ? AND a.sequence <= ?) AS postings
      GROUP BY payer
      ORDER BY MIN(seen_at)`,
    [id, sequence, id, sequence],
  );
  return { sequence, payers: rows };
}

/**
 * Waits until groups that hold the account have committed. Those that come later lock it after this and take their time
 * only then, so that what they record is later than any time that is past now: the answer will not change.
 */
async function waitForGroups(db: Db, id: string): Promise<void> {
  await select(db, 'SELECT sequence FROM accounts WHERE account_id = ? FOR UPDATE', [id]);
}

/**
 * The last transaction recorded at or before `instant`; 0 where there is none. The journal's times never fall and its
 * sequences have no gaps, so a binary search finds it without an index on time.
 */
export async function lastSequenceAt(db: Db, id: string, instant: Instant): Promise<number> {
  const [account] = await select<{ sequence: number }>(db, 'SELECT sequence FROM accounts WHERE account_id = ?', [id]);
  let low = 0;
  let high = account?.sequence ?? 0;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [row] = await select<{ early: number }>(
      db,
      'SELECT recorded_at <= ? AS early FROM transactions WHERE account_id = ? AND sequence = ?',
      [toDatetime(instant), id, middle],
    );
    if (row?.early === 1) low = middle;
    else high = middle - 1;
  }
  return low;
}
