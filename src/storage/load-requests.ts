import type { Knex } from 'knex';
import type { Transaction } from '../ledger/account.ts';
import type { Loading } from './loading.ts';
import { readTransactions } from './read-transactions.ts';
import { select, toBytes } from './sql.ts';

/** Loads what earlier calls with the commands' request ids did. */
export async function loadRequests(trx: Knex.Transaction, loading: readonly Loading[]): Promise<void> {
  const keys = loading.flatMap(({ account, requestIds }) =>
    account.sequence === 0 ? [] : requestIds.map((id) => [account.id, toBytes(id)]),
  );
  if (keys.length === 0) return;
  const known = await knownRequests(trx, keys);
  if (known.length === 0) return;
  const entries = await readTransactions(trx, '(t.account_id, t.request_id) IN (?) ORDER BY t.account_id, t.sequence', [
    known,
  ]);
  const accounts = new Map(loading.map(({ account }) => [account.id, account]));
  for (const { account: id, transaction } of entries) {
    const requests = accounts.get(id)?.requests as Map<string, Transaction[]> | undefined;
    const made = requests?.get(transaction.requestId);
    if (made) made.push(transaction);
    else requests?.set(transaction.requestId, [transaction]);
  }
}

/** Almost always none: the index alone tells. */
async function knownRequests(trx: Knex.Transaction, keys: readonly unknown[]): Promise<unknown[]> {
  const rows = await select<{ account_id: string; request_id: Buffer }>(
    trx,
    'SELECT account_id, request_id FROM transactions WHERE (account_id, request_id) IN (?) AND request_index = 0',
    [keys],
  );
  return rows.map(({ account_id, request_id }) => [account_id, request_id]);
}
