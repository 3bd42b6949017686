// Where the database's unix socket is: in the run folder, or, when that path is longer than a
// socket's may be, in a private folder among the temporary files.
import { lstatSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomically } from './files.ts';

/** sockaddr_un.sun_path without its closing zero byte. */
const LONGEST = process.platform === 'linux' ? 107 : 103;

export function socketPathFor(runFolder: string): string {
  const path = join(runFolder, 'database.sock');
  if (fits(path)) return path;
  return join(shortFolder(runFolder), 'database.sock');
}

/** The short folder is remembered in a file, so that the next process finds the same socket. */
function shortFolder(runFolder: string): string {
  const note = join(runFolder, 'socket-folder');
  const known = readNote(note);
  if (known !== undefined && isPrivateFolder(known)) return known;
  const parent = fits(join(tmpdir(), 'points-XXXXXX', 'database.sock')) ? tmpdir() : '/tmp';
  const made = mkdtempSync(join(parent, 'points-'));
  writeFileAtomically(note, made);
  return made;
}

function readNote(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Temporary folders are everyone's: one that another user made under the remembered name is not trusted. */
function isPrivateFolder(path: string): boolean {
  try {
    const stat = lstatSync(path);
    return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= LONGEST;
}
