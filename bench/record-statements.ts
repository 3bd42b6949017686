import { writeFileSync } from 'node:fs';
import { serialize } from 'node:v8';
import type { Knex } from 'knex';

/** A statement as it was sent: the text with its placeholders, and what they stand for. */
interface Statement {
  readonly sql: string;
  readonly bindings: readonly unknown[];
}

/** The statements of one database transaction, without its BEGIN and COMMIT. */
export type RecordedTransaction = readonly Statement[];

interface QueryEvent {
  readonly __knexTxId?: string;
  readonly sql: string;
  readonly bindings?: readonly unknown[];
}

/** Records the transactions that commit from now on, in the order of their commits. */
export function recordStatements(db: Knex): { write(path: string): number } {
  const open = new Map<string, Statement[]>();
  const committed: RecordedTransaction[] = [];

  function add({ __knexTxId: id, sql, bindings = [] }: QueryEvent): void {
    if (id === undefined) return;
    if (/^BEGIN/i.test(sql)) open.set(id, []);
    else if (/^COMMIT/i.test(sql)) {
      const statements = open.get(id);
      if (statements) committed.push(statements);
      open.delete(id);
    } else open.get(id)?.push({ sql, bindings });
  }

  db.on('query', add);
  return {
    /** Ends the recording and writes it to a file; returns the number of transactions. */
    write(path) {
      db.off('query', add);
      writeFileSync(path, serialize(committed));
      return committed.length;
    },
  };
}

/** How many spends a transaction wrote: a row of the journal for each. */
export function spendsOf(transaction: RecordedTransaction): number {
  const insert = transaction.find(({ sql }) => /^\s*INSERT INTO transactions\b/.test(sql));
  const rows = insert?.bindings[0];
  return Array.isArray(rows) ? rows.length : 0;
}
