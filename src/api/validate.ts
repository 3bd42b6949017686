import type { DescMessage, Message } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator, type Violation } from '@bufbuild/protovalidate';
import { POINTS_MAX } from '../ledger/account.ts';
import { ApiError, type FieldViolation, invalidRequest } from './errors.ts';
import { registry } from './schema.ts';

/** The id of the rule, in rules.proto, that keeps points within 2^53-1. */
const POINTS_RANGE_RULE = 'int64.points.range';

/** The rules' patterns are our own and linear: the platform's regular expressions match them far faster than RE2. */
const patterns = new Map<string, RegExp>();
function regexMatch(pattern: string, text: string): boolean {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    compiled = new RegExp(pattern, 'u');
    patterns.set(pattern, compiled);
  }
  return compiled.test(text);
}

const validator = createValidator({ registry, regexMatch });

/** Checks a message against the rules in the protos; throws an ApiError that names every field at fault. */
export function validate(type: DescMessage, message: Message): void {
  const { violations, error } = validator.validate(type, message);
  if (!violations) {
    if (error) throw error;
    return;
  }
  const [first, ...rest] = violations.map(fieldViolation);
  if (!first) return;
  if (violations.some(({ ruleId }) => ruleId !== POINTS_RANGE_RULE)) throw invalidRequest(first, ...rest);
  throw new ApiError('POINTS_OUT_OF_RANGE', `${first.field}: ${first.description}`, {
    metadata: { limit: String(POINTS_MAX) },
    violations: [first, ...rest],
  });
}

function fieldViolation({ field, message }: Violation): FieldViolation {
  return { field: pathToString(field), description: message };
}
