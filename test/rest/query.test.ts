import { request } from 'node:http';
import { expect } from 'chai';
import { describeService, LIBRARY_PROTO } from './other-service.ts';
import { errorOf, post, type Served, serveGateway } from './serve.ts';

describe('rest: query parameters', () => {
  let served: Served;
  before(async () => {
    served = await serveGateway();
  });
  after(() => served.close());
  beforeEach(() => served.calls.splice(0));

  const taken: [string, object][] = [
    ['', {}],
    ['&', {}],
    ['pageSize=3', { pageSize: 3 }],
    ['page_size=3', { pageSize: 3 }],
    ['page%5Fsize=%33', { pageSize: 3 }],
    ['payer=A+B%2BC%26', { payer: 'A B+C&' }],
    ['payer=a=b', { payer: 'a=b' }],
    ['payer', {}],
    ['payer=caf%C3%A9', { payer: 'café' }],
    ['kinds=TRANSACTION_KIND_SPEND', { kinds: ['TRANSACTION_KIND_SPEND'] }],
    ['kinds=3&kinds=TRANSACTION_KIND_EARN', { kinds: ['TRANSACTION_KIND_SPEND', 'TRANSACTION_KIND_EARN'] }],
    ['order=LIST_ORDER_OLDEST_FIRST', { order: 'LIST_ORDER_OLDEST_FIRST' }],
    ['order=2', { order: 'LIST_ORDER_OLDEST_FIRST' }],
    ['earnedFrom=2020-11-02T14:00:00Z', { earnedFrom: '2020-11-02T14:00:00Z' }],
    ['earned_until=2020-11-02T14:00:00%2B01:00', { earnedUntil: '2020-11-02T13:00:00Z' }],
  ];
  for (const [query, request] of taken) {
    it(`?${query} is ${JSON.stringify(request)}`, async () => {
      const response = await fetch(`${served.url}/v1/accounts/a/transactions?${query}`);
      expect(response.status, await response.text()).to.equal(200);
      expect(served.calls.map((call) => call.request)).to.deep.equal([{ account: 'a', ...request }]);
    });
  }

  const refused: [string, string][] = [
    ['limit=3', 'limit'],
    ['=3', ''],
    ['account=b', 'account'],
    ['page_size=3&page_size=3', 'page_size'],
    ['page_size=3&pageSize=3', 'page_size'],
    ['page_size=', 'page_size'],
    ['page_size=x', 'page_size'],
    ['page_size=0x10', 'page_size'],
    ['page_size=1.0', 'page_size'],
    ['page_size=3000000000', 'page_size'],
    ['page_size=NaN', 'page_size'],
    ['kinds=EARN', 'kinds[0]'],
    ['kinds=', 'kinds[0]'],
    ['order=2.5', 'order'],
    ['order=99999999999', 'order'],
    ['earned_from=yesterday', 'earned_from'],
    ['earned_from=2020-11-02T14:00:00+01:00', 'earned_from'],
    ['earned_from.seconds=5', 'earned_from.seconds'],
    ['payer=%', 'payer'],
    ['payer=%ff', 'payer'],
    ['%zz=1', 'query'],
    ['payer.x=1', 'payer.x'],
    ['__proto__=1', '__proto__'],
    ['constructor.name=1', 'constructor.name'],
  ];
  for (const [query, field] of refused) {
    it(`?${query}: 400 that names ${field}`, async () => {
      const response = await fetch(`${served.url}/v1/accounts/a/transactions?${query}`);
      const { http, reason, fields, message } = await errorOf(response);
      expect({ http, reason, fields }, message).to.deep.equal({
        http: 400,
        reason: 'INVALID_REQUEST',
        fields: [field],
      });
    });
  }

  it('a route whose body is the whole request takes no parameters', async () => {
    const { http, fields } = await errorOf(await post(`${served.url}/spend?points=5`, { points: 5 }));
    expect({ http, fields }).to.deep.equal({ http: 400, fields: ['points'] });
  });

  it('a route whose body is one field takes the others', async () => {
    const url = `${served.url}/transactions/multiple?validateOnly=true&account=me`;
    expect((await post(url, [{ points: 1 }])).status).to.equal(200);
    expect(served.calls[0]?.request).to.deep.equal({
      account: 'me',
      validateOnly: true,
      transactions: [{ points: '1' }],
    });
    expect((await errorOf(await post(`${url}&transactions=1`, []))).fields).to.deep.equal(['transactions']);
  });
});

