import { expect } from 'chai';
import { payerLines } from '../../src/ledger/account.ts';
import { accountAfter, command, scenarios } from '../support/scenario.ts';

describe('a reversal gives points back to the lots they came from', () => {
  const before = 'A +10 @1; B +20 @2; A +30 @3; spend 45';
  scenarios([
    {
      name: 'all of a spend of one lot',
      before: 'A +10 @1; spend 4',
      command: 'reverse #2',
      drawn: 'A -4 of #1',
      after: 'A 10: #1 10/10',
    },
    {
      name: 'all of a spend that drained its lot',
      before: 'A +10 @1; spend 10',
      command: 'reverse #2',
      drawn: 'A -10 of #1',
      after: 'A 10: #1 10/10',
    },
    {
      name: 'all, in reverse order of drawing',
      before,
      command: 'reverse #4',
      drawn: 'A -15 of #3, B -20 of #2, A -10 of #1',
      after: 'A 40: #1 10/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'all, by its number of points',
      before,
      command: 'reverse #4 45',
      drawn: 'A -15 of #3, B -20 of #2, A -10 of #1',
      after: 'A 40: #1 10/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'one point, of what was drawn last',
      before,
      command: 'reverse #4 1',
      drawn: 'A -1 of #3',
      after: 'A 16: #1 0/10, #3 16/30 | B 0: #2 0/20',
    },
    {
      name: 'exactly what was drawn last',
      before,
      command: 'reverse #4 15',
      drawn: 'A -15 of #3',
      after: 'A 30: #1 0/10, #3 30/30 | B 0: #2 0/20',
    },
    {
      name: 'part, across lots',
      before,
      command: 'reverse #4 36',
      drawn: 'A -15 of #3, B -20 of #2, A -1 of #1',
      after: 'A 31: #1 1/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'a second part goes on where the first ended: inside a lot',
      before: `${before}; reverse #4 17`,
      command: 'reverse #4 10',
      drawn: 'B -10 of #2',
      after: 'A 30: #1 0/10, #3 30/30 | B 12: #2 12/20',
    },
    {
      name: 'a second part goes on where the first ended: between lots',
      before: `${before}; reverse #4 15`,
      command: 'reverse #4 21',
      drawn: 'B -20 of #2, A -1 of #1',
      after: 'A 31: #1 1/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'all that is left after two parts',
      before: `${before}; reverse #4 1; reverse #4 15`,
      command: 'reverse #4',
      drawn: 'B -19 of #2, A -10 of #1',
      after: 'A 40: #1 10/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'after further spends: to its own lots, not to theirs',
      before: 'A +10 @1; B +10 @2; spend 5; spend 10',
      command: 'reverse #3',
      drawn: 'A -5 of #1',
      after: 'A 5: #1 5/10 | B 5: #2 5/10',
    },
    {
      name: 'of the second of two spends that drew on one lot',
      before: 'A +10 @1; spend 4; spend 6',
      command: 'reverse #3',
      drawn: 'A -6 of #1',
      after: 'A 6: #1 6/10',
    },
    {
      name: 'with their original time: given back, they are the first to be drawn again',
      before: 'A +10 @1; B +10 @2; spend 10; reverse #3',
      command: 'spend 12',
      drawn: 'A 10 of #1, B 2 of #2',
      after: 'A 0: #1 0/10 | B 8: #2 8/10',
    },
    {
      name: 'a part given back is drawn again before newer lots',
      before: 'A +10 @1; B +10 @2; spend 15; reverse #3 7',
      command: 'spend 3',
      drawn: 'A 2 of #1, B 1 of #2',
      after: 'A 0: #1 0/10 | B 9: #2 9/10',
    },
    {
      name: 'what a spend settled stays settled',
      before: 'A +10 @1; B +10 @2; A -4 @3; spend 8',
      command: 'reverse #4',
      drawn: 'B -2 of #2, A -6 of #1',
      after: 'A 6: #1 6/10 | B 10: #2 10/10',
    },
    {
      name: 'while other adjustments float',
      before: 'A +10 @1; B +10 @2; spend 8; B -9 @3',
      command: 'reverse #3',
      drawn: 'A -8 of #1',
      after: 'A 10: #1 10/10 | B 1: #2 10/10, floating 9',
    },
    {
      name: 'points given back may be taken by an adjustment',
      before: 'A +10 @1; spend 8; reverse #2',
      command: 'A -10 @2',
      drawn: 'A -10',
      after: 'A 0: #1 10/10, floating 10',
    },
    {
      name: 'of a spend made after a reversal, which drew the same lot again',
      before: 'A +10 @1; spend 8; reverse #2; spend 9',
      command: 'reverse #4 2',
      drawn: 'A -2 of #1',
      after: 'A 3: #1 3/10',
    },
  ]);

  it('tells who gets how much back, last drawn first', () => {
    const outcome = accountAfter(before).ask(command('reverse #4 40', 100));
    const [reversal] = outcome.accepted ? outcome.transactions : [];
    expect(reversal?.kind === 'REVERSE' && payerLines(reversal.allocations)).to.deep.equal([
      { payer: 'A', points: 20 },
      { payer: 'B', points: 20 },
    ]);
  });

  it('tells its spend, its reason, and whether it was asked for a number of points', () => {
    const checked = accountAfter('A +10 @1; spend 5');
    const reverse = { ...command('reverse #2 3', 100), reason: 'goods returned' };
    const rest = { ...command('reverse #2', 101), reason: '' };
    for (const [asked, told] of [
      [reverse, { spend: 2, points: 3, rest: false, reason: 'goods returned', sequence: 3, balance: 8 }],
      [rest, { spend: 2, points: 2, rest: true, reason: '', sequence: 4, balance: 10 }],
    ] as const) {
      const outcome = checked.ask(asked);
      expect(outcome.accepted && outcome.transactions[0]).to.deep.include(told);
    }
  });
});

