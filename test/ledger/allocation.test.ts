import { expect } from 'chai';
import { payerLines } from '../../src/ledger/account.ts';
import { accountAfter, answer, command, scenarios, state } from '../support/scenario.ts';

describe('a spend draws the oldest lots', () => {
  const before = 'A +10 @1; B +20 @2; A +30 @3';
  scenarios([
    {
      name: 'one point of the only lot',
      before: 'A +10 @1',
      command: 'spend 1',
      drawn: 'A 1 of #1',
      after: 'A 9: #1 9/10',
    },
    {
      name: 'the only point there is',
      before: 'A +1 @1',
      command: 'spend 1',
      drawn: 'A 1 of #1',
      after: 'A 0: #1 0/1',
    },
    {
      name: 'part of the first lot',
      before,
      command: 'spend 4',
      drawn: 'A 4 of #1',
      after: 'A 36: #1 6/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'all of the first lot but one point',
      before,
      command: 'spend 9',
      drawn: 'A 9 of #1',
      after: 'A 31: #1 1/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'the whole first lot',
      before,
      command: 'spend 10',
      drawn: 'A 10 of #1',
      after: 'A 30: #1 0/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'the first lot and one point of the second',
      before,
      command: 'spend 11',
      drawn: 'A 10 of #1, B 1 of #2',
      after: 'A 30: #1 0/10, #3 30/30 | B 19: #2 19/20',
    },
    {
      name: 'the first two lots',
      before,
      command: 'spend 30',
      drawn: 'A 10 of #1, B 20 of #2',
      after: 'A 30: #1 0/10, #3 30/30 | B 0: #2 0/20',
    },
    {
      name: 'the first two lots and part of the third',
      before,
      command: 'spend 45',
      drawn: 'A 10 of #1, B 20 of #2, A 15 of #3',
      after: 'A 15: #1 0/10, #3 15/30 | B 0: #2 0/20',
    },
    {
      name: 'exactly all there is',
      before,
      command: 'spend 60',
      drawn: 'A 10 of #1, B 20 of #2, A 30 of #3',
      after: 'A 0: #1 0/10, #3 0/30 | B 0: #2 0/20',
    },
    {
      name: 'one point more than there is: nothing is drawn',
      before,
      command: 'spend 61',
      drawn: 'INSUFFICIENT_POINTS requested=61 available=60',
      after: 'A 40: #1 10/10, #3 30/30 | B 20: #2 20/20',
    },
    {
      name: 'from an account that has nothing left',
      before: 'A +10 @1; spend 10',
      command: 'spend 1',
      drawn: 'INSUFFICIENT_POINTS requested=1 available=0',
      after: 'A 0: #1 0/10',
    },
    {
      name: 'from an account that never had a transaction',
      before: '',
      command: 'spend 1',
      drawn: 'INSUFFICIENT_POINTS requested=1 available=0',
      after: '',
    },
    {
      name: 'the rest of a lot that a spend has begun',
      before: `${before}; spend 4`,
      command: 'spend 7',
      drawn: 'A 6 of #1, B 1 of #2',
      after: 'A 30: #1 0/10, #3 30/30 | B 19: #2 19/20',
    },
    {
      name: 'drained lots are passed over',
      before: `${before}; spend 30`,
      command: 'spend 1',
      drawn: 'A 1 of #3',
      after: 'A 29: #1 0/10, #3 29/30 | B 0: #2 0/20',
    },
  ]);
});