describe('rest: a service it has never seen', () => {
  const dune = { id: 7, title: 'Dune', genre: 'GENRE_NOVEL', about: undefined };
  let served: Served;
  before(async () => {
    served = await serveGateway(
      {
        GetBook: () => dune,
        ReadFile: () => dune,
        SealFile: () => dune,
        UpdateBook: () => ({ book: { ...dune, about: dune }, tags: ['a', 'b'] }),
        Search: () => ({
          books: [dune],
          byNumber: new Map([
            [2, dune],
            [1, dune],
          ]),
          patience: { seconds: -1, nanos: -500_000_000 },
          hash: Buffer.from('points'),
          weight: Number.NaN,
          complete: false,
        }),
      },
      describeService(LIBRARY_PROTO, 'library.v1.Library'),
    );
  });
  after(() => served.close());
  beforeEach(() => served.calls.splice(0));

  const routed: [string, string, string | undefined, string, object][] = [
    ['GET', '/v1/shelves/1/books/2', undefined, 'GetBook', { name: 'shelves/1/books/2' }],
    ['GET', '/v1/shelves/a%20b/books/c%2Fd', undefined, 'GetBook', { name: 'shelves/a b/books/c%2Fd' }],
    ['GET', '/v1/featured?name=x', undefined, 'GetBook', { name: 'x' }],
    ['GET', '/v1/files/a/b/c', undefined, 'ReadFile', { name: 'a/b/c' }],
    ['GET', '/v1/files', undefined, 'ReadFile', {}],
    ['GET', '/v1/files/a:seal', undefined, 'ReadFile', { name: 'a:seal' }],
    ['POST', '/v1/files/a/b:seal', undefined, 'SealFile', { name: 'a/b' }],
    [
      'PATCH',
      '/v1/books/7?mask=title,genre',
      '{"title":"Dune"}',
      'UpdateBook',
      { book: { id: '7', title: 'Dune' }, mask: 'title,genre' },
    ],
    [
      'PUT',
      '/v1/books/7/tags?book.title=Dune',
      '["a","b"]',
      'UpdateBook',
      { book: { id: '7', title: 'Dune' }, tags: ['a', 'b'] },
    ],
    ['DELETE', '/v1/books/Dune', undefined, 'DeleteBook', { text: 'Dune' }],
    ['GET', '/v1/any/search?text=x', undefined, 'Search', { text: 'x' }],
    [
      'GET',
      '/v1/search?filter.genres=1&filter.genres=GENRE_UNSPECIFIED',
      undefined,
      'Search',
      { filter: { genres: ['GENRE_NOVEL', 'GENRE_UNSPECIFIED'] } },
    ],
    [
      'GET',
      '/v1/search?filter.and.from=2020-01-01T00:00:00Z',
      undefined,
      'Search',
      { filter: { and: { from: '2020-01-01T00:00:00Z' } } },
    ],
    ['GET', '/v1/search?filter.lent=false', undefined, 'Search', { filter: { lent: false } }],
    [
      'GET',
      '/v1/search?count=4294967295&weight=1.5&hash=cG9pbnRz',
      undefined,
      'Search',
      { count: 4294967295, weight: 1.5, hash: 'cG9pbnRz' },
    ],
    [
      'GET',
      '/v1/search?patience=1.5s&big=18446744073709551615',
      undefined,
      'Search',
      { patience: '1.500s', big: '18446744073709551615' },
    ],
    ['GET', '/v1/search?numbers=1&numbers=-2', undefined, 'Search', { numbers: ['1', '-2'] }],
    ['GET', '/v1/search?right=5', undefined, 'Search', { right: 5 }],
    [
      'POST',
      '/v1/search',
      '{"counts":{"a":1},"filters":[{"lent":true}],"maybe":0,"anything":[1,{"a":null}]}',
      'Search',
      { counts: { a: 1 }, filters: [{ lent: true }], maybe: 0, anything: [1, { a: null }] },
    ],
  ];
  for (const [method, path, body, rpc, request] of routed) {
    it(`${method} ${path} ${body ?? ''} is ${rpc}`, async () => {
      const response = await fetch(served.url + path, {
        method,
        ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
      });
      expect(response.status, await response.text()).to.equal(200);
      expect(served.calls.map((call) => [call.method, call.request])).to.deep.equal([[rpc, request]]);
    });
  }

  const refused: [string, string | undefined, string][] = [
    ['/v1/search?counts=1', undefined, 'counts'],
    ['/v1/search?filters=1', undefined, 'filters'],
    ['/v1/search?filter=1', undefined, 'filter'],
    ['/v1/search?filter.lent=1', undefined, 'filter.lent'],
    ['/v1/search?filter.lent=true&filter.lent=true', undefined, 'filter.lent'],
    ['/v1/search?filter.genres=x', undefined, 'filter.genres[0]'],
    ['/v1/search?count=-1', undefined, 'count'],
    ['/v1/search?weight=heavy', undefined, 'weight'],
    ['/v1/search?hash=*', undefined, 'hash'],
    ['/v1/search?patience=long', undefined, 'patience'],
    ['/v1/search?left=a&right=1', undefined, 'right'],
    ['/v1/search', '{"left":"a","right":1}', 'right'],
    ['/v1/search', '{"counts":{"a":"x"}}', 'counts'],
    ['/v1/search', '{"filters":[{"and":{"genres":["GENRE_NOVEL","x"]}}]}', 'filters[0].and.genres[1]'],
    ['/v1/search', `${'{"filter":'.repeat(1)}${'{"and":'.repeat(5000)}{}${'}'.repeat(5001)}`, 'filter.and'],
    ['/v1/search', `{"anything":${'['.repeat(5000)}${']'.repeat(5000)}}`, 'anything'],
  ];
  for (const [path, body, field] of refused) {
    it(`${path} ${(body ?? '').slice(0, 60)}: 400 that names ${field}`, async () => {
      const response = body === undefined ? await fetch(served.url + path) : await post(served.url + path, body);
      const { http, fields, message } = await errorOf(response);
      expect(http, message).to.equal(400);
      expect(fields).to.have.length(1);
      expect(fields[0]).to.satisfy((named: string) => named === field || named.startsWith(`${field}.and.and`));
    });
  }

  it('an rpc without an annotation has no route, and a verb of its own works', async () => {
    expect((await post(`${served.url}/library.v1.Library/Hidden`, {})).status).to.equal(404);
    const headers = { 'content-type': 'application/json' };
    const status = await new Promise((resolve, reject) => {
      const call = request(`${served.url}/v1/search`, { method: 'QUERY', headers }, (response) =>
        resolve(response.statusCode),
      );
      call.on('error', reject).end('{}');
    });
    // Node's parser knows a fixed list of methods; QUERY joined it in Node 22.
    expect(status).to.be.oneOf([200, 400]);
  });

  it('answers with a field where the rule names one, and in the JSON of every type', async () => {
    const update = await fetch(`${served.url}/v1/books/7`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const book = '{"id":7,"title":"Dune","genre":"GENRE_NOVEL"}';
    expect(await update.text()).to.equal(`{"id":7,"title":"Dune","genre":"GENRE_NOVEL","about":${book}}`);
    expect(await (await fetch(`${served.url}/v1/search`)).text()).to.equal(
      `{"books":[${book}],"byNumber":{"2":${book},"1":${book}},"patience":"-1.500s","hash":"cG9pbnRz","weight":"NaN","complete":false}`,
    );
    expect(await (await fetch(`${served.url}/v1/books/x`, { method: 'DELETE' })).text()).to.equal('{}');
  });

  it('documents every binding, with no other edit', async () => {
    const document = (await (await fetch(`${served.url}/api/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(operations).to.have.members([
      'get /v1/{name}',
      'get /v1/featured',
      'get /v1/files/{name}',
      'post /v1/files/{name}:seal',
      'patch /v1/books/{book.id}',
      'put /v1/books/{book.id}/tags',
      'delete /v1/books/{text}',
      'get /v1/search',
      'post /v1/search',
      'query /v1/search',
      'get /v1/*/search',
    ]);
  });
});