describe('a reversal that cannot be', () => {
  scenarios([
    {
      name: 'of more than the spend',
      before: 'A +10 @1; spend 5',
      command: 'reverse #2 6',
      drawn: 'REVERSAL_EXCEEDS_SPEND sequence=2 requested=6 available=5',
      after: 'A 5: #1 5/10',
    },
    {
      name: 'of more than earlier reversals have left',
      before: 'A +10 @1; spend 5; reverse #2 2',
      command: 'reverse #2 4',
      drawn: 'REVERSAL_EXCEEDS_SPEND sequence=2 requested=4 available=3',
      after: 'A 7: #1 7/10',
    },
    {
      name: 'of the rest when nothing is left',
      before: 'A +10 @1; spend 5; reverse #2',
      command: 'reverse #2',
      drawn: 'REVERSAL_EXCEEDS_SPEND sequence=2 requested=null available=0',
      after: 'A 10: #1 10/10',
    },
    {
      name: 'of a point when nothing is left',
      before: 'A +10 @1; spend 5; reverse #2 2; reverse #2 3',
      command: 'reverse #2 1',
      drawn: 'REVERSAL_EXCEEDS_SPEND sequence=2 requested=1 available=0',
      after: 'A 10: #1 10/10',
    },
    {
      name: 'of an earn',
      before: 'A +10 @1; spend 5',
      command: 'reverse #1',
      drawn: 'NOT_A_SPEND sequence=1 kind=EARN',
      after: 'A 5: #1 5/10',
    },
    {
      name: 'of an adjustment',
      before: 'A +10 @1; A -2 @2',
      command: 'reverse #2 1',
      drawn: 'NOT_A_SPEND sequence=2 kind=ADJUST',
      after: 'A 8: #1 10/10, floating 2',
    },
    {
      name: 'of a reversal',
      before: 'A +10 @1; spend 5; reverse #2 1',
      command: 'reverse #3',
      drawn: 'NOT_A_SPEND sequence=3 kind=REVERSE',
      after: 'A 6: #1 6/10',
    },
    {
      name: 'of the next transaction, which would be itself',
      before: 'A +10 @1; spend 5',
      command: 'reverse #3',
      drawn: 'TRANSACTION_NOT_FOUND sequence=3',
      after: 'A 5: #1 5/10',
    },
    {
      name: 'of an account never seen',
      before: '',
      command: 'reverse #1',
      drawn: 'TRANSACTION_NOT_FOUND sequence=1',
      after: '',
    },
    {
      name: 'past the cap',
      before: 'A +10 @1; spend 5; B +MAX-9 @2',
      command: 'reverse #2',
      drawn: 'POINTS_OUT_OF_RANGE what=balance',
      after: 'A 5: #1 5/10 | B MAX-9: #3 MAX-9/MAX-9',
    },
  ]);
});
