import { createHash } from 'node:crypto';
import { invalidRequest } from './errors.ts';

/**
 * Writes and reads the page tokens of one list (AIP-158). A token holds a position and a digest of the account and the
 * filters it was made with; with any other it is refused. It grants nothing: what may be read is checked on each call.
 */
interface PageTokens<Position> {
  write(position: Position): string;
  /** The position; null for the empty token of the first page. */
  read(token: string): Position | null;
}

/**
 * @param list what identifies the list: its account and filters
 * @param isPosition whether a decoded value is a position
 */
export function pageTokens<Position>(
  list: unknown,
  isPosition: (value: unknown) => value is Position,
): PageTokens<Position> {
  const digest = createHash('sha256').update(JSON.stringify(list)).digest('base64url').slice(0, 16);
  return {
    write: (position) => Buffer.from(JSON.stringify([digest, position])).toString('base64url'),
    read(token) {
      if (token === '') return null;
      const [made, position] = decode(token);
      if (!isPosition(position)) throw refused('is not one that a page of this list gave');
      if (made !== digest) throw refused('was made with other filters or another account; start from the first page');
      return position;
    },
  };
}

function decode(token: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function refused(description: string) {
  return invalidRequest({ field: 'page_token', description });
}
