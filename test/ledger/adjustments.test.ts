import { expect } from 'chai';
import { accountAfter, answer, command, scenarios } from '../support/scenario.ts';

describe('an adjustment floats', () => {
  scenarios([
    {
      name: 'it lowers the balance at once, and draws on no lot',
      before: 'A +10 @1; A +20 @2',
      command: 'A -5 @3',
      drawn: 'A -5',
      after: 'A 25: #1 10/10, #2 20/20, floating 5',
    },
    {
      name: 'several add up',
      before: 'A +10 @1; A -2 @2; A -3 @3',
      command: 'A -4 @4',
      drawn: 'A -4',
      after: 'A 1: #1 10/10, floating 9',
    },
    {
      name: 'it is of one payer alone',
      before: 'A +10 @1; B +10 @2',
      command: 'B -5 @3',
      drawn: 'B -5',
      after: 'A 10: #1 10/10 | B 5: #2 10/10, floating 5',
    },
    {
      name: 'the whole balance',
      before: 'A +10 @1',
      command: 'A -10 @2',
      drawn: 'A -10',
      after: 'A 0: #1 10/10, floating 10',
    },
    {
      name: 'one point more than the balance: refused, never clamped',
      before: 'A +10 @1',
      command: 'A -11 @2',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=10 shortfall=1 entry=0',
      after: 'A 10: #1 10/10',
    },
    {
      name: 'more than earlier adjustments have left',
      before: 'A +10 @1; A -6 @2',
      command: 'A -5 @3',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=4 shortfall=1 entry=0',
      after: 'A 4: #1 10/10, floating 6',
    },
    {
      name: 'more than spends have left',
      before: 'A +10 @1; B +10 @2; spend 8',
      command: 'A -3 @3',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=2 shortfall=1 entry=0',
      after: 'A 2: #1 2/10 | B 10: #2 10/10',
    },
    {
      name: 'the points of other payers do not cover it',
      before: 'A +10 @1; B +100 @2',
      command: 'A -50 @3',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=10 shortfall=40 entry=0',
      after: 'A 10: #1 10/10 | B 100: #2 100/100',
    },
    {
      name: 'of a payer never seen',
      before: 'A +10 @1',
      command: 'B -1 @2',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=B available=0 shortfall=1 entry=0',
      after: 'A 10: #1 10/10',
    },
    {
      name: 'of an account never seen',
      before: '',
      command: 'A -1 @1',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=0 shortfall=1 entry=0',
      after: '',
    },
    {
      name: 'what floats cannot be spent',
      before: 'A +10 @1; A -4 @2',
      command: 'spend 7',
      drawn: 'INSUFFICIENT_POINTS requested=7 available=6',
      after: 'A 6: #1 10/10, floating 4',
    },
    {
      name: 'an earn does not settle',
      before: 'A +10 @1; A -4 @2',
      command: 'A +10 @3',
      drawn: 'A 10',
      after: 'A 16: #1 10/10, #3 10/10, floating 4',
    },
  ]);
});

describe('a spend settles what floats, then draws', () => {
  scenarios([
    {
      name: "against the payer's oldest lot",
      before: 'A +10 @2; A +10 @1; A -4 @3',
      command: 'spend 1',
      drawn: 'settles A 4 of #2; draws A 1 of #2',
      after: 'A 15: #1 10/10, #2 5/10',
    },
    {
      name: "never against another payer's older lot",
      before: 'B +10 @1; A +10 @2; A -4 @3',
      command: 'spend 11',
      drawn: 'settles A 4 of #2; draws B 10 of #1, A 1 of #2',
      after: 'B 0: #1 0/10 | A 5: #2 5/10',
    },
    {
      name: 'a whole lot: the spend begins with the next',
      before: 'A +10 @1; A +10 @2; A -10 @3',
      command: 'spend 1',
      drawn: 'settles A 10 of #1; draws A 1 of #2',
      after: 'A 9: #1 0/10, #2 9/10',
    },
    {
      name: 'across lots, past those of others',
      before: 'A +10 @1; B +10 @2; A +10 @3; A -15 @4',
      command: 'spend 12',
      drawn: 'settles A 10 of #1, A 5 of #3; draws B 10 of #2, A 2 of #3',
      after: 'A 3: #1 0/10, #3 3/10 | B 0: #2 0/10',
    },
    {
      name: 'of several payers, each against its own',
      before: 'A +10 @1; B +10 @2; B -3 @3; A -4 @4',
      command: 'spend 10',
      drawn: 'settles A 4 of #1, B 3 of #2; draws A 6 of #1, B 4 of #2',
      after: 'A 0: #1 0/10 | B 3: #2 3/10',
    },
    {
      name: 'also of a payer that the spend then does not draw on',
      before: 'A +10 @1; B +10 @2; B +10 @3; B -15 @4',
      command: 'spend 1',
      drawn: 'settles B 10 of #2, B 5 of #3; draws A 1 of #1',
      after: 'A 9: #1 9/10 | B 5: #2 0/10, #3 5/10',
    },
    {
      name: 'all of a payer: the spend draws from the others',
      before: 'A +10 @1; B +10 @2; A -10 @3',
      command: 'spend 10',
      drawn: 'settles A 10 of #1; draws B 10 of #2',
      after: 'A 0: #1 0/10 | B 0: #2 0/10',
    },
    {
      name: 'whatever its own timestamp: before every lot',
      before: 'A +10 @5; A +10 @6; A -4 @1',
      command: 'spend 1',
      drawn: 'settles A 4 of #1; draws A 1 of #1',
      after: 'A 15: #1 5/10, #2 10/10',
    },
    {
      name: 'whatever its own timestamp: after every lot',
      before: 'A +10 @5; A +10 @6; A -4 @31',
      command: 'spend 1',
      drawn: 'settles A 4 of #1; draws A 1 of #1',
      after: 'A 15: #1 5/10, #2 10/10',
    },
    {
      name: 'against a lot that arrived after it, if that is the oldest',
      before: 'A +10 @5; A -4 @6; A +10 @1',
      command: 'spend 7',
      drawn: 'settles A 4 of #3; draws A 6 of #3, A 1 of #1',
      after: 'A 9: #1 9/10, #3 0/10',
    },
    {
      name: 'only once: the next spend settles nothing',
      before: 'A +10 @1; A -4 @2; spend 1',
      command: 'spend 2',
      drawn: 'A 2 of #1',
      after: 'A 3: #1 3/10',
    },
    {
      name: 'what has come to float since the last spend',
      before: 'A +10 @1; A -4 @2; spend 1; A -2 @3',
      command: 'spend 1',
      drawn: 'settles A 2 of #1; draws A 1 of #1',
      after: 'A 2: #1 2/10',
    },
    {
      name: 'for good: a late lot does not move a settlement',
      before: 'A +10 @5; B +10 @6; A -4 @7; spend 1; A +10 @1',
      command: 'spend 12',
      drawn: 'A 10 of #5, A 2 of #1',
      after: 'A 3: #1 3/10, #5 0/10 | B 10: #2 10/10',
    },
    {
      name: 'not when it is refused',
      before: 'A +10 @1; A -4 @2',
      command: 'spend 100',
      drawn: 'INSUFFICIENT_POINTS requested=100 available=6',
      after: 'A 6: #1 10/10, floating 4',
    },
  ]);

  it('records what it settled apart from what it drew, and only the drawn is in its points', () => {
    const outcome = accountAfter('A +10 @1; A -4 @2').ask(command('spend 5', 100));
    const [spend] = outcome.accepted ? outcome.transactions : [];
    expect(spend).to.deep.include({
      points: -5,
      balance: 1,
      settlements: [{ lot: 1, payer: 'A', earnedAt: '2020-01-01T00:00:00.000000Z', points: 4 }],
      allocations: [{ lot: 1, payer: 'A', earnedAt: '2020-01-01T00:00:00.000000Z', points: 5 }],
    });
  });
});

