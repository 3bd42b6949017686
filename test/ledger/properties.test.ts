import { expect } from 'chai';
import fc from 'fast-check';
import { type Account, payerLines, type Spend } from '../../src/ledger/account.ts';
import type { Command, Entry, Outcome } from '../../src/ledger/command.ts';
import { CheckedAccount } from '../support/checked-account.ts';
import { commandOf, entries, requestIdOf, steps } from '../support/commands.ts';

// A failure prints its seed and path: put them beside numRuns to run it again.

describe('whatever is asked, in any sequence', () => {
  it('the ledger and the oracle agree on every answer, balance and lot, and every invariant holds', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(steps(), (sequence) => {
        const checked = new CheckedAccount();
        const asked: Command[] = [];
        for (const [index, step] of sequence.entries()) {
          const command = commandOf(step, { asked, oracle: checked.oracle });
          const now = `2021-01-0${1 + ((index * 4) % 7)}T00:00:00.000000Z`; // a clock that goes back at times
          asked.push(command);
          const outcome = step.preview ? checked.preview(command, now) : checked.ask(command, now);
          const kind = kindOf(outcome);
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
        }
      }),
      { numRuns: 1500 },
    );
    expect([...seen.keys()].sort(), 'what the sequences have met').to.include.members([
      'ADJUST',
      'EARN',
      'INSUFFICIENT_POINTS',
      'NOT_A_SPEND',
      'PAYER_BALANCE_INSUFFICIENT',
      'POINTS_OUT_OF_RANGE',
      'REQUEST_ID_REUSED',
      'REVERSAL_EXCEEDS_SPEND',
      'REVERSE',
      'SPEND',
      'SPEND that settles',
      'TRANSACTION_NOT_FOUND',
      'again',
    ]);
  });

  it('points are conserved: what was earned is what is there, was spent for good, or was taken back', () => {
    fc.assert(
      fc.property(steps(), (sequence) => {
        const { account } = accountOf(sequence);
        const sum = { EARN: 0n, ADJUST: 0n, SPEND: 0n, REVERSE: 0n };
        for (const { kind, points } of account.journal.values()) sum[kind] += BigInt(points);
        expect(BigInt(account.balance)).to.equal(sum.EARN + sum.ADJUST + sum.SPEND + sum.REVERSE);
        const remaining = [...account.lots.values()].reduce((total, lot) => total + BigInt(lot.remaining), 0n);
        expect(remaining - BigInt(account.unsettled)).to.equal(BigInt(account.balance));
        for (const { points } of account.payers.values()) expect(points).to.be.at.least(0);
      }),
      { numRuns: 300 },
    );
  });

  it("a spend's lines sum to it, name each payer once, and take no more than the payer has", () => {
    fc.assert(
      fc.property(steps({ maxLength: 12 }), fc.integer({ min: 1, max: 100 }), (sequence, percent) => {
        const checked = accountOf(sequence);
        const before = new Map(checked.account.payers);
        const spend = spendShare(checked, percent);
        if (!spend) return;
        const lines = payerLines(spend.allocations);
        expect(lines.reduce((sum, { points }) => sum + BigInt(points), 0n)).to.equal(BigInt(spend.points));
        expect(new Set(lines.map(({ payer }) => payer)).size).to.equal(lines.length);
        for (const { payer, points } of lines) {
          expect(points).to.be.below(0);
          expect(-points).to.be.at.most(before.get(payer)?.points ?? 0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a spend draws nothing while an older lot has points left', () => {
    fc.assert(
      fc.property(steps({ maxLength: 12 }), fc.integer({ min: 1, max: 100 }), (sequence, percent) => {
        const checked = accountOf(sequence);
        const spend = spendShare(checked, percent);
        const youngest = spend?.allocations.at(-1);
        if (!youngest) return;
        for (const lot of checked.account.open) {
          const older =
            lot.earnedAt < youngest.earnedAt || (lot.earnedAt === youngest.earnedAt && lot.sequence < youngest.lot);
          expect(older, `lot ${lot.sequence} has points left`).to.equal(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a reversal of everything right after a spend', () => {
  it('restores every balance, and every lot to what it was less what the spend settled', () => {
    fc.assert(
      fc.property(steps({ maxLength: 12 }), fc.integer({ min: 1, max: 100 }), (sequence, percent) => {
        const checked = accountOf(sequence);
        const before = snapshot(checked.account);
        const spend = spendShare(checked, percent);
        if (!spend) return;
        for (const { lot, points } of spend.settlements) before.lots.set(lot, (before.lots.get(lot) ?? 0) - points);
        checked.ask(reverse(spend, null, 0));
        expect(snapshot(checked.account)).to.deep.equal(before);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves the same account whole or in parts', () => {
    const parts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 });
    fc.assert(
      fc.property(steps({ maxLength: 12 }), fc.integer({ min: 1, max: 100 }), parts, (sequence, percent, percents) => {
        const whole = accountOf(sequence);
        const inParts = accountOf(sequence);
        const spend = spendShare(whole, percent);
        if (!spend) return;
        spendShare(inParts, percent);
        whole.ask(reverse(spend, null, 0));
        for (const [index, part] of percents.entries()) {
          const points = Number((BigInt(-spend.points) * BigInt(part)) / 100n);
          if (points > 0) inParts.ask(reverse(spend, points, index));
        }
        inParts.ask(reverse(spend, null, percents.length));
        expect(snapshot(inParts.account)).to.deep.equal(snapshot(whole.account));
      }),
      { numRuns: 300 },
    );
  });
});

describe('the same earns and adjustments', () => {
  it('in one batch, in any order of entries, leave the same balances and the same next spend', () => {
    fc.assert(
      fc.property(permuted(), fc.integer({ min: 1, max: 100 }), ({ one, other }, percent) => {
        const [first, second] = [one, other].map((list) => accountOfBatches([list]));
        expectSame(first!, second!, percent);
      }),
      { numRuns: 400 },
    );
  });

  it('one by one, in any order in which each can be accepted, leave the same balances and the same next spend', () => {
    fc.assert(
      fc.property(permuted(), fc.integer({ min: 1, max: 100 }), ({ one, other }, percent) => {
        const [first, second] = [one, other].map((list) => accountOfBatches(legalOrder(list).map((entry) => [entry])));
        expectSame(first!, second!, percent);
      }),
      { numRuns: 300 },
    );
  });

  it('one by one or in one batch leave the same balances and the same next spend', () => {
    fc.assert(
      fc.property(permuted(), fc.integer({ min: 1, max: 100 }), ({ one, other }, percent) => {
        expectSame(accountOfBatches([one]), accountOfBatches(legalOrder(other).map((entry) => [entry])), percent);
      }),
      { numRuns: 300 },
    );
  });
});

/** The account after a sequence of steps. */
function accountOf(sequence: Parameters<typeof commandOf>[0][]): CheckedAccount {
  const checked = new CheckedAccount();
  const asked: Command[] = [];
  for (const step of sequence) {
    const command = commandOf(step, { asked, oracle: checked.oracle });
    asked.push(command);
    if (!step.preview) checked.ask(command);
  }
  return checked;
}

function accountOfBatches(batches: Entry[][]): CheckedAccount {
  const checked = new CheckedAccount();
  for (const [index, batch] of batches.entries()) {
    const outcome = checked.ask({ kind: 'add', requestId: requestIdOf(index), entries: batch });
    expect(outcome.accepted).to.equal(true);
  }
  return checked;
}

/** Spends a share of the balance; undefined where that is no point. */
function spendShare(checked: CheckedAccount, percent: number): Spend | undefined {
  const points = Number((BigInt(checked.account.balance) * BigInt(percent)) / 100n);
  if (points === 0) return undefined;
  const outcome = checked.ask({ kind: 'spend', requestId: requestIdOf(10_000), points });
  const [spend] = outcome.accepted ? outcome.transactions : [];
  if (spend?.kind !== 'SPEND') throw new Error('a spend within the balance is refused');
  return spend;
}

function reverse(spend: Spend, points: number | null, index: number): Command {
  return { kind: 'reverse', requestId: requestIdOf(20_000 + index), spend: spend.sequence, points, reason: '' };
}

function snapshot({ payers, lots }: Account) {
  return {
    balances: new Map([...payers.values()].map(({ payer, points }) => [payer, points])),
    lots: new Map([...lots.values()].map(({ sequence, remaining }) => [sequence, remaining])),
  };
}

/** Earns and adjustments that together leave no payer below zero, no two at the same time, and a permutation of them. */
function permuted(): fc.Arbitrary<{ one: Entry[]; other: Entry[] }> {
  return entries(undefined, 12)
    .map((list) =>
      list.map((entry, index) => ({ ...entry, earnedAt: entry.earnedAt.replace(/\d{6}Z$/, micro(index)) })),
    )
    .map((list) => covered(list))
    .filter((list) => list.length > 0)
    .chain((list) =>
      fc.record({
        one: fc.constant(list),
        other: fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
      }),
    );
}

function micro(index: number): string {
  return `${String(index).padStart(6, '0')}Z`;
}

/** The entries without the adjustments that the earns do not cover. */
function covered(list: Entry[]): Entry[] {
  const cover = new Map<string, number>();
  for (const { payer, points } of list) if (points > 0) cover.set(payer, (cover.get(payer) ?? 0) + points);
  return list.filter(({ payer, points }) => {
    const left = (cover.get(payer) ?? 0) + points;
    if (points < 0 && left >= 0) cover.set(payer, left);
    return points > 0 || left >= 0;
  });
}

/** The entries in their order, but each adjustment not before it is covered. */
function legalOrder(list: readonly Entry[]): Entry[] {
  const balances = new Map<string, number>();
  const waiting = [...list];
  const order: Entry[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ payer, points }) => (balances.get(payer) ?? 0) + points >= 0);
    for (const entry of waiting.splice(next, 1)) {
      balances.set(entry.payer, (balances.get(entry.payer) ?? 0) + entry.points);
      order.push(entry);
    }
  }
  return order;
}

function expectSame(first: CheckedAccount, second: CheckedAccount, percent: number): void {
  expect(snapshot(first.account).balances).to.deep.equal(snapshot(second.account).balances);
  const linesOf = (checked: CheckedAccount) => payerLines(spendShare(checked, percent)?.allocations ?? []);
  expect(linesOf(first)).to.deep.equal(linesOf(second));
  const open = ({ account }: CheckedAccount) => account.open.map(({ earnedAt, remaining }) => [earnedAt, remaining]);
  expect(open(first), 'what is left of the lots').to.deep.equal(open(second));
}

function kindOf(outcome: Outcome): string {
  if (!outcome.accepted) return outcome.rejection.reason;
  if (outcome.change === null) return 'again';
  const [first] = outcome.transactions;
  if (first?.kind === 'SPEND' && first.settlements.length > 0) return 'SPEND that settles';
  return first?.kind ?? '';
}
