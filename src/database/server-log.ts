// What the database server wrote into its log, for the message when it does not start.
import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';

const LARGEST = 4 * 1024 * 1024;

export function logSize(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** Keeps one old log. */
export function rotateLog(path: string): void {
  if (logSize(path) > LARGEST) renameSync(path, `${path}.1`);
}

/** An error with the server's own reasons, as they stand in the log after byte `from`. */
export function explainFailure(what: string, path: string, from: number): Error {
  const text = readFrom(path, from);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /\[ERROR\]|error while loading|No space left/i.test(line));
  const reasons = (errors.length > 0 ? errors : lines.slice(-3)).slice(0, 3).map(withoutTimestamp);
  const hint = HINTS.find(([pattern]) => pattern.test(text))?.[1];
  return new Error(
    `${[`${what}${hint ? `: ${hint}` : ''}.`, ...reasons.map((line) => `  ${line}`)].join('\n')}\n  (${path})`,
  );
}

const HINTS: [RegExp, string][] = [
  [/No space left|(errno|Errcode|error):? 28\b|disk is full/i, 'the disk is full'],
  [/Unable to lock|Can't lock/i, 'another database server uses these files'],
  [
    /Unsupported redo log|newer version|downgrade|upgrade after a crash/i,
    'another version of the server made these files',
  ],
  [/Permission denied|(errno|Errcode):? 13\b/i, 'this user may not write these files'],
];

function withoutTimestamp(line: string): string {
  return line.replace(/^[\d-]+[ T]\s*[\d:.]+Z?\s+\d+\s+/, '');
}

function readFrom(path: string, from: number): string {
  const size = logSize(path);
  const length = Math.min(Math.max(size - from, 0), 64 * 1024);
  if (length === 0) return '';
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    readSync(file, buffer, 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    closeSync(file);
  }
}
