import { createReadStream, type ReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';

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
  const file = createReadStream(path);
  const rows = path.endsWith('.csv') ? csvRows(file) : ndjsonRows(file);
  return { rows, bytesRead: () => file.bytesRead };
}

async function* csvRows(file: ReadStream): AsyncIterable<Row> {
  // A quote inside a field that does not begin with one is a character like any other.
  const parser = file.pipe(parse({ bom: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true }));
  file.on('error', (error) => parser.destroy(error));
  let header: string[] | undefined;
  let number = 0;
  for await (const cells of parser as AsyncIterable<string[]>) {
    if (!header) {
      header = checkHeader(cells);
      continue;
    }
    number += 1;
    yield csvRow(number, header, cells);
  }
  if (!header) throw new Error(`the file is empty; its first line must name the columns ${REQUIRED.join(', ')}`);
}

function csvRow(number: number, header: readonly string[], cells: readonly string[]): Row {
  const fields = Object.fromEntries(header.map((column, index) => [column, cells[index] ?? '']));
  const fault = cells.length === header.length ? null : `has ${cells.length} fields, not ${header.length}`;
  return { number, fields, fault };
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
  for await (const line of createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    number += 1;
    yield ndjsonRow(number, line);
  }
}

function ndjsonRow(number: number, line: string): Row {
  try {
    const fields: unknown = JSON.parse(line);
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Error('not a JSON object');
    const unknown = Object.keys(fields).find((name) => ![...COLUMNS, ...REJECT_COLUMNS].includes(name));
    if (unknown !== undefined) throw new Error(`unknown field ${unknown}`);
    return { number, fields: fields as Record<string, unknown>, fault: null };
  } catch (error) {
    return { number, fields: { line }, fault: (error as Error).message };
  }
}
