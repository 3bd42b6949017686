import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { CallError, connectClient, type TestClient } from '../support/client.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

const T = '2020-01-01T00:00:00Z';

describe('two servers on one database', () => {
  let servers: TwoServers;
  let clients: TestClient[];
  let deadlocksBefore: number;
  before(async () => {
    servers = await twoServers();
    const token = await servers.one.serviceToken(['earn', 'spend', 'read', 'reverse']);
    const { one, other } = servers;
    clients = Array.from({ length: 64 }, (_, index) => connectClient((index % 2 ? one : other).grpcAddress, token));
    deadlocksBefore = await deadlocks();
  });
  after('the database has seen no deadlock', async () => {
    for (const client of clients ?? []) client.close();
    expect(await deadlocks(), 'deadlocks').to.equal(deadlocksBefore);
  });

  /** How many deadlocks the database server has met: MariaDB counts them, MySQL where its metrics say so. */
  async function deadlocks(): Promise<number> {
    const { connection } = servers.tables;
    const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'");
    const [status] = rows as { Value: string }[];
    if (status) return Number(status.Value);
    const [metrics] = await connection.query(
      "SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'",
    );
    return Number((metrics as { count: number }[])[0]?.count ?? 0);
  }

  it('64 clients spend one account to exactly zero, never below', async () => {
    const account = newAccount('hot');
    const [first] = clients as [TestClient, ...TestClient[]];
    const lots = Array.from({ length: 100 }, (_, index) => ({
      payer: `P${index % 5}`,
      points: 10,
      timestamp: `2020-01-01T00:00:${String(index % 60).padStart(2, '0')}Z`,
    }));
    await first.batchAddTransactions({ account, transactions: lots });
    let spent = 0;
    const balances: number[] = [];
    await Promise.all(
      clients.map(async (client, index) => {
        for (;;) {
          const points = 1 + (index % 7);
          try {
            const { balance } = await client.spendPoints({ account, points });
            spent += points;
            balances.push(balance);
          } catch (error) {
            expect(error).to.be.instanceOf(CallError).and.to.include({ reason: 'INSUFFICIENT_POINTS' });
            if (Number((error as CallError).metadata.available) < points) return;
          }
        }
      }),
    );
    const { points: left } = await first.getBalance({ account });
    for (let rest = left; rest > 0; rest -= 1) {
      await first.spendPoints({ account, points: 1 });
      spent += 1;
    }
    expect(spent).to.equal(1000);
    expect(Math.min(...balances)).to.be.at.least(0);
    expect(left, 'what no client could spend').to.be.below(7);
    expect(await first.getBalance({ account })).to.include({ points: 0 });
    expect((await first.listLots({ account })).lots).to.eql([]);
  });

  it('earns, adjustments, batches, spends and reversals interleaved on a few accounts', async () => {
    const accounts = [newAccount('busy'), newAccount('busy'), newAccount('busy')];
    const [first] = clients as [TestClient, ...TestClient[]];
    for (const account of accounts) await first.addTransaction({ account, payer: 'P0', points: 10_000, timestamp: T });
    const change = new Map(accounts.map((account) => [account, 10_000]));
    const refused = new Set<string>();
    await Promise.all(
      clients.slice(0, 32).map(async (client, index) => {
        for (let round = 0; round < 12; round += 1) {
          const account = accounts[(index + round) % accounts.length]!;
          const payer = `P${(index + round) % 4}`;
          const timestamp = `2020-01-${String(1 + ((index * 7 + round) % 28)).padStart(2, '0')}T00:00:00Z`;
          const requestId = randomUUID();
          const done = (points: number) => change.set(account, change.get(account)! + points);
          try {
            switch ((index + round) % 5) {
              case 0:
                await client.addTransaction({ account, payer, points: 50, timestamp, requestId });
                done(50);
                break;
              case 1:
                await client.addTransaction({ account, payer, points: -20, timestamp, requestId });
                done(-20);
                break;
              case 2: {
                const transactions = [
                  { payer, points: -5, timestamp },
                  { payer, points: 30, timestamp },
                ];
                await client.batchAddTransactions({ account, transactions, requestId });
                done(25);
                break;
              }
              case 3:
                await client.spendPoints({ account, points: 70, requestId });
                done(-70);
                break;
              case 4: {
                const { transaction } = await client.spendPoints({ account, points: 40, requestId });
                done(-40);
                await client.reverseSpend({ account, sequence: transaction!.sequence, points: 15 });
                done(15);
              }
            }
          } catch (error) {
            expect(error).to.be.instanceOf(CallError);
            refused.add((error as CallError).reason);
          }
        }
      }),
    );
    for (const account of accounts) {
      expect((await first.getBalance({ account })).points).to.equal(change.get(account));
    }
    expect([...refused].filter((reason) => reason !== 'PAYER_BALANCE_INSUFFICIENT')).to.eql([]);
  });

  it('two full reversals of one spend at once: one wins, the other is told', async () => {
    const account = newAccount('reversed');
    const [one, other] = clients as [TestClient, TestClient, ...TestClient[]];
    await one.addTransaction({ account, payer: 'A', points: 10_000, timestamp: T });
    for (let round = 0; round < 10; round += 1) {
      const { transaction } = await one.spendPoints({ account, points: 100 });
      const sequence = transaction!.sequence;
      const results = await Promise.allSettled(
        [one, other].map((client) => client.reverseSpend({ account, sequence })),
      );
      const failed = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as CallError);
      expect(failed).to.have.length(1);
      expect(failed[0]).to.include({ code: 'FAILED_PRECONDITION', reason: 'REVERSAL_EXCEEDS_SPEND' });
      expect(failed[0]?.metadata).to.eql({ sequence: String(sequence), available: '0' });
      expect(await one.getBalance({ account })).to.include({ points: 10_000 });
    }
  });

  it('an account that both servers bring into being at once begins once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const account = newAccount('born');
      const calls = clients
        .slice(0, 8)
        .map((client) => client.addTransaction({ account, payer: 'A', points: 1, timestamp: T }));
      const sequences = (await Promise.all(calls)).map(({ transaction }) => transaction!.sequence);
      expect(sequences.sort((a, b) => a - b)).to.eql([1, 2, 3, 4, 5, 6, 7, 8]);
    }
  });

  it('accounts in any order, from both servers: nobody waits for the other for ever', async () => {
    const accounts = Array.from({ length: 20 }, () => newAccount('crossed'));
    await Promise.all(
      clients.slice(0, 32).map(async (client, index) => {
        const order = index % 2 ? accounts : [...accounts].reverse();
        await Promise.all(
          order.map((account) => client.addTransaction({ account, payer: 'A', points: 1, timestamp: T })),
        );
      }),
    );
    const [first] = clients as [TestClient, ...TestClient[]];
    for (const account of accounts)
      expect(await first.getBalance({ account })).to.include({ points: 32, sequence: 32 });
  });
});
