import { create, type DescField, type JsonValue, type Message } from '@bufbuild/protobuf';
import { invalidRequest } from '../api/errors.ts';
import { JsonFault, parseJsonText } from '../json-text.ts';
import type { Fields, JsonReader } from './json-reader.ts';
import { captureVariable, type RequestPath } from './path-template.ts';
import { readQuery, setFromText } from './query.ts';
import type { Route } from './routes.ts';

/** Makes the rpc's request from the parts of an HTTP request. `body` is undefined where the route takes none. */
export function readRequest(
  reader: JsonReader,
  route: Route,
  path: RequestPath,
  query: string,
  body: Buffer | undefined,
): Message {
  const message = create(route.rpc.input) as Fields;
  if (body !== undefined) readBody(reader, route, message, body);
  for (const { variable, fields } of route.variables) {
    const text = captureVariable(route.template, variable, path);
    const name = variable.fieldPath.join('.');
    if (text === undefined) throw invalidRequest({ field: name, description: 'has malformed percent-encoding' });
    setFromPath(reader, message, fields, name, text);
  }
  if (query !== '') readQuery(reader, route, message, query);
  return message;
}

function readBody(reader: JsonReader, route: Route, message: Fields, body: Buffer): void {
  if (body.length === 0) throw invalidRequest({ field: 'body', description: 'must be JSON, but is empty' });
  if (route.body === 'whole') {
    reader.message(route.rpc.input)(message, parseBody(body, ''), '');
  } else if (route.body !== 'none') {
    const { read } = reader.fields(route.rpc.input).get(route.body.name)!;
    read(message, parseBody(body, route.body.name), '');
  }
}

/** `prefix` is the field that the body stands for, where it is not the whole request. */
function parseBody(body: Buffer, prefix: string): JsonValue {
  try {
    return parseJsonText(body, prefix);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw invalidRequest({ field: error.field || 'body', description: error.description });
  }
}

/** The path binds the field; a body that names it too must agree. */
function setFromPath(
  reader: JsonReader,
  message: Fields,
  fields: readonly DescField[],
  name: string,
  text: string,
): void {
  const inBody = valueAt(message, fields);
  setFromText(reader, message, fields, text);
  const isGiven = inBody !== undefined && inBody !== '' && inBody !== 0 && inBody !== 0n && inBody !== false;
  if (isGiven && inBody !== valueAt(message, fields)) {
    throw invalidRequest({ field: name, description: 'differs from the one in the path' });
  }
}

function valueAt(message: Fields, fields: readonly DescField[]): unknown {
  return fields.reduce<unknown>((value, field) => (value as Fields | undefined)?.[field.localName], message);
}
