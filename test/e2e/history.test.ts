import { expect } from 'chai';
import fc from 'fast-check';
import type { Transaction } from '../../clients/typescript/src/gen/points/v1/resources.ts';
import { connectClient, failure, type TestClient, toText } from '../support/client.ts';
import { commandOf, steps } from '../support/commands.ts';
import { Oracle, type OracleCommand } from '../support/oracle.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

type Filters = Parameters<TestClient['listTransactions']>[0];

describe('history', () => {
  let servers: TwoServers;
  let one: TestClient;
  let other: TestClient;
  before(async () => {
    servers = await twoServers();
    const token = await servers.one.serviceToken(['earn', 'spend', 'read', 'reverse']);
    [one, other] = [connectClient(servers.one.grpcAddress, token), connectClient(servers.other.grpcAddress, token)];
  });
  after(() => {
    one?.close();
    other?.close();
  });

  const day = (number: number) => `2020-01-${String(number).padStart(2, '0')}T00:00:00Z`;
  async function earns(account: string, count: number): Promise<void> {
    const transactions = Array.from({ length: count }, (_, index) => ({
      payer: `P${index % 3}`,
      points: 10 + index,
      timestamp: day(1 + (index % 28)),
    }));
    await one.batchAddTransactions({ account, transactions });
  }

  describe('pages', () => {
    async function pages(client: TestClient, filters: Filters, between: () => Promise<unknown>): Promise<number[][]> {
      const found: number[][] = [];
      let pageToken = '';
      do {
        const page = await client.listTransactions({ ...filters, pageToken });
        found.push(page.transactions.map(({ sequence }) => sequence));
        pageToken = page.nextPageToken;
        await between();
      } while (pageToken !== '');
      return found;
    }

    it('newest first: what is added meanwhile neither shifts nor repeats them', async () => {
      const account = newAccount('pages');
      await earns(account, 10);
      const found = await pages(one, { account, pageSize: 4 }, () => earns(account, 3));
      expect(found).to.eql([
        [10, 9, 8, 7],
        [6, 5, 4, 3],
        [2, 1],
      ]);
    });

    it('oldest first, from either server: what is added meanwhile comes at the end', async () => {
      const account = newAccount('pages');
      await earns(account, 5);
      let added = 0;
      const order = 'LIST_ORDER_OLDEST_FIRST';
      const found = await pages(other, { account, pageSize: 2, order }, async () => {
        if (added < 1) await earns(account, 2);
        added += 1;
      });
      expect(found).to.eql([[1, 2], [3, 4], [5, 6], [7]]);
    });

    it('a page as long as what is left is the last', async () => {
      const account = newAccount('pages');
      await earns(account, 4);
      expect(await pages(one, { account, pageSize: 2 }, async () => {})).to.eql([
        [4, 3],
        [2, 1],
      ]);
      expect(await pages(one, { account, pageSize: 4 }, async () => {})).to.eql([[4, 3, 2, 1]]);
      expect((await one.listTransactions({ account })).transactions).to.have.length(4);
    });

    it('of a filter hold only what passes it', async () => {
      const account = newAccount('pages');
      await earns(account, 12);
      expect(await pages(one, { account, payer: 'P1', pageSize: 2 }, () => earns(account, 3))).to.eql([
        [11, 8],
        [5, 2],
      ]);
    });

    it('of lots: one after the other, oldest first, all of them', async () => {
      const account = newAccount('pages');
      await earns(account, 25);
      const found: number[] = [];
      let pageToken = '';
      do {
        const page = await one.listLots({ account, pageSize: 7, pageToken });
        found.push(...page.lots.map(({ sequence }) => sequence));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(found).to.eql(Array.from({ length: 25 }, (_, index) => index + 1));
    });

    it('a token that was made for another list, or by hand, is refused and names page_token', async () => {
      const account = newAccount('pages');
      const stranger = newAccount('pages');
      await earns(account, 5);
      await earns(stranger, 5);
      const { nextPageToken: pageToken } = await one.listTransactions({ account, payer: 'P0', pageSize: 1 });
      const { nextPageToken: lotToken } = await one.listLots({ account, pageSize: 1 });
      const flipped = `${pageToken.slice(0, -2)}${pageToken.endsWith('A') ? 'B' : 'A'}${pageToken.at(-1)}`;
      const forged = Buffer.from(JSON.stringify(['x', 3])).toString('base64url');
      const lists: Record<string, Promise<unknown>> = {
        'another payer': one.listTransactions({ account, payer: 'P1', pageToken }),
        'no payer': one.listTransactions({ account, pageToken }),
        'a kind more': one.listTransactions({ account, payer: 'P0', kinds: ['TRANSACTION_KIND_EARN'], pageToken }),
        'another order': one.listTransactions({ account, payer: 'P0', order: 'LIST_ORDER_OLDEST_FIRST', pageToken }),
        'a time more': one.listTransactions({ account, payer: 'P0', earnedFrom: day(1), pageToken }),
        'another account': one.listTransactions({ account: stranger, payer: 'P0', pageToken }),
        'lots by a token of transactions': one.listLots({ account, pageToken }),
        'transactions by a token of lots': one.listTransactions({ account, pageToken: lotToken }),
        "another account's lots": one.listLots({ account: stranger, pageToken: lotToken }),
        'a letter changed': one.listTransactions({ account, payer: 'P0', pageToken: flipped }),
        'made by hand': one.listTransactions({ account, payer: 'P0', pageToken: forged }),
        'no token at all': one.listTransactions({ account, pageToken: '\u{1F600}' }),
      };
      for (const [name, list] of Object.entries(lists)) {
        const error = await failure(list);
        expect(error, name).to.include({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
        expect(
          error.violations.map(({ field }) => field),
          name,
        ).to.eql(['page_token']);
      }
    });

    it('the size of a page may change from one to the next', async () => {
      const account = newAccount('pages');
      await earns(account, 5);
      const { nextPageToken: pageToken } = await one.listTransactions({ account, pageSize: 1 });
      const { transactions } = await one.listTransactions({ account, pageSize: 3, pageToken });
      expect(transactions.map(({ sequence }) => sequence)).to.eql([4, 3, 2]);
    });
  });

  describe('filters', () => {
    let account: string;
    let all: Transaction[];
    before(async () => {
      account = newAccount('filters');
      await one.addTransaction({ account, payer: 'A', points: 100, timestamp: day(1) });
      await one.addTransaction({ account, payer: 'B', points: 100, timestamp: day(2) });
      await one.addTransaction({ account, payer: 'A', points: -10, timestamp: day(3) });
      await one.spendPoints({ account, points: 50 });
      await one.addTransaction({ account, payer: 'C', points: 100, timestamp: day(4) });
      await one.spendPoints({ account, points: 200 });
      await one.reverseSpend({ account, sequence: 6, points: 120 });
      await one.addTransaction({ account, payer: 'B', points: -1, timestamp: day(2) });
      all = (await one.listTransactions({ account, order: 'LIST_ORDER_OLDEST_FIRST' })).transactions;
      expect(all).to.have.length(8);
    });

    const E = 'TRANSACTION_KIND_EARN' as const;
    const A = 'TRANSACTION_KIND_ADJUST' as const;
    const S = 'TRANSACTION_KIND_SPEND' as const;
    const R = 'TRANSACTION_KIND_REVERSE' as const;
    const CASES: readonly [string, Filters, number[]][] = [
      ['none', {}, [1, 2, 3, 4, 5, 6, 7, 8]],
      ['earns', { kinds: [E] }, [1, 2, 5]],
      ['adjustments', { kinds: [A] }, [3, 8]],
      ['spends', { kinds: [S] }, [4, 6]],
      ['reversals', { kinds: [R] }, [7]],
      ['spends and reversals', { kinds: [S, R] }, [4, 6, 7]],
      ['a kind twice', { kinds: [R, R] }, [7]],
      ['payer A: what touches its points', { payer: 'A' }, [1, 3, 4, 6]],
      ['payer B', { payer: 'B' }, [2, 6, 7, 8]],
      ['payer C', { payer: 'C' }, [5, 6, 7]],
      ['payer a, which is another', { payer: 'a' }, []],
      ['payer A with a space, which is another', { payer: 'A ' }, []],
      ['earned from day 2', { earnedFrom: day(2) }, [2, 3, 5, 8]],
      ['earned until day 2, which is not in it', { earnedUntil: day(2) }, [1]],
      ['earned on day 2', { earnedFrom: day(2), earnedUntil: day(3) }, [2, 8]],
      ['earned from after to before', { earnedFrom: day(3), earnedUntil: day(2) }, []],
      ['spends that touch B', { kinds: [S], payer: 'B' }, [6]],
      ['adjustments of B on day 2', { kinds: [A], payer: 'B', earnedFrom: day(2), earnedUntil: day(3) }, [8]],
      ['earns of A from day 2', { kinds: [E], payer: 'A', earnedFrom: day(2) }, []],
    ];
    for (const [name, filters, sequences] of CASES) {
      it(`${name}: ${sequences.join(' ') || 'nothing'}`, async () => {
        const oldest = await one.listTransactions({ ...filters, account, order: 'LIST_ORDER_OLDEST_FIRST' });
        expect(oldest.transactions.map(({ sequence }) => sequence)).to.eql(sequences);
        const newest = await one.listTransactions({ ...filters, account });
        expect(newest.transactions.map(({ sequence }) => sequence)).to.eql([...sequences].reverse());
      });
    }

    it('recorded from, until and between: at every recorded time, exactly', async () => {
      const times = all.map(({ recordedAt }) => toText(recordedAt));
      for (const [index, time] of times.entries()) {
        const from = times.filter((each) => each >= time).length;
        const until = times.filter((each) => each < time).length;
        const later = await one.listTransactions({ account, recordedFrom: time });
        expect(later.transactions, `from ${index}`).to.have.length(from);
        const earlier = await one.listTransactions({ account, recordedUntil: time });
        expect(earlier.transactions, `until ${index}`).to.have.length(until);
        const none = await one.listTransactions({ account, recordedFrom: time, recordedUntil: time });
        expect(none.transactions).to.eql([]);
      }
      const spends = await one.listTransactions({ account, kinds: [S], recordedFrom: times[4]!, payer: 'B' });
      expect(spends.transactions.map(({ sequence }) => sequence)).to.eql([6]);
    });
  });

  it('open lots are what the next spend draws, in order, whatever floats', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(steps({ maxLength: 15 }), fc.integer({ min: 1, max: 100 }), async (sequence, percent) => {
        const account = newAccount('lots');
        const oracle = new Oracle();
        const asked: OracleCommand[] = [];
        for (const step of sequence) {
          const command = commandOf(step, { asked, oracle });
          asked.push(command);
          if (command.kind === 'add' && oracle.ask(command).accepted) {
            const transactions = command.entries.map(({ payer, points, earnedAt }) => ({
              payer,
              points,
              timestamp: earnedAt,
            }));
            await one.batchAddTransactions({ account, transactions, requestId: command.requestId });
          } else if (command.kind === 'spend' && oracle.ask(command).accepted) {
            await one.spendPoints({ account, points: command.points, requestId: command.requestId });
          }
        }
        const { lots } = await other.listLots({ account, pageSize: 1000 });
        const { points: balance } = await other.getBalance({ account });
        expect(lots.reduce((sum, { available }) => sum + available, 0)).to.equal(balance);
        const points = Number((BigInt(balance) * BigInt(percent)) / 100n);
        if (points === 0) return;
        const { allocations } = await other.spendPoints({ account, points, validateOnly: true });
        let left = points;
        const expected = lots.flatMap(({ sequence, available }) => {
          const drawn = Math.min(left, available);
          left -= drawn;
          return drawn > 0 ? [[sequence, drawn]] : [];
        });
        expect(allocations.map((each) => [each.lotSequence, each.points])).to.eql(expected);
      }),
      { numRuns: 25 },
    );
  });

  describe('balances as of a time', () => {
    it('at every recorded time, just before it and after all: what was answered then', async () => {
      const account = newAccount('as-of');
      const log: { at: string; balance: unknown }[] = [];
      const note = async (transaction: Transaction | undefined) => {
        const { payers, unsettled, points, sequence } = await one.getBalance({ account });
        const balance = { payers: [...payers], unsettled: [...unsettled], points, sequence };
        log.push({ at: toText(transaction?.recordedAt), balance });
      };
      const add = async (payer: string, points: number, timestamp: string) =>
        note((await one.addTransaction({ account, payer, points, timestamp })).transaction);
      await add('B', 100, day(2));
      await add('A', 50, day(1));
      await add('B', -30, day(3));
      await note((await one.spendPoints({ account, points: 60 })).transaction);
      await add('B', -5, day(1));
      await add('C', 7, day(5));
      await note((await one.reverseSpend({ account, sequence: 4, points: 20 })).transaction);
      await note((await one.spendPoints({ account, points: 80 })).transaction);
      await note((await one.reverseSpend({ account, sequence: 8 })).transaction);
      expect(log.map(({ at }) => at)).to.eql(log.map(({ at }) => at).sort());

      const asOf = async (at: string) => {
        const { payers, unsettled, points, sequence } = await other.getBalance({ account, asOf: at });
        return { payers: [...payers], unsettled: [...unsettled], points, sequence };
      };
      const nothing = { payers: [], unsettled: [], points: 0, sequence: 0 };
      for (const [index, { at }] of log.entries()) {
        const then = log.findLast((each) => each.at === at)!; // of one group, all are recorded at once
        expect(await asOf(at), `at ${index}`).to.eql(then.balance);
        const before = log.findLast((each) => each.at < at);
        const [whole = '', digits = ''] = at.slice(0, -1).split('.');
        if (Number(digits) >= 1000) {
          const justBefore = `${whole}.${String(Number(digits) - 1000).padStart(9, '0')}Z`;
          expect(await asOf(justBefore), `before ${index}`).to.eql(before?.balance ?? nothing);
        }
      }
      expect(await asOf('2000-01-01T00:00:00Z')).to.eql(nothing);
      expect(await asOf(new Date().toISOString())).to.eql(log.at(-1)!.balance);
    });

    it('just now, while others write: the answer is the same later', async () => {
      const account = newAccount('as-of-now');
      await one.addTransaction({ account, payer: 'A', points: 1_000_000, timestamp: day(1) });
      let over = false;
      const writers = Array.from({ length: 8 }, async (_, index) => {
        while (!over) await (index % 2 ? one : other).spendPoints({ account, points: 1 });
      });
      const answers: { asOf: string; points: number }[] = [];
      const readers = Array.from({ length: 4 }, async (_, index) => {
        for (let read = 0; read < 40; read += 1) {
          const asOf = new Date().toISOString();
          const { points } = await (index % 2 ? one : other).getBalance({ account, asOf });
          answers.push({ asOf, points });
        }
      });
      await Promise.all(readers);
      over = true;
      await Promise.all(writers);
      for (const { asOf, points } of answers) {
        expect((await one.getBalance({ account, asOf })).points, asOf).to.equal(points);
      }
    });

    it('of the future is refused', async () => {
      const error = await failure(
        one.getBalance({ account: newAccount(), asOf: new Date(Date.now() + 60_000).toISOString() }),
      );
      expect(error.violations.map(({ field }) => field)).to.eql(['as_of']);
    });
  });

  describe('reversals', () => {
    it('in parts: each gives back to the lots last drawn first, with their own time, until nothing is left', async () => {
      const account = newAccount('parts');
      for (const [index, payer] of ['A', 'B', 'C'].entries()) {
        await one.addTransaction({ account, payer, points: 10, timestamp: day(index + 1) });
      }
      await one.spendPoints({ account, points: 25 });
      const back = async (points?: number) => {
        const request = points === undefined ? {} : { points };
        const { allocations, balance } = await other.reverseSpend({ account, sequence: 4, ...request });
        return [
          ...allocations.map((each) => `${each.payer}${each.points} ${toText(each.earnedAt).slice(0, 10)}`),
          balance,
        ];
      };
      expect(await back(3)).to.eql(['C-3 2020-01-03', 8]);
      expect(await back(5)).to.eql(['C-2 2020-01-03', 'B-3 2020-01-02', 13]);
      expect(await back()).to.eql(['B-7 2020-01-02', 'A-10 2020-01-01', 30]);
      const error = await failure(one.reverseSpend({ account, sequence: 4 }));
      expect(error).to.include({ reason: 'REVERSAL_EXCEEDS_SPEND' });
      const { lots } = await one.listLots({ account });
      expect(lots.map(({ payer, available }) => [payer, available])).to.eql([
        ['A', 10],
        ['B', 10],
        ['C', 10],
      ]);
      const spend = (await one.getTransaction({ account, sequence: 4 })).transaction;
      expect(spend).to.include({ reversedPoints: 25 });
    });
  });

  describe('watching', () => {
    it('history, then live, from both servers: no gap, no repeat, and again from the last seen after a cut', async function () {
      this.timeout(60_000);
      const account = newAccount('watched');
      await earns(account, 30);
      const seen: number[] = [];
      let writing = true;
      const writers = [one, other].map(async (client, index) => {
        while (writing) await client.addTransaction({ account, payer: `W${index}`, points: 1, timestamp: day(1) });
      });
      let cuts = 0;
      while (seen.length < 250) {
        const stream = (cuts % 2 ? one : other).watchTransactions({ account, afterSequence: seen.at(-1) ?? 0 });
        let part = 0;
        for await (const { transaction } of stream) {
          seen.push(transaction!.sequence);
          part += 1;
          if (part === 60) break;
        }
        stream.cancel();
        cuts += 1;
      }
      writing = false;
      await Promise.all(writers);
      expect(cuts).to.be.greaterThan(3);
      expect(seen).to.eql(seen.map((_, index) => index + 1));
    });

    it('tells what GetTransaction told when it was made', async () => {
      const account = newAccount('watched');
      await earns(account, 2);
      const { transaction: spend } = await one.spendPoints({ account, points: 15 });
      const stream = other.watchTransactions({ account, afterSequence: 2 });
      for await (const { transaction } of stream) {
        expect(transaction).to.eql(spend);
        break;
      }
    });

    it('an account that does not exist yet: its first transaction comes', async () => {
      const account = newAccount('watched');
      const stream = one.watchTransactions({ account }, { deadlineMs: 20_000 });
      const first = (async () => {
        for await (const { transaction } of stream) return transaction?.sequence;
        return undefined;
      })();
      await earns(account, 1);
      expect(await first).to.equal(1);
    });
  });
});
