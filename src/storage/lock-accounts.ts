import type { Knex } from 'knex';
import { type Account, emptyAccount, type Instant } from '../ledger/account.ts';
import { END_OF_TIME } from './loading.ts';
import { execute, select, toDatetime, toInstant } from './sql.ts';

interface AccountRow {
  account_id: string;
  sequence: number;
  balance: number;
  unsettled: number;
  recorded_at: string;
  head_until: string;
}

/** An account of which only its own row is loaded, and the hint in that row. */
export interface AccountHead {
  readonly account: Account;
  readonly headUntil: Instant;
}

/**
 * Locks the rows of the accounts that exist. In the order of their ids: two groups that share accounts then wait for
 * each other, and never each for the other. The index is forced because on a small table the optimizer would rather
 * scan it whole, and wait for the locks of accounts that are none of its business.
 */
export async function lockAccounts(trx: Knex.Transaction, ids: readonly string[]): Promise<Map<string, AccountHead>> {
  const rows = await select<AccountRow>(
    trx,
    `SELECT account_id, sequence, balance, unsettled, recorded_at, head_until
       FROM accounts FORCE INDEX (PRIMARY)
      WHERE account_id IN (?)
      ORDER BY account_id
        FOR UPDATE`,
    [ids],
  );
  return new Map(
    rows.map((row) => [row.account_id, { account: toAccount(row), headUntil: toInstant(row.head_until) }]),
  );
}

function toAccount(row: AccountRow): Account {
  const { sequence, balance, unsettled } = row;
  return { ...emptyAccount(row.account_id), sequence, balance, unsettled, recordedAt: toInstant(row.recorded_at) };
}

/** Makes the rows of accounts that have none, and locks all of them, in one pass in the order of their ids. */
export async function createAccounts(trx: Knex.Transaction, ids: readonly string[]): Promise<void> {
  const never = toDatetime('1970-01-01T00:00:00.000000Z');
  await execute(
    trx,
    `INSERT INTO accounts (account_id, sequence, balance, unsettled, recorded_at, head_until)
     VALUES ?
     ON DUPLICATE KEY UPDATE account_id = accounts.account_id`,
    [ids.map((id) => [id, 0, 0, 0, never, toDatetime(END_OF_TIME)])],
  );
}

/** Removes the rows just made for accounts whose commands were all rejected: an account begins with a transaction. */
export async function dropUnusedAccounts(trx: Knex.Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await execute(trx, 'DELETE accounts FROM accounts FORCE INDEX (PRIMARY) WHERE account_id IN (?) AND sequence = 0', [
    ids,
  ]);
}
