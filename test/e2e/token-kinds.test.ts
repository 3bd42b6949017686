import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { CallError, connectClient, type TestClient } from '../support/client.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

const T = '2020-01-01T00:00:00Z';

/**
 * Every rpc by every kind of token: `ok`, or refused because of the token, its scope, or the account. The columns: the
 * account's own token, that of another account, and service tokens with one scope each; then one that has expired.
 */
const TABLE = `
                      own    other    earn   spend  read   reverse import report expired
addTransaction        ok     account  ok     scope  scope  scope   scope  scope  token
batchAddTransactions  ok     account  ok     scope  scope  scope   scope  scope  token
spendPoints           ok     account  scope  ok     scope  scope   scope  scope  token
reverseSpend          scope  scope    scope  scope  scope  ok      scope  scope  token
getBalance            ok     account  scope  scope  ok     scope   scope  ok     token
getTransaction        ok     account  scope  scope  ok     scope   scope  ok     token
listTransactions      ok     account  scope  scope  ok     scope   scope  ok     token
listLots              ok     account  scope  scope  ok     scope   scope  ok     token
watchTransactions     ok     account  scope  scope  ok     scope   scope  ok     token
importTransactions    scope  scope    scope  scope  scope  scope   ok     scope  token
`;

const REFUSED: Record<string, { code: string; reason: string }> = {
  account: { code: 'PERMISSION_DENIED', reason: 'ACCOUNT_FORBIDDEN' },
  scope: { code: 'PERMISSION_DENIED', reason: 'SCOPE_MISSING' },
  token: { code: 'UNAUTHENTICATED', reason: 'TOKEN_INVALID' },
};
/** What each rpc's scope is called in the metadata of a refusal. */
const SCOPES: Record<string, string> = {
  addTransaction: 'earn',
  batchAddTransactions: 'earn',
  spendPoints: 'spend',
  reverseSpend: 'reverse',
  importTransactions: 'import',
};

const CALLS: Record<string, (client: TestClient, account: string) => Promise<unknown>> = {
  addTransaction: (client, account) => client.addTransaction({ account, payer: 'A', points: 1, timestamp: T }),
  batchAddTransactions: (client, account) =>
    client.batchAddTransactions({ account, transactions: [{ payer: 'A', points: 1, timestamp: T }] }),
  spendPoints: (client, account) => client.spendPoints({ account, points: 1 }),
  reverseSpend: (client, account) => client.reverseSpend({ account, sequence: 2, points: 1 }),
  getBalance: (client, account) => client.getBalance({ account }),
  getTransaction: (client, account) => client.getTransaction({ account, sequence: 1 }),
  listTransactions: (client, account) => client.listTransactions({ account }),
  listLots: (client, account) => client.listLots({ account }),
  watchTransactions: (client, account) => firstOf(client.watchTransactions({ account })),
  async importTransactions(client, account) {
    const call = client.importTransactions();
    await call.send([{ account, payer: 'A', points: 1, timestamp: T, requestId: randomUUID() }]);
    call.end();
    return firstOf(call);
  },
};

const [header = '', ...rows] = TABLE.trim().split('\n');
const KINDS = header.trim().split(/ +/);

describe('every rpc by every kind of token', () => {
  let servers: TwoServers;
  let account: string;
  let other: string;
  before(async () => {
    servers = await twoServers();
    [account, other] = [newAccount('tokens'), newAccount('tokens')];
    const token = await servers.one.serviceToken(['earn', 'spend']);
    const client = connectClient(servers.one.grpcAddress, token);
    await client.addTransaction({ account, payer: 'A', points: 1000, timestamp: T });
    await client.spendPoints({ account, points: 500 });
    client.close();
  });

  function tokenOf(kind: string): Promise<string> {
    if (kind === 'own') return servers.one.token(account);
    if (kind === 'other') return servers.one.token(other);
    if (kind === 'expired') return servers.one.token(account, '-1m');
    return servers.one.serviceToken([kind as 'earn']);
  }

  it('the table has every rpc', () => {
    expect(rows.map((row) => row.split(' ')[0])).to.eql(Object.keys(CALLS));
  });

  for (const row of rows) {
    const [rpc = '', ...expected] = row.split(/ +/);
    it(`${rpc}: ${KINDS.map((kind, index) => `${kind} ${expected[index]}`).join(', ')}`, async () => {
      for (const [index, kind] of KINDS.entries()) {
        const outcome = expected[index]!;
        const client = connectClient(servers.one.grpcAddress, await tokenOf(kind));
        const before = await servers.tables.dump(account);
        const error = await CALLS[rpc]!(client, account).then(
          () => null,
          (failed: unknown) => failed,
        );
        client.close();
        if (outcome === 'ok') {
          expect(error, kind).to.equal(null);
          continue;
        }
        expect(error, kind).to.be.instanceOf(CallError).and.to.include(REFUSED[outcome]!);
        if (outcome === 'scope') expect((error as CallError).metadata).to.eql({ scope: SCOPES[rpc] ?? 'read' });
        if (outcome === 'account') expect((error as CallError).metadata).to.eql({ account });
        expect(await servers.tables.dump(account), kind).to.equal(before);
      }
    });
  }

  it('a service token with several scopes has each of them, and words that are none count for nothing', async () => {
    const token = await servers.one.serviceToken(['earn', 'admin' as 'earn', 'read']);
    const client = connectClient(servers.one.grpcAddress, token);
    await CALLS.addTransaction!(client, account);
    await CALLS.getBalance!(client, account);
    const error = await CALLS.spendPoints!(client, account).then(
      () => null,
      (failed: unknown) => failed,
    );
    expect(error).to.include(REFUSED.scope!);
    client.close();
  });
});

async function firstOf(messages: AsyncIterable<unknown>): Promise<unknown> {
  for await (const message of messages) return message;
  throw new Error('the stream ended without a message');
}