describe('a batch is judged on the state it ends in', () => {
  scenarios([
    {
      name: 'an adjustment may stand before its earn',
      before: '',
      command: '[A -4 @2, A +10 @1]',
      drawn: 'A -4, A 10',
      after: 'A 6: #2 10/10, floating 4',
    },
    {
      name: 'an adjustment may take all that the batch earns and all that was there',
      before: 'A +5 @1',
      command: '[A -7 @2, A +10 @3, A -8 @4]',
      drawn: 'A -7, A 10, A -8',
      after: 'A 0: #1 5/5, #3 10/10, floating 15',
    },
    {
      name: 'all or nothing: one entry too much and none is done',
      before: 'B +5 @1',
      command: '[A +10 @1, B -6 @2, C +1 @3]',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=B available=5 shortfall=1 entry=1',
      after: 'B 5: #1 5/5',
    },
    {
      name: "another payer's earn does not cover it",
      before: '',
      command: '[A +10 @1, B -1 @2]',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=B available=0 shortfall=1 entry=1',
      after: '',
    },
    {
      name: 'the entry named is the first that is not covered, earns counted first',
      before: 'A +5 @1',
      command: '[A -4 @2, B +1 @1, A -4 @3, A -9 @4, A +3 @5]',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=5 shortfall=9 entry=3',
      after: 'A 5: #1 5/5',
    },
    {
      name: 'of several payers not covered, the one the batch names first',
      before: '',
      command: '[C +1 @1, A +1 @1, B -1 @2, A -3 @3]',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=0 shortfall=2 entry=3',
      after: '',
    },
    {
      name: 'every record tells the balance after the whole batch, and payers are listed as first named',
      before: 'B +1 @9',
      command: '[C +1 @3, A +2 @2, B -1 @1, A -1 @1]',
      drawn: 'C 1, A 2, B -1, A -1',
      after: 'B 0: #1 1/1, floating 1 | C 1: #2 1/1 | A 1: #3 2/2, floating 1',
    },
  ]);

  it('numbers its records in the order of its entries', () => {
    const outcome = accountAfter('A +1 @1').ask(command('[B +2 @2, A -1 @3, C +3 @1]', 100));
    expect(
      outcome.accepted &&
        outcome.transactions.map(({ sequence, requestIndex, kind, points, balance }) => [
          sequence,
          requestIndex,
          kind,
          points,
          balance,
        ]),
    ).to.deep.equal([
      [2, 0, 'EARN', 2, 5],
      [3, 1, 'ADJUST', -1, 5],
      [4, 2, 'EARN', 3, 5],
    ]);
  });
});

describe('the order in which the same transactions arrive does not count', () => {
  const arrivals = ['A +10 @3', 'A -4 @4', 'B +5 @2', 'A +6 @1'];
  for (const order of [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [0, 3, 1, 2],
    [2, 3, 0, 1],
  ]) {
    it(`arrival ${order.join(', ')}`, () => {
      const checked = accountAfter(order.map((index) => arrivals[index]).join('; '));
      expect(answer(checked.ask(command('spend 9', 100))).replaceAll(/ of #\d/g, '')).to.equal(
        'settles A 4; draws A 2, B 5, A 2',
      );
    });
  }
});
