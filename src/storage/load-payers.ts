import type { Knex } from 'knex';
import type { PayerBalance } from '../ledger/account.ts';
import type { Loading } from './loading.ts';
import { type Db, select } from './sql.ts';

interface PayerRow {
  account_id: string;
  payer: string;
  points: number;
  unsettled: number;
  first_sequence: number;
}

/** Payers read by one statement: only batches of many payers need more than one. */
const KEYS_MAX = 1_000;

const COLUMNS = 'account_id, payer, points, unsettled, first_sequence';

/** Loads the payers whose adjustments a spend is to settle first. */
export async function loadFloatingPayers(trx: Knex.Transaction, loading: readonly Loading[]): Promise<void> {
  const settling = loading.filter(({ account, demand }) => demand.points > 0n && account.unsettled > 0);
  if (settling.length === 0) return;
  const rows = await select<PayerRow>(
    trx,
    `SELECT ${COLUMNS} FROM payer_balances WHERE account_id IN (?) AND unsettled > 0`,
    [settling.map(({ account }) => account.id)],
  );
  addPayers(loading, rows);
}

/** Loads the payers that are needed, except those that are loaded already. */
export async function loadPayers(trx: Knex.Transaction, loading: readonly Loading[]): Promise<void> {
  const keys = loading.flatMap(({ account, payers }) =>
    [...payers].filter((payer) => !account.payers.has(payer)).map((payer) => [account.id, payer]),
  );
  for (let from = 0; from < keys.length; from += KEYS_MAX) {
    const rows = await select<PayerRow>(trx, `SELECT ${COLUMNS} FROM payer_balances WHERE (account_id, payer) IN (?)`, [
      keys.slice(from, from + KEYS_MAX),
    ]);
    addPayers(loading, rows);
  }
}

/** All payers of some accounts, in the order they appeared. */
export async function readPayers(db: Db, ids: readonly string[]): Promise<Map<string, PayerBalance[]>> {
  const rows = await select<PayerRow>(
    db,
    `SELECT ${COLUMNS} FROM payer_balances WHERE account_id IN (?) ORDER BY account_id, first_sequence`,
    [ids],
  );
  const payers = new Map<string, PayerBalance[]>();
  for (const row of rows) {
    const list = payers.get(row.account_id);
    if (list) list.push(toPayer(row));
    else payers.set(row.account_id, [toPayer(row)]);
  }
  return payers;
}

function addPayers(loading: readonly Loading[], rows: readonly PayerRow[]): void {
  const accounts = new Map(loading.map(({ account }) => [account.id, account]));
  for (const row of rows) accounts.get(row.account_id)?.payers.set(row.payer, toPayer(row));
}

function toPayer({ payer, points, unsettled, first_sequence }: PayerRow): PayerBalance {
  return { payer, points, unsettled, firstSequence: first_sequence };
}
