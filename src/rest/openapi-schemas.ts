import { type DescEnum, type DescField, type DescMessage, type FileRegistry, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { commentOf } from './comments.ts';
import { type FieldLimits, limitsOf, type Schema } from './openapi-rules.ts';

/** Requests say what must be given; answers say what is always there. */
type Direction = 'request' | 'answer';

/** Writes JSON Schemas for messages, and collects those that are referred to. */
export interface SchemaWriter {
  /** `components.schemas` of the document. */
  readonly components: Record<string, Schema>;
  /** The schema of a message in place, without the fields of `except`. */
  message(type: DescMessage, direction: Direction, except?: ReadonlySet<DescField>): Schema;
  /** The schema of a field's value, and whether the field is required. */
  field(field: DescField, direction: Direction): { schema: Schema; required: boolean };
}

export function createSchemaWriter(registry: FileRegistry): SchemaWriter {
  const components: Record<string, Schema> = {};
  const names = new Map<string, string>();

  function message(type: DescMessage, direction: Direction, except?: ReadonlySet<DescField>): Schema {
    const fields = type.fields.filter((candidate) => !except?.has(candidate));
    const written = fields.map((candidate) => ({ name: candidate.jsonName, ...field(candidate, direction) }));
    const required = written.filter((entry) => entry.required).map(({ name }) => name);
    return {
      type: 'object',
      description: commentOf(type),
      properties: Object.fromEntries(written.map(({ name, schema }) => [name, schema])),
      ...(required.length > 0 && { required }),
      ...(direction === 'request' && { additionalProperties: false }),
    };
  }

  function field(field: DescField, direction: Direction): { schema: Schema; required: boolean } {
    const limits = limitsOf(field, registry);
    const schema = {
      ...valueSchema(field, direction, limits),
      ...limits.keywords,
      description: describe(field, limits),
    };
    return { schema, required: isRequired(field, direction, limits, schema) };
  }

  function valueSchema(field: DescField, direction: Direction, limits: FieldLimits): Schema {
    const element = elementSchema(field, direction);
    if (field.fieldKind === 'list') {
      return {
        type: 'array',
        items: { ...(limits.items?.keywords.enum ? { type: 'string' } : element), ...limits.items?.keywords },
      };
    }
    return field.fieldKind === 'map' ? { type: 'object', additionalProperties: element } : element;
  }

  function elementSchema(field: DescField, direction: Direction): Schema {
    if (field.enum) return reference(field.enum, 'answer', () => enumSchema(field.enum!));
    const type = field.message;
    if (type === undefined) return scalarSchema(field.scalar!);
    return wellKnownSchema(type) ?? reference(type, direction, () => message(type, direction));
  }

  /** A reference to the component of a type. A message of both directions is a component of each. */
  function reference(type: DescMessage | DescEnum, direction: Direction, write: () => Schema): Schema {
    const key = `${direction} ${type.typeName}`;
    let name = names.get(key);
    if (name === undefined) {
      name = type.name in components ? `${type.name}In${direction === 'request' ? 'Requests' : 'Answers'}` : type.name;
      names.set(key, name);
      components[name] = {}; // before its fields: a message may hold itself
      components[name] = write();
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  return { components, message, field };
}

function describe(field: DescField, { texts }: FieldLimits): string {
  const comment = commentOf(field);
  return texts.length === 0 ? comment : `${comment}\n\nRules: ${texts.join('; ')}.`.trim();
}

function isRequired(field: DescField, direction: Direction, limits: FieldLimits, schema: Schema): boolean {
  const many = field.fieldKind === 'list' || field.fieldKind === 'map';
  const implicit = many || field.presence === FeatureSet_FieldPresence.IMPLICIT;
  if (direction === 'answer') return implicit;
  return limits.required || (implicit && !limits.emptyAllowed && refusesEmpty(schema));
}

/** Whether a schema refuses the value of a field that is not given: 0, "", or an empty list. */
function refusesEmpty(schema: Schema): boolean {
  const { minLength, minItems, minProperties, minimum, maximum, exclusiveMinimum, pattern, format, not } = schema;
  if ([minLength, minItems, minProperties, minimum].some((limit) => Number(limit) > 0)) return true;
  if (Number(maximum) < 0 || Number(exclusiveMinimum) >= 0 || format === 'uuid') return true;
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test('')) return true;
  return (not as { const?: unknown } | undefined)?.const === 0;
}

function enumSchema(type: DescEnum): Schema {
  const values = type.values.map((value) => `- \`${value.name}\`: ${commentOf(value).replaceAll('\n', ' ')}`);
  return {
    type: 'string',
    description: `${commentOf(type)}\n\n${values.join('\n')}`,
    enum: type.values.map(({ name }) => name),
  };
}

function scalarSchema(scalar: ScalarType): Schema {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: 'number' };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: 'integer', format: 'int32' };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: 'integer', format: 'uint32', minimum: 0 };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: 'integer', format: 'uint64', minimum: 0 };
    default:
      return { type: 'integer', format: 'int64' };
  }
}

/** The well-known types with a JSON form of their own; undefined for any other message. */
function wellKnownSchema(type: DescMessage): Schema | undefined {
  switch (type.typeName) {
    case 'google.protobuf.Timestamp':
      return { type: 'string', format: 'date-time' };
    case 'google.protobuf.Duration':
      return { type: 'string', pattern: '^-?\\d+(\\.\\d{1,9})?s$' };
    case 'google.protobuf.FieldMask':
      return { type: 'string' };
    case 'google.protobuf.StringValue':
    case 'google.protobuf.BoolValue':
    case 'google.protobuf.Int32Value':
    case 'google.protobuf.Int64Value':
    case 'google.protobuf.DoubleValue':
      return scalarSchema(type.fields[0]!.scalar!);
    default:
      return type.typeName.startsWith('google.protobuf.') && type.typeName !== 'google.protobuf.Empty' ? {} : undefined;
  }
}
