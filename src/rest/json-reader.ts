import {
  create,
  type DescField,
  type DescMessage,
  type JsonValue,
  type Message,
  mergeFromJson,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf';
import { isFieldError } from '@bufbuild/protobuf/reflect';
import { type ApiError, invalidRequest } from '../api/errors.ts';
import { LONE_SURROGATE } from '../json-text.ts';
import { parseTimestamp } from '../timestamps.ts';

/** A message whose fields are set by name. */
export type Fields = Message & Record<string, unknown>;

/** Messages inside messages, at most; the same limit as that of the libraries. */
export const DEPTH_MAX = 100;

/** How much of a name that is no field's an error repeats. */
const UNKNOWN_NAME_MAX = 100;

/**
 * Reads a message from its proto3 JSON form into `message`. `prefix` goes before the name of every field in an error,
 * for example `transactions[3].`; the empty prefix stands for the request itself.
 *
 * @bufbuild/protobuf reads JSON too, but its errors do not say which element of a list is wrong, and it takes
 * February 30, "0x10" for 16, and rounds integers past 2^53. Here each field names itself; the rarer kinds of field
 * (bytes, floating point, maps, oneofs, most well-known types) are still left to it.
 */
type ReadMessage = (message: Fields, json: JsonValue, prefix: string) => void;

/** Reads one field of a message from its JSON form. */
type ReadField = (message: Fields, json: JsonValue, prefix: string, depth?: number) => void;

type ReadValue = (json: JsonValue, field: string, depth: number) => unknown;

export interface JsonReader {
  /** The reader of a message, made once for each type. */
  message(type: DescMessage): ReadMessage;
  /** The fields of a message by their names, as in the proto and in camelCase, each with its reader. */
  fields(type: DescMessage): ReadonlyMap<string, { readonly field: DescField; readonly read: ReadField }>;
}

export function createJsonReader(registry: Registry): JsonReader {
  type FieldsByName = Map<string, { field: DescField; read: ReadField }>;
  const known = new Map<DescMessage, FieldsByName>();

  function fields(type: DescMessage): FieldsByName {
    let byName = known.get(type);
    if (byName === undefined) {
      byName = new Map();
      known.set(type, byName); // before its fields: a message may hold itself
      for (const field of type.fields) {
        const entry = { field, read: fieldReader(field) };
        byName.set(field.name, entry).set(field.jsonName, entry);
      }
    }
    return byName;
  }

  function readMessage(type: DescMessage, message: Fields, json: JsonValue, prefix: string, depth: number): void {
    if (!isObject(json)) throw fault(prefix.slice(0, -1), 'must be a JSON object');
    if (depth >= DEPTH_MAX) throw fault(prefix.slice(0, -1), `is nested more than ${DEPTH_MAX} deep`);
    const byName = fields(type);
    for (const name of Object.keys(json)) {
      const entry = byName.get(name);
      if (entry === undefined) throw unknownField(prefix, name);
      const { field, read } = entry;
      if (name !== field.jsonName && Object.hasOwn(json, field.jsonName)) throw fault(prefix + name, 'is given twice');
      read(message, json[name]!, prefix, depth);
    }
  }

  function fieldReader(field: DescField): ReadField {
    const { name, localName } = field;
    const readValue = valueReader(field);
    if (field.oneof || field.fieldKind === 'map' || readValue === undefined) return libraryReader(field, registry);
    if (field.fieldKind !== 'list') {
      return (message, json, prefix, depth = 0) => {
        if (json !== null) message[localName] = readValue(json, prefix + name, depth);
      };
    }
    return (message, json, prefix, depth = 0) => {
      if (json === null) return;
      if (!Array.isArray(json)) throw fault(prefix + name, 'must be a JSON array');
      const list = message[localName] as unknown[];
      for (const [index, element] of json.entries()) {
        list.push(readValue(element, `${prefix}${name}[${index}]`, depth));
      }
    };
  }

  /** The reader of a single value, of a field or of an element; undefined where the library is to read it. */
  function valueReader(field: DescField): ReadValue | undefined {
    if (field.enum) {
      const { values } = field.enum;
      const numbers = new Map(values.map((value) => [value.name, value.number]));
      return (json, path) => readEnum(numbers, json, path);
    }
    const type = field.message;
    if (type === undefined) return field.scalar === undefined ? undefined : scalarReader(field.scalar, field);
    if (type.typeName === 'google.protobuf.Timestamp') return (json, path) => readTimestamp(type, json, path);
    if (type.typeName.startsWith('google.protobuf.')) return undefined;
    return (json, path, depth) => {
      const message = create(type) as Fields;
      readMessage(type, message, json, `${path}.`, depth + 1);
      return message;
    };
  }

  return { fields, message: (type) => (message, json, prefix) => readMessage(type, message, json, prefix, 0) };
}

function libraryReader(field: DescField, registry: Registry): ReadField {
  const { oneof } = field;
  return (message, json, prefix) => {
    const chosen = oneof && (message[oneof.localName] as { case?: string }).case;
    if (chosen !== undefined) throw fault(prefix + field.name, `excludes ${chosen}, which is given too`);
    try {
      mergeFromJson(field.parent!, message, { [field.jsonName]: json }, { registry });
    } catch (error) {
      const cause = isFieldError((error as Error).cause) ? ((error as Error).cause as Error) : (error as Error);
      throw fault(prefix + field.name, cause.message);
    }
  };
}

function scalarReader(scalar: ScalarType, field: DescField): ReadValue | undefined {
  switch (scalar) {
    case ScalarType.STRING:
      return readString;
    case ScalarType.BOOL:
      return readBool;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return (json, path) => Number(readInteger(json, path, -(2n ** 31n), 2n ** 31n - 1n));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return (json, path) => Number(readInteger(json, path, 0n, 2n ** 32n - 1n));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return longReader(field, -(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return longReader(field, 0n, 2n ** 64n - 1n);
    default:
      return undefined;
  }
}

function longReader(field: DescField, min: bigint, max: bigint): ReadValue | undefined {
  if ('longAsString' in field && field.longAsString) return undefined;
  return (json, path) => readInteger(json, path, min, max);
}

function readString(json: JsonValue, field: string): string {
  if (typeof json !== 'string') throw fault(field, 'must be a string');
  if (LONE_SURROGATE.test(json)) throw fault(field, 'has half of a surrogate pair');
  return json;
}

function readBool(json: JsonValue, field: string): boolean {
  if (typeof json !== 'boolean') throw fault(field, 'must be true or false');
  return json;
}

/**
 * An integer is a JSON number or, as proto3 JSON writes the 64-bit ones, a string of its decimal digits. A number past
 * 2^53 may have been rounded, but only to another one past 2^53: the rules of the protos, which allow none, refuse it
 * with the reason that gRPC clients get.
 */
function readInteger(json: JsonValue, field: string, min: bigint, max: bigint): bigint {
  let value: bigint;
  if (typeof json === 'number' && Number.isInteger(json)) value = BigInt(json);
  else if (typeof json === 'string' && /^-?\d{1,20}$/.test(json)) value = BigInt(json);
  else throw fault(field, 'must be an integer');
  if (value < min || value > max) throw fault(field, 'is out of range');
  return value;
}

function readEnum(numbers: ReadonlyMap<string, number>, json: JsonValue, field: string): number {
  if (typeof json === 'number') return Number(readInteger(json, field, -(2n ** 31n), 2n ** 31n - 1n));
  const number = typeof json === 'string' ? numbers.get(json) : undefined;
  if (number === undefined) throw fault(field, `must be one of ${[...numbers.keys()].join(', ')}`);
  return number;
}

function readTimestamp(type: DescMessage, json: JsonValue, field: string): Message {
  const moment = typeof json === 'string' ? parseTimestamp(json) : undefined;
  if (moment === undefined) throw fault(field, 'must be a time of RFC 3339, as 2020-11-02T14:00:00Z');
  const message = create(type) as Fields;
  message.seconds = BigInt(moment.seconds);
  message.nanos = moment.nanos;
  return message;
}

function unknownField(prefix: string, name: string): ApiError {
  const shown = name.length > UNKNOWN_NAME_MAX ? `${name.slice(0, UNKNOWN_NAME_MAX)}…` : name;
  return fault(prefix + shown, 'is not a field of the request');
}

function isObject(json: JsonValue): json is { [name: string]: JsonValue } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function fault(field: string, description: string): ApiError {
  return invalidRequest({ field: field === '' ? 'body' : field, description });
}
