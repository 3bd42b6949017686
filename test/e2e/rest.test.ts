import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { curl, type Rest, type RestAnswer, type RestRequest, restClient, statusOf } from '../support/rest.ts';
import { unchanged } from '../support/rows.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

/** The example of the brief, in the order it arrives. */
const BRIEF = [
  { payer: 'DANNON', points: 1000, timestamp: '2020-11-02T14:00:00Z' },
  { payer: 'UNILEVER', points: 200, timestamp: '2020-10-31T11:00:00Z' },
  { payer: 'DANNON', points: -200, timestamp: '2020-10-31T15:00:00Z' },
  { payer: 'MILLER COORS', points: 10000, timestamp: '2020-11-01T14:00:00Z' },
  { payer: 'DANNON', points: 300, timestamp: '2020-10-31T10:00:00Z' },
];
const SPEND_ANSWER =
  '[{"payer":"DANNON","points":-100},{"payer":"UNILEVER","points":-200},{"payer":"MILLER COORS","points":-4700}]';
const BALANCE_ANSWER = '{"DANNON":1000,"UNILEVER":0,"MILLER COORS":5300}';

async function restOf(account: string): Promise<Rest> {
  return restClient(servers.one.httpUrl, await servers.one.token(account));
}

let servers: TwoServers;

