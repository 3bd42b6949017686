import { create, type DescField, ScalarType } from '@bufbuild/protobuf';
import { type ApiError, invalidRequest } from '../api/errors.ts';
import { DEPTH_MAX, type Fields, type JsonReader } from './json-reader.ts';
import { decodePercent } from './path-template.ts';
import type { Route } from './routes.ts';

/** Sets the fields that the query string names: those which neither the path nor the body binds. */
export function readQuery(reader: JsonReader, route: Route, message: Fields, query: string): void {
  const seen = new Set<DescField | string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeFormText(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodeFormText(pair.slice(equals + 1));
    if (name === undefined) throw invalidRequest({ field: 'query', description: 'has malformed percent-encoding' });
    if (value === undefined) throw invalidRequest({ field: name, description: 'has malformed percent-encoding' });
    setParameter(reader, route, message, name, value, seen);
  }
}

function setParameter(
  reader: JsonReader,
  route: Route,
  message: Fields,
  name: string,
  value: string,
  seen: Set<DescField | string>,
): void {
  const fields = fieldsNamed(reader, route, name);
  if (fields === undefined || !isParameter(route, fields)) throw unknownParameter(name);
  const field = fields.at(-1)!;
  const path = fields.map((step) => step.name).join('.');
  if (field.fieldKind !== 'list') {
    if (seen.has(path)) throw invalidRequest({ field: path, description: 'is given twice' });
    seen.add(path);
  }
  setFromText(reader, message, fields, value);
}

function unknownParameter(name: string): ApiError {
  return invalidRequest({ field: name, description: 'is not a parameter of this route' });
}

/** The way to a field by its dotted name: `page_size`, `pageSize`, `filter.payer`. */
function fieldsNamed(reader: JsonReader, { rpc }: Route, name: string): DescField[] | undefined {
  const fields: DescField[] = [];
  let type = rpc.input;
  const steps = name.split('.');
  if (steps.length > DEPTH_MAX) return undefined;
  for (const step of steps) {
    const outer = fields.at(-1);
    if (outer) {
      if (outer.fieldKind !== 'message' || outer.oneof || hasTextForm(outer)) return undefined;
      type = outer.message;
    }
    const entry = reader.fields(type).get(step);
    if (entry === undefined) return undefined;
    fields.push(entry.field);
  }
  return fields;
}

/** Whether a field may stand in the query: it has a form as text, and neither the path nor the body binds it. */
export function isParameter(route: Route, fields: readonly DescField[]): boolean {
  if (route.body === 'whole' || route.body === fields[0]) return false;
  const bound = route.variables.some((variable) => variable.fields.every((field, index) => field === fields[index]));
  return !bound && hasTextForm(fields.at(-1)!);
}

/** Whether a value of the field is written as one text: scalars, enums, and the well-known types that are strings. */
export function hasTextForm(field: DescField): boolean {
  if (field.fieldKind === 'map') return false;
  const type = field.message?.typeName;
  return type === undefined || (TEXT_TYPES.has(type) && field.fieldKind !== 'list');
}

const TEXT_TYPES: ReadonlySet<string> = new Set(
  ['Timestamp', 'Duration', 'FieldMask', 'StringValue', 'BytesValue', 'BoolValue'].map(
    (name) => `google.protobuf.${name}`,
  ),
);

/** Sets a field from its text in a path or query, making the messages on the way to it. A list grows by the value. */
export function setFromText(reader: JsonReader, message: Fields, fields: readonly DescField[], text: string): void {
  let target = message;
  let prefix = '';
  for (const step of fields.slice(0, -1)) {
    target[step.localName] ??= create(step.message!);
    target = target[step.localName] as Fields;
    prefix += `${step.name}.`;
  }
  const field = fields.at(-1)!;
  const { read } = reader.fields(field.parent!).get(field.name)!;
  const json = jsonOfText(field, text);
  read(target, field.fieldKind === 'list' ? [json] : json, prefix);
}

/** The JSON value that a text stands for. Numbers stay text: their readers take decimal digits. */
function jsonOfText(field: DescField, text: string): string | number | boolean {
  if (isBool(field) && (text === 'true' || text === 'false')) return text === 'true';
  if (field.enum && /^-?\d{1,10}$/.test(text)) return Number(text);
  return text;
}

function isBool(field: DescField): boolean {
  return field.scalar === ScalarType.BOOL || field.message?.typeName === 'google.protobuf.BoolValue';
}

/** Decodes a name or a value of a query string, where a plus is a space; undefined where it is malformed. */
function decodeFormText(text: string): string | undefined {
  return decodePercent(text.includes('+') ? text.replaceAll('+', ' ') : text);
}