describe('the order of drawing is the time earned, then arrival', () => {
  scenarios([
    {
      name: 'what arrives last may be the oldest',
      before: 'A +10 @3; B +10 @2; C +10 @1',
      command: 'spend 25',
      drawn: 'C 10 of #3, B 10 of #2, A 5 of #1',
      after: 'A 5: #1 5/10 | B 0: #2 0/10 | C 0: #3 0/10',
    },
    {
      name: 'of lots earned in the same instant the first to arrive',
      before: 'B +10 @1; A +10 @1; B +10 @1',
      command: 'spend 25',
      drawn: 'B 10 of #1, A 10 of #2, B 5 of #3',
      after: 'B 5: #1 0/10, #3 5/10 | A 0: #2 0/10',
    },
    {
      name: 'of the same instant in one batch the first entry',
      before: '[B +10 @1, A +10 @1]',
      command: 'spend 15',
      drawn: 'B 10 of #1, A 5 of #2',
      after: 'B 0: #1 0/10 | A 5: #2 5/10',
    },
    {
      name: 'of the same instant sequence 9 before 10, as numbers and not as text',
      before: `${'A +1 @2; '.repeat(8)}B +1 @1; C +1 @1`,
      command: 'spend 2',
      drawn: 'B 1 of #9, C 1 of #10',
      after: `A 8: ${[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `#${n} 1/1`).join(', ')} | B 0: #9 0/1 | C 0: #10 0/1`,
    },
    {
      name: 'an hour later in the year is later',
      before: 'A +10 @12-31T23; B +10 @12-31T22',
      command: 'spend 10',
      drawn: 'B 10 of #2',
      after: 'A 10: #1 10/10 | B 0: #2 0/10',
    },
    {
      name: 'a lot that arrives late does not change a spend, and is first in line for the next',
      before: 'A +10 @2; B +10 @3; spend 5; C +10 @1',
      command: 'spend 12',
      drawn: 'C 10 of #4, A 2 of #1',
      after: 'A 3: #1 3/10 | B 10: #2 10/10 | C 0: #4 0/10',
    },
    {
      name: 'a late lot comes before the rest of a lot that a spend has begun',
      before: 'A +10 @2; spend 5; A +10 @1',
      command: 'spend 6',
      drawn: 'A 6 of #3',
      after: 'A 9: #1 5/10, #3 4/10',
    },
  ]);

  it('tells microseconds apart', () => {
    const checked = accountAfter('');
    for (const [request, micro] of ['000002', '000001', '000003'].entries()) {
      const earnedAt = `2020-01-01T00:00:00.${micro}Z`;
      checked.ask({ ...command('A +1 @1', request), kind: 'add', entries: [{ payer: micro, points: 1, earnedAt }] });
    }
    expect(answer(checked.ask(command('spend 2', 9)))).to.equal('000001 1 of #2, 000002 1 of #1');
  });
});

describe('the lines of a spend', () => {
  const lines = (before: string, spend: string) => {
    const outcome = accountAfter(before).ask(command(spend, 100));
    const [spent] = outcome.accepted ? outcome.transactions : [];
    return spent?.kind === 'SPEND' && payerLines(spent.allocations);
  };

  it('are one per payer, in the order first drawn', () => {
    expect(lines('A +10 @2; B +10 @1; A +10 @3; C +10 @4; B +10 @5', 'spend 45')).to.deep.equal([
      { payer: 'B', points: -15 },
      { payer: 'A', points: -20 },
      { payer: 'C', points: -10 },
    ]);
  });

  it('leave out payers whose lots were only settled', () => {
    expect(lines('A +10 @1; B +10 @2; A -10 @3', 'spend 3')).to.deep.equal([{ payer: 'B', points: -3 }]);
  });
});

