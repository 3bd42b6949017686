// What the tables hold of an account, and the end of a test file: the ledger verified as a whole.
import { expect } from 'chai';
import mysql from 'mysql2/promise';
import { verifyAccount } from '../../src/commands/verify.ts';
import { connect } from '../../src/storage/connect.ts';
import { readAccountIds } from '../../src/storage/read-account.ts';

const TABLES = ['accounts', 'payer_balances', 'open_lots', 'transactions', 'allocations', 'reversals'] as const;

export interface Tables {
  readonly connection: mysql.Connection;
  /** The number of rows of an account in each table. */
  count(account: string): Promise<Record<(typeof TABLES)[number], number>>;
  /** Every row of an account, as text. */
  dump(account: string): Promise<string>;
  /** The number of rows in all tables together, of all accounts. */
  countAll(): Promise<number>;
  close(): Promise<void>;
}

/** The tables of the database at a URL. */
export async function openTables(url: string): Promise<Tables> {
  const connection = await mysql.createConnection({ uri: url, dateStrings: true, supportBigNumbers: true });
  const rows = async (sql: string, values: unknown[]) => {
    const [found] = await connection.query(sql, values);
    return found as Record<string, unknown>[];
  };
  const numberOf = async (table: string, condition: string, values: unknown[]) => {
    const [row] = await rows(`SELECT COUNT(*) AS number FROM ${table} WHERE ${condition}`, values);
    return Number(row?.number);
  };
  return {
    connection,
    async count(account) {
      const counts: Partial<Record<string, number>> = {};
      for (const table of TABLES) counts[table] = await numberOf(table, 'account_id = ?', [account]);
      return counts as Record<(typeof TABLES)[number], number>;
    },
    async dump(account) {
      const parts: string[] = [];
      for (const table of TABLES) {
        // head_until is a hint for reading, which a call that changes nothing may better.
        const found = await rows(`SELECT * FROM ${table} WHERE account_id = ? ORDER BY 1, 2, 3`, [account]);
        parts.push(JSON.stringify(found.map(({ head_until, ...row }) => row)));
      }
      return parts.join('\n');
    },
    async countAll() {
      let total = 0;
      for (const table of TABLES) total += await numberOf(table, 'TRUE', []);
      return total;
    },
    close: () => connection.end(),
  };
}

/** Runs something that must leave the account's rows as they are, and returns what it returned. */
export async function unchanged<Value>(tables: Tables, account: string, work: () => Promise<Value>): Promise<Value> {
  const before = await tables.dump(account);
  const value = await work();
  expect(await tables.dump(account), 'the rows of the account').to.equal(before);
  return value;
}

/** Everything that `points-ledger verify` would find wrong in a database, which must be nothing, in so many accounts. */
export async function expectVerified(databaseUrl: string, accountsMin = 1): Promise<void> {
  const db = connect(databaseUrl, { connectionsMax: 2 });
  const found: string[] = [];
  let accounts = 0;
  try {
    const ids = await readAccountIds(db, '', 1_000_000);
    for (const id of ids) found.push(...(await verifyAccount(db, id)).map((line) => `${id}: ${line}`));
    accounts = ids.length;
  } finally {
    await db.destroy();
  }
  expect(found, 'discrepancies').to.deep.equal([]);
  expect(accounts, 'accounts verified').to.be.at.least(accountsMin);
}
