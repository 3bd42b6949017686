import { isUtf8 } from 'node:buffer';
import type { JsonValue } from '@bufbuild/protobuf';

/** Half of a pair: no character, and in UTF-8 it would become another. */
export const LONE_SURROGATE = /\p{Surrogate}/u;

/** Why a text is not taken as JSON. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  /** The path of the value at fault; empty for the whole text. */
  readonly field: string;
  readonly description: string;

  constructor(field: string, description: string) {
    super(field === '' ? description : `${field}: ${description}`);
    this.field = field;
    this.description = description;
  }
}

/**
 * Parses JSON strictly: UTF-8 without a byte order mark, no member twice in an object, no number that would lose digits.
 * `prefix` is the path of the whole text. Fails with a JsonFault.
 */
export function parseJsonText(bytes: Buffer, prefix: string): JsonValue {
  if (!isUtf8(bytes)) throw new JsonFault('', 'is not UTF-8');
  const text = bytes.toString('utf8');
  const value = parse(text);
  const fault = findFault(text, prefix);
  if (fault) throw fault;
  return value;
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new JsonFault('', `is not JSON: ${(error as SyntaxError).message}`);
  }
}

/** An object or array that is open at this point of the text. */
interface Open {
  /** The names seen so far; undefined for an array. */
  readonly names: Set<string> | undefined;
  /** The name or index of the value that is being read. */
  at: string | number;
}

/** A number of so many characters cannot lose digits. */
const SAFE_LENGTH = 16;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** What JSON.parse passes over in silence: of a member given twice it keeps the last, and it rounds long numbers. */
function findFault(text: string, prefix: string): JsonFault | undefined {
  const stack: Open[] = [];
  let open: Open | undefined;
  let nameNext = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (nameNext && open?.names) {
        const name = memberName(text, at, end);
        if (open.names.has(name)) return new JsonFault(fieldOf(prefix, stack, name), 'is given twice');
        open.names.add(name);
        open.at = name;
      }
      at = end;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      open = { names: code === OPEN_BRACE ? new Set() : undefined, at: 0 };
      stack.push(open);
      nameNext = code === OPEN_BRACE;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      stack.pop();
      open = stack.at(-1);
    } else if (code === COMMA) {
      nameNext = open?.names !== undefined;
      if (open && typeof open.at === 'number' && !nameNext) open.at++;
    } else if (code === COLON) {
      nameNext = false;
    } else if (startsNumber(code)) {
      const end = endOfNumber(text, at);
      if (end - at > SAFE_LENGTH && losesDigits(text.slice(at, end))) {
        return new JsonFault(fieldOf(prefix, stack, open?.at), 'has more digits than a number can hold');
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** The index of the quote that ends the string which starts at `start`. */
function endOfString(text: string, start: number): number {
  let end = start;
  let backslashes: number;
  do {
    end = text.indexOf('"', end + 1);
    backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
  } while (backslashes % 2 === 1);
  return end;
}

/** The name between two quotes. */
function memberName(text: string, start: number, end: number): string {
  const name = text.slice(start + 1, end);
  return name.includes('\\') ? (JSON.parse(text.slice(start, end + 1)) as string) : name;
}

function startsNumber(code: number): boolean {
  return code === 0x2d || (code >= 0x30 && code <= 0x39);
}

/** The index after the number: digits, points, signs and the `e` of an exponent go with it. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (!startsNumber(code) && code !== 0x2b && code !== 0x2e && code !== 0x45 && code !== 0x65) break;
  }
  return end;
}

/**
 * Whether a number was rounded to an integer that it is not: 9007199254740990.9 must not become 9007199254740991, nor
 * 0.99999999999999999 one point. Integers past 2^53 are judged by their field.
 */
function losesDigits(number: string): boolean {
  if (!/[.eE]/.test(number) || !Number.isInteger(Number(number))) return false;
  return !/^-?\d+\.0+$/.test(number);
}

function fieldOf(prefix: string, stack: readonly Open[], last: string | number | undefined): string {
  const steps = [...stack.slice(0, -1).map(({ at }) => at), ...(last === undefined ? [] : [last])];
  return steps.reduce<string>((field, step) => {
    if (typeof step === 'number') return `${field}[${step}]`;
    return field === '' ? step : `${field}.${step}`;
  }, prefix);
}
