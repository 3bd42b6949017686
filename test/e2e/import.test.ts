import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { ImportTransactionsResponse } from '../../clients/typescript/src/gen/points/v1/points_service.ts';
import { connectClient, failure, type ImportCall, type TestClient } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

const T = '2020-01-01T00:00:00Z';

type Item = Parameters<ImportCall['send']>[0][number];

describe('imports', () => {
  let servers: TwoServers;
  let client: TestClient;
  let reader: TestClient;
  before(async () => {
    servers = await twoServers();
    client = connectClient(servers.one.grpcAddress, await servers.one.serviceToken(['import']));
    reader = connectClient(servers.other.grpcAddress, await servers.one.serviceToken(['read', 'earn']));
  });
  after(() => {
    client?.close();
    reader?.close();
  });

  const item = (account: string, changes: Partial<Item> = {}): Item => ({
    account,
    payer: 'A',
    points: 1,
    timestamp: T,
    requestId: randomUUID(),
    ...changes,
  });
  const pointsOf = async (account: string) => (await reader.getBalance({ account })).points;

  /** Sends messages one after the other; returns the answers. */
  async function importAll(messages: readonly (readonly Item[])[], by = client): Promise<ImportTransactionsResponse[]> {
    const call = by.importTransactions();
    const answers: ImportTransactionsResponse[] = [];
    const reading = (async () => {
      for await (const answer of call) answers.push(answer);
    })();
    for (const message of messages) await call.send(message);
    call.end();
    await reading;
    return answers;
  }

  it('many accounts, many messages: progress in order, and every account has what is its', async () => {
    const accounts = Array.from({ length: 20 }, () => newAccount('imported'));
    const messages = Array.from({ length: 30 }, (_, index) =>
      Array.from({ length: 100 }, (_, each) => item(accounts[(index + each) % 20]!, { points: 1 + (each % 5) })),
    );
    const answers = await importAll(messages);
    const decided = answers.map((answer) => answer.decided);
    expect(decided).to.eql([...decided].sort((a, b) => a - b));
    expect(answers.at(-1)).to.deep.include({ decided: 3000, accepted: 3000 });
    expect(answers.flatMap(({ rejections }) => rejections)).to.eql([]);
    const sum = messages.flat().reduce((total, { points = 0 }) => total + points, 0);
    const found = await Promise.all(accounts.map(pointsOf));
    expect(found.reduce((total, points) => total + points, 0)).to.equal(sum);
  });

  it('what is rejected says its index, reason and field, changes nothing, and disturbs no neighbour', async () => {
    const account = newAccount('imported');
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    const used = randomUUID();
    const messages: Item[][] = [
      [item(account, { points: 10, requestId: used }), item(account, { points: 0 }), item(account, { points: -4 })],
      [item(account, { points: -7 }), item('me'), item(''), item('a b'), item(account, { payer: ' A' })],
      [
        item(account, { timestamp: undefined }),
        item(account, { timestamp: ahead }),
        item(account, { requestId: '' }),
        item(account, { requestId: '17' }),
        item(account, { points: Number.MAX_SAFE_INTEGER }),
        item(account, { points: 11, requestId: used }),
        item(account, { points: 3 }),
      ],
    ];
    const answers = await importAll(messages);
    const rejections = answers.flatMap((answer) => answer.rejections);
    expect(rejections.map(({ index, reason, field }) => [index, reason, field])).to.eql([
      [1, 'INVALID_REQUEST', 'points'],
      [3, 'PAYER_BALANCE_INSUFFICIENT', 'points'],
      [4, 'INVALID_REQUEST', 'account'],
      [5, 'INVALID_REQUEST', 'account'],
      [6, 'INVALID_REQUEST', 'account'],
      [7, 'INVALID_REQUEST', 'payer'],
      [8, 'INVALID_REQUEST', 'timestamp'],
      [9, 'INVALID_REQUEST', 'timestamp'],
      [10, 'INVALID_REQUEST', 'request_id'],
      [11, 'INVALID_REQUEST', 'request_id'],
      [12, 'POINTS_OUT_OF_RANGE', 'points'],
      [13, 'REQUEST_ID_REUSED', 'points'],
    ]);
    for (const { message } of rejections) expect(message).to.not.equal('');
    expect(answers.at(-1)).to.deep.include({ decided: 15, accepted: 3 });
    expect(await pointsOf(account)).to.equal(9);
  });

  it('an adjustment finds the earn sent just before it, in the same message and in the one before', async () => {
    const account = newAccount('imported');
    const answers = await importAll([
      [item(account, { points: 5 }), item(account, { points: -5 }), item(account, { points: 7 })],
      [item(account, { points: -7 })],
    ]);
    expect(answers.at(-1)).to.include({ decided: 4, accepted: 4 });
    expect(await pointsOf(account)).to.equal(0);
  });

  it('sent again, to either server, it counts as accepted and does nothing', async () => {
    const accounts = [newAccount('imported'), newAccount('imported')];
    const messages = [0, 1, 2].map(() => Array.from({ length: 50 }, (_, index) => item(accounts[index % 2]!)));
    await importAll(messages);
    const before = await Promise.all(accounts.map((account) => servers.tables.dump(account)));
    const other = connectClient(servers.other.grpcAddress, await servers.one.serviceToken(['import']));
    for (const by of [client, other]) {
      expect((await importAll(messages, by)).at(-1)).to.deep.include({ decided: 150, accepted: 150, rejections: [] });
    }
    other.close();
    expect(await Promise.all(accounts.map((account) => servers.tables.dump(account)))).to.eql(before);
  });

  it('cut in the middle and sent again from the start: each transaction once', async () => {
    const accounts = Array.from({ length: 5 }, () => newAccount('imported'));
    const messages = Array.from({ length: 60 }, () =>
      Array.from({ length: 50 }, (_, index) => item(accounts[index % 5]!)),
    );
    const call = client.importTransactions();
    const sending = (async () => {
      for (const message of messages) await call.send(message);
    })().catch(() => undefined);
    let decided = 0;
    const cut = await failure(
      (async () => {
        for await (const answer of call) {
          decided = answer.decided;
          if (decided >= 500) call.cancel();
        }
      })(),
    );
    await sending;
    expect(cut.code).to.equal('CANCELLED');
    const present = (await Promise.all(accounts.map(pointsOf))).reduce((sum, points) => sum + points, 0);
    expect(present, 'what was acknowledged is there').to.be.within(decided, 2999);
    expect((await importAll(messages)).at(-1)).to.include({ decided: 3000, accepted: 3000 });
    expect(await Promise.all(accounts.map(pointsOf))).to.eql([600, 600, 600, 600, 600]);
  });

  const BAD: readonly [string, Item[], string][] = [
    ['an empty message', [], 'transactions'],
    ['a message of 1,001', Array.from({ length: 1001 }, () => item('x')), 'transactions'],
  ];
  for (const [name, message, field] of BAD) {
    it(`${name} ends the import with INVALID_ARGUMENT`, async () => {
      const error = await failure(importAll([message]));
      expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
      expect(error.violations.map((violation) => violation.field)).to.eql([field]);
    });
  }

  it('nothing sent is nothing decided', async () => {
    expect(await importAll([])).to.eql([]);
  });

  it('without the scope: PERMISSION_DENIED before anything is read; without a token: UNAUTHENTICATED', async () => {
    for (const [token, code] of [
      [await servers.one.serviceToken(['earn', 'spend', 'read', 'reverse', 'report']), 'PERMISSION_DENIED'],
      [await servers.one.token('alice'), 'PERMISSION_DENIED'],
      ['', 'UNAUTHENTICATED'],
    ] as const) {
      const stranger = connectClient(servers.one.grpcAddress, token);
      const call = stranger.importTransactions();
      void call.send([item('alice')]).catch(() => undefined);
      const error = await failure(drain(call));
      expect(error.code).to.equal(code);
      stranger.close();
    }
    expect((await servers.tables.count('alice')).transactions).to.equal(0);
  });

  describe('faster than the database', () => {
    let server: TestServer;
    before(async () => {
      server = await startServer({ databaseUrl: servers.database.url, env: { WORKERS: '1', QUEUE_MAX: '100' } });
    });
    after(() => server?.stop());

    it('the server stops reading: what a client may send ahead is bounded, and others are still answered', async () => {
      const { connection } = servers.tables;
      const account = newAccount('held');
      const importing = connectClient(server.grpcAddress, await server.serviceToken(['import', 'read', 'earn']));
      await reader.addTransaction({ account, payer: 'A', points: 1, timestamp: T });
      await connection.beginTransaction();
      await connection.query('SELECT 1 FROM accounts WHERE account_id = ? FOR UPDATE', [account]);
      const call = importing.importTransactions();
      let sent = 0;
      const sending = (async () => {
        for (let message = 0; message < 300; message += 1) {
          await call.send(Array.from({ length: 500 }, () => item(account)));
          sent += 1;
        }
      })().catch(() => undefined);
      const answers = failure(drain(call));
      // It has stopped reading when, for half a second, nothing more went out.
      let last = -1;
      const patience = Date.now() + 4000;
      while ((sent === 0 || sent !== last) && Date.now() < patience) {
        last = sent;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      // The rest is what sockets and streams buffer: some megabytes.
      expect(sent, 'messages taken').to.be.within(1, 150);
      expect((await importing.getBalance({ account })).points, 'read meanwhile').to.equal(1);
      call.cancel();
      await connection.rollback();
      expect((await answers).code).to.equal('CANCELLED');
      await sending;
      const again = await importAll([[item(account, { payer: 'B', points: 5 })]], importing);
      expect(again.at(-1)).to.include({ decided: 1, accepted: 1 });
      importing.close();
    });
  });

  async function drain(call: ImportCall): Promise<void> {
    for await (const _ of call);
  }
});
