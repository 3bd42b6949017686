import type { Knex } from 'knex';
import type { Instant } from '../ledger/account.ts';

/** A pool, or a transaction of one of its connections. */
export type Db = Knex | Knex.Transaction;

/** The rows of a SELECT. Nested arrays in `bindings` become lists of rows: ((1, 2), (3, 4)). */
export async function select<Row>(db: Db, sql: string, bindings: readonly unknown[]): Promise<Row[]> {
  const [rows] = await db.raw(sql, bindings as Knex.RawBinding[]);
  return rows as Row[];
}

/** Runs a statement that returns no rows. */
export async function execute(db: Db, sql: string, bindings: readonly unknown[] = []): Promise<void> {
  await db.raw(sql, bindings as Knex.RawBinding[]);
}

/** Runs a statement for each stretch of `rows`: one, unless a spend draws on lots by the hundred. */
export async function executeInChunks<Row>(
  db: Db,
  rows: readonly Row[],
  rowsMax: number,
  statement: (chunk: readonly Row[]) => { sql: string; bindings: readonly unknown[] },
): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsMax) {
    const { sql, bindings } = statement(rows.slice(from, from + rowsMax));
    await execute(db, sql, bindings);
  }
}

/** Reads of one moment: what other transactions commit meanwhile is not seen. */
export function snapshot<Value>(db: Knex, read: (trx: Knex.Transaction) => Promise<Value>): Promise<Value> {
  return db.transaction(read, { isolationLevel: 'repeatable read' });
}

/** An instant as a DATETIME(6) literal: 2020-11-02 14:00:00.000000 */
export function toDatetime(instant: Instant): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 26)}`;
}

/** A DATETIME(6) as an instant. */
export function toInstant(datetime: string): Instant {
  return `${datetime.slice(0, 10)}T${datetime.slice(11)}Z`;
}

/** A UUID as the 16 bytes that are stored. */
export function toBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** The 16 bytes of a UUID as text. */
export function toUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
