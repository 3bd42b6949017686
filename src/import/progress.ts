import { appendFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { basename } from 'node:path';
import type { ImportRejection } from '@points-ledger/client';
import { type Checkpoint, readCheckpoint, removeCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { Row } from './rows.ts';
import { type Reject, type RowTransaction, transactionOf } from './transaction.ts';

const CHECKPOINT_MS = 1_000;

/** The import of a file, under way. */
export interface FileProgress {
  counts(): Checkpoint;
  /** Keeps how far it has come. */
  save(): void;
  /** What is still to be sent of the file's rows. */
  transactions(rows: AsyncIterable<Row>): AsyncIterable<RowTransaction>;
  /** The server has decided the transactions up to `total`, and rejected some of them. */
  settle(total: number, rejections: readonly ImportRejection[]): void;
  /** All rows have their answer: there is nothing to go on with. */
  finish(): void;
}

/** Where the rejected rows of a file are told. */
export function rejectsPath(file: string): string {
  return `${file}.rejects.ndjson`;
}

/**
 * The rows of a file on their way. They are settled in their order, those refused here like those the server decides, so
 * that the checkpoint and the rejects file always tell of the same rows: an import that goes on repeats neither.
 */
export function startProgress(file: string): FileProgress {
  const begun = readCheckpoint(file);
  let counts: Checkpoint = begun ?? { rows: 0, accepted: 0, rejected: 0, rejectsBytes: 0 };
  const underWay: (RowTransaction | Reject)[] = [];
  let decided = 0;
  let savedAt = Date.now();

  /** Whether no row is settled yet. Until then, the files of an earlier import are left alone. */
  function isFresh(): boolean {
    return counts.rows === (begun?.rows ?? 0);
  }

  function settleRow(row: Row, reject: Reject | undefined): void {
    if (isFresh()) cutRejects(file, begun?.rejectsBytes ?? 0);
    const line = reject ? `${JSON.stringify(rejectLine(reject))}\n` : '';
    if (reject) appendFileSync(rejectsPath(file), line);
    counts = {
      rows: row.number,
      accepted: counts.accepted + (reject ? 0 : 1),
      rejected: counts.rejected + (reject ? 1 : 0),
      rejectsBytes: counts.rejectsBytes + Buffer.byteLength(line),
    };
  }

  /** Settles rows refused here, up to the next one that the server has to decide. */
  function settleRefused(): void {
    for (let next = underWay[0]; next && 'reason' in next; next = underWay[0]) {
      settleRow(next.row, next);
      underWay.shift();
    }
  }

  function save(): void {
    if (isFresh()) return;
    savedAt = Date.now();
    writeCheckpoint(file, counts);
  }

  return {
    counts: () => counts,
    save,
    async *transactions(rows) {
      for await (const row of rows) {
        if (begun && row.number <= begun.rows) continue;
        const transaction = transactionOf(row, basename(file));
        underWay.push(transaction);
        if (!('reason' in transaction)) yield transaction;
      }
    },
    settle(total, rejections) {
      const rejects = new Map(rejections.map((rejection) => [rejection.index, toReject(rejection)]));
      for (; decided < total; decided += 1) {
        settleRefused();
        const next = underWay.shift();
        if (next) settleRow(next.row, rejects.get(decided));
      }
      settleRefused();
      if (Date.now() - savedAt >= CHECKPOINT_MS) save();
    },
    finish() {
      settleRefused();
      removeCheckpoint(file);
      if (counts.rejected === 0) rmSync(rejectsPath(file), { force: true });
    },
  };
}

/** Rejects told after the last checkpoint are told again. */
function cutRejects(file: string, bytes: number): void {
  appendFileSync(rejectsPath(file), '');
  truncateSync(rejectsPath(file), Math.min(bytes, statSync(rejectsPath(file)).size));
}

function toReject({ transaction, reason, field, message }: ImportRejection): Reject {
  const { row, requestId } = transaction as RowTransaction;
  return { row, requestId, reason, field, message };
}

/** A rejected row as it was, with its id and what is wrong: once mended, the line may be imported. */
function rejectLine({ row, requestId, ...why }: Reject): Record<string, unknown> {
  return { ...row.fields, request_id: requestId, row: row.number, ...why };
}
