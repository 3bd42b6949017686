import { expect } from 'chai';
import fc from 'fast-check';
import type { Transaction } from '../../clients/typescript/src/gen/points/v1/resources.ts';
import { CallError, connectClient, type TestClient, toText } from '../support/client.ts';
import { commandOf, type Step, steps } from '../support/commands.ts';
import { type Answer, Oracle, type OracleCommand, type Told } from '../support/oracle.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

// A failure prints its seed and path: put them beside numRuns to run it again.
const RUNS = 50;

describe('whatever is asked of the whole service, in any sequence', () => {
  let servers: TwoServers;
  let clients: [TestClient, TestClient];
  before(async () => {
    servers = await twoServers();
    const token = await servers.one.serviceToken(['earn', 'spend', 'read', 'reverse']);
    clients = [connectClient(servers.one.grpcAddress, token), connectClient(servers.other.grpcAddress, token)];
  });
  after(() => {
    for (const client of clients ?? []) client.close();
  });

  it('it answers as the oracle does, from either server, and ends with the same balances, lots and journal', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(steps({ maxLength: 40 }), async (sequence) => {
        const account = newAccount('property');
        const oracle = new Oracle();
        const asked: OracleCommand[] = [];
        for (const [index, step] of sequence.entries()) {
          const command = commandOf(step, { asked, oracle });
          asked.push(command);
          const client = clients[index % 2]!;
          const expected = step.preview ? oracle.preview(command) : oracle.ask(command);
          expect(await ask(client, account, command, step), JSON.stringify(command)).to.eql(inWords(expected));
        }
        await expectSame(clients[0], account, oracle);
      }),
      { numRuns: RUNS },
    );
  });

  /** What the service answers a command, in the oracle's terms. */
  async function ask(client: TestClient, account: string, command: OracleCommand, step: Step): Promise<unknown> {
    const common = { account, requestId: command.requestId, validateOnly: step.preview };
    try {
      switch (command.kind) {
        case 'add': {
          const transactions = command.entries.map(({ payer, points, earnedAt }) => ({
            payer,
            points,
            timestamp: earnedAt,
          }));
          const answer = await client.batchAddTransactions({ ...common, transactions });
          return answer.transactions.map(told);
        }
        case 'spend':
          return [told((await client.spendPoints({ ...common, points: command.points })).transaction!)];
        case 'reverse': {
          const { spend: sequence, points, reason } = command;
          const request = { ...common, sequence, reason, ...(points === null ? {} : { points }) };
          return [told((await client.reverseSpend(request)).transaction!)];
        }
      }
    } catch (error) {
      if (error instanceof CallError) return error.reason;
      throw error;
    }
  }
});

function inWords(answer: Answer): unknown {
  return answer.accepted ? answer.transactions.map(toldWords) : answer.rejection.reason;
}

function toldWords({ kind, sequence, points, balance, drawn, settled, lines }: Told) {
  const paid = kind === 'EARN' || kind === 'ADJUST';
  return {
    kind,
    sequence,
    points: Number(points),
    balance: Number(balance),
    payers: paid ? [] : lines.map((line) => [line.payer, Number(line.points)]),
    drawn: drawn.map((each) => [each.lot, each.payer, Number(each.points)]),
    settled: settled.map((each) => [each.lot, each.payer, Number(each.points)]),
  };
}

function told({ kind, sequence, points, balance, payers, allocations, settlements }: Transaction) {
  const line = (each: { lotSequence: number; payer: string; points: number }) => [
    each.lotSequence,
    each.payer,
    each.points,
  ];
  return {
    kind: kind.replace('TRANSACTION_KIND_', ''),
    sequence,
    points,
    balance,
    payers: payers.map((each) => [each.payer, each.points]),
    drawn: allocations.map(line),
    settled: [...settlements].sort((a, b) => a.lotSequence - b.lotSequence).map(line),
  };
}

/** The balance, the floating adjustments, the lots and the journal, as both tell them. */
async function expectSame(client: TestClient, account: string, oracle: Oracle): Promise<void> {
  const balance = await client.getBalance({ account });
  expect([...balance.payers]).to.eql(oracle.balances().map(({ payer, points }) => [payer, Number(points)]));
  expect(balance.points).to.equal(Number(oracle.balance()));
  const floating = oracle.balances().map(({ payer }) => [payer, Number(oracle.floating(payer))]);
  expect([...balance.unsettled]).to.eql(floating.filter(([, points]) => points !== 0));

  // What the oracle's next spend of everything would draw is what the service lists as open lots.
  const { lots } = await client.listLots({ account, pageSize: 1000 });
  const everything = oracle.balance();
  const next =
    everything === 0n ? undefined : oracle.preview({ kind: 'spend', requestId: 'next', points: Number(everything) });
  const drawn = next?.accepted ? (next.transactions[0]?.drawn ?? []) : [];
  expect(lots.map(({ sequence, available }) => [sequence, available])).to.eql(
    drawn.map(({ lot, points }) => [lot, Number(points)]),
  );

  const { transactions } = await client.listTransactions({ account, order: 'LIST_ORDER_OLDEST_FIRST', pageSize: 1000 });
  expect(transactions.map(told)).to.eql(oracle.journal.map(toldWords));
  const earned = oracle.lots();
  for (const { sequence, timestamp, remaining } of transactions.filter(
    ({ kind }) => kind === 'TRANSACTION_KIND_EARN',
  )) {
    const lot = earned.find((each) => each.sequence === sequence);
    expect([toText(timestamp), remaining]).to.eql([lot!.earnedAt.replace('Z', '000Z'), Number(lot!.remaining)]);
  }
}
