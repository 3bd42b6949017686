import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { TIMESTAMP_RANGE } from './convert.ts';
import type { FieldViolation } from './errors.ts';

/** The fields of a message, those of messages in it too, whose 64-bit numbers are past 2^53-1 and its negative. */
export function unsafeNumbers(type: DescMessage, message: Message, prefix = ''): FieldViolation[] {
  return type.fields.flatMap((field) => {
    const value = (message as unknown as Record<string, unknown>)[field.localName];
    return inField(field, value, `${prefix}${field.name}`);
  });
}

function inField(field: DescField, value: unknown, path: string): FieldViolation[] {
  if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) {
    return [{ field: path, description: 'must be from -9007199254740991 to 9007199254740991' }];
  }
  if (field.message === undefined || value === undefined) return [];
  const { message } = field;
  if (Array.isArray(value)) {
    return value.flatMap((item: Message, index) => inMessage(message, item, `${path}[${index}]`));
  }
  return inMessage(message, value as Message, path);
}

function inMessage(type: DescMessage, message: Message, path: string): FieldViolation[] {
  const found = unsafeNumbers(type, message, `${path}.`);
  const isTime = type.typeName === 'google.protobuf.Timestamp';
  return isTime && found.length > 0 ? [{ field: path, description: TIMESTAMP_RANGE }] : found;
}
