import type { Knex } from 'knex';
import { type Account, emptyAccount, type Lot, type Transaction } from '../ledger/account.ts';
import { readPayers } from './load-payers.ts';
import { addLots } from './loading.ts';
import { readTransactions } from './read-transactions.ts';
import { select, snapshot, toInstant } from './sql.ts';

/** An account as its tables hold it, and its whole journal, of one moment. */
interface StoredAccount {
  readonly account: Account;
  readonly journal: readonly Transaction[];
}

/** Transactions read at once. */
const PAGE = 5_000;

/** Reads all of an account in one snapshot; undefined where there is none. */
export async function readAccount(db: Knex, id: string): Promise<StoredAccount | undefined> {
  return snapshot(db, async (trx) => {
    const [row] = await select<{ sequence: number; balance: number; unsettled: number; recorded_at: string }>(
      trx,
      'SELECT sequence, balance, unsettled, recorded_at FROM accounts WHERE account_id = ?',
      [id],
    );
    const journal = await readWholeJournal(trx, id);
    if (!row && journal.length === 0) return undefined;
    const account = emptyAccount(id);
    if (row) {
      const { recorded_at, ...known } = row;
      Object.assign(account, known, { recordedAt: toInstant(recorded_at) });
    }
    for (const payer of (await readPayers(trx, [id])).get(id) ?? []) account.payers.set(payer.payer, payer);
    addLots(account, await readOpenLots(trx, id));
    return { account, journal };
  });
}

/** The ids of all accounts after `id`, in order, up to `limit`. An account that only other tables know is found too. */
export async function readAccountIds(db: Knex, after: string, limit: number): Promise<string[]> {
  const rows = await select<{ account_id: string }>(
    db,
    `SELECT account_id FROM accounts WHERE account_id > ?
      UNION SELECT account_id FROM transactions WHERE account_id > ?
      UNION SELECT account_id FROM payer_balances WHERE account_id > ?
      UNION SELECT account_id FROM open_lots WHERE account_id > ?
      ORDER BY account_id
      LIMIT ${limit}`,
    [after, after, after, after],
  );
  return rows.map(({ account_id }) => account_id);
}

async function readWholeJournal(trx: Knex.Transaction, id: string): Promise<Transaction[]> {
  const journal: Transaction[] = [];
  for (;;) {
    const condition = `t.account_id = ? AND t.sequence > ? ORDER BY t.sequence LIMIT ${PAGE}`;
    const page = await readTransactions(trx, condition, [id, journal.at(-1)?.sequence ?? 0]);
    for (const { transaction } of page) journal.push(transaction);
    if (page.length < PAGE) return journal;
  }
}

async function readOpenLots(trx: Knex.Transaction, id: string): Promise<Lot[]> {
  const rows = await select<Omit<Lot, 'earnedAt'> & { earned_at: string }>(
    trx,
    'SELECT sequence, payer, earned_at, points, remaining FROM open_lots WHERE account_id = ?',
    [id],
  );
  return rows.map(({ earned_at, ...lot }) => ({ ...lot, earnedAt: toInstant(earned_at) }));
}
