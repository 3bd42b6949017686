import { expect } from 'chai';
import { ApiError, ERRORS, type Reason } from '../../src/api/errors.ts';
import { registry } from '../../src/api/schema.ts';
import { jsonWriter } from '../../src/rest/json-writer.ts';
import { emptyAnswer, errorOf, type Served, serveGateway } from './serve.ts';

const write = (type: string, fields: object = {}) => {
  const message = registry.getMessage(`points.v1.${type}`)!;
  return jsonWriter(message)({ ...emptyAnswer(message), ...fields });
};

describe('rest: answers', () => {
  it('have every field, empty ones too; messages and optional fields where they are set', () => {
    expect(write('Transaction')).to.equal(
      '{"account":"","sequence":0,"kind":"TRANSACTION_KIND_UNSPECIFIED","payer":"","points":0,"requestId":"",' +
        '"balance":0,"payers":[],"allocations":[],"settlements":[],"reversedSequence":0,"reason":"","draws":[]}',
    );
    const filled = write('Transaction', { remaining: 0, reversedPoints: 5, timestamp: { seconds: 0, nanos: 0 } });
    expect(JSON.parse(filled)).to.include({ remaining: 0, reversedPoints: 5, timestamp: '1970-01-01T00:00:00Z' });
    expect(write('GetBalanceResponse')).to.contain('"payers":{},"unsettled":{}');
    expect(write('Draw')).to.equal('{"sequence":0,"points":0,"settlement":false}');
  });

  it('have 64-bit integers as numbers', () => {
    expect(write('PayerPoints', { payer: 'A', points: -9007199254740991 })).to.equal(
      '{"payer":"A","points":-9007199254740991}',
    );
  });

  it('have maps in their own order, whatever the keys', () => {
    const payers = new Map([
      ['z', 1],
      ['2', 2],
      ['1', 3],
      ['__proto__', 4],
      ['constructor', 5],
      ['"\\\n\u2028', 6],
      ['', 7],
    ]);
    const json = write('GetBalanceResponse', { payers });
    expect(json).to.contain('"payers":{"z":1,"2":2,"1":3,"__proto__":4,"constructor":5,"\\"\\\\\\n\u2028":6,"":7}');
    expect(Object.keys(JSON.parse(json).payers)).to.have.length(7);
  });

  it('have times with the digits they need', () => {
    const time = (seconds: number, nanos: number) =>
      JSON.parse(write('Lot', { earnedAt: { seconds, nanos } })).earnedAt;
    expect(time(1604325600, 0)).to.equal('2020-11-02T14:00:00Z');
    expect(time(1604325600, 500_000_000)).to.equal('2020-11-02T14:00:00.500Z');
    expect(time(1604325600, 1_000)).to.equal('2020-11-02T14:00:00.000001Z');
    expect(time(1604325600, 1)).to.equal('2020-11-02T14:00:00.000000001Z');
    expect(time(-1, 999_999_000)).to.equal('1969-12-31T23:59:59.999999Z');
    expect(time(-62_135_596_800, 0)).to.equal('0001-01-01T00:00:00Z');
    expect(time(253_402_300_799, 0)).to.equal('9999-12-31T23:59:59Z');
  });

  it('have strings as they are, half a surrogate pair escaped', () => {
    expect(JSON.parse(write('PayerPoints', { payer: 'é😀"\\\u0000' })).payer).to.equal('é😀"\\\u0000');
    expect(write('PayerPoints', { payer: '\ud800' })).to.contain('"\\ud800"');
  });
});

describe('rest: the seed’s routes and headers', () => {
  it('answer with the field that the rule names', async () => {
    const balance = {
      payers: new Map([
        ['DANNON', 1000],
        ['UNILEVER', 0],
      ]),
    };
    const line = { payer: 'DANNON', points: -100 };
    const served = await serveGateway({
      GetBalance: () => balance,
      SpendPoints: () => ({ payers: [line] }),
    });
    try {
      const response = await fetch(`${served.url}/balance`);
      expect(await response.text()).to.equal('{"DANNON":1000,"UNILEVER":0}');
      expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
      expect(response.headers.get('cache-control')).to.equal('no-store');
      expect(response.headers.get('x-powered-by')).to.equal(null);
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"points":100}' };
      expect(await (await fetch(`${served.url}/spend`, init)).json()).to.deep.equal([line]);
    } finally {
      await served.close();
    }
  });

  it('GET /healthz tells whether the service can work', async () => {
    let health = async () => true;
    const served = await serveGateway({}, { health: () => health() });
    const ask = async () => {
      const response = await fetch(`${served.url}/healthz`);
      return [response.status, await response.text()];
    };
    try {
      expect(await ask()).to.deep.equal([200, '{"status":"SERVING"}']);
      health = async () => false;
      expect(await ask()).to.deep.equal([503, '{"status":"NOT_SERVING"}']);
      health = () => Promise.reject(new Error('down'));
      expect(await ask()).to.deep.equal([503, '{"status":"NOT_SERVING"}']);
    } finally {
      await served.close();
    }
  });
});

describe('rest: errors', () => {
  let served: Served;
  let thrown: unknown;
  before(async () => {
    served = await serveGateway({
      GetBalance: () => {
        throw thrown;
      },
    });
  });
  after(() => served.close());

  for (const [reason, { code, http }] of Object.entries(ERRORS)) {
    it(`${reason} is ${http}`, async () => {
      thrown = new ApiError(reason as Reason, 'no', { metadata: { a: '1' }, retryAfterMs: 1200 });
      const response = await fetch(`${served.url}/balance`);
      const { headers } = response;
      expect(await errorOf(response)).to.deep.include({ http, code, reason, message: 'no', metadata: { a: '1' } });
      expect(headers.get('content-type')).to.equal('application/json; charset=utf-8');
      expect(headers.get('cache-control')).to.equal('no-store');
      expect(headers.get('www-authenticate')).to.equal(http === 401 ? 'Bearer' : null);
      expect(headers.get('retry-after')).to.equal(http === 429 || http === 503 ? '2' : null);
    });
  }

  it('Retry-After is a second at least', async () => {
    for (const details of [{}, { retryAfterMs: 0 }, { retryAfterMs: 20 }]) {
      thrown = new ApiError('QUEUE_FULL', 'busy', details);
      expect((await fetch(`${served.url}/balance`)).headers.get('retry-after')).to.equal('1');
    }
  });

  it('an error that was not meant is logged under an incident, and its text stays here', async () => {
    const { error } = console;
    const logged: unknown[][] = [];
    console.error = (...parts) => logged.push(parts);
    try {
      for (thrown of [new Error('the password is 1234'), 'a string', undefined, null]) {
        const response = await fetch(`${served.url}/balance`);
        const { http, code, reason, message, metadata } = await errorOf(response);
        expect({ http, code, reason }).to.deep.equal({ http: 500, code: 13, reason: 'INTERNAL' });
        const { incident } = metadata as { incident: string };
        expect(message).to.equal(`a fault of the server, logged as ${incident}`);
        expect(logged.pop()).to.deep.equal([`incident ${incident}:`, thrown]);
      }
    } finally {
      console.error = error;
    }
  });
});
