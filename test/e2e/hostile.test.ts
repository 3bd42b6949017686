import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { service } from '../../src/api/schema.ts';
import { connectClient, failure, type TestClient, toText } from '../support/client.ts';
import { curl, type Rest, restClient, statusOf } from '../support/rest.ts';
import { unchanged } from '../support/rows.ts';
import { AUTH_SECRET } from '../support/server.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

const T = '2020-01-01T00:00:00Z';

describe('hostile input', () => {
  let servers: TwoServers;
  let account: string;
  let rest: Rest;
  let client: TestClient;
  before(async () => {
    servers = await twoServers();
    account = newAccount('hostile');
    const token = await servers.one.token(account);
    rest = restClient(servers.one.httpUrl, token);
    client = connectClient(servers.one.grpcAddress, token);
    await client.addTransaction({ payer: 'A', points: 1000, timestamp: T });
  });
  after(() => {
    client?.close();
  });

  it('timestamps and sequences past 2^53 on the wire name the field', async () => {
    const far = create(TimestampSchema, { seconds: 2n ** 53n });
    const CASES = [
      ['addTransaction', { payer: 'A', points: 1n, timestamp: far }, 'timestamp'],
      [
        'batchAddTransactions',
        {
          transactions: [
            { payer: 'A', points: 1n, timestamp: create(TimestampSchema) },
            { payer: 'A', points: 1n, timestamp: far },
          ],
        },
        'transactions[1].timestamp',
      ],
      ['getBalance', { asOf: far }, 'as_of'],
      ['listTransactions', { recordedUntil: create(TimestampSchema, { seconds: -(2n ** 63n) }) }, 'recorded_until'],
      ['getTransaction', { sequence: 2n ** 62n }, 'sequence'],
    ] as const;
    const raw = new Client(servers.one.grpcAddress, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await servers.one.token(account)}`);
    for (const [name, fields, field] of CASES) {
      const { input, name: method } = service.methods.find(({ localName }) => localName === name)!;
      const request = Buffer.from(toBinary(input, create(input, fields as never)));
      const error = await new Promise<ServiceError | null>((resolve) => {
        const same = (value: Buffer) => value;
        raw.makeUnaryRequest(`/${service.typeName}/${method}`, same, same, request, metadata, resolve);
      });
      expect(error, name).to.include({ code: status.INVALID_ARGUMENT });
      expect(error?.details, name).to.match(new RegExp(`^${field.replace(/[[\]]/g, '\\$&')}: must be `));
    }
    raw.close();
  });

  describe('bodies', () => {
    const nested = (depth: number) => `{"points":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const points = (text: string) => `{"points":${text}}`;
    const BODIES: readonly [string, string, string | Buffer][] = [
      ['nothing', 'body', ''],
      ['white space', 'body', ' '],
      ['null', '', 'null'],
      ['a number', '', '5'],
      ['a list', '', '[]'],
      ['half a JSON', 'body', '{"points":'],
      ['two JSONs', 'body', '{"points":1}{"points":1}'],
      ['a trailing comma', 'body', '{"points":1,}'],
      ['a comment', 'body', '{"points":1/* */}'],
      ['single quotes', 'body', "{'points':1}"],
      ['lists 100,000 deep', 'points', nested(100_000)],
      ['lists 500,000 deep, not closed', 'body', `{"points":${'['.repeat(500_000)}`],
      ['bytes that are not UTF-8', 'body', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
      ['the field twice', 'points', '{"points":1,"points":2}'],
      ['an unknown field', 'admin', '{"points":1,"admin":true}'],
      ['__proto__', '__proto__', '{"points":1,"__proto__":{"validateOnly":true}}'],
      ['constructor', 'constructor', '{"points":1,"constructor":{}}'],
      ['NaN', 'body', points('NaN')],
      ['Infinity', 'body', points('Infinity')],
      ['1e400', 'points', points('1e400')],
      ['-1e400', 'points', points('-1e400')],
      ['0', 'points', points('0')],
      ['-0', 'points', points('-0')],
      ['-1', 'points', points('-1')],
      ['0.5', 'points', points('0.5')],
      ['1.0000000000000002', 'points', points('1.0000000000000002')],
      ['2^53', 'points', points('9007199254740992')],
      ['-2^53', 'points', points('-9007199254740992')],
      ['2^53 + 1, which doubles would round', 'points', points('9007199254740993')],
      ['2^63', 'points', points('9223372036854775808')],
      ['2^64 + 1, which would wrap to 1', 'points', points('18446744073709551617')],
      ['a hexadecimal', 'body', points('0x10')],
      ['a leading zero', 'body', points('010')],
      ['a hexadecimal text', 'points', points('"0x10"')],
      ['an empty text', 'points', points('""')],
      ['text with a space', 'points', points('" 1"')],
      ['a word', 'points', points('"all"')],
      ['true', 'points', points('true')],
      ['null points', 'points', points('null')],
      ['an object', 'points', points('{}')],
      ['a list of one', 'points', points('[1]')],
    ];
    for (const [name, field, body] of BODIES) {
      it(`POST /spend with ${name}: 400 that names ${field || 'the body'}`, async () => {
        const answer = await unchanged(servers.tables, account, () => rest({ path: '/spend', body }));
        const said = statusOf(answer);
        expect(said, answer.text).to.include({ http: 400 });
        expect(said.reason).to.be.oneOf(['INVALID_REQUEST', 'POINTS_OUT_OF_RANGE']);
        expect(said.fields).to.have.length(1);
        if (field !== '') expect(said.fields).to.eql([field]);
      });
    }

    it('20 MB of body: 413, from curl as well, and the server lives on', async () => {
      const answer = await unchanged(servers.tables, account, () =>
        rest({ path: '/spend', body: ' '.repeat(20_000_000) }),
      );
      expect(statusOf(answer)).to.include({ http: 413, reason: 'REQUEST_TOO_LARGE' });
      const chunked = await curl(
        ...['-o', '/dev/null', '-w', '%{http_code}', '-H', 'transfer-encoding: chunked', '-H', 'expect:'],
        ...['-H', 'content-type: application/json', '-H', `authorization: Bearer ${await servers.one.token(account)}`],
        ...['--data-binary', ' '.repeat(100_000), `${servers.one.httpUrl}/spend`],
      );
      expect(chunked, 'a small one in chunks is judged as JSON').to.equal('400');
      expect((await rest({ path: '/balance' })).status).to.equal(200);
    });

    it('a thousand transactions of the longest payers fit; a thousand and one do not', async () => {
      const own = newAccount('large');
      const mine = restClient(servers.one.httpUrl, await servers.one.token(own));
      const payer = '\u{1F600}'.repeat(80);
      const many = (count: number) => Array.from({ length: count }, () => ({ payer, points: 1, timestamp: T }));
      const refused = await mine({ path: '/transactions/multiple', body: many(1001) });
      expect(statusOf(refused)).to.deep.include({ http: 400, fields: ['transactions'] });
      const stored = await mine({ path: '/transactions/multiple', body: many(1000) });
      expect(stored.status, stored.text.slice(0, 200)).to.equal(200);
      expect((await mine({ path: '/balance' })).json).to.eql({ [payer]: 1000 });
    });
  });

  describe('protobuf', () => {
    const text = (field: number, bytes: Buffer) =>
      Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes]);
    const MESSAGES: readonly [string, Buffer, string][] = [
      ['a cut varint', Buffer.from([0x10, 0xff]), 'request'],
      ['a field longer than the message', Buffer.from([0x0a, 0x7f, 0x61]), 'request'],
      ['random bytes', Buffer.from('ffffffffffffffffff', 'hex'), 'request'],
      ['an account that is not UTF-8', text(1, Buffer.from([0xff, 0xfe])), 'request'],
      ['an account with a surrogate in UTF-8', text(1, Buffer.from([0xed, 0xa0, 0x80])), 'request'],
      ['2^63-1 points', Buffer.from('10ffffffffffffffff7f', 'hex'), 'points'],
      ['-2^63 points', Buffer.from('1080808080808080808001', 'hex'), 'points'],
    ];
    for (const [name, bytes, field] of MESSAGES) {
      it(`${name}: refused, naming ${field}`, async () => {
        const error = await unchanged(servers.tables, account, () => failure(client.raw('spendPoints', bytes)));
        expect(error.code).to.be.oneOf(['INVALID_ARGUMENT', 'OUT_OF_RANGE']);
        expect(error.violations.map((violation) => violation.field)).to.eql([field]);
      });
    }

    it('without a token the same bytes are UNAUTHENTICATED', async () => {
      const error = await failure(client.raw('spendPoints', Buffer.from([0x10, 0xff]), { token: '' }));
      expect(error).to.include({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' });
    });

    it('fields of a newer client are passed over', async () => {
      const bytes = Buffer.concat([
        Buffer.from('100a', 'hex'),
        Buffer.from('f8ff0101', 'hex'),
        Buffer.from('2001', 'hex'),
      ]);
      await unchanged(servers.tables, account, () => client.raw('spendPoints', bytes));
    });
  });

  describe('payers', () => {
    const TAKEN: readonly [string, string][] = [
      ['an emoji', '\u{1F600}'],
      ['a family of emoji', '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}'],
      ['quotes', `O'Neil "the" \`best\``],
      ['SQL', "'; DROP TABLE transactions; -- " + 'x'],
      ['a backslash', '\\'],
      ['backslash and quote', "\\' OR 1=1 #"],
      ['a question mark', 'who? :name ?? $1'],
      ['__proto__', '__proto__'],
      ['constructor', 'constructor'],
      ['hasOwnProperty', 'hasOwnProperty'],
      ['digits', '0'],
      ['markup', '<script>alert(1)</script>'],
      ['a percent sign', '%'],
      ['a no-break space inside', 'A\u00a0B'],
      ['80 letters', 'x'.repeat(80)],
      ['80 emoji', '\u{1F600}'.repeat(80)],
      ['Arabic', 'شركة'],
      ['lower case', 'ada'],
      ['upper case', 'ADA'],
      ['composed', '\u00c9va'],
      ['decomposed', 'E\u0301va'],
      ['sharp s', 'stra\u00dfe'],
      ['double s', 'strasse'],
      ['full width', '\uff21'],
      ['an ideographic zero-width character', 'A\u200b'],
      ['a byte order mark, which is no white space', '\ufeffA'],
      ['the same without it', 'A'],
    ];
    it('come back as they were sent, each apart from all others, in order, by both transports', async () => {
      const own = newAccount('payers');
      const token = await servers.one.token(own);
      const [grpc, http] = [connectClient(servers.one.grpcAddress, token), restClient(servers.one.httpUrl, token)];
      for (const [index, [name, payer]] of TAKEN.entries()) {
        const points = index + 1;
        if (index % 2 === 0) {
          const { transaction } = await grpc.addTransaction({ payer, points, timestamp: T });
          expect(transaction?.payer, name).to.equal(payer);
        } else {
          const answer = await http({ path: '/transactions', body: { payer, points, timestamp: T } });
          expect(answer.status, `${name}: ${answer.text}`).to.equal(200);
          expect((answer.json as { payer: string }).payer, name).to.equal(payer);
        }
      }
      const expected = TAKEN.map(([, payer], index) => [payer, index + 1]);
      const order = (pairs: [string, number][]) => pairs.map(([payer, points]) => [payer, points]);
      expect(order([...(await grpc.getBalance()).payers])).to.eql(expected);
      const json = (await http({ path: '/balance' })).text;
      expect(json).to.equal(`{${TAKEN.map(([, payer], index) => `${JSON.stringify(payer)}:${index + 1}`).join(',')}}`);
      for (const [index, [name, payer]] of TAKEN.entries()) {
        const { transactions } = await grpc.listTransactions({ payer });
        expect(
          transactions.map(({ points }) => points),
          name,
        ).to.eql([index + 1]);
      }
      grpc.close();
    });

    const REFUSED: readonly [string, string][] = [
      ['empty', ''],
      ['81 letters', 'x'.repeat(81)],
      ['81 emoji', '\u{1F600}'.repeat(81)],
      ['a leading space', ' A'],
      ['a trailing space', 'A '],
      ['only a space', ' '],
      ['a leading no-break space', '\u00a0A'],
      ['a trailing no-break space', 'A\u00a0'],
      ['a leading ideographic space', '\u3000A'],
      ['a trailing ideographic space', 'A\u3000'],
      ['a trailing line separator', 'A\u2028'],
      ['a tab', 'A\tB'],
      ['a newline', 'A\nB'],
      ['a zero byte', 'A\0B'],
      ['DEL', 'A\x7fB'],
      ['a C1 control', 'A\x85B'],
    ];
    for (const [name, payer] of REFUSED) {
      it(`${name}: refused by both transports, never trimmed`, async () => {
        const body = { payer, points: 1, timestamp: T };
        const error = await unchanged(servers.tables, account, () => failure(client.addTransaction(body)));
        expect(error.violations.map(({ field }) => field)).to.include('payer');
        const answer = await unchanged(servers.tables, account, () => rest({ path: '/transactions', body }));
        expect(statusOf(answer)).to.deep.include({ http: 400, fields: ['payer'] });
      });
    }

    for (const lone of ['"\\ud800"', '"A\\udc00B"', '"\\udc00\\ud800"']) {
      it(`the lone surrogate ${lone}: 400`, async () => {
        const body = `{"payer":${lone},"points":1,"timestamp":"${T}"}`;
        const answer = await unchanged(servers.tables, account, () => rest({ path: '/transactions', body }));
        expect(statusOf(answer)).to.deep.include({ http: 400, fields: ['payer'] });
      });
    }

    for (const payer of [5, true, null, {}, ['A']]) {
      it(`${JSON.stringify(payer)} is no payer: 400`, async () => {
        const body = { payer, points: 1, timestamp: T };
        const answer = await unchanged(servers.tables, account, () => rest({ path: '/transactions', body }));
        expect(statusOf(answer)).to.deep.include({ http: 400, fields: ['payer'] });
      });
    }
  });

  describe('timestamps', () => {
    const TAKEN: readonly [string, string][] = [
      ['2020-10-31T10:00:00Z', '2020-10-31T10:00:00Z'],
      ['2020-10-31T10:00:00+05:30', '2020-10-31T04:30:00Z'],
      ['2020-10-31T23:00:00-02:00', '2020-11-01T01:00:00Z'],
      ['2020-10-31T10:00:00.5Z', '2020-10-31T10:00:00.500Z'],
      ['2020-10-31T10:00:00.123456Z', '2020-10-31T10:00:00.123456Z'],
      ['2020-10-31T10:00:00.1234567Z', '2020-10-31T10:00:00.123456Z'],
      ['2020-10-31T10:00:00.999999999Z', '2020-10-31T10:00:00.999999Z'],
      ['2020-10-31t10:00:00.99999999999999999999z', '2020-10-31T10:00:00.999999Z'],
      ['1969-12-31T23:59:59.999999999Z', '1969-12-31T23:59:59.999999Z'],
      ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
      ['1000-01-01T00:00:00.000001Z', '1000-01-01T00:00:00.000001Z'],
      ['2020-02-29T00:00:00Z', '2020-02-29T00:00:00Z'],
      ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00Z'],
    ];
    for (const [sent, stored] of TAKEN) {
      it(`${sent} is stored as ${stored}`, async () => {
        const body = { payer: 'A', points: 1, timestamp: sent };
        const answer = await rest({ path: '/transactions', body });
        expect(answer.json, answer.text).to.include({ timestamp: stored });
        const { sequence } = answer.json as { sequence: number };
        const read = await client.getTransaction({ sequence });
        const [whole, digits = ''] = stored.slice(0, -1).split('.');
        expect(toText(read.transaction?.timestamp)).to.equal(`${whole}.${digits.padEnd(9, '0')}Z`);
      });
    }

    const ahead = (ms: number) => new Date(Date.now() + ms).toISOString();
    const REFUSED: readonly [string, () => unknown][] = [
      ['missing', () => undefined],
      ['null', () => null],
      ['empty', () => ''],
      ['a number', () => 1604138400],
      ['a date', () => '2020-10-31'],
      ['without an offset', () => '2020-10-31T10:00:00'],
      ['with a space', () => '2020-10-31 10:00:00Z'],
      ['with an offset without a colon', () => '2020-10-31T10:00:00+0100'],
      ['with an offset of 24 hours', () => '2020-10-31T10:00:00+24:00'],
      ['a leap second', () => '2016-12-31T23:59:60Z'],
      ['hour 24', () => '2020-10-31T24:00:00Z'],
      ['minute 60', () => '2020-10-31T10:60:00Z'],
      ['February 29 of 2021', () => '2021-02-29T00:00:00Z'],
      ['February 29 of 1900', () => '1900-02-29T00:00:00Z'],
      ['February 30', () => '2020-02-30T00:00:00Z'],
      ['month 13', () => '2020-13-01T00:00:00Z'],
      ['year 0', () => '0000-01-01T00:00:00Z'],
      ['before year 1 by its offset', () => '0001-01-01T00:00:00+00:01'],
      ['year 9999', () => '9999-12-31T23:59:59.999999Z'],
      ['year 10000', () => '10000-01-01T00:00:00Z'],
      ['year 275761', () => '+275761-01-01T00:00:00Z'],
      ['6 minutes ahead', () => ahead(6 * 60_000)],
      ['a word', () => 'yesterday'],
    ];
    for (const [name, timestamp] of REFUSED) {
      it(`${name}: 400`, async () => {
        const body = { payer: 'A', points: 1, timestamp: timestamp() };
        const answer = await unchanged(servers.tables, account, () => rest({ path: '/transactions', body }));
        expect(statusOf(answer)).to.deep.include({ http: 400, reason: 'INVALID_REQUEST', fields: ['timestamp'] });
      });
    }

    it('4 minutes ahead is taken: clocks differ', async () => {
      const body = { payer: 'A', points: 1, timestamp: ahead(4 * 60_000) };
      expect((await rest({ path: '/transactions', body })).status).to.equal(200);
    });

    const SECONDS: readonly [string, { seconds: number; nanos: number }][] = [
      ['before year 1', { seconds: -62_135_596_801, nanos: 0 }],
      ['after year 9999', { seconds: 253_402_300_800, nanos: 0 }],
      ['negative nanoseconds', { seconds: 0, nanos: -1 }],
      ['a whole second of nanoseconds', { seconds: 0, nanos: 1_000_000_000 }],
      ['2^53 - 1 seconds', { seconds: Number.MAX_SAFE_INTEGER, nanos: 0 }],
    ];
    for (const [name, timestamp] of SECONDS) {
      it(`over gRPC, ${name}: INVALID_ARGUMENT`, async () => {
        const request = { payer: 'A', points: 1, timestamp: timestamp as never };
        const error = await unchanged(servers.tables, account, () => failure(client.addTransaction(request)));
        expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
        expect(error.violations[0]?.field).to.match(/^timestamp/);
      });
    }
  });

  describe('accounts', () => {
    const NAMES = ['a b', 'a/b', 'é', "a'b", 'x'.repeat(65), '\0', 'a\n', '*', '{a}', '\u{1F600}'];
    for (const name of NAMES) {
      it(`${JSON.stringify(name)}: INVALID_REQUEST over both transports`, async () => {
        const token = await servers.one.serviceToken(['read']);
        const error = await failure(client.getBalance({ account: name }, { token }));
        expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
        expect(error.violations.map(({ field }) => field)).to.eql(['account']);
        const http = restClient(servers.one.httpUrl, token);
        const answer = await http({ path: `/v1/accounts/${encodeURIComponent(name)}/balance` });
        expect(statusOf(answer)).to.deep.include({ http: 400, fields: ['account'] });
      });
    }

    it('64 characters of all kinds are a name; letters that differ in case are two accounts', async () => {
      const token = await servers.one.serviceToken(['read', 'earn']);
      const name = newAccount('Az09._-').padEnd(64, 'x');
      await client.addTransaction({ account: name, payer: 'A', points: 1, timestamp: T }, { token });
      expect((await client.getBalance({ account: name }, { token })).points).to.equal(1);
      expect((await client.getBalance({ account: name.toLowerCase() }, { token })).points).to.equal(0);
    });

    for (const name of ['', 'me']) {
      it(`${JSON.stringify(name)} of a service token: INVALID_REQUEST, it has no own`, async () => {
        const error = await failure(
          client.getBalance({ account: name }, { token: await servers.one.serviceToken(['read']) }),
        );
        expect(error).to.include({ reason: 'INVALID_REQUEST' });
        expect(error.violations.map(({ field }) => field)).to.eql(['account']);
      });
    }
  });

  describe('tokens', () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: 'alice', iat: now, exp: now + 3600 };
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    function hmac(body: object, { alg = 'HS256', hash = 'sha256', secret = AUTH_SECRET } = {}): string {
      const text = `${part({ alg, typ: 'JWT' })}.${part(body)}`;
      return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
    }
    function rsa(): string {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
      return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
    }
    const good = hmac(claims);
    const bearer = (token: string) => `Bearer ${token}`;
    const [header, body, signature] = good.split('.') as [string, string, string];
    const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));

    const REFUSED: readonly [string, string | undefined, string][] = [
      ['no header', undefined, 'TOKEN_MISSING'],
      ['an empty header', '', 'TOKEN_MISSING'],
      ['no scheme', good, 'TOKEN_MISSING'],
      ['another scheme', `Basic ${good}`, 'TOKEN_MISSING'],
      ['only the scheme', 'Bearer', 'TOKEN_MISSING'],
      ['two tokens', `Bearer ${good} ${good}`, 'TOKEN_MISSING'],
      ['a word', bearer('x'), 'TOKEN_INVALID'],
      ['expired a second ago', bearer(hmac({ ...claims, exp: now - 1 })), 'TOKEN_INVALID'],
      ['not valid yet', bearer(hmac({ ...claims, nbf: now + 600 })), 'TOKEN_INVALID'],
      ['without an expiry', bearer(hmac(without('exp'))), 'TOKEN_INVALID'],
      ['with an expiry that is text', bearer(hmac({ ...claims, exp: 'never' })), 'TOKEN_INVALID'],
      ['without a subject', bearer(hmac(without('sub'))), 'TOKEN_INVALID'],
      ['with the subject me', bearer(hmac({ ...claims, sub: 'me' })), 'TOKEN_INVALID'],
      ['with an empty subject', bearer(hmac({ ...claims, sub: '' })), 'TOKEN_INVALID'],
      ['with a subject that is no account', bearer(hmac({ ...claims, sub: "a' OR 1" })), 'TOKEN_INVALID'],
      ['with a subject that is a number', bearer(hmac({ ...claims, sub: 5 })), 'TOKEN_INVALID'],
      ['signed with another secret', bearer(hmac(claims, { secret: 'x'.repeat(32) })), 'TOKEN_INVALID'],
      ['signed with an empty secret', bearer(hmac(claims, { secret: '' })), 'TOKEN_INVALID'],
      ['alg none', bearer(`${part({ alg: 'none', typ: 'JWT' })}.${body}.`), 'TOKEN_INVALID'],
      ['alg None', bearer(`${part({ alg: 'None', typ: 'JWT' })}.${body}.${signature}`), 'TOKEN_INVALID'],
      ['alg HS512 by the same secret', bearer(hmac(claims, { alg: 'HS512', hash: 'sha512' })), 'TOKEN_INVALID'],
      ['alg RS256', bearer(rsa()), 'TOKEN_INVALID'],
      ['without its signature', bearer(`${header}.${body}.`), 'TOKEN_INVALID'],
      ['with another body', bearer(`${header}.${part({ ...claims, sub: 'bob' })}.${signature}`), 'TOKEN_INVALID'],
      ['with a critical header', bearer(critical()), 'TOKEN_INVALID'],
      ['of 8,000 characters', bearer('x'.repeat(8000)), 'TOKEN_INVALID'],
    ];
    function critical(): string {
      const text = `${part({ alg: 'HS256', crit: ['x'], x: 1 })}.${part(claims)}`;
      return `${text}.${createHmac('sha256', AUTH_SECRET).update(text).digest('base64url')}`;
    }
    for (const [name, authorization, reason] of REFUSED) {
      it(`${name}: 401 ${reason}`, async () => {
        const anonymous = restClient(servers.one.httpUrl, '');
        const answer = await anonymous({ path: '/balance', headers: { authorization } });
        expect(statusOf(answer), answer.text).to.include({ http: 401, reason });
      });
    }

    it('a good one is good, however the scheme is spelled', async () => {
      for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
        const answer = await restClient(
          servers.one.httpUrl,
          '',
        )({
          path: '/balance',
          headers: { authorization: `${scheme} ${good}` },
        });
        expect(answer.status, answer.text).to.equal(200);
      }
    });

    it('100 kB of token: refused, and the server lives on', async () => {
      const answer = await fetch(`${servers.one.httpUrl}/balance`, {
        headers: { authorization: bearer('x'.repeat(100_000)) },
      });
      expect(answer.status).to.be.oneOf([401, 431]);
      const grpc = connectClient(servers.one.grpcAddress, 'x'.repeat(8000));
      expect(await failure(grpc.getBalance())).to.include({ code: 'UNAUTHENTICATED' });
      grpc.close();
      expect((await rest({ path: '/balance' })).status).to.equal(200);
    });

    it('a token that was good is refused from the second it expires', async () => {
      const token = hmac({ ...claims, exp: Math.floor(Date.now() / 1000) + 2 });
      const http = restClient(servers.one.httpUrl, token);
      expect((await http({ path: '/balance' })).status).to.equal(200);
      const deadline = Date.now() + 20_000;
      while ((await http({ path: '/balance' })).status === 200) expect(Date.now()).to.be.below(deadline);
      expect(statusOf(await http({ path: '/balance' }))).to.include({ http: 401, reason: 'TOKEN_INVALID' });
    });
  });
});
