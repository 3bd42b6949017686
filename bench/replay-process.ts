// The limit: recorded statements sent again by a bare mysql2 client, with no gRPC, no Knex and no decisions. As many
// connections as the server had workers; each takes the next transaction, as a worker takes the next group.
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import mysql, { type Connection } from 'mysql2/promise';
import { serveCalls } from './child.ts';
import type { Load } from './load.ts';
import { type RecordedTransaction, spendsOf } from './record-statements.ts';

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

/** What each statement of a group takes, in milliseconds, the means of some transactions; one connection. */
async function timeStatements({ from, to }: { from: number; to: number }): Promise<Record<string, number>> {
  const [connection] = connections;
  const sums = new Map<string, number>();
  async function timed(sql: string, bindings: readonly unknown[]): Promise<void> {
    const begin = performance.now();
    await connection?.query(sql, bindings as unknown[]);
    const name = sql.replace(/\s+/g, ' ').trim().slice(0, 80);
    sums.set(name, (sums.get(name) ?? 0) + performance.now() - begin);
  }
  for (const statements of transactions.slice(from, to)) {
    await timed('BEGIN', []);
    for (const { sql, bindings } of statements) await timed(sql, bindings);
    await timed('COMMIT', []);
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum / (to - from)]));
}

serveCalls({
  open,
  replay,
  timeStatements,
  async stop() {
    for (const connection of connections) await connection.end();
  },
});
