import {
  type DescExtension,
  type DescField,
  type FileRegistry,
  getExtension,
  getOption,
  hasExtension,
  type Message,
} from '@bufbuild/protobuf';
import {
  type FieldRules,
  Ignore,
  predefined,
  field as validateField,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** Keywords of JSON Schema. */
export type Schema = Record<string, unknown>;

/** What the buf.validate rules of a field say, in the terms of JSON Schema. */
export interface FieldLimits {
  /** The field must be given. */
  readonly required: boolean;
  /** The rules do not hold for the value the field has where it is not given. */
  readonly emptyAllowed: boolean;
  readonly keywords: Schema;
  /** The rules in words, where they have any. */
  readonly texts: readonly string[];
  /** Limits of the elements of a list. */
  readonly items: FieldLimits | undefined;
}

export function limitsOf(field: DescField, registry: FileRegistry): FieldLimits {
  return limits(getOption(field, validateField), field, registry);
}

function limits(rules: FieldRules, field: DescField, registry: FileRegistry): FieldLimits {
  const { case: kind, value } = rules.type;
  const keywords: Schema = {};
  const texts = rules.cel.map(({ message }) => message);
  let items: FieldLimits | undefined;
  if (value !== undefined) {
    Object.assign(keywords, kind === 'enum' ? enumKeywords(value.notIn, field) : ownKeywords({ ...value }));
    for (const rule of predefinedRules(value, registry)) {
      Object.assign(keywords, ...celKeywords(rule.expression));
      texts.push(rule.message);
    }
  }
  if (kind === 'repeated' && value.items) items = limits(value.items, field, registry);
  const emptyAllowed = rules.ignore === Ignore.IF_ZERO_VALUE || rules.ignore === Ignore.ALWAYS;
  return { required: rules.required, emptyAllowed, keywords, texts, items };
}

/** The rules that buf.validate itself has, by their names there, and what they are called in JSON Schema. */
const KEYWORDS: Readonly<Record<string, string>> = {
  const: 'const',
  pattern: 'pattern',
  minLen: 'minLength',
  maxLen: 'maxLength',
  minItems: 'minItems',
  maxItems: 'maxItems',
  unique: 'uniqueItems',
  minPairs: 'minProperties',
  maxPairs: 'maxProperties',
  gt: 'exclusiveMinimum',
  gte: 'minimum',
  lt: 'exclusiveMaximum',
  lte: 'maximum',
};

const FORMATS: ReadonlySet<string> = new Set(['email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uuid']);

function ownKeywords(rules: Readonly<Record<string, unknown>>): Schema {
  const schema: Schema = {};
  for (const [name, value] of Object.entries(rules)) {
    const keyword = KEYWORDS[name];
    if (keyword !== undefined) schema[keyword] = plain(value);
    if (name === 'in' && isFilled(value)) schema.enum = value.map(plain);
    if (name === 'notIn' && isFilled(value)) schema.not = { enum: value.map(plain) };
    // The oneofs lessThan, greaterThan and wellKnown hold the rule that is set as a case with its value.
    const choice = value as { case?: string; value?: unknown } | null;
    if (typeof choice?.case !== 'string') continue;
    if (KEYWORDS[choice.case]) schema[KEYWORDS[choice.case]!] = plain(choice.value);
    if (FORMATS.has(choice.case)) schema.format = choice.case;
  }
  return schema;
}

function isFilled(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0;
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

function enumKeywords(notIn: readonly number[], field: DescField): Schema {
  if (notIn.length === 0) return {};
  const allowed = field.enum!.values.filter(({ number }) => !notIn.includes(number));
  return { enum: allowed.map(({ name }) => name) };
}

/** The CEL rules of the predefined rules (extensions of buf.validate's own) that are set. */
function predefinedRules(rules: Message, registry: FileRegistry): { message: string; expression: string }[] {
  const set: DescExtension[] = [];
  for (const type of registry) {
    if (type.kind !== 'extension' || type.extendee.typeName !== rules.$typeName) continue;
    if (hasExtension(rules, type) && (getExtension(rules, type) as unknown) !== false) set.push(type);
  }
  return set.flatMap((extension) => getOption(extension, predefined).cel);
}

/**
 * The keywords for a CEL expression. Only comparisons with a number, the size of the value, and `matches` have one;
 * the rest is told in words.
 */
export function celKeywords(expression: string): Schema[] {
  const condition = expression.replace(/^!rule \|\| /, '');
  const terms = condition.replace(/^\(([^()]*(?:\([^()]*\)[^()]*)*)\)$/, '$1').split(' && ');
  return terms.map((term) => comparison(term) ?? match(term) ?? {});
}

const MIRRORED: Readonly<Record<string, string>> = { '<=': '>=', '<': '>', '>=': '<=', '>': '<', '!=': '!=' };

function comparison(term: string): Schema | undefined {
  const [, left, sign, right] = /^(size\(this\)|this|-?\d+) (<=|<|>=|>|!=) (size\(this\)|this|-?\d+)$/.exec(term) ?? [];
  if (left === undefined || sign === undefined || right === undefined) return undefined;
  const mirrored = right.endsWith('this') || right.endsWith('(this)');
  const limit = Number(mirrored ? left : right);
  const onSize = (mirrored ? right : left) !== 'this';
  switch (mirrored ? MIRRORED[sign] : sign) {
    case '>=':
      return onSize ? { minLength: limit } : { minimum: limit };
    case '<=':
      return onSize ? { maxLength: limit } : { maximum: limit };
    case '>':
      return onSize ? { minLength: limit + 1 } : { exclusiveMinimum: limit };
    case '<':
      return onSize ? { maxLength: limit - 1 } : { exclusiveMaximum: limit };
    default:
      return onSize ? undefined : { not: { const: limit } };
  }
}

function match(term: string): Schema | undefined {
  const [, start, escaped] = /^(!|this == '' \|\| |)this\.matches\('(.*)'\)$/.exec(term) ?? [];
  if (escaped === undefined) return undefined;
  const pattern = escaped.replace(/\\(.)/g, '$1');
  if (start === '!') return { not: { pattern } };
  return { pattern: start === '' ? pattern : `^$|${pattern}` };
}
