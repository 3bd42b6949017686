// The checkout example, as a service of its own beside a real server.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, stopServers } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('client: the checkout example', () => {
  let database: TestDatabase;
  let shop: ChildProcess;
  let url: string;

  before(async () => {
    database = await createTestDatabase();
    const server = await startServer({ databaseUrl: database.url });
    const { PATH = '' } = process.env;
    // The package by its name, from its sources: it need not be built.
    const args = ['--conditions=points-ledger-source', '--import', 'tsx', 'clients/typescript/examples/checkout.ts'];
    shop = spawn(process.execPath, args, {
      cwd: ROOT,
      env: {
        PATH,
        PORT: '0',
        POINTS_ADDRESS: server.grpcAddress,
        POINTS_TOKEN: await server.serviceToken(['earn', 'spend', 'reverse', 'read']),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(shop.stdout!, 'data');
    url = `http://127.0.0.1:${/port (\d+)/.exec(String(line))![1]}`;
  });

  after(async () => {
    const ended = once(shop, 'exit');
    shop.kill('SIGTERM');
    expect((await ended)[0], 'exit code of the shop').to.equal(0);
    await stopServers();
    await database.drop();
  });

  async function ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<[number, Record<string, unknown>]> {
    const response = await fetch(url + path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    return [response.status, (await response.json()) as Record<string, unknown>];
  }

  it('earns on purchase, spends at the till and gives back on refund, each once', async () => {
    const customer = 'carol';
    const purchase = { customer, order: 'A-1', cents: 12_345, at: '2020-11-02T14:00:00+01:00' };
    for (let times = 1; times <= 2; times += 1) {
      expect(await ask('POST', '/purchases', purchase)).to.deep.equal([200, { earned: 1_234, balance: 1_234 }]);
    }
    expect(await ask('POST', '/purchases', { ...purchase, cents: 99 })).to.deep.equal([
      409,
      { error: 'this order has another points already' },
    ]);
    const payment = { customer, order: 'A-2', points: 1_000 };
    for (let times = 1; times <= 2; times += 1) {
      const paid = { paid: 1_000, balance: 234, payers: [{ payer: 'CORNER SHOP', points: -1_000 }] };
      expect(await ask('POST', '/tills', payment)).to.deep.equal([200, paid]);
    }
    expect(await ask('POST', '/tills', { customer, order: 'A-3', points: 300 })).to.deep.equal([
      402,
      { error: '234 points are left, 66 too few' },
    ]);
    for (let times = 1; times <= 2; times += 1) {
      const refunded = { refunded: 1_000, balance: 1_234 };
      expect(await ask('POST', '/refunds', { customer, order: 'A-2' })).to.deep.equal([200, refunded]);
    }
    const [status, balance] = await ask('GET', `/customers/${customer}`);
    expect(status).to.equal(200);
    expect(balance).to.deep.include({
      account: customer,
      points: 1_234,
      payers: { 'CORNER SHOP': 1_234 },
      sequence: 3,
    });
  });

  it('a purchase of less than a point earns 0, and leaves the order as it was', async () => {
    const purchase = { customer: 'erin', order: 'E-1', cents: 9, at: '2020-11-02T14:00:00Z' };
    expect(await ask('POST', '/purchases', purchase)).to.deep.equal([200, { earned: 0, balance: 0 }]);
    expect(await ask('POST', '/purchases', { ...purchase, cents: 19 })).to.deep.equal([200, { earned: 1, balance: 1 }]);
    expect(await ask('POST', '/purchases', { ...purchase, order: 'E-2', cents: 0 })).to.deep.equal([
      200,
      { earned: 0, balance: 1 },
    ]);
  });

  const purchase = { customer: 'frank', order: 'F-1', cents: 100, at: '2020-11-02T14:00:00Z' };
  for (const [field, path, body] of [
    ['order', '/purchases', { ...purchase, order: undefined }],
    ['order', '/purchases', { ...purchase, order: '' }],
    ['order', '/purchases', { ...purchase, order: 5 }],
    ['order', '/purchases', { ...purchase, order: '\ud800' }],
    ['customer', '/purchases', { ...purchase, customer: undefined }],
    ['cents', '/purchases', { ...purchase, cents: undefined }],
    ['cents', '/purchases', { ...purchase, cents: -100 }],
    ['at', '/purchases', { ...purchase, at: undefined }],
    ['order', '/tills', { customer: 'frank', points: 1 }],
    ['order', '/refunds', { customer: 'frank' }],
    ['customer', '/refunds', { order: 'F-1' }],
    ['body', '/purchases', null],
    ['body', '/tills', 5],
    ['body', '/refunds', 'order'],
  ] as const) {
    it(`names ${field} in ${JSON.stringify(body)} to ${path}`, async () => {
      const [status, answer] = await ask('POST', path, body);
      expect(status).to.equal(400);
      expect(answer.error).to.match(new RegExp(`^${field}: must be`));
      expect(answer).to.have.nested.property('fields[0].field', field);
    });
  }

  it('tells the till what is wrong', async () => {
    expect((await ask('POST', '/refunds', { customer: 'carol', order: 'A-9' }))[0]).to.equal(404);
    const [status, body] = await ask('POST', '/tills', { customer: 'carol', order: 'A-4', points: 'many' });
    expect(status).to.equal(400);
    expect(body).to.have.nested.property('fields[0].field', 'points');
    expect((await ask('GET', '/nowhere'))[0]).to.equal(404);
  });
});
