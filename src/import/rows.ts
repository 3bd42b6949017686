import { isUtf8 } from 'node:buffer';
import { closeSync, createReadStream, openSync, type ReadStream, readSync } from 'node:fs';
import { parse } from 'csv-parse';
import { parseJsonText } from '../json-text.ts';

/** A row of a file: its number from 1 (a CSV's header does not count), and its fields or why it has none. */
export interface Row {
  readonly number: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly fault: string | null;
}

/** A file of rows, and how far it has been read. */
interface RowFile {
  readonly rows: AsyncIterable<Row>;
  bytesRead(): number;
}

/** Columns of a rejects file, which may be imported again once it is mended. */
const REJECT_COLUMNS = ['row', 'reason', 'field', 'message', 'line'];

const COLUMNS = ['account', 'payer', 'points', 'timestamp', 'request_id'];
const REQUIRED = ['account', 'payer', 'points', 'timestamp'];

/** Opens a .csv (with a header) or .ndjson file (an object a line) of transactions. */
export function openRows(path: string): RowFile {
  const file = createReadStream(path, { start: beginsWithBom(path) ? BOM.length : 0 });
  const rows = path.endsWith('.csv') ? csvRows(file) : ndjsonRows(file);
  return { rows, bytesRead: () => file.bytesRead };
}

const BOM = Buffer.from('\ufeff');

function beginsWithBom(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const begin = Buffer.alloc(BOM.length);
    return readSync(file, begin) === BOM.length && begin.equals(BOM);
  } finally {
    closeSync(file);
  }
}

async function* csvRows(file: ReadStream): AsyncIterable<Row> {
  // A quote inside a field that does not begin with one is a character like any other.
  // Bytes, not text: what is no UTF-8 must not become other characters.
  const parser = file.pipe(
    parse({ encoding: null, relax_column_count: true, relax_quotes: true, skip_empty_lines: true }),
  );
  file.on('error', (error) => parser.destroy(error));
  let header: string[] | undefined;
  let number = 0;
  for await (const cells of parser as AsyncIterable<Buffer[]>) {
    if (!header) {
      header = checkHeader(cells.map(String));
      continue;
    }
    number += 1;
    yield csvRow(number, header, cells);
  }
  if (!header) throw new Error(`the file is empty; its first line must name the columns ${REQUIRED.join(', ')}`);
}

function csvRow(number: number, header: readonly string[], cells: readonly Buffer[]): Row {
  const fields = Object.fromEntries(header.map((column, index) => [column, String(cells[index] ?? '')]));
  return { number, fields, fault: csvFault(header, cells) };
}

function csvFault(header: readonly string[], cells: readonly Buffer[]): string | null {
  if (cells.length !== header.length) return `has ${cells.length} fields, not ${header.length}`;
  const garbled = cells.findIndex((cell) => !isUtf8(cell));
  return garbled === -1 ? null : `${header[garbled]}: is not UTF-8`;
}

function checkHeader(header: string[]): string[] {
  const missing = REQUIRED.find((column) => !header.includes(column));
  if (missing !== undefined)
    throw new Error(`the header lacks the column ${missing}; it must have ${REQUIRED.join(', ')}`);
  const unknown = header.find((column) => ![...COLUMNS, ...REJECT_COLUMNS].includes(column));
  if (unknown !== undefined)
    throw new Error(`the header has an unknown column ${unknown}; known are ${COLUMNS.join(', ')}`);
  return header;
}

async function* ndjsonRows(file: ReadStream): AsyncIterable<Row> {
  let number = 0;
  for await (const line of linesOf(file)) {
    if (String(line).trim() === '') continue;
    number += 1;
    yield ndjsonRow(number, line);
  }
}

const NEWLINE = 0x0a;

async function* linesOf(file: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let parts: Buffer[] = []; // of the line that has not ended yet
  for await (const chunk of file) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)]);
      parts = [];
      from = end + 1;
    }
    parts.push(chunk.subarray(from));
  }
  yield Buffer.concat(parts);
}

function ndjsonRow(number: number, line: Buffer): Row {
  try {
    const fields: unknown = parseJsonText(line, '');
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Error('not a JSON object');
    const unknown = Object.keys(fields).find((name) => ![...COLUMNS, ...REJECT_COLUMNS].includes(name));
    if (unknown !== undefined) throw new Error(`unknown field ${unknown}`);
    return { number, fields: fields as Record<string, unknown>, fault: null };
  } catch (error) {
    return { number, fields: { line: String(line).trimEnd() }, fault: (error as Error).message };
  }
}
