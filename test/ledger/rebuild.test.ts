import { expect } from 'chai';
import type { Account, Adjustment, Allocation, Earn, Reversal, Spend, Transaction } from '../../src/ledger/account.ts';
import { discrepancies, rebuild } from '../../src/ledger/rebuild.ts';
import { accountAfter, instant } from '../support/scenario.ts';

const STORY = [
  'A +10 @2', //             1
  '[B +20 @1, A -4 @3]', //  2 and 3
  'spend 22', //             4: settles A 4 of #1; draws B 20 of #2, A 2 of #1
  'reverse #4 5', //         5: A 2 back to #1, B 3 to #2
  'C +7 @4', //              6
  'A -1 @5', //              7
].join('; ');

type Edit = Partial<Omit<Earn, 'kind'> & Omit<Adjustment, 'kind'> & Omit<Spend, 'kind'> & Omit<Reversal, 'kind'>>;

/** The story's journal with some fields of one record changed. */
function journal(sequence = 0, edit: Edit | ((transaction: Transaction) => Edit) = {}): Transaction[] {
  return [...accountAfter(STORY).account.journal.values()].map((transaction) => {
    if (transaction.sequence !== sequence) return transaction;
    return { ...transaction, ...(typeof edit === 'function' ? edit(transaction) : edit) } as Transaction;
  });
}

/** A spend's or a reversal's allocations with one field of one of them changed. */
function allocations(index: number, edit: Partial<Allocation>) {
  return (transaction: Transaction): Edit => {
    if (!('allocations' in transaction)) return {};
    return { allocations: transaction.allocations.map((a, i) => (i === index ? { ...a, ...edit } : a)) };
  };
}

describe('a journal rebuilds its account', () => {
  it('whole: payers, lots with the drained ones, open lots, requests, what is reversed', () => {
    const { account } = accountAfter(STORY);
    const rebuilt = rebuild(account.id, account.journal.values());
    expect(rebuilt).to.deep.equal(account);
    expect(rebuilt.lots.get(1)).to.deep.include({ points: 10, remaining: 6 });
    expect(discrepancies(rebuilt, account)).to.deep.equal([]);
  });

  it('of no records: the empty account', () => {
    expect(rebuild('checked', [])).to.deep.equal(accountAfter('').account);
  });

  it('from an iterator that is read once', () => {
    function* once() {
      yield* journal();
    }
    expect(rebuild('checked', once())).to.deep.equal(accountAfter(STORY).account);
  });

  it('through a batch whose running sums pass what a double can hold', () => {
    const { account } = accountAfter('[A +MAX @1, A +MAX-1 @2, A -MAX-1 @3]');
    expect(rebuild(account.id, account.journal.values())).to.deep.equal(account);
  });
});

