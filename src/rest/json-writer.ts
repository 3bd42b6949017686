import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { formatFraction, formatTimestamp, type Moment } from '../timestamps.ts';

/**
 * Writes the JSON of a message of the generated (ts-proto) types.
 *
 * It differs from the proto3 JSON of the libraries where the API's contract does: a 64-bit integer is a JSON number (no
 * value passes 2^53-1), and a field without presence is written even where it is 0, "", [] or {}. The text is put
 * together directly, for speed, and so that maps keep their order and any key: `1` or `__proto__` as well.
 */
type WriteJson = (value: unknown) => string;

const writers = new Map<DescMessage, WriteJson>();

/** The writer of a message, made once for each type. */
export function jsonWriter(type: DescMessage): WriteJson {
  let write = writers.get(type);
  if (write === undefined) {
    write = wellKnownWriter(type);
    if (write === undefined) {
      const fields: FieldWriter[] = [];
      write = (message) => writeObject(fields, message as Readonly<Record<string, unknown>>);
      writers.set(type, write); // before its fields: a message may hold itself
      fields.push(...type.fields.map(fieldWriter));
    }
    writers.set(type, write);
  }
  return write;
}

interface FieldWriter {
  readonly localName: string;
  /** The name as it goes before the value: `"name":`. */
  readonly label: string;
  readonly optional: boolean;
  readonly write: WriteJson;
}

function writeObject(fields: readonly FieldWriter[], message: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const { localName, label, optional, write } of fields) {
    const value = message[localName];
    if (optional && value === undefined) continue;
    text += (text === '' ? label : `,${label}`) + write(value);
  }
  return `{${text}}`;
}

function fieldWriter(field: DescField): FieldWriter {
  if (field.oneof) throw new Error(`${field}: oneofs have no form in the REST answers`);
  const { localName, jsonName } = field;
  const single = field.fieldKind !== 'list' && field.fieldKind !== 'map';
  const optional = single && field.presence !== FeatureSet_FieldPresence.IMPLICIT;
  return { localName, label: `${JSON.stringify(jsonName)}:`, optional, write: fieldValueWriter(field) };
}

/** The writer of the value of a field, lists and maps included. */
export function fieldValueWriter(field: DescField): WriteJson {
  const write = elementWriter(field);
  if (field.fieldKind === 'list') return (list) => writeList(list as readonly unknown[], write);
  if (field.fieldKind === 'map') return (map) => writeMap(map as ReadonlyMap<unknown, unknown>, write);
  return write;
}

function writeList(list: readonly unknown[], write: WriteJson): string {
  let text = '';
  for (const element of list) text += text === '' ? write(element) : `,${write(element)}`;
  return `[${text}]`;
}

function writeMap(map: ReadonlyMap<unknown, unknown>, write: WriteJson): string {
  let text = '';
  for (const [key, value] of map) {
    const member = `${JSON.stringify(String(key))}:${write(value)}`;
    text += text === '' ? member : `,${member}`;
  }
  return `{${text}}`;
}

function elementWriter(field: DescField): WriteJson {
  if (field.message) return jsonWriter(field.message);
  if (field.enum) return field.enum.typeName === 'google.protobuf.NullValue' ? () => 'null' : writeString;
  return scalarWriter(field.scalar!);
}

function scalarWriter(scalar: ScalarType): WriteJson {
  switch (scalar) {
    case ScalarType.STRING:
      return writeString;
    case ScalarType.BYTES:
      return (value) => `"${Buffer.from(value as Uint8Array).toString('base64')}"`;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return (value) => (Number.isFinite(value) ? String(value) : `"${value}"`);
    default:
      return String;
  }
}

function writeString(value: unknown): string {
  return JSON.stringify(value);
}

function wellKnownWriter(type: DescMessage): WriteJson | undefined {
  if (!type.typeName.startsWith('google.protobuf.') || type.typeName === 'google.protobuf.Empty') return undefined;
  if (type.typeName === 'google.protobuf.Timestamp') return (value) => `"${formatTimestamp(value as Moment)}"`;
  if (type.typeName === 'google.protobuf.Duration') return (value) => `"${formatDuration(value as Moment)}"`;
  throw new Error(`${type}: has no form in the REST answers`);
}

function formatDuration({ seconds, nanos }: Moment): string {
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  return `${sign}${Math.abs(seconds)}${formatFraction(Math.abs(nanos))}s`;
}
