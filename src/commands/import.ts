import { type Stats, statSync } from 'node:fs';
import { connect, type PointsClient, PointsError } from '@points-ledger/client';
import { openSecret } from '../auth/secret.ts';
import { signToken } from '../auth/tokens.ts';
import type { Config } from '../config.ts';
import { checkpointPath } from '../import/checkpoint.ts';
import { type FileProgress, rejectsPath, startProgress } from '../import/progress.ts';
import { createProgressBar } from '../import/progress-bar.ts';
import { openRows } from '../import/rows.ts';
import { UsageError } from './usage.ts';

/** The options of `points-ledger import`. */
interface ImportOptions {
  /** The server's gRPC address; undefined: the one that this environment would serve on. */
  readonly url: string | undefined;
  /** A service token with the scope import; undefined: one signed with this environment's secret. */
  readonly token: string | undefined;
}

/** The exit code of an import that came to its end but rejected rows. */
const EXIT_REJECTS = 3;

/** How long the first answer may take before the user is told that it does. */
const SILENCE_MS = 3_000;

/**
 * `points-ledger import FILE`: loads the transactions of a file. What is rejected goes to FILE.rejects.ndjson; an import
 * that was stopped goes on where it was when it is started again.
 */
export async function importFile(config: Config, file: string, { url, token }: ImportOptions): Promise<void> {
  const size = sizeOf(file);
  const client = connect({
    address: url ?? `${config.host}:${config.grpcPort}`,
    token: token ?? (await ownToken(config)),
  });
  const progress = startProgress(file);
  try {
    await send(client, file, size, progress);
    progress.finish();
  } catch (error) {
    progress.save();
    if (!(error instanceof PointsError)) throw error;
    throw new Error(`${error.message}\nstart the same command again to go on from ${checkpointPath(file)}`);
  } finally {
    client.close();
  }
  const { accepted, rejected } = progress.counts();
  console.log(`${accepted} accepted, ${rejected} rejected${rejected > 0 ? `: ${rejectsPath(file)}` : ''}`);
  if (rejected > 0) process.exitCode = EXIT_REJECTS;
}

/** The bytes of a file that can be imported; what cannot be is refused. */
function sizeOf(file: string): number {
  const found = statOf(file);
  if (!found) throw new UsageError(`no such file: ${file}`);
  if (found.isDirectory()) throw new UsageError(`import takes a file, and ${file} is a folder`);
  if (!/\.(csv|ndjson)$/.test(file)) throw new UsageError(`import takes a .csv or .ndjson file, not ${file}`);
  return found.size;
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw new UsageError(`the file cannot be read: ${(error as Error).message}`);
  }
}

function ownToken(config: Config): Promise<string> {
  const secret = openSecret(config.dataDir, config.authSecret);
  return signToken(secret, { kind: 'service', name: 'points-ledger import', scopes: new Set(['import']) }, '1d');
}

/** Sends the rows and settles them as they are decided, while a bar shows how far it is. */
async function send(client: PointsClient, file: string, size: number, progress: FileProgress): Promise<void> {
  const source = openRows(file);
  const bar = createProgressBar(process.stderr);
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  const silence = setTimeout(() => console.error('no answer from the server yet; trying on'), SILENCE_MS);
  try {
    const transactions = progress.transactions(source.rows);
    const progressed = client.importTransactions(transactions, { signal: stopped.signal });
    for await (const { decided, rejections } of progressed) {
      clearTimeout(silence);
      progress.settle(decided, rejections);
      const { rows, rejected } = progress.counts();
      bar.show(size === 0 ? 1 : source.bytesRead() / size, rows, `${rejected} rejected`);
    }
  } finally {
    clearTimeout(silence);
    bar.end();
  }
}
