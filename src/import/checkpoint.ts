import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** How far an import of a file has come, kept beside the file, so that it goes on where it was stopped. */
export interface Checkpoint {
  /** Rows, from the first on without a gap, that have their final answer. */
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  /** How long the rejects file is that tells of these rows. */
  readonly rejectsBytes: number;
}

interface Kept extends Checkpoint {
  /** The file as it was: a changed one is begun anew. */
  readonly size: number;
  readonly modifiedMs: number;
}

/** Where the checkpoint of a file is kept. */
export function checkpointPath(file: string): string {
  return `${file}.progress`;
}

/** The checkpoint of a file; null where there is none, or the file has changed since. */
export function readCheckpoint(file: string): Checkpoint | null {
  try {
    const kept = JSON.parse(readFileSync(checkpointPath(file), 'utf8')) as Kept;
    const { size, mtimeMs } = statSync(file);
    return kept.size === size && kept.modifiedMs === mtimeMs ? kept : null;
  } catch {
    return null;
  }
}

/** Keeps how far the import has come. Losing it costs time only: rows sent twice are recognised by their ids. */
export function writeCheckpoint(file: string, checkpoint: Checkpoint): void {
  const { size, mtimeMs } = statSync(file);
  const kept: Kept = { ...checkpoint, size, modifiedMs: mtimeMs };
  const draft = `${checkpointPath(file)}.new`;
  writeFileSync(draft, `${JSON.stringify(kept)}\n`);
  renameSync(draft, checkpointPath(file));
}

/** The import is complete: nothing is left to go on with. */
export function removeCheckpoint(file: string): void {
  rmSync(checkpointPath(file), { force: true });
}