describe('a journal that cannot be says where and why', () => {
  const impossible: { name: string; records: () => Transaction[]; error: string }[] = [
    {
      name: 'a record is missing',
      records: () => journal().filter(({ sequence }) => sequence !== 3),
      error: 'sequence 4 (SPEND): follows sequence 2: it should be 3',
    },
    {
      name: 'the first record is missing',
      records: () => journal().slice(1),
      error: 'sequence 2 (EARN): follows sequence 0: it should be 1',
    },
    {
      name: 'a record is there twice',
      records: () => [...journal(), ...journal().slice(-1)],
      error: 'sequence 7 (ADJUST): follows sequence 7: it should be 8',
    },
    {
      name: 'a batch is cut short',
      records: () => journal().slice(0, 2),
      error: 'sequence 2 (EARN): says balance 26, but it is 30',
    },
    {
      name: 'an earlier request id',
      records: () => journal(6, { requestId: journal()[0]?.requestId ?? '' }),
      error: 'is in an earlier record',
    },
    {
      name: 'a place in the request that is not its own',
      records: () => journal(3, { requestIndex: 2 }),
      error: 'sequence 3 (ADJUST): is number 2 of its request, in the place of number 1',
    },
    {
      name: 'a time of recording that goes back',
      records: () => journal(5, { recordedAt: instant('1') }),
      error: 'sequence 5 (REVERSE): recorded at 2020-01-01T00:00:00.000000Z, before the record it follows',
    },
    {
      name: 'a wrong balance',
      records: () => journal(4, { balance: 5 }),
      error: 'sequence 4 (SPEND): says balance 5, but it is 4',
    },
    {
      name: 'a wrong balance inside a batch',
      records: () => journal(2, { balance: 30 }),
      error: 'sequence 2 (EARN): says balance 30, but it is 26',
    },
    {
      name: 'a balance that is no number',
      records: () => journal(1, { balance: Number.NaN }),
      error: 'sequence 1 (EARN): says balance NaN, but it is 10',
    },
    {
      name: 'an earn of none',
      records: () => journal(1, { points: 0 }),
      error: 'sequence 1 (EARN): 0 points are out of',
    },
    {
      name: 'an earn past the cap',
      records: () => journal(1, { points: 2 ** 53 }),
      error: 'sequence 1 (EARN): 9007199254740992 points are out of range',
    },
    {
      name: 'an earn that takes',
      records: () => journal(1, { points: -10 }),
      error: 'sequence 1 (EARN): an earn of -10 points',
    },
    {
      name: 'an adjustment that gives',
      records: () => journal(3, { points: 4 }),
      error: 'sequence 3 (ADJUST): an adjustment of 4 points',
    },
    {
      name: "an adjustment past its payer's balance",
      records: () => journal(7, { points: -7, balance: 9 }),
      error: 'sequence 7 (ADJUST): leaves -1 points to payer "A"',
    },
    {
      name: 'a balance past the cap',
      records: () => journal(6, { points: 2 ** 53 - 1, balance: 2 ** 53 + 8 }),
      error: 'sequence 6 (EARN): balance 9007199254741000 is out of range',
    },
    {
      name: 'floating adjustments past the cap',
      records: () => {
        const { account } = accountAfter('A +MAX @1; A -MAX @2; A +MAX @3');
        const [, adjustment] = [...account.journal.values()] as [Earn, Adjustment, Earn];
        const more = { ...adjustment, sequence: 4, requestId: 'more', points: -1, balance: 2 ** 53 - 2 };
        return [...account.journal.values(), more];
      },
      error: 'sequence 4 (ADJUST): 9007199254740992 unsettled points are out of range',
    },
    {
      name: 'allocations of a lot that is not there',
      records: () => journal(4, allocations(0, { lot: 6 })),
      error: 'sequence 4 (SPEND): names lot 6, which no earn before it made',
    },
    {
      name: 'allocations of a transaction that made no lot',
      records: () => journal(4, allocations(0, { lot: 3 })),
      error: 'sequence 4 (SPEND): names lot 3, which no earn before it made',
    },
    {
      name: "allocations of another payer's lot",
      records: () => journal(4, allocations(0, { payer: 'A' })),
      error: 'sequence 4 (SPEND): says lot 2 is of payer "A"',
    },
    {
      name: 'allocations of a lot earned at another time',
      records: () => journal(4, allocations(0, { earnedAt: instant('9') })),
      error: 'sequence 4 (SPEND): says lot 2 was earned at 2020-01-09T00:00:00.000000Z',
    },
    {
      name: 'more than a lot has',
      records: () => journal(4, allocations(0, { points: 21 })),
      error: 'sequence 4 (SPEND): draws 21 points from lot 2, not 1 to 20',
    },
    {
      name: 'more than settlements have left of a lot',
      records: () => journal(4, allocations(1, { points: 7 })),
      error: 'sequence 4 (SPEND): draws 7 points from lot 1, not 1 to 6',
    },
    {
      name: 'a spend that gives',
      records: () => journal(4, allocations(0, { points: -1 })),
      error: 'sequence 4 (SPEND): draws -1 points from lot 2, not 1 to 20',
    },
    {
      name: 'half a point',
      records: () => journal(4, allocations(0, { points: 0.5 })),
      error: 'sequence 4 (SPEND): says 0.5 points of lot 2',
    },
    {
      name: 'allocations that do not sum to their spend',
      records: () => journal(4, allocations(0, { points: 19 })),
      error: 'sequence 4 (SPEND): its allocations sum to -21 points, not -22',
    },
    {
      name: 'a spend without its settlements',
      records: () => journal(4, { settlements: [] }),
      error: 'sequence 4 (SPEND): leaves 4 points of adjustments unsettled',
    },
    {
      name: 'settlements of more than floats',
      records: () => journal(4, { settlements: [{ lot: 1, payer: 'A', earnedAt: instant('2'), points: 5 }] }),
      error: 'sequence 4 (SPEND): settles more than the adjustments of payer "A"',
    },
    {
      name: 'settlements against another payer',
      records: () => journal(4, { settlements: [{ lot: 2, payer: 'B', earnedAt: instant('1'), points: 4 }] }),
      error: 'sequence 4 (SPEND): settles more than the adjustments of payer "B"',
    },
    {
      name: 'a reversal of no spend',
      records: () => journal(5, { spend: 1 }),
      error: 'sequence 5 (REVERSE): reverses 1, which is no spend before it',
    },
    {
      name: 'a reversal of a spend still to come',
      records: () => journal(5, { spend: 8 }),
      error: 'sequence 5 (REVERSE): reverses 8, which is no spend before it',
    },
    {
      name: 'more given back than the spend drew from the lot',
      records: () => journal(5, allocations(0, { points: -3 })),
      error: 'sequence 5 (REVERSE): gives 3 points back to lot 1, not 1 to 2',
    },
    {
      name: 'a reversal that takes',
      records: () => journal(5, allocations(0, { points: 1 })),
      error: 'sequence 5 (REVERSE): gives -1 points back to lot 1, not 1 to 2',
    },
    {
      name: 'more given back by two reversals than the spend drew from the lot',
      records: () => {
        const reversal = journal()[4] as Reversal;
        const again = { ...reversal, sequence: 6, requestId: 'again', balance: 14 };
        return [...journal().slice(0, 5), again];
      },
      error: 'sequence 6 (REVERSE): gives 2 points back to lot 1, not 1 to 0',
    },
    {
      name: 'allocations that do not sum to their reversal',
      records: () => journal(5, allocations(1, { points: -2 })),
      error: 'sequence 5 (REVERSE): its allocations sum to 4 points, not 5',
    },
  ];
  for (const { name, records, error } of impossible) {
    it(name, () => expect(() => rebuild('checked', records())).to.throw(Error, error));
  }

  it('and names the account', () => {
    expect(() => rebuild('m-1', journal().slice(1))).to.throw('account m-1, sequence 2 (EARN): ');
  });
});

