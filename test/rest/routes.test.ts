import { connect } from 'node:net';
import { expect } from 'chai';
import { errorOf, post, type Served, serveGateway } from './serve.ts';

describe('rest: routes', () => {
  let served: Served;
  before(async () => {
    served = await serveGateway();
  });
  after(() => served.close());
  beforeEach(() => served.calls.splice(0));

  const routed: [string, string, unknown, string, object][] = [
    ['POST', '/transactions', { payer: 'DANNON', points: 5 }, 'AddTransaction', { payer: 'DANNON', points: '5' }],
    ['POST', '/transactions/multiple', [{ points: 5 }], 'BatchAddTransactions', { transactions: [{ points: '5' }] }],
    ['POST', '/spend', { points: 5 }, 'SpendPoints', { points: '5' }],
    ['GET', '/balance', undefined, 'GetBalance', {}],
    ['POST', '/v1/accounts/a.b-c_d/transactions', { points: 5 }, 'AddTransaction', { account: 'a.b-c_d', points: '5' }],
    ['POST', '/v1/accounts/alice/transactions:batchAdd', {}, 'BatchAddTransactions', { account: 'alice' }],
    ['POST', '/v1/accounts/alice:spend', { points: 5 }, 'SpendPoints', { account: 'alice', points: '5' }],
    ['POST', '/v1/accounts/a:b:spend', { points: 5 }, 'SpendPoints', { account: 'a:b', points: '5' }],
    ['POST', '/v1/accounts/alice/transactions/7:reverse', {}, 'ReverseSpend', { account: 'alice', sequence: '7' }],
    ['GET', '/v1/accounts/alice/balance', undefined, 'GetBalance', { account: 'alice' }],
    ['GET', '/v1/accounts/alice/transactions', undefined, 'ListTransactions', { account: 'alice' }],
    ['GET', '/v1/accounts/alice/transactions/7', undefined, 'GetTransaction', { account: 'alice', sequence: '7' }],
    ['GET', '/v1/accounts/alice/lots', undefined, 'ListLots', { account: 'alice' }],
    ['GET', '/v1/accounts/alice/transactions:watch', undefined, 'WatchTransactions', { account: 'alice' }],
    ['GET', '/v1/accounts/a%2Fb/balance', undefined, 'GetBalance', { account: 'a/b' }],
    ['GET', '/v1/accounts/a%3Aspend/balance', undefined, 'GetBalance', { account: 'a:spend' }],
    ['GET', '/v1/accounts/caf%C3%A9/balance', undefined, 'GetBalance', { account: 'café' }],
    ['GET', '/%76%31/accounts/alice/lots', undefined, 'ListLots', { account: 'alice' }],
    [
      'GET',
      '/v1/accounts/transactions:watch/transactions:watch',
      undefined,
      'WatchTransactions',
      { account: 'transactions:watch' },
    ],
  ];
  for (const [method, path, body, rpc, request] of routed) {
    it(`${method} ${path} is ${rpc} ${JSON.stringify(request)}`, async () => {
      const response = await fetch(served.url + path, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      await response.text();
      expect(response.status).to.equal(200);
      expect(served.calls.map((call) => [call.method, call.request])).to.deep.equal([[rpc, request]]);
    });
  }

  for (const path of [
    '/',
    '/nothing',
    '/spend/',
    '//spend',
    '/v1/accounts//balance',
    '/v1/accounts/:spend',
    '/v1/accounts/alice/transactions/7:undo/x',
    '/api/docs/../../package.json',
    '/api/docs/..%2f..%2fpackage.json',
    '/api/docs/swagger-ui-bundle.js.map',
    '/constructor',
    '/__proto__',
  ]) {
    it(`GET ${path} is no route: 404`, async () => {
      // A URL object would resolve the dots: node's client sends the path as it is.
      const response = await rawGet(served.port, path);
      expect(response).to.match(/^HTTP\/1.1 404 /);
      expect(response).to.contain('"reason":"ROUTE_NOT_FOUND"');
    });
  }

  const verbs: [string, string, string][] = [
    ['GET', '/spend', 'POST'],
    ['DELETE', '/balance', 'GET, HEAD'],
    ['PUT', '/v1/accounts/alice/transactions', 'GET, HEAD, POST'],
    ['POST', '/v1/accounts/alice/transactions:watch', 'GET, HEAD'],
    ['OPTIONS', '/spend', 'POST'],
    ['POST', '/api/docs', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
  ];
  for (const [method, path, allow] of verbs) {
    it(`${method} ${path} is the wrong verb: 405, Allow: ${allow}`, async () => {
      const response = await fetch(served.url + path, { method });
      expect(sorted(response.headers.get('allow'))).to.equal(allow);
      const { http, code, reason, metadata } = await errorOf(response);
      expect({ http, code, reason }).to.deep.equal({ http: 405, code: 12, reason: 'VERB_NOT_ALLOWED' });
      expect(sorted((metadata as { allow: string }).allow)).to.equal(allow);
    });
  }

  it('malformed percent-encoding in a path names the field: 400', async () => {
    for (const account of ['%zz', '%', '%ff', '%c3%28', 'a%2']) {
      const { http, reason, fields } = await errorOf(await fetch(`${served.url}/v1/accounts/${account}/balance`));
      expect({ http, reason, fields }).to.deep.equal({ http: 400, reason: 'INVALID_REQUEST', fields: ['account'] });
    }
    expect(served.calls).to.deep.equal([]);
  });

  it('a path value of the wrong type names the field: 400', async () => {
    for (const sequence of ['x', '1.5', '9223372036854775808', '0x10', '1e3', '%20 1', 'NaN', '5:undo']) {
      const { http, fields } = await errorOf(await fetch(`${served.url}/v1/accounts/a/transactions/${sequence}`));
      expect({ http, fields }, sequence).to.deep.equal({ http: 400, fields: ['sequence'] });
    }
  });

  it('a field of the path that the body names too must be the same', async () => {
    const url = `${served.url}/v1/accounts/alice/transactions/7:reverse`;
    expect((await post(url, { account: 'alice', sequence: '7' })).status).to.equal(200);
    expect((await errorOf(await post(url, { account: 'bob' }))).fields).to.deep.equal(['account']);
    expect((await errorOf(await post(url, { sequence: 8 }))).fields).to.deep.equal(['sequence']);
  });

  it('HEAD answers as GET does, without the body', async () => {
    const get = await fetch(`${served.url}/balance`);
    const head = await fetch(`${served.url}/balance`, { method: 'HEAD' });
    expect(head.status).to.equal(200);
    expect(head.headers.get('content-length')).to.equal(get.headers.get('content-length'));
    expect(await head.text()).to.equal('');
    expect(await get.text()).to.equal('{}');
    expect((await fetch(`${served.url}/v1/accounts/a/transactions:watch`, { method: 'HEAD' })).status).to.equal(200);
  });

  it('the absolute form of a request target is no route', async () => {
    expect(await rawGet(served.port, 'http://localhost/nothing')).to.match(/^HTTP\/1.1 404 /);
  });
});

function sorted(list: string | null): string {
  return (list ?? '').split(', ').sort().join(', ');
}

async function rawGet(port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}