describe('REST', () => {
  before(async () => {
    servers = await twoServers();
  });

  describe('the curl flow', () => {
    async function commandLine(account: string) {
      const header = `authorization: Bearer ${await servers.one.token(account)}`;
      const json = 'content-type: application/json';
      const { httpUrl } = servers.one;
      return {
        post: (path: string, body: unknown) =>
          curl('-H', header, '-H', json, '-d', JSON.stringify(body), `${httpUrl}${path}`),
        get: (path: string) => curl('-H', header, `${httpUrl}${path}`),
      };
    }

    it('one transaction after the other, a spend and the balance: to the letter', async () => {
      const { post, get } = await commandLine(newAccount('brief'));
      for (const [index, transaction] of BRIEF.entries()) {
        const stored = JSON.parse(await post('/transactions', transaction));
        expect(stored).to.include({ ...transaction, sequence: index + 1 });
      }
      expect(await post('/spend', { points: 5000 })).to.equal(SPEND_ANSWER);
      expect(await get('/balance')).to.equal(BALANCE_ANSWER);
    });

    it('the same in bulk', async () => {
      const { post, get } = await commandLine(newAccount('brief'));
      const stored = JSON.parse(await post('/transactions/multiple', BRIEF));
      expect(stored.map(({ payer, points, timestamp }: (typeof BRIEF)[0]) => ({ payer, points, timestamp }))).to.eql(
        BRIEF,
      );
      expect(await post('/spend', { points: 5000 })).to.equal(SPEND_ANSWER);
      expect(await get('/balance')).to.equal(BALANCE_ANSWER);
    });

    it('a new account has the balance {}', async () => {
      const { get } = await commandLine(newAccount());
      expect(await get('/balance')).to.equal('{}');
    });

    it('payers keep the order in which they appeared, digits too', async () => {
      const { post, get } = await commandLine(newAccount());
      for (const payer of ['Z', '10', 'A', '2', '__proto__', 'constructor']) {
        await post('/transactions', { payer, points: 1, timestamp: '2020-01-01T00:00:00Z' });
      }
      expect(await get('/balance')).to.equal('{"Z":1,"10":1,"A":1,"2":1,"__proto__":1,"constructor":1}');
    });

    it('the documentation needs no token', async () => {
      const page = await curl(
        '-w',
        '%{http_code} %{content_type}',
        '-o',
        '/dev/null',
        `${servers.one.httpUrl}/api/docs`,
      );
      expect(page).to.equal('200 text/html; charset=utf-8');
      const document = JSON.parse(await curl(`${servers.one.httpUrl}/api/openapi.json`));
      expect(Object.keys(document.paths)).to.include.members([
        '/transactions',
        '/transactions/multiple',
        '/spend',
        '/balance',
      ]);
    });

    it('the largest number of points stays exact', async () => {
      const { post, get } = await commandLine(newAccount());
      const timestamp = '2020-01-01T00:00:00Z';
      const stored = await post('/transactions', { payer: 'A', points: Number.MAX_SAFE_INTEGER, timestamp });
      expect(stored).to.include('"points":9007199254740991,');
      expect(await get('/balance')).to.equal('{"A":9007199254740991}');
    });
  });

  describe('the /v1 routes', () => {
    const route = (account: string, rest: string) => `/v1/accounts/${account}${rest}`;

    it('every one answers, with `me` as with the account, and empty lists and maps are present', async () => {
      const account = newAccount('routes');
      const rest = await restOf(account);
      const get = async (path: string) => (await ok(rest({ path }))) as Json;
      const post = async (path: string, body: unknown) => (await ok(rest({ path, body }))) as Json;
      const empty = await get(route('me', '/balance'));
      expect(empty).to.eql({ account, points: 0, payers: {}, unsettled: {}, sequence: 0 });
      expect(await get(route('me', '/lots'))).to.eql({ lots: [], nextPageToken: '' });
      expect(await get(route('me', '/transactions'))).to.eql({ transactions: [], nextPageToken: '' });

      const added = await post(route('me', '/transactions'), BRIEF[0]);
      expect(added.transaction).to.deep.include({
        account,
        sequence: 1,
        kind: 'TRANSACTION_KIND_EARN',
        payer: 'DANNON',
        points: 1000,
        timestamp: '2020-11-02T14:00:00Z',
        balance: 1000,
        payers: [],
        allocations: [],
        settlements: [],
        draws: [],
      });
      const batch = await post(route(account, '/transactions:batchAdd'), { transactions: BRIEF.slice(1) });
      expect(batch.transactions.map(({ sequence }: Json) => sequence)).to.eql([2, 3, 4, 5]);
      expect((await get(route(account, '/balance'))).unsettled).to.eql({ DANNON: 200 });

      const spend = await post(route('me', ':spend'), { points: 5000 });
      expect(spend.payers).to.eql(JSON.parse(SPEND_ANSWER));
      expect(spend).to.include({ balance: 6300 });
      expect(spend.transaction).to.deep.include({ sequence: 6, points: -5000, kind: 'TRANSACTION_KIND_SPEND' });
      expect(spend.transaction.settlements).to.eql([
        { lotSequence: 5, payer: 'DANNON', earnedAt: '2020-10-31T10:00:00Z', points: 200 },
      ]);

      const reverser = restClient(servers.one.httpUrl, await servers.one.serviceToken(['reverse']));
      const request = { path: route(account, '/transactions/6:reverse'), body: { points: 1000, reason: 'returned' } };
      const reversal = (await ok(reverser(request))) as Json;
      expect(reversal.payers).to.eql([{ payer: 'MILLER COORS', points: 1000 }]);
      expect(reversal.transaction).to.include({ sequence: 7, reversedSequence: 6, reason: 'returned', points: 1000 });

      expect((await get(route(account, '/transactions/6'))).transaction).to.include({ reversedPoints: 1000 });
      expect((await get(route(account, '/transactions/4'))).transaction).to.deep.include({
        remaining: 6300,
        draws: [
          { sequence: 6, points: 4700, settlement: false },
          { sequence: 7, points: -1000, settlement: false },
        ],
      });
      const listed = await get(`${route('me', '/transactions')}?kinds=TRANSACTION_KIND_EARN&order=2&page_size=2`);
      expect(listed.transactions.map(({ sequence }: Json) => sequence)).to.eql([1, 2]);
      expect(listed.nextPageToken).to.not.equal('');
      const lots = await get(route('me', '/lots'));
      expect(lots.lots.map(({ sequence, available }: Json) => [sequence, available])).to.eql([
        [4, 6300],
        [1, 1000],
      ]);
      expect(await get('/balance')).to.eql({ DANNON: 1000, UNILEVER: 0, 'MILLER COORS': 6300 });
    });

    it('transactions:watch is lines of JSON, history first, then live', async () => {
      const account = newAccount('watched');
      const rest = await restOf(account);
      await ok(rest({ path: '/transactions', body: BRIEF[0] }));
      const gone = new AbortController();
      const response = await fetch(`${servers.other.httpUrl}${route('me', '/transactions:watch')}`, {
        headers: { authorization: `Bearer ${await servers.one.token(account)}` },
        signal: gone.signal,
      });
      const seen: number[] = [];
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += decoder.decode(chunk, { stream: true });
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) seen.push(JSON.parse(line).result.transaction.sequence);
        if (seen.length === 1) await ok(rest({ path: '/transactions', body: BRIEF[1] }));
        if (seen.length === 2) break;
      }
      gone.abort();
      expect(seen).to.eql([1, 2]);
    });
  });

  describe('every HTTP status', () => {
    let account: string;
    let rest: Rest;
    let anonymous: Rest;
    const usedId = randomUUID();
    before(async () => {
      account = newAccount('statuses');
      rest = await restOf(account);
      anonymous = restClient(servers.one.httpUrl, '');
      await ok(rest({ path: '/transactions', body: { ...BRIEF[0], request_id: usedId } }));
    });

    const transaction = BRIEF[0]!;
    const big = `{"points":1,"x":"${'x'.repeat(1_100_000)}"}`;

    /** Status, reason, the fields or metadata that the body names, and the request. */
    const CASES: readonly [
      number,
      string,
      { fields?: string[]; metadata?: Record<string, string> },
      RestRequest,
      Who?,
    ][] = [
      [400, 'INVALID_REQUEST', { fields: ['points'] }, { path: '/spend', body: { points: 'many' } }],
      [400, 'INVALID_REQUEST', { fields: ['points'] }, { path: '/spend', body: {} }],
      [400, 'INVALID_REQUEST', { fields: ['timestamp'] }, { path: '/transactions', body: { payer: 'A', points: 1 } }],
      [400, 'INVALID_REQUEST', { fields: ['pionts'] }, { path: '/spend', body: { pionts: 1 } }],
      [400, 'INVALID_REQUEST', { fields: ['body'] }, { path: '/spend', body: '{' }],
      [400, 'INVALID_REQUEST', { fields: ['transactions[1].points'] }, bulk({ ...transaction, points: 0 })],
      [400, 'INVALID_REQUEST', { fields: ['transactions[1].timestamp'] }, bulk({ payer: 'A', points: 1 })],
      [400, 'INVALID_REQUEST', { fields: ['transactions'] }, { path: '/transactions/multiple', body: [] }],
      [400, 'INVALID_REQUEST', { fields: ['transactions'] }, { path: '/transactions/multiple', body: {} }],
      [400, 'INVALID_REQUEST', { fields: ['sequence'] }, { path: '/v1/accounts/me/transactions/x' }],
      [400, 'INVALID_REQUEST', { fields: ['page_size'] }, { path: '/v1/accounts/me/lots?page_size=1001' }],
      [400, 'INSUFFICIENT_POINTS', { metadata: { shortfall: '1' } }, { path: '/spend', body: { points: 1001 } }],
      [
        400,
        'PAYER_BALANCE_INSUFFICIENT',
        { fields: ['points'], metadata: { payer: 'DANNON', available: '1000', shortfall: '1' } },
        { path: '/transactions', body: { ...transaction, points: -1001 } },
      ],
      [400, 'POINTS_OUT_OF_RANGE', { fields: ['points'] }, { path: '/spend', body: { points: '9007199254740992' } }],
      [400, 'NOT_A_SPEND', { metadata: { sequence: '1', kind: 'EARN' } }, reverse(1)],
      [401, 'TOKEN_MISSING', {}, { path: '/balance' }, 'nobody'],
      [401, 'TOKEN_MISSING', {}, { path: '/spend', body: { points: 1 } }, 'nobody'],
      [401, 'TOKEN_MISSING', {}, { path: '/spend', body: '{' }, 'nobody'],
      [401, 'TOKEN_INVALID', {}, { path: '/balance', headers: { authorization: 'Bearer x' } }],
      [403, 'ACCOUNT_FORBIDDEN', { metadata: { account: 'bob' } }, { path: '/v1/accounts/bob/balance' }],
      [
        403,
        'ACCOUNT_FORBIDDEN',
        { metadata: { account: 'bob' } },
        { path: '/v1/accounts/bob:spend', body: { points: 1 } },
      ],
      [403, 'SCOPE_MISSING', { metadata: { scope: 'reverse' } }, reverse(1), 'user'],
      [404, 'ROUTE_NOT_FOUND', {}, { path: '/nowhere' }],
      [404, 'ROUTE_NOT_FOUND', {}, { path: '/transactions/many', body: [] }],
      [404, 'TRANSACTION_NOT_FOUND', { metadata: { sequence: '9' } }, { path: '/v1/accounts/me/transactions/9' }],
      [404, 'TRANSACTION_NOT_FOUND', { metadata: { sequence: '9' } }, reverse(9)],
      [405, 'VERB_NOT_ALLOWED', { metadata: { allow: 'POST' } }, { path: '/spend' }],
      [405, 'VERB_NOT_ALLOWED', { metadata: { allow: 'GET, HEAD' } }, { path: '/balance', body: {} }],
      [405, 'VERB_NOT_ALLOWED', { metadata: { allow: 'POST' } }, { path: '/transactions', method: 'DELETE' }],
      [
        409,
        'REQUEST_ID_REUSED',
        { metadata: { field: 'points' } },
        { path: '/transactions', body: { ...transaction, points: 7, request_id: usedId } },
      ],
      [413, 'REQUEST_TOO_LARGE', { fields: ['body'], metadata: { limit: '1048576' } }, { path: '/spend', body: big }],
      [415, 'NOT_JSON', { fields: ['body'] }, form('application/x-www-form-urlencoded', 'points=1')],
      [415, 'NOT_JSON', { fields: ['body'] }, form('text/plain', '{"points":1}')],
      [415, 'NOT_JSON', { fields: ['body'] }, form('application/json; charset=latin1', '{"points":1}')],
    ];
    type Who = 'nobody' | 'user';

    for (const [status, reason, named, request, who] of CASES) {
      const { path, method = request.body === undefined ? 'GET' : 'POST' } = request;
      it(`${status} ${reason}: ${method} ${path}${who ? ` by ${who}` : ''} ${brief(request.body)}`, async () => {
        const caller = who === 'nobody' ? anonymous : rest;
        const service = request.path.includes(':reverse') && who !== 'user' ? await reversing() : caller;
        const path = request.path.includes(':reverse') ? request.path.replace('/me/', `/${account}/`) : request.path;
        const answer = await unchanged(servers.tables, account, () => service({ ...request, path }));
        const said = statusOf(answer);
        expect(said, answer.text).to.include({ http: status, reason, domain: 'points-ledger' });
        if (named.fields) expect(said.fields).to.eql(named.fields);
        if (named.metadata) expect(said.metadata).to.include(named.metadata);
        expect(answer.headers.get('content-type')).to.equal('application/json; charset=utf-8');
        if (status === 401) expect(answer.headers.get('www-authenticate')).to.equal('Bearer');
        if (status === 405) expect(answer.headers.get('allow')).to.equal(said.metadata.allow);
      });
    }

    async function reversing(): Promise<Rest> {
      return restClient(servers.one.httpUrl, await servers.one.serviceToken(['reverse']));
    }
    function bulk(second: unknown): RestRequest {
      return { path: '/transactions/multiple', body: [transaction, second] };
    }
    function reverse(sequence: number): RestRequest {
      return { path: `/v1/accounts/me/transactions/${sequence}:reverse`, body: {} };
    }
    function form(type: string, body: string): RestRequest {
      return { path: '/spend', body, headers: { 'content-type': type } };
    }
  });

  describe('request ids and validate_only over REST', () => {
    const writes = [
      { name: 'add', path: '/transactions', body: BRIEF[0]! },
      { name: 'bulk', path: '/v1/accounts/me/transactions:batchAdd', body: { transactions: BRIEF.slice(0, 2) } },
      { name: 'spend', path: '/spend', body: { points: 10 } },
    ];
    for (const { name, path, body } of writes) {
      it(`${name}: the same id and body is answered alike, byte for byte, and done once`, async () => {
        const account = newAccount('replay');
        const rest = await restOf(account);
        await ok(rest({ path: '/transactions', body: BRIEF[3] }));
        const request = { path, body: { ...body, request_id: randomUUID() } };
        const first = await rest(request);
        expect(first.status, first.text).to.equal(200);
        await ok(rest({ path: '/spend', body: { points: 1 } }));
        const again = await unchanged(servers.tables, account, () => rest(request));
        expect(again.text).to.equal(first.text);
        const elsewhere = restClient(servers.other.httpUrl, await servers.other.token(account));
        expect((await elsewhere(request)).text, 'the other server').to.equal(first.text);
      });

      it(`${name}: validate_only answers and writes nothing, in camelCase too`, async () => {
        const account = newAccount('preview');
        const rest = await restOf(account);
        await ok(rest({ path: '/transactions', body: BRIEF[3] }));
        for (const flag of ['validate_only', 'validateOnly']) {
          await unchanged(servers.tables, account, () => ok(rest({ path, body: { ...body, [flag]: true } })));
        }
      });
    }

    it('the query of the bulk route carries the request id', async () => {
      const account = newAccount('replay');
      const rest = await restOf(account);
      const request = { path: `/transactions/multiple?request_id=${randomUUID()}`, body: BRIEF };
      const first = await rest(request);
      expect(first.status, first.text).to.equal(200);
      expect((await rest(request)).text).to.equal(first.text);
      expect((await servers.tables.count(account)).transactions).to.equal(5);
    });
  });
});

// biome-ignore lint/suspicious/noExplicitAny: JSON of the server, judged where it is used
type Json = Record<string, any>;

async function ok(answer: Promise<RestAnswer>): Promise<unknown> {
  const { status, text, json } = await answer;
  expect(status, text).to.equal(200);
  return json;
}

function brief(body: unknown): string {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return text.length > 60 ? `${text.slice(0, 40)}…` : text;
}