describe('what is stored differs from what the journal gives', () => {
  const rebuilt = () => accountAfter(STORY).account;
  const stored = (edit: (account: Account) => void) => {
    const { account } = accountAfter(STORY);
    edit(account);
    return account;
  };
  const lot = (account: Account, sequence: number) => account.lots.get(sequence)!;
  const differences: { name: string; edit: (account: Account) => void; words: string[] }[] = [
    {
      name: "the account's row",
      edit: (account) => Object.assign(account, { sequence: 8, balance: 1, unsettled: 0, recordedAt: instant('1') }),
      words: [
        'sequence is 8 but the journal gives 7',
        'balance is 1 but the journal gives 15',
        'unsettled is 0 but the journal gives 1',
        'recordedAt is 2020-01-01T00:00:00.000000Z but the journal gives 2021-01-01T00:00:00.000000Z',
      ],
    },
    {
      name: 'a payer',
      edit: (account) => account.payers.set('A', { payer: 'A', points: 6, unsettled: 0, firstSequence: 2 }),
      words: [
        'payer "A": points is 6 but the journal gives 5',
        'payer "A": unsettled is 0 but the journal gives 1',
        'payer "A": firstSequence is 2 but the journal gives 1',
      ],
    },
    { name: 'a missing payer', edit: ({ payers }) => payers.delete('B'), words: ['payer "B" is missing'] },
    {
      name: 'a payer too many',
      edit: ({ payers }) => payers.set('b', { payer: 'b', points: 0, unsettled: 0, firstSequence: 1 }),
      words: ['payer "b" is in no record of the journal'],
    },
    {
      name: 'a lot',
      edit: (account) =>
        account.lots.set(2, { ...lot(account, 2), payer: 'C', earnedAt: instant('9'), points: 3, remaining: 2 }),
      words: [
        'lot 2: payer is C but the journal gives B',
        'lot 2: earnedAt is 2020-01-09T00:00:00.000000Z but the journal gives 2020-01-01T00:00:00.000000Z',
        'lot 2: points is 3 but the journal gives 20',
        'lot 2: remaining is 2 but the journal gives 3',
      ],
    },
    {
      name: 'a missing open lot',
      edit: (account) => {
        account.lots.delete(6);
        account.open = account.open.filter(({ sequence }) => sequence !== 6);
      },
      words: ['lot 6 is missing', 'open lots are 2, 1 but the journal gives 2, 1, 6'],
    },
    {
      name: 'a lot too many',
      edit: (account) => account.lots.set(9, { ...lot(account, 1), sequence: 9 }),
      words: ['lot 9 is in no record of the journal'],
    },
    {
      name: 'open lots out of order',
      edit: (account) => account.open.reverse(),
      words: ['open lots are 6, 1, 2 but the journal gives 2, 1, 6'],
    },
    {
      name: 'no open lots',
      edit: (account) => Object.assign(account, { open: [] }),
      words: ['open lots are none but the journal gives 2, 1, 6'],
    },
  ];
  for (const { name, edit, words } of differences) {
    it(name, () => expect(discrepancies(rebuilt(), stored(edit))).to.deep.equal(words));
  }

  it('but drained lots need not be loaded', () => {
    const { account } = accountAfter('A +10 @1; spend 10');
    const loaded = structuredClone(account);
    loaded.lots.clear();
    expect(discrepancies(account, loaded)).to.deep.equal([]);
  });
});
