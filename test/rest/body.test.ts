import { expect } from 'chai';
import { ApiError } from '../../src/api/errors.ts';
import { errorOf, post, type Served, serveGateway } from './serve.ts';

describe('rest: hostile and malformed bodies', () => {
  let served: Served;
  before(async () => {
    served = await serveGateway();
  });
  after(() => served.close());
  beforeEach(() => served.calls.splice(0));

  const DEEP = '['.repeat(100_000) + ']'.repeat(100_000);
  const DEEP_OBJECTS = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;

  /** What is wrong, the body of POST /transactions, and the field that the error names. */
  const refused: [string, string | Uint8Array, string][] = [
    ['nothing at all', '', 'body'],
    ['white space alone', ' \n', 'body'],
    ['JSON cut off', '{"payer":"A"', 'body'],
    ['JSON with more after it', '{"payer":"A"}{}', 'body'],
    ['a trailing comma', '{"payer":"A",}', 'body'],
    ['single quotes', "{'payer':'A'}", 'body'],
    ['a comment', '{"payer":"A"/* */}', 'body'],
    ['a bare NaN', '{"points":NaN}', 'body'],
    ['null', 'null', 'body'],
    ['a string', '"payer"', 'body'],
    ['a number', '5', 'body'],
    ['true', 'true', 'body'],
    ['an array', '[{"payer":"A"}]', 'body'],
    ['100,000 arrays inside each other', DEEP, 'body'],
    ['100,000 arrays in a field', `{"payer":${DEEP}}`, 'payer'],
    ['100,000 objects inside each other', DEEP_OBJECTS, 'a'],
    ['100,000 objects in a field', `{"timestamp":${DEEP_OBJECTS}}`, 'timestamp'],
    ['100,000 open brackets', '['.repeat(100_000), 'body'],
    ['a byte order mark', Buffer.from('\ufeff{"payer":"A"}'), 'body'],
    ['UTF-16', Buffer.from('{"payer":"A"}', 'utf16le'), 'body'],
    ['Latin-1', Buffer.from('{"payer":"Caf\xe9"}', 'latin1'), 'body'],
    ['overlong UTF-8', Buffer.from('{"payer":"\xc0\xaf"}', 'latin1'), 'body'],
    ['an encoded surrogate', Buffer.from('{"payer":"\xed\xa0\x80"}', 'latin1'), 'body'],
    ['a lone surrogate', '{"payer":"\\ud800"}', 'payer'],
    ['a lone low surrogate', '{"payer":"x\\udc00y"}', 'payer'],
    ['an unknown field', '{"payer":"A","amount":5}', 'amount'],
    ['__proto__', '{"__proto__":{"payer":"A"}}', '__proto__'],
    ['constructor', '{"constructor":1}', 'constructor'],
    ['a field in another case', '{"Payer":"A"}', 'Payer'],
    ['a field twice', '{"points":1,"points":2}', 'points'],
    ['a field twice, escaped', '{"points":1,"p\\u006fints":2}', 'points'],
    ['a field by both its names', '{"requestId":"","request_id":""}', 'request_id'],
    ['points as a word', '{"points":"many"}', 'points'],
    ['points as "NaN"', '{"points":"NaN"}', 'points'],
    ['points as "Infinity"', '{"points":"Infinity"}', 'points'],
    ['points as ""', '{"points":""}', 'points'],
    ['points as " 5"', '{"points":" 5"}', 'points'],
    ['points as "0x10"', '{"points":"0x10"}', 'points'],
    ['points as "1e3"', '{"points":"1e3"}', 'points'],
    ['points as true', '{"points":true}', 'points'],
    ['points as an array', '{"points":[5]}', 'points'],
    ['points as an object', '{"points":{}}', 'points'],
    ['half a point', '{"points":0.5}', 'points'],
    ['points that would be rounded', '{"points":9007199254740990.9}', 'points'],
    ['points that would be rounded to one', '{"points":0.99999999999999999999}', 'points'],
    ['points past int64', '{"points":9223372036854775808}', 'points'],
    ['points past int64 as a string', '{"points":"9223372036854775808"}', 'points'],
    ['points past int64, negative', '{"points":"-9223372036854775809"}', 'points'],
    ['points of 1,000 digits', `{"points":"${'9'.repeat(1000)}"}`, 'points'],
    ['points of 1e400', '{"points":1e400}', 'points'],
    ['a payer that is a number', '{"payer":5}', 'payer'],
    ['a payer that is an object', '{"payer":{"name":"A"}}', 'payer'],
    ['a flag that is a string', '{"validateOnly":"true"}', 'validate_only'],
    ['a flag that is a number', '{"validate_only":1}', 'validate_only'],
    ['a time that is a number', '{"timestamp":1604325600}', 'timestamp'],
    ['a time that is an object', '{"timestamp":{"seconds":1}}', 'timestamp'],
    ['a time without a zone', '{"timestamp":"2020-11-02T14:00:00"}', 'timestamp'],
    ['a date', '{"timestamp":"2020-11-02"}', 'timestamp'],
    ['February 30', '{"timestamp":"2021-02-30T00:00:00Z"}', 'timestamp'],
    ['February 29 of no leap year', '{"timestamp":"2021-02-29T00:00:00Z"}', 'timestamp'],
    ['month 13', '{"timestamp":"2020-13-02T14:00:00Z"}', 'timestamp'],
    ['24:00', '{"timestamp":"2020-11-02T24:00:00Z"}', 'timestamp'],
    ['second 60', '{"timestamp":"2020-11-02T14:00:60Z"}', 'timestamp'],
    ['an offset of 24 hours', '{"timestamp":"2020-11-02T14:00:00+24:00"}', 'timestamp'],
    ['the year 0', '{"timestamp":"0000-11-02T14:00:00Z"}', 'timestamp'],
    ['the year 10000 by its offset', '{"timestamp":"9999-12-31T23:59:59-00:01"}', 'timestamp'],
    ['white space around a time', '{"timestamp":" 2020-11-02T14:00:00Z"}', 'timestamp'],
  ];
  for (const [what, body, field] of refused) {
    it(`${what}: 400 that names ${field}`, async () => {
      const { http, code, reason, fields, message } = await errorOf(await post(`${served.url}/transactions`, body));
      expect({ http, code, reason, fields }, message).to.deep.equal({
        http: 400,
        code: 3,
        reason: 'INVALID_REQUEST',
        fields: [field],
      });
      expect(served.calls).to.deep.equal([]);
    });
  }

  it('points past 2^53 reach the rules of the protos, which refuse them, as more than 2^53', async () => {
    await post(`${served.url}/transactions`, '{"points":9007199254740993}');
    const [call] = served.calls.splice(0);
    expect((call?.request as { points?: string } | undefined)?.points).to.equal('9007199254740992');
  });

  /** The body of POST /transactions/multiple, and the field that the error names. */
  const refusedLists: [string, string][] = [
    ['{}', 'transactions'],
    ['"x"', 'transactions'],
    ['[5]', 'transactions[0]'],
    ['[{},null]', 'transactions[1]'],
    ['[[]]', 'transactions[0]'],
    ['[{},{"points":"x"}]', 'transactions[1].points'],
    ['[{},{"timestamp":"yesterday"}]', 'transactions[1].timestamp'],
    ['[{},{},{"account":"alice"}]', 'transactions[2].account'],
    ['[{"payer":"A"},{"payer":"A","points":1,"payer":"B"}]', 'transactions[1].payer'],
    ['[{"points":1},{"points":1.00000000000000000001}]', 'transactions[1].points'],
    ['[],"account":"bob"', 'body'],
    [DEEP, 'transactions[0]'],
  ];
  for (const [body, field] of refusedLists) {
    it(`a list ${body.slice(0, 40)}: 400 that names ${field}`, async () => {
      const { http, fields } = await errorOf(await post(`${served.url}/transactions/multiple`, body));
      expect({ http, fields }).to.deep.equal({ http: 400, fields: [field] });
    });
  }

  it('names an element of a list inside the whole request', async () => {
    const url = `${served.url}/v1/accounts/a/transactions:batchAdd`;
    const { fields } = await errorOf(await post(url, { transactions: [{}, { points: 'x' }] }));
    expect(fields).to.deep.equal(['transactions[1].points']);
    const twice = await errorOf(await post(url, '{"transactions":[{"payer":"a"},{"payer":"b","payer":"c"}]}'));
    expect(twice.fields).to.deep.equal(['transactions[1].payer']);
  });

  const accepted: [string, string, object][] = [
    ['nothing set', '{}', {}],
    ['null for a field', '{"payer":null,"points":null,"timestamp":null}', {}],
    ['snake_case', '{"request_id":"x","validate_only":true}', { requestId: 'x', validateOnly: true }],
    ['camelCase', '{"requestId":"x","validateOnly":true}', { requestId: 'x', validateOnly: true }],
    ['points as a string', '{"points":"-5"}', { points: '-5' }],
    ['points as 1e3', '{"points":1e3}', { points: '1000' }],
    ['points as 5.0', '{"points":5.0}', { points: '5' }],
    ['points at the cap', '{"points":-9007199254740991}', { points: '-9007199254740991' }],
    ['points past 2^53 as a string', '{"points":"9007199254740993"}', { points: '9007199254740993' }],
    ['escapes', '{"payer":"\\u00e9\\ud83d\\ude00\\\\\\""}', { payer: 'é😀\\"' }],
    ['UTF-8', '{"payer":"é😀"}', { payer: 'é😀' }],
    ['an offset', '{"timestamp":"2020-11-02T14:00:00.5+05:30"}', { timestamp: '2020-11-02T08:30:00.500Z' }],
    ['nanoseconds', '{"timestamp":"1969-12-31T23:59:59.000000001Z"}', { timestamp: '1969-12-31T23:59:59.000000001Z' }],
    ['the first moment', '{"timestamp":"0001-01-01T00:00:00Z"}', { timestamp: '0001-01-01T00:00:00Z' }],
    [
      'the last moment',
      '{"timestamp":"9999-12-31T23:59:59.999999999Z"}',
      { timestamp: '9999-12-31T23:59:59.999999999Z' },
    ],
    ['a leap day', '{"timestamp":"2020-02-29T00:00:00Z"}', { timestamp: '2020-02-29T00:00:00Z' }],
  ];
  for (const [what, body, request] of accepted) {
    it(`takes ${what}`, async () => {
      expect((await post(`${served.url}/v1/accounts/a/transactions`, body)).status).to.equal(200);
      expect(served.calls.map((call) => call.request)).to.deep.equal([{ account: 'a', ...request }]);
    });
  }

  for (const [type, encoding] of [
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/json; charset=utf-16'],
    ['application/jsonp'],
    ['application/json, text/plain'],
    ['multipart/form-data; boundary=x'],
    ['application/json', 'gzip'],
    ['application/json', 'br'],
    ['application/json', 'identity, gzip'],
  ]) {
    it(`${type}${encoding ? ` encoded as ${encoding}` : ''}: 415`, async () => {
      const headers = { 'content-type': type, ...(encoding && { 'content-encoding': encoding }) };
      const { http, reason, fields, metadata } = await errorOf(await post(`${served.url}/spend`, '{}', headers));
      expect({ http, reason, fields }).to.deep.equal({ http: 415, reason: 'NOT_JSON', fields: ['body'] });
      expect(metadata).to.include({ content_type: type });
    });
  }

  for (const type of ['application/json', 'Application/JSON;charset=UTF-8', 'application/json; charset="utf-8"']) {
    it(`takes ${type}`, async () => {
      const headers = { 'content-type': type, 'content-encoding': 'identity' };
      expect((await post(`${served.url}/v1/accounts/a:spend`, '{}', headers)).status).to.equal(200);
    });
  }

  it('a caller without a good token learns that before anything about the body', async () => {
    const strict = await serveGateway(
      {},
      {
        api: {
          async authorize(_method, { authorization }) {
            if (authorization !== 'Bearer good') throw new ApiError('TOKEN_MISSING', 'the token is missing');
          },
        },
      },
    );
    try {
      expect((await post(`${strict.url}/spend`, '{')).status).to.equal(401);
      expect((await post(`${strict.url}/spend`, 'x', { 'content-type': 'text/plain' })).status).to.equal(401);
      expect((await post(`${strict.url}/spend`, '{', { authorization: 'Bearer good' })).status).to.equal(400);
    } finally {
      await strict.close();
    }
  });
});
