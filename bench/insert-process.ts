// The import's comparison: the same rows, in the same four tables, by multi-row INSERTs of a bare mysql2 client that keeps
// the balances in memory and checks nothing. Two connections, as the server has two workers; each has half of the
// accounts, so that neither waits for the other's rows.
import mysql, { type Connection } from 'mysql2/promise';
import { serveCalls } from './child.ts';
import { type ImportRow, type ImportSlice, importRow } from './import-rows.ts';
import type { Load } from './load.ts';

/** Transactions of one database transaction. */
const CHUNK = 1_000;
const CONNECTIONS = 2;
const END_OF_TIME = '9999-12-31 23:59:59.999999';

interface Holder {
  sequence: number;
  balance: number;
  readonly payers: Map<string, { points: number; first: number }>;
}

const connections: Connection[] = [];
const holders = new Map<string, Holder>();

async function open(url: string): Promise<void> {
  for (let index = 0; index < CONNECTIONS; index += 1) {
    const connection = await mysql.createConnection({ uri: url });
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    connections.push(connection);
  }
}

async function insertSlice({ from, to, accounts }: ImportSlice): Promise<Load> {
  const begin = performance.now();
  const shares = connections.map((): ImportRow[] => []);
  for (let number = from; number < to; number += 1) {
    const row = importRow(number, accounts);
    shares[Number(row.account.slice(-1)) % CONNECTIONS]?.push(row);
  }
  await Promise.all(
    connections.map(async (connection, index) => {
      const rows = shares[index] ?? [];
      for (let start = 0; start < rows.length; start += CHUNK)
        await insert(connection, rows.slice(start, start + CHUNK));
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  return { calls: to - from, callsInAll: to - from, seconds, p50Ms: 0, p99Ms: 0 };
}

async function insert(connection: Connection, rows: readonly ImportRow[]): Promise<void> {
  const now = toDatetime(Date.now() / 1000);
  const transactions: unknown[][] = [];
  const lots: unknown[][] = [];
  const payers = new Map<string, unknown[]>();
  const accounts = new Map<string, unknown[]>();
  for (const { account, payer, points, earnedAtSeconds, requestId } of rows) {
    const { sequence, balance, paid } = add(account, payer, points);
    const earnedAt = toDatetime(earnedAtSeconds);
    const id = Buffer.from(requestId.replaceAll('-', ''), 'hex');
    transactions.push([account, sequence, 'EARN', payer, points, earnedAt, now, id, 0, balance]);
    lots.push([account, earnedAt, sequence, payer, points, points]);
    payers.set(`${account} ${payer}`, [account, payer, paid.points, 0, paid.first]);
    accounts.set(account, [account, sequence, balance, 0, now, END_OF_TIME]);
  }
  await connection.query('BEGIN');
  await connection.query(
    `INSERT INTO accounts (account_id, sequence, balance, unsettled, recorded_at, head_until) VALUES ?
     ON DUPLICATE KEY UPDATE sequence = VALUES(sequence), balance = VALUES(balance), recorded_at = VALUES(recorded_at)`,
    [inOrder(accounts)],
  );
  await connection.query(
    `INSERT INTO payer_balances (account_id, payer, points, unsettled, first_sequence) VALUES ?
     ON DUPLICATE KEY UPDATE points = VALUES(points)`,
    [inOrder(payers)],
  );
  await connection.query('INSERT INTO open_lots (account_id, earned_at, sequence, payer, points, remaining) VALUES ?', [
    lots,
  ]);
  await connection.query(
    `INSERT INTO transactions
       (account_id, sequence, kind, payer, points, earned_at, recorded_at, request_id, request_index, balance) VALUES ?`,
    [transactions],
  );
  await connection.query('COMMIT');
}

function add(account: string, payer: string, points: number) {
  let holder = holders.get(account);
  if (!holder) {
    holder = { sequence: 0, balance: 0, payers: new Map() };
    holders.set(account, holder);
  }
  holder.sequence += 1;
  holder.balance += points;
  let paid = holder.payers.get(payer);
  if (!paid) {
    paid = { points: 0, first: holder.sequence };
    holder.payers.set(payer, paid);
  }
  paid.points += points;
  return { sequence: holder.sequence, balance: holder.balance, paid };
}

function inOrder(rows: ReadonlyMap<string, unknown[]>): unknown[][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function toDatetime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('T', ' ').replace('Z', '000');
}

serveCalls({
  open,
  insertSlice,
  async stop() {
    for (const connection of connections) await connection.end();
  },
});
