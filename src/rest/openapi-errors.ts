import type { DescEnumValue } from '@bufbuild/protobuf';
import { ApiError, ERRORS, type ErrorDetails, type Reason } from '../api/errors.ts';
import { registry } from '../api/schema.ts';
import { errorStatus } from '../api/status.ts';
import { statusJson } from './answer.ts';
import { commentOf } from './comments.ts';
import type { Schema } from './openapi-rules.ts';

const PREFIX = 'ERROR_REASON_';

/** The name of the component that describes the error answers of an HTTP status. */
export function errorComponent(http: number): string {
  return `Error${http}`;
}

/** The HTTP statuses that errors have, in order. */
export const ERROR_STATUSES: readonly number[] = [...new Set(Object.values(ERRORS).map(({ http }) => http))].sort();

/** `components.responses`: for each HTTP status the reasons behind it, each with an example. */
export function errorResponses(): Record<string, Schema> {
  const values = registry.getEnum('points.v1.ErrorReason')?.values ?? [];
  const documented = values.filter((value) => reasonOf(value) in ERRORS);
  return Object.fromEntries(
    ERROR_STATUSES.map((http) => {
      const group = documented.filter((value) => ERRORS[reasonOf(value)].http === http);
      return [errorComponent(http), errorResponse(http, group)];
    }),
  );
}

function errorResponse(http: number, values: readonly DescEnumValue[]): Schema {
  const lines = values.map((value) => `- \`${reasonOf(value)}\`: ${oneLine(commentOf(value))}`);
  const examples = values.map((value) => [
    reasonOf(value),
    { summary: reasonOf(value), description: oneLine(commentOf(value)), value: exampleStatus(value) },
  ]);
  const schema = { $ref: '#/components/schemas/Status' };
  return {
    description: lines.join('\n'),
    ...(HEADERS[http] && { headers: HEADERS[http] }),
    content: { 'application/json': { schema, examples: Object.fromEntries(examples) } },
  };
}

const retryAfter = {
  'Retry-After': { description: 'Seconds to wait before trying again.', schema: { type: 'integer' } },
};
const HEADERS: Readonly<Record<number, Schema>> = {
  401: { 'WWW-Authenticate': { description: 'Always `Bearer`.', schema: { type: 'string' } } },
  405: { Allow: { description: 'The methods this path takes.', schema: { type: 'string' } } },
  429: retryAfter,
  503: retryAfter,
};

function reasonOf(value: DescEnumValue): Reason {
  return value.name.slice(PREFIX.length) as Reason;
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}

/** Example values of the metadata that the comments of the reasons name. */
const METADATA: Readonly<Record<string, string>> = {
  scope: 'spend',
  account: 'bob',
  field: 'points',
  sequence: '6',
  kind: 'EARN',
  requested: '5000',
  available: '1300',
  shortfall: '3700',
  payer: 'DANNON',
  limit: '9007199254740991',
  allow: 'GET, HEAD',
  content_type: 'text/plain',
  incident: 'a0a4a4c9-93cf-4a06-97b5-a1b8f0fd2a51',
};

/** The error as it would be answered, put together from what the comment of its reason says. */
function exampleStatus(value: DescEnumValue): unknown {
  const reason = reasonOf(value);
  // A comment reads: CODE / HTTP status. What is wrong. Metadata: `name` (…), `name`. Carries a `RetryInfo`.
  const [, rest = '', message = ''] = /^[A-Z_]+ \/ \d+[^.]*\. (([^.]*).*)$/.exec(oneLine(commentOf(value))) ?? [];
  const names = [...rest.replace(/\([^)]*\)/g, '').matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  const details: ErrorDetails = {
    ...(names.length > 0 && { metadata: Object.fromEntries(names.map((name) => [name, METADATA[name] ?? 'text'])) }),
    ...(rest.includes('google.rpc.BadRequest') && {
      violations: [{ field: 'points', description: 'must be 1 or more' }],
    }),
    ...(rest.includes('google.rpc.RetryInfo') && { retryAfterMs: 1000 }),
  };
  return JSON.parse(statusJson(errorStatus(new ApiError(reason, message.replaceAll('`', ''), details))));
}

/** The schemas of google.rpc.Status and the details the API sends in it. */
export const STATUS_SCHEMAS: Record<string, Schema> = {
  Status: {
    type: 'object',
    description: 'google.rpc.Status: why a call failed.',
    required: ['code', 'message', 'details'],
    properties: {
      code: { type: 'integer', description: 'The gRPC status code.' },
      message: { type: 'string', description: 'What is wrong, for people.' },
      details: {
        type: 'array',
        items: {
          oneOf: ['ErrorInfo', 'BadRequest', 'RetryInfo'].map((name) => ({ $ref: `#/components/schemas/${name}` })),
        },
      },
    },
  },
  ErrorInfo: detail('ErrorInfo', 'Why it failed, for programs.', {
    reason: { type: 'string', enum: Object.keys(ERRORS) },
    domain: { type: 'string', const: 'points-ledger' },
    metadata: { type: 'object', additionalProperties: { type: 'string' } },
  }),
  BadRequest: detail('BadRequest', 'The fields that are wrong.', {
    fieldViolations: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'description'],
        properties: { field: { type: 'string' }, description: { type: 'string' } },
      },
    },
  }),
  RetryInfo: detail('RetryInfo', 'How long to wait before trying again.', {
    retryDelay: { type: 'string', description: 'Seconds, as `1.5s`.' },
  }),
};

function detail(name: string, description: string, properties: Schema): Schema {
  const type = { type: 'string', const: `type.googleapis.com/google.rpc.${name}` };
  return { type: 'object', description, required: ['@type'], properties: { '@type': type, ...properties } };
}
