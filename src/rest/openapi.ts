import type { DescField, DescService, FileRegistry } from '@bufbuild/protobuf';
import { STREAM_TYPE } from './answer.ts';
import { commentOf } from './comments.ts';
import { exampleOf } from './examples.ts';
import { ERROR_STATUSES, errorComponent, errorResponses, STATUS_SCHEMAS } from './openapi-errors.ts';
import type { Schema } from './openapi-rules.ts';
import { createSchemaWriter, type SchemaWriter } from './openapi-schemas.ts';
import { hasTextForm, isParameter } from './query.ts';
import type { Route } from './routes.ts';

/** The OpenAPI 3.1 description of the routes, derived from the descriptors: their comments, types and rules. */
export function openApiDocument(service: DescService, routes: readonly Route[], registry: FileRegistry): Schema {
  const schemas = createSchemaWriter(registry);
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of [...routes].sort((a, b) => declared(service, a) - declared(service, b))) {
    const path = openApiPath(route);
    paths[path] ??= {};
    paths[path][route.httpMethod === '*' ? 'get' : route.httpMethod.toLowerCase()] = operation(route, schemas);
  }
  const tags = new Set(routes.map(tagOf));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Points ledger',
      version: service.file.proto.package.split('.').at(-1),
      description: commentOf(service),
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    tags: [...tags].sort().map((name) => ({ name, ...(name === SHORT && { description: SHORT_DESCRIPTION }) })),
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { ...STATUS_SCHEMAS, ...schemas.components },
      responses: errorResponses(),
    },
  };
}

const SHORT = 'Short routes';
const SHORT_DESCRIPTION = "The same calls for the token's own account, with shorter paths and plainer answers.";

/** The place of a route in the protos. */
function declared(service: DescService, { rpc, bindingIndex }: Route): number {
  return service.methods.indexOf(rpc) * 100 + bindingIndex;
}

/** A path of OpenAPI has plain variables: `/v1/{name=accounts/*}` becomes `/v1/{name}`. */
function openApiPath({ template }: Route): string {
  return template.text.replace(/\{([^=}]+)=[^}]*\}/g, '{$1}');
}

function tagOf({ template }: Route): string {
  const [first = ''] = template.segments;
  return /^v\d/.test(first) ? first : SHORT;
}

function operation(route: Route, schemas: SchemaWriter): Schema {
  const { rpc, bindingIndex, body } = route;
  const comment = commentOf(rpc);
  const [summary = ''] = comment.split(/\.(?:\s|$)|\n\n/);
  return {
    operationId: bindingIndex === 0 ? rpc.name : `${rpc.name}${bindingIndex + 1}`,
    tags: [tagOf(route)],
    summary: summary.replaceAll('\n', ' '),
    description: comment,
    parameters: [...pathParameters(route, schemas), ...queryParameters(route, schemas)],
    ...(body !== 'none' && { requestBody: requestBody(route, schemas) }),
    responses: {
      200: success(route, schemas),
      ...Object.fromEntries(
        ERROR_STATUSES.filter((http) => body !== 'none' || (http !== 413 && http !== 415)).map((http) => [
          http,
          { $ref: `#/components/responses/${errorComponent(http)}` },
        ]),
      ),
    },
  };
}

function pathParameters({ rpc, variables }: Route, schemas: SchemaWriter): Schema[] {
  const example = exampleOf(rpc.input);
  return variables.map(({ variable, fields }) => {
    const field = fields.at(-1)!;
    const { description, ...schema } = schemas.field(field, 'request').schema;
    return {
      name: variable.fieldPath.join('.'),
      in: 'path',
      required: true,
      description,
      schema,
      ...(fields.length === 1 && { example: example[field.jsonName] }),
    };
  });
}

/** The parameters of the query, those of nested messages by their dotted names. None has an example: it would be sent. */
function queryParameters(route: Route, schemas: SchemaWriter, outer: readonly DescField[] = []): Schema[] {
  const type = outer.at(-1)?.message ?? route.rpc.input;
  return type.fields.flatMap((field) => {
    const fields = [...outer, field];
    if (isParameter(route, fields)) return [queryParameter(fields, schemas)];
    const nested = field.fieldKind === 'message' && !hasTextForm(field) && route.body === 'none';
    return nested && !outer.some(({ message }) => message === field.message)
      ? queryParameters(route, schemas, fields)
      : [];
  });
}

function queryParameter(fields: readonly DescField[], schemas: SchemaWriter): Schema {
  const { schema, required } = schemas.field(fields.at(-1)!, 'request');
  const { description, ...rest } = schema;
  const name = fields.map(({ jsonName }) => jsonName).join('.');
  return { name, in: 'query', required, description, schema: rest };
}

function requestBody({ rpc, body, variables }: Route, schemas: SchemaWriter): Schema {
  const inPath = new Set(variables.filter(({ fields }) => fields.length === 1).map(({ fields }) => fields[0]!));
  const example = exampleOf(rpc.input);
  if (body === 'whole' || body === 'none') {
    // The account of a short route is the token's: the example leaves it out, and so need callers.
    const left = new Set([
      ...[...inPath].map(({ jsonName }) => jsonName),
      ...(variables.length === 0 ? ['account'] : []),
    ]);
    const shown = Object.fromEntries(Object.entries(example).filter(([name]) => !left.has(name)));
    return { required: true, content: json(schemas.message(rpc.input, 'request', inPath), shown) };
  }
  const { schema } = schemas.field(body, 'request');
  return { required: true, content: json(schema, example[body.jsonName]) };
}

function success({ rpc, responseField }: Route, schemas: SchemaWriter): Schema {
  const example = exampleOf(rpc.output);
  if (rpc.methodKind === 'server_streaming') {
    const result = schemas.message(rpc.output, 'answer');
    const schema = { type: 'object', properties: { result, error: { $ref: '#/components/schemas/Status' } } };
    const text = `${JSON.stringify({ result: example })}\n`;
    return {
      description: 'A stream: one JSON object a line.',
      content: { [STREAM_TYPE]: { schema, example: text } },
    };
  }
  if (responseField === undefined) {
    return { description: commentOf(rpc.output), content: json(schemas.message(rpc.output, 'answer'), example) };
  }
  const { schema } = schemas.field(responseField, 'answer');
  return { description: commentOf(responseField), content: json(schema, example[responseField.jsonName]) };
}

function json(schema: Schema, example: unknown): Schema {
  return { 'application/json': { schema, example } };
}
