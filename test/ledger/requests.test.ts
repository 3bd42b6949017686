import { expect } from 'chai';
import type { Command } from '../../src/ledger/command.ts';
import { accountAfter, answer, command, instant, state } from '../support/scenario.ts';

/** The request of the command under test; `accountAfter` numbers its own from 0. */
const REQUEST = 100;

const BEFORE = 'A +10 @1; spend 4; spend 3';

/** Each command with what the same request id with another body is answered: the name of the field that differs. */
const replays: { first: string; again: { name: string; command: Command; differs: string | null }[] }[] = [
  {
    first: 'B +5 @2',
    again: [
      { name: 'the same', command: command('B +5 @2', REQUEST), differs: null },
      { name: 'the same as a batch of one', command: command('[B +5 @2]', REQUEST), differs: null },
      { name: 'another payer', command: command('b +5 @2', REQUEST), differs: 'payer' },
      { name: 'other points', command: command('B +6 @2', REQUEST), differs: 'points' },
      { name: 'the points taken back instead', command: command('B -5 @2', REQUEST), differs: 'points' },
      { name: 'another time', command: command('B +5 @3', REQUEST), differs: 'timestamp' },
      { name: 'another payer and other points', command: command('C +6 @3', REQUEST), differs: 'payer' },
      { name: 'other points and another time', command: command('B +6 @3', REQUEST), differs: 'points' },
      { name: 'one more in a batch', command: command('[B +5 @2, B +5 @2]', REQUEST), differs: 'transactions' },
      { name: 'a spend', command: command('spend 5', REQUEST), differs: 'method' },
      { name: 'a reversal', command: command('reverse #2', REQUEST), differs: 'method' },
    ],
  },
  {
    first: '[B +5 @2, A -1 @3, C +6 @4]',
    again: [
      { name: 'the same', command: command('[B +5 @2, A -1 @3, C +6 @4]', REQUEST), differs: null },
      {
        name: 'another payer',
        command: command('[B +5 @2, a -1 @3, C +6 @4]', REQUEST),
        differs: 'transactions[1].payer',
      },
      {
        name: 'other points',
        command: command('[B +5 @2, A -1 @3, C +7 @4]', REQUEST),
        differs: 'transactions[2].points',
      },
      {
        name: 'another time',
        command: command('[B +5 @1, A -1 @3, C +6 @4]', REQUEST),
        differs: 'transactions[0].timestamp',
      },
      {
        name: 'another order',
        command: command('[A -1 @3, B +5 @2, C +6 @4]', REQUEST),
        differs: 'transactions[0].payer',
      },
      { name: 'the first alone', command: command('B +5 @2', REQUEST), differs: 'transactions' },
      { name: 'without the last', command: command('[B +5 @2, A -1 @3]', REQUEST), differs: 'transactions' },
      { name: 'a spend', command: command('spend 5', REQUEST), differs: 'method' },
      { name: 'a reversal', command: command('reverse #2', REQUEST), differs: 'method' },
    ],
  },
  {
    first: 'A -2 @2',
    again: [
      { name: 'the same', command: command('A -2 @2', REQUEST), differs: null },
      { name: 'the points added instead', command: command('A +2 @2', REQUEST), differs: 'points' },
    ],
  },
  {
    first: 'spend 2',
    again: [
      { name: 'the same', command: command('spend 2', REQUEST), differs: null },
      { name: 'other points', command: command('spend 1', REQUEST), differs: 'points' },
      { name: 'more points than there are', command: command('spend 1000', REQUEST), differs: 'points' },
      { name: 'a transaction', command: command('A +2 @2', REQUEST), differs: 'method' },
      { name: 'a reversal', command: command('reverse #2', REQUEST), differs: 'method' },
    ],
  },
  {
    first: 'reverse #2 3',
    again: [
      { name: 'the same', command: command('reverse #2 3', REQUEST), differs: null },
      { name: 'another spend', command: command('reverse #3 3', REQUEST), differs: 'sequence' },
      { name: 'no spend at all', command: command('reverse #99 3', REQUEST), differs: 'sequence' },
      { name: 'other points', command: command('reverse #2 1', REQUEST), differs: 'points' },
      { name: 'all that is left', command: command('reverse #2', REQUEST), differs: 'points' },
      {
        name: 'another reason',
        command: { ...command('reverse #2 3', REQUEST), reason: 'x' } as Command,
        differs: 'reason',
      },
      { name: 'a transaction', command: command('A +3 @2', REQUEST), differs: 'method' },
      { name: 'a spend', command: command('spend 3', REQUEST), differs: 'method' },
    ],
  },
  {
    first: 'reverse #3',
    again: [
      { name: 'the same, though nothing is left by now', command: command('reverse #3', REQUEST), differs: null },
      { name: 'by the number of points it gave back', command: command('reverse #3 3', REQUEST), differs: 'points' },
      { name: 'another spend', command: command('reverse #2', REQUEST), differs: 'sequence' },
    ],
  },
];

