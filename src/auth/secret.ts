import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** HS256 wants a key as long as its hash (RFC 7518, section 3.2). */
export const SECRET_BYTES_MIN = 32;

/**
 * The secret that signs tokens: the one configured, or the one that the data folder keeps, made at random the first time.
 */
export function openSecret(dataDir: string, configured: string | undefined): Uint8Array {
  return new TextEncoder().encode(configured ?? keptSecret(join(dataDir, 'auth-secret'), dataDir));
}

function keptSecret(path: string, dataDir: string): string {
  const known = readSecret(path);
  if (known !== null) return known;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // Linked into place whole: of two processes that start at once the first wins, and neither reads half a secret.
  const draft = `${path}.${process.pid}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, randomBytes(SECRET_BYTES_MIN).toString('base64url'));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(path, 'utf8');
}

function readSecret(path: string): string | null {
  try {
    const secret = readFileSync(path, 'utf8').trim();
    if (secret.length < SECRET_BYTES_MIN) throw new Error(`${path} holds less than ${SECRET_BYTES_MIN} characters`);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
