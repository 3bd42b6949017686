import { appendFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { basename } from 'node:path';
import { connect, type ImportRejection, PointsError } from '@points-ledger/client';
import { openSecret } from '../auth/secret.ts';
import { signToken } from '../auth/tokens.ts';
import type { Config } from '../config.ts';
import {
  type Checkpoint,
  checkpointPath,
  readCheckpoint,
  removeCheckpoint,
  writeCheckpoint,
} from '../import/checkpoint.ts';
import { createProgressBar } from '../import/progress-bar.ts';
import { openRows, type Row } from '../import/rows.ts';
import { type Reject, type RowTransaction, transactionOf } from '../import/transaction.ts';
import { UsageError } from './usage.ts';

/** The options of `points-ledger import`. */
export interface ImportOptions {
  /** The server's gRPC address; undefined: the one that this environment would serve on. */
  readonly url: string | undefined;
  /** A service token with the scope import; undefined: one signed with this environment's secret. */
  readonly token: string | undefined;
}

/** The exit code of an import that came to its end but rejected rows. */
const EXIT_REJECTS = 3;

const CHECKPOINT_MS = 1_000;

/** How long the first answer may take before the user is told that it does. */
const SILENCE_MS = 3_000;

/**
 * `points-ledger import FILE`: loads the transactions of a file. What is rejected goes to FILE.rejects.ndjson; an import
 * that was stopped goes on where it was when it is started again.
 */
export async function importFile(config: Config, file: string, { url, token }: ImportOptions): Promise<void> {
  const size = sizeOf(file);
  const source = openRows(file);
  const progress = startProgress(file);
  const bar = createProgressBar(process.stderr);
  const silence = setTimeout(() => console.error('no answer from the server yet; trying on'), SILENCE_MS);
  const client = connect({
    address: url ?? `${config.host}:${config.grpcPort}`,
    token: token ?? (await ownToken(config)),
  });
  try {
    for await (const { decided, rejections } of client.importTransactions(progress.transactions(source.rows))) {
      clearTimeout(silence);
      progress.settle(decided, rejections);
      const { rows, rejected } = progress.counts();
      bar.show(size === 0 ? 1 : source.bytesRead() / size, rows, `${rejected} rejected`);
    }
    progress.finish();
  } catch (error) {
    progress.save();
    if (!(error instanceof PointsError)) throw error;
    throw new Error(`${error.message}\nstart the same command again to go on from ${checkpointPath(file)}`);
  } finally {
    clearTimeout(silence);
    bar.end();
    client.close();
  }
  const { accepted, rejected } = progress.counts();
  console.log(`${accepted} accepted, ${rejected} rejected${rejected > 0 ? `: ${rejectsPath(file)}` : ''}`);
  if (rejected > 0) process.exitCode = EXIT_REJECTS;
}

/** The bytes of a file that can be imported; what cannot be is refused. */
function sizeOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new UsageError(`no such file: ${file}`);
  if (found.isDirectory()) throw new UsageError(`import takes a file, and ${file} is a folder`);
  if (!/\.(csv|ndjson)$/.test(file)) throw new UsageError(`import takes a .csv or .ndjson file, not ${file}`);
  return found.size;
}

function rejectsPath(file: string): string {
  return `${file}.rejects.ndjson`;
}

/**
 * The rows of a file on their way. They are settled in their order, those refused here like those the server decides, so
 * that the checkpoint and the rejects file always tell of the same rows: an import that goes on repeats neither.
 */
function startProgress(file: string) {
  const begun = readCheckpoint(file);
  let counts: Checkpoint = begun ?? { rows: 0, accepted: 0, rejected: 0, rejectsBytes: 0 };
  appendFileSync(rejectsPath(file), '');
  truncateSync(rejectsPath(file), Math.min(begun?.rejectsBytes ?? 0, statSync(rejectsPath(file)).size));
  const underWay: (RowTransaction | Reject)[] = [];
  let decided = 0;
  let savedAt = Date.now();

  function settleRow(row: Row, reject: Reject | undefined): void {
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
    savedAt = Date.now();
    writeCheckpoint(file, counts);
  }

  return {
    counts: () => counts,
    save,
    async *transactions(rows: AsyncIterable<Row>): AsyncIterable<RowTransaction> {
      for await (const row of rows) {
        if (begun && row.number <= begun.rows) continue;
        const transaction = transactionOf(row, basename(file));
        underWay.push(transaction);
        if (!('reason' in transaction)) yield transaction;
      }
    },
    /** The server has decided the transactions up to `total`, and rejected some of them. */
    settle(total: number, rejections: readonly ImportRejection[]): void {
      const rejects = new Map(rejections.map((rejection) => [rejection.index, toReject(rejection)]));
      for (; decided < total; decided += 1) {
        settleRefused();
        const next = underWay.shift();
        if (next) settleRow(next.row, rejects.get(decided));
      }
      settleRefused();
      if (Date.now() - savedAt >= CHECKPOINT_MS) save();
    },
    /** All rows have their answer: there is nothing to go on with. */
    finish(): void {
      settleRefused();
      removeCheckpoint(file);
      if (counts.rejected === 0) rmSync(rejectsPath(file), { force: true });
    },
  };
}

function ownToken(config: Config): Promise<string> {
  const secret = openSecret(config.dataDir, config.authSecret);
  return signToken(secret, { kind: 'service', name: 'points-ledger import', scopes: new Set(['import']) }, '1d');
}

function toReject({ transaction, reason, field, message }: ImportRejection): Reject {
  const { row, requestId } = transaction as RowTransaction;
  return { row, requestId, reason, field, message };
}

/** A rejected row as it was, with its id and what is wrong: once mended, the line may be imported. */
function rejectLine({ row, requestId, ...why }: Reject): Record<string, unknown> {
  return { ...row.fields, request_id: requestId, row: row.number, ...why };
}