for (const { first, again } of replays) {
  describe(`a request id used for "${first}", again with`, () => {
    for (const { name, command: second, differs } of again) {
      it(`${name}: ${differs === null ? 'the first answer, and nothing is done twice' : `${differs} differs`}`, () => {
        const checked = accountAfter(BEFORE);
        const outcome = checked.ask(command(first, REQUEST));
        checked.ask(command('A +1 @9', REQUEST + 1));
        const before = state(checked.account);
        const replayed = checked.ask(second);
        if (differs === null) {
          expect(replayed).to.deep.equal({ ...outcome, change: null });
        } else {
          expect(answer(replayed)).to.equal(`REQUEST_ID_REUSED field=${differs}`);
        }
        expect(state(checked.account)).to.equal(before);
      });
    }
  });
}

describe('a request id', () => {
  it('makes new of what was refused: a failure is not remembered', () => {
    const checked = accountAfter('A +10 @1');
    expect(answer(checked.ask(command('spend 11', REQUEST)))).to.match(/^INSUFFICIENT_POINTS/);
    checked.ask(command('A +1 @2', REQUEST + 1));
    expect(answer(checked.ask(command('spend 11', REQUEST)))).to.equal('A 10 of #1, A 1 of #2');
  });

  it('may be used for something else after a refusal', () => {
    const checked = accountAfter('A +10 @1');
    checked.ask(command('spend 11', REQUEST));
    expect(answer(checked.ask(command('B +1 @2', REQUEST)))).to.equal('B 1');
  });

  it('is not remembered from a preview', () => {
    const checked = accountAfter('A +10 @1');
    expect(answer(checked.preview(command('spend 5', REQUEST)))).to.equal('A 5 of #1');
    expect(answer(checked.ask(command('spend 6', REQUEST)))).to.equal('A 6 of #1');
  });

  it('is judged in a preview as in a real call', () => {
    const checked = accountAfter('A +10 @1');
    checked.ask(command('spend 5', REQUEST));
    expect(answer(checked.preview(command('spend 5', REQUEST)))).to.equal('A 5 of #1');
    expect(answer(checked.preview(command('spend 6', REQUEST)))).to.equal('REQUEST_ID_REUSED field=points');
  });

  it('is answered again with the balance of then', () => {
    const checked = accountAfter('A +10 @1');
    checked.ask(command('spend 5', REQUEST));
    checked.ask(command('spend 5', REQUEST + 1));
    const outcome = checked.ask(command('spend 5', REQUEST));
    expect(outcome.accepted && outcome.transactions[0]?.balance).to.equal(5);
  });
});

describe('a preview', () => {
  for (const text of ['A +5 @2', 'A -5 @2', '[A -5 @2, B +3 @3]', 'spend 6', 'reverse #2', 'spend 7', 'reverse #1']) {
    it(`of "${text}" answers what the call then does, and does nothing`, () => {
      const checked = accountAfter(BEFORE.replace('; spend 3', ''));
      const before = structuredClone(checked.account);
      const preview = checked.preview(command(text, REQUEST));
      expect(checked.account).to.deep.equal(before);
      expect(checked.ask(command(text, REQUEST))).to.deep.equal(preview);
    });
  }
});

describe('the time of recording', () => {
  const recorded = (moments: string[]) => {
    const checked = accountAfter('');
    return moments.map((now, index) => {
      checked.ask(command(`A +1 @${index + 1}`, index), now);
      return checked.account.recordedAt;
    });
  };

  it('is the time of the decision', () => {
    expect(recorded([instant('7'), instant('8')])).to.deep.equal([instant('7'), instant('8')]);
  });

  it('never goes back, though clocks do', () => {
    const moments = ['7', '5', '6', '9', '8'].map(instant);
    expect(recorded(moments)).to.deep.equal(['7', '7', '7', '9', '9'].map(instant));
  });

  it('has nothing to do with the time earned', () => {
    const checked = accountAfter('');
    const outcome = checked.ask(command('A +1 @20', 0), instant('10'));
    expect(outcome.accepted && outcome.transactions[0]).to.deep.include({
      earnedAt: instant('20'),
      recordedAt: instant('10'),
    });
  });

  for (const text of ['[B +1 @1, A -1 @2]', 'spend 1', 'reverse #2']) {
    it(`never goes back in "${text}" either`, () => {
      const checked = accountAfter('A +10 @1; spend 5');
      const { recordedAt } = checked.account;
      const outcome = checked.ask(command(text, REQUEST), instant('1'));
      const moments = outcome.accepted ? outcome.transactions.map((transaction) => transaction.recordedAt) : [];
      expect([...new Set(moments)]).to.deep.equal([recordedAt]);
    });
  }

  it('of an answer given again is that of the first', () => {
    const checked = accountAfter('');
    checked.ask(command('A +1 @1', REQUEST), instant('7'));
    const outcome = checked.ask(command('A +1 @1', REQUEST), instant('8'));
    expect(outcome.accepted && outcome.transactions[0]?.recordedAt).to.equal(instant('7'));
  });
});