describe("the brief's example", () => {
  const arrivals = [
    'DANNON +1000 @11-02T14',
    'UNILEVER +200 @10-31T11',
    'DANNON -200 @10-31T15',
    'MILLER COORS +10000 @11-01T14',
    'DANNON +300 @10-31T10',
  ];
  const after = {
    spend: 'settles DANNON 200 of #5; draws DANNON 100 of #5, UNILEVER 200 of #2, MILLER COORS 4700 of #4',
    state: 'DANNON 1000: #1 1000/1000, #5 0/300 | UNILEVER 0: #2 0/200 | MILLER COORS 5300: #4 5300/10000',
  };

  it('one transaction at a time', () => {
    const checked = accountAfter(arrivals.join('; '));
    const outcome = checked.ask(command('spend 5000', 100));
    expect(answer(outcome)).to.equal(after.spend);
    const [spent] = outcome.accepted ? outcome.transactions : [];
    expect(spent?.kind === 'SPEND' && payerLines(spent.allocations)).to.deep.equal([
      { payer: 'DANNON', points: -100 },
      { payer: 'UNILEVER', points: -200 },
      { payer: 'MILLER COORS', points: -4700 },
    ]);
    expect(state(checked.account)).to.equal(after.state);
    expect(checked.account.balance).to.equal(6300);
  });

  scenarios([
    {
      name: 'in one batch',
      before: `[${arrivals.join(', ')}]`,
      command: 'spend 5000',
      drawn: after.spend,
      after: after.state,
    },
    {
      name: 'in one batch, in order of time',
      before: `[${[4, 1, 2, 3, 0].map((index) => arrivals[index]).join(', ')}]`,
      command: 'spend 5000',
      drawn: 'settles DANNON 200 of #1; draws DANNON 100 of #1, UNILEVER 200 of #2, MILLER COORS 4700 of #4',
      after: 'DANNON 1000: #1 0/300, #5 1000/1000 | UNILEVER 0: #2 0/200 | MILLER COORS 5300: #4 5300/10000',
    },
    {
      name: 'in one batch, the negative first',
      before: `[${[2, 0, 1, 3, 4].map((index) => arrivals[index]).join(', ')}]`,
      command: 'spend 5000',
      drawn: 'settles DANNON 200 of #5; draws DANNON 100 of #5, UNILEVER 200 of #3, MILLER COORS 4700 of #4',
      after: 'DANNON 1000: #2 1000/1000, #5 0/300 | UNILEVER 0: #3 0/200 | MILLER COORS 5300: #4 5300/10000',
    },
    {
      name: 'and then everything else',
      before: `${arrivals.join('; ')}; spend 5000`,
      command: 'spend 6300',
      drawn: 'MILLER COORS 5300 of #4, DANNON 1000 of #1',
      after: 'DANNON 0: #1 0/1000, #5 0/300 | UNILEVER 0: #2 0/200 | MILLER COORS 0: #4 0/10000',
    },
  ]);
});

describe('payers are compared byte for byte', () => {
  const names = ['É', 'E\u0301', 'dannon', 'DANNON', '__proto__', 'constructor', 'toString', '7', '07', 'DANNON.'];

  it('and only ever by their own names', () => {
    const checked = accountAfter(names.map((name, index) => `${name} +${index + 1} @${index + 1}`).join('; '));
    expect([...checked.account.payers.keys()]).to.deep.equal(names);
    const outcome = checked.ask(command('spend 55', 100));
    const [spent] = outcome.accepted ? outcome.transactions : [];
    expect(spent?.kind === 'SPEND' && payerLines(spent.allocations)).to.deep.equal(
      names.map((payer, index) => ({ payer, points: -(index + 1) })),
    );
  });

  scenarios([
    {
      name: 'another case has no points to take back',
      before: 'DANNON +10 @1',
      command: 'Dannon -1 @2',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=Dannon available=0 shortfall=1 entry=0',
      after: 'DANNON 10: #1 10/10',
    },
    {
      name: 'another composition of the same letter has no points to take back',
      before: '\u00c9 +10 @1',
      command: 'E\u0301 -1 @2',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=E\u0301 available=0 shortfall=1 entry=0',
      after: '\u00c9 10: #1 10/10',
    },
    {
      name: 'a name that every object has is a payer like any other',
      before: '__proto__ +10 @1; constructor +10 @2',
      command: 'toString -1 @3',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=toString available=0 shortfall=1 entry=0',
      after: '__proto__ 10: #1 10/10 | constructor 10: #2 10/10',
    },
  ]);
});
