import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { expect } from 'chai';
import { ERRORS } from '../../src/api/errors.ts';
import { registry, service } from '../../src/api/schema.ts';
import { celKeywords } from '../../src/rest/openapi-rules.ts';
import { routesOf } from '../../src/rest/routes.ts';
import { type Served, serveGateway } from './serve.ts';

// biome-ignore lint/suspicious/noExplicitAny: a JSON document, read at many places
type Json = any;

describe('rest: the OpenAPI document', () => {
  let served: Served;
  let document: Json;
  const operation = (method: string, path: string) => document.paths[path][method];
  const operations = (): [string, Json][] =>
    Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
      Object.entries<Json>(methods).map(([method, found]): [string, Json] => [`${method} ${path}`, found]),
    );
  const resolve = (schema: Json): Json =>
    schema.$ref
      ? { ...document.components.schemas[schema.$ref.split('/').at(-1)], ...schema, $ref: undefined }
      : schema;

  before(async () => {
    served = await serveGateway();
    const response = await fetch(`${served.url}/api/openapi.json`);
    expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    document = await response.json();
  });
  after(() => served.close());

  it('is OpenAPI 3.1 with a bearer token to authorize', () => {
    expect(document.openapi).to.equal('3.1.0');
    expect(document.info.title).to.equal('Points ledger');
    expect(document.security).to.deep.equal([{ bearer: [] }]);
    expect(document.components.securitySchemes.bearer).to.include({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
    });
  });

  it('has every binding of every rpc, each under an id of its own', () => {
    const expected = routesOf(service, registry).map(
      ({ httpMethod, template }) => `${httpMethod.toLowerCase()} ${template.text}`,
    );
    expect(operations().map(([name]) => name)).to.have.members(expected);
    expect(expected).to.have.length(13);
    expect(new Set(operations().map(([, found]) => found.operationId)).size).to.equal(expected.length);
    expect(operation('post', '/spend').tags).to.deep.equal(['Short routes']);
    expect(operation('post', '/v1/accounts/{account}:spend').tags).to.deep.equal(['v1']);
  });

  it('has no reference that leads nowhere, and no type that JSON Schema does not know', () => {
    const types = ['object', 'array', 'string', 'integer', 'number', 'boolean', undefined];
    const walk = (node: Json, path: string): void => {
      if (node === null || typeof node !== 'object') return;
      if (typeof node.$ref === 'string') {
        const found = node.$ref
          .slice(2)
          .split('/')
          .reduce((at: Json, step: string) => at?.[step], document);
        expect(found, `${path}: ${node.$ref}`).to.be.an('object');
      }
      if (typeof node.type === 'string' && !path.includes('example') && !path.endsWith('/properties')) {
        expect(types.concat('http'), path).to.include(node.type);
      }
      if (Array.isArray(node.required)) expect(Object.keys(node.properties), path).to.include.members(node.required);
      if (typeof node.pattern === 'string') new RegExp(node.pattern, 'u');
      for (const [name, child] of Object.entries(node)) walk(child, `${path}/${name}`);
    };
    walk(document, '#');
  });

  it('has a path parameter for every variable, required', () => {
    for (const [name, { parameters }] of operations()) {
      const variables = [...name.matchAll(/\{(\w+)\}/g)].map(([, variable]) => variable);
      const inPath = parameters.filter((parameter: Json) => parameter.in === 'path' && parameter.required === true);
      expect(
        inPath.map((parameter: Json) => parameter.name),
        name,
      ).to.have.members(variables);
    }
  });

  it('describes everything: operations, parameters, fields and enum values', () => {
    for (const [name, { summary, description, parameters }] of operations()) {
      expect(
        [summary, description, ...parameters.map((parameter: Json) => parameter.description)],
        name,
      ).to.not.include('');
    }
    for (const [name, schema] of Object.entries<Json>(document.components.schemas)) {
      expect(schema.description, name).to.be.a('string').that.is.not.equal('');
      if (['Status', 'ErrorInfo', 'BadRequest', 'RetryInfo'].includes(name)) continue;
      for (const [field, { description }] of Object.entries<Json>(schema.properties ?? {})) {
        expect(description, `${name}.${field}`).to.be.a('string').that.is.not.equal('');
      }
    }
    expect(document.components.schemas.TransactionKind.description).to.contain(
      '`TRANSACTION_KIND_SPEND`: Points were spent',
    );
  });

  it('has the limits of buf.validate, the predefined ones too, and what is required', () => {
    const body = (path: string) => operation('post', path).requestBody.content['application/json'].schema;
    const add = body('/transactions');
    expect(add.required).to.deep.equal(['payer', 'points', 'timestamp']);
    expect(add.additionalProperties).to.equal(false);
    expect(add.properties.account.pattern).to.equal('^[A-Za-z0-9._-]{0,64}$');
    expect(add.properties.payer).to.include({ minLength: 1, maxLength: 80 });
    const payer = new RegExp(add.properties.payer.pattern, 'u');
    for (const name of ['A', 'MILLER COORS', 'é😀', '']) expect(payer.test(name), name).to.equal(true);
    for (const name of [' A', 'A ', 'A\u0000B', '\u00a0A']) expect(payer.test(name), name).to.equal(false);
    expect(add.properties.payer.description).to.contain('no leading or trailing white space');
    expect(add.properties.points).to.deep.include({ minimum: -(2 ** 53 - 1), maximum: 2 ** 53 - 1, not: { const: 0 } });
    expect(add.properties.timestamp).to.include({ type: 'string', format: 'date-time' });
    expect(add.properties.requestId.format).to.equal('uuid');
    expect(body('/spend').properties.points).to.include({ type: 'integer', minimum: 1, maximum: 2 ** 53 - 1 });
    expect(body('/spend').required).to.deep.equal(['points']);
    expect(body('/transactions/multiple')).to.include({ type: 'array', minItems: 1, maxItems: 1000 });
    expect(body('/v1/accounts/{account}:spend').properties).to.not.have.property('account');
    expect(body('/v1/accounts/{account}/transactions/{sequence}:reverse').properties.reason.maxLength).to.equal(200);
    const { parameters } = operation('get', '/v1/accounts/{account}/transactions');
    const named = (name: string) => parameters.find((parameter: Json) => parameter.name === name);
    expect(named('pageSize').schema).to.include({ type: 'integer', minimum: 0, maximum: 1000 });
    expect(named('kinds').schema.maxItems).to.equal(10);
    expect(named('kinds').schema.items.enum)
      .to.include('TRANSACTION_KIND_EARN')
      .and.not.include('TRANSACTION_KIND_UNSPECIFIED');
    expect(named('recordedFrom')).to.deep.include({ in: 'query', required: false });
  });

  it('says of every answer what is always there', () => {
    const { required } = document.components.schemas.Transaction;
    expect(required)
      .to.include.members(['account', 'points', 'payers'])
      .and.not.include('timestamp')
      .and.not.include('remaining');
    const balance = operation('get', '/balance').responses[200].content['application/json'].schema;
    expect(balance).to.deep.include({ type: 'object', additionalProperties: { type: 'integer', format: 'int64' } });
  });

  it('has request examples that the service takes', () => {
    const validator = createValidator({ registry });
    for (const { rpc, httpMethod, template, body } of routesOf(service, registry)) {
      if (body === 'none') continue;
      const found = operation(httpMethod.toLowerCase(), template.text);
      const { example } = found.requestBody.content['application/json'];
      const whole = body === 'whole' ? { ...example } : { [body.jsonName]: example };
      for (const parameter of found.parameters) if ('example' in parameter) whole[parameter.name] = parameter.example;
      const result = validator.validate(rpc.input, fromJson(rpc.input, whole, { registry }));
      expect(result.kind, `${rpc.name}: ${result.error}`).to.equal('valid');
    }
  });

  it('has answer examples with just the fields that the service would send', () => {
    for (const { rpc, httpMethod, template, responseField } of routesOf(service, registry)) {
      const { content } = operation(httpMethod.toLowerCase(), template.text).responses[200];
      const [{ example }] = Object.values<Json>(content);
      const sent = typeof example === 'string' ? JSON.parse(example).result : example;
      const whole: JsonValue = responseField === undefined ? sent : { [responseField.jsonName]: sent };
      const message = responseField === undefined ? fromJson(rpc.output, whole, { registry }) : create(rpc.output);
      if (responseField !== undefined) fromJson(rpc.output, whole, { registry });
      else
        expect(
          withNumbers(toJson(rpc.output, message, { registry, alwaysEmitImplicit: true })),
          rpc.name,
        ).to.deep.equal(whole);
    }
  });

  it('shows the seed’s flow on the short routes', () => {
    const example = (method: string, path: string) => {
      const { requestBody, responses } = operation(method, path);
      return [requestBody?.content['application/json'].example, responses[200].content['application/json'].example];
    };
    const [transaction] = example('post', '/transactions');
    expect(transaction).to.deep.equal({ payer: 'DANNON', points: 1000, timestamp: '2020-11-02T14:00:00Z' });
    expect(example('post', '/spend')).to.deep.equal([
      { points: 5000 },
      [
        { payer: 'DANNON', points: -100 },
        { payer: 'UNILEVER', points: -200 },
        { payer: 'MILLER COORS', points: -4700 },
      ],
    ]);
    expect(example('get', '/balance')[1]).to.deep.equal({ DANNON: 1000, UNILEVER: 0, 'MILLER COORS': 5300 });
  });

  it('has every error reason with an example, under its HTTP status', () => {
    for (const [reason, { http, code }] of Object.entries(ERRORS)) {
      const { value } = document.components.responses[`Error${http}`].content['application/json'].examples[reason];
      expect(value, reason).to.include({ code });
      expect(value.message, reason).to.not.equal('');
      expect(value.details[0], reason).to.include({ reason, domain: 'points-ledger' });
    }
    const examples = document.components.responses.Error400.content['application/json'].examples;
    expect(examples.INSUFFICIENT_POINTS.value.details[0].metadata).to.deep.equal({
      requested: '5000',
      available: '1300',
      shortfall: '3700',
    });
    for (const [name, { responses, requestBody }] of operations()) {
      expect(Object.keys(responses), name).to.include.members([
        '200',
        '400',
        '401',
        '403',
        '404',
        '409',
        '429',
        '500',
        '503',
      ]);
      expect('413' in responses && '415' in responses, name).to.equal(requestBody !== undefined);
    }
  });

  it('resolves a reference beside a description', () => {
    const { transaction } = operation('post', '/v1/accounts/{account}:spend').responses[200].content['application/json']
      .schema.properties;
    expect(resolve(transaction).properties).to.have.property('sequence');
  });

  it('derives keywords from the CEL of predefined rules, where they are plain', () => {
    expect(celKeywords('!rule || (1 <= size(this) && size(this) <= 80)')).to.deep.equal([
      { minLength: 1 },
      { maxLength: 80 },
    ]);
    expect(celKeywords('!rule || this != 0')).to.deep.equal([{ not: { const: 0 } }]);
    expect(celKeywords("!rule || this.matches('^a\\\\d$')")).to.deep.equal([{ pattern: '^a\\d$' }]);
    expect(celKeywords("!rule || !this.matches('\\\\p{Cc}')")).to.deep.equal([{ not: { pattern: '\\p{Cc}' } }]);
    expect(celKeywords('this < 5')).to.deep.equal([{ exclusiveMaximum: 5 }]);
    expect(celKeywords('3 > size(this)')).to.deep.equal([{ maxLength: 2 }]);
    expect(celKeywords("this.startsWith('a')")).to.deep.equal([{}]);
  });
});

/** proto3 JSON as the API writes it: 64-bit integers as numbers. */
function withNumbers(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(withNumbers);
  if (typeof json === 'string' && /^-?\d+$/.test(json)) return Number(json);
  if (json === null || typeof json !== 'object') return json;
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, withNumbers(value)]));
}
