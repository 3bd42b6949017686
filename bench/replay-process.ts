// The limit: recorded statements sent again by a bare mysql2 client, with no gRPC, no Knex and no decisions. As many
// connections as the server had workers; each takes the next transaction, as a worker takes the next group.
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import mysql, { type Connection } from 'mysql2/promise';
import { serveCalls } from './child.ts';
import type { Load } from './load.ts';
import type { RecordedTransaction } from './record-statements.ts';

const connections: Connection[] = [];
let transactions: RecordedTransaction[] = [];

interface Opening {
  readonly url: string;
  readonly path: string;
  readonly connections: number;
}

/** Returns how many transactions there are. */
async function open({ url, path, connections: count }: Opening): Promise<number> {
  transactions = deserialize(readFileSync(path)) as RecordedTransaction[];
  for (let index = 0; index < count; index += 1) {
    const connection = await mysql.createConnection({ uri: url, dateStrings: true, supportBigNumbers: true });
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    connections.push(connection);
  }
  return transactions.length;
}

async function replay({ from, to }: { from: number; to: number }): Promise<Load> {
  let next = from;
  const latencies: number[] = [];
  const begin = performance.now();

  async function work(connection: Connection): Promise<void> {
    while (next < to) {
      const statements = transactions[next++] ?? [];
      const start = performance.now();
      await connection.query('BEGIN');
      for (const { sql, bindings } of statements) await connection.query(sql, bindings as unknown[]);
      await connection.query('COMMIT');
      latencies.push(performance.now() - start);
    }
  }

  await Promise.all(connections.map(work));
  const spends = transactions.slice(from, to).reduce((sum, transaction) => sum + spendsOf(transaction), 0);
  latencies.sort((a, b) => a - b);
  return {
    calls: spends,
    seconds: (performance.now() - begin) / 1000,
    callsInAll: spends,
    p50Ms: latencies[Math.floor(latencies.length / 2)] ?? 0,
    p99Ms: latencies.at(-1) ?? 0,
  };
}

/** A row of the journal for each. */
function spendsOf(transaction: RecordedTransaction): number {
  const insert = transaction.find(({ sql }) => /^\s*INSERT INTO transactions\b/.test(sql));
  const rows = insert?.bindings[0];
  return Array.isArray(rows) ? rows.length : 0;
}

serveCalls({
  open,
  replay,
  async stop() {
    for (const connection of connections) await connection.end();
  },
});
