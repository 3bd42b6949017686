import { appendFileSync, rmSync, statSync } from 'node:fs';
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

/**
 * `points-ledger import FILE`: loads the transactions of a file. What is rejected goes to FILE.rejects.ndjson; an import
 * that was stopped goes on where it was when it is started again.
 */
export async function importFile(config: Config, file: string, { url, token }: ImportOptions): Promise<void> {
  if (!/\.(csv|ndjson)$/.test(file)) throw new UsageError(`import takes a .csv or .ndjson file, not ${file}`);
  const { size } = statSync(file);
  const source = openRows(file);
  const rejectsPath = `${file}.rejects.ndjson`;
  const begun = readCheckpoint(file);
  if (begun === null) rmSync(rejectsPath, { force: true });
  let counts: Checkpoint = begun ?? { rows: 0, accepted: 0, rejected: 0 };
  let checkpointAt = Date.now();

  const sent: RowTransaction[] = [];
  let [decided, acceptedHere] = [0, 0];
  const refuse = (reject: Reject) => {
    appendFileSync(rejectsPath, `${JSON.stringify(rejectLine(reject))}\n`);
    counts = { ...counts, rejected: counts.rejected + 1 };
  };

  async function* transactions(): AsyncIterable<RowTransaction> {
    for await (const row of source.rows) {
      if (begun && row.number <= begun.rows) continue;
      const transaction = transactionOf(row, basename(file));
      if ('reason' in transaction) {
        refuse(transaction);
        continue;
      }
      sent.push(transaction);
      yield transaction;
    }
  }

  const bar = createProgressBar(process.stderr);
  const client = connect({
    address: url ?? `${config.host}:${config.grpcPort}`,
    token: token ?? (await ownToken(config)),
  });
  try {
    for await (const progress of client.importTransactions(transactions())) {
      const done = sent.splice(0, progress.decided - decided);
      for (const rejection of progress.rejections) refuse(toReject(rejection));
      counts = {
        ...counts,
        rows: done.at(-1)?.row.number ?? counts.rows,
        accepted: counts.accepted + progress.accepted - acceptedHere,
      };
      [decided, acceptedHere] = [progress.decided, progress.accepted];
      bar.show(size === 0 ? 1 : source.bytesRead() / size, counts.rows, `${counts.rejected} rejected`);
      if (Date.now() - checkpointAt < CHECKPOINT_MS) continue;
      checkpointAt = Date.now();
      writeCheckpoint(file, counts);
    }
  } catch (error) {
    bar.end();
    writeCheckpoint(file, counts);
    if (!(error instanceof PointsError)) throw error;
    throw new Error(`${error.message}\nstart the same command again to go on from ${checkpointPath(file)}`);
  } finally {
    client.close();
  }
  bar.end();
  removeCheckpoint(file);
  console.log(
    `${counts.accepted} accepted, ${counts.rejected} rejected${counts.rejected > 0 ? `: ${rejectsPath}` : ''}`,
  );
  if (counts.rejected > 0) process.exitCode = EXIT_REJECTS;
}

function ownToken(config: Config): Promise<string> {
  const secret = openSecret(config.dataDir, config.authSecret);
  return signToken(secret, { kind: 'service', name: 'points-ledger import', scopes: new Set(['import']) }, '1d');
}

function toReject({ transaction, reason, field, message }: ImportRejection): Reject {
  return { row: (transaction as RowTransaction).row, reason, field, message };
}

/** A rejected row as it was, with what is wrong. */
function rejectLine({ row, ...why }: Reject): Record<string, unknown> {
  const fields: Row['fields'] = row.fields;
  return { ...fields, row: row.number, ...why };
}
