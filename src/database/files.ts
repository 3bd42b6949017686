// The few things the database's folder needs that node:fs does not have.
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Readers see the old content or the new, never half of it. */
export function writeFileAtomically(path: string, content: string): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, path);
}

/** A folder that only this user can enter. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** The folder's troubles in words; anything else as it came. */
export function explainFileError(error: unknown, folder: string): Error {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    EACCES: 'it is not writable for this user',
    EPERM: 'it is not writable for this user',
    EROFS: 'it is on a read-only file system',
    ENOSPC: 'the disk is full',
    EDQUOT: "this user's disk quota is used up",
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'a file of that name is in the way',
    ENOENT: 'it cannot be made there',
  };
  const ofFile = syscall !== undefined && !/^(connect|spawn)/.test(syscall);
  const reason = ofFile && code !== undefined ? reasons[code] : undefined;
  if (reason === undefined) return error instanceof Error ? error : new Error(String(error));
  return new Error(`The data folder ${folder} cannot be used: ${reason} (${code}).`, { cause: error });
}
