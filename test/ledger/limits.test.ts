import { scenarios } from '../support/scenario.ts';

describe('no balance passes 2^53-1', () => {
  scenarios([
    {
      name: 'exactly that, earned at once',
      before: '',
      command: 'A +MAX @1',
      drawn: 'A MAX',
      after: 'A MAX: #1 MAX/MAX',
    },
    {
      name: 'exactly that, over two payers',
      before: 'A +1 @1',
      command: 'B +MAX-1 @2',
      drawn: 'B MAX-1',
      after: 'A 1: #1 1/1 | B MAX-1: #2 MAX-1/MAX-1',
    },
    {
      name: 'one past it, of the same payer',
      before: 'A +MAX @1',
      command: 'A +1 @2',
      drawn: 'POINTS_OUT_OF_RANGE what=balance',
      after: 'A MAX: #1 MAX/MAX',
    },
    {
      name: 'one past it, of another payer: the account counts',
      before: 'A +MAX @1',
      command: 'B +1 @2',
      drawn: 'POINTS_OUT_OF_RANGE what=balance',
      after: 'A MAX: #1 MAX/MAX',
    },
    {
      name: 'far past it, where doubles are no longer exact',
      before: '',
      command: '[A +MAX @1, B +MAX @2, C +MAX @3]',
      drawn: 'POINTS_OUT_OF_RANGE what=balance',
      after: '',
    },
    {
      name: 'a batch that passes it on the way and ends exactly there',
      before: '',
      command: '[A +MAX @1, A +MAX-1 @2, A -MAX-1 @3]',
      drawn: 'A MAX, A MAX-1, A -MAX-1',
      after: 'A MAX: #1 MAX/MAX, #2 MAX-1/MAX-1, floating MAX-1',
    },
    {
      name: 'a batch that passes it on the way and ends one past it',
      before: '',
      command: '[A +MAX @1, A +MAX @2, A -MAX-1 @3]',
      drawn: 'POINTS_OUT_OF_RANGE what=balance',
      after: '',
    },
    {
      name: 'lots may hold more than that while adjustments float',
      before: 'A +MAX @1; A -MAX @2',
      command: 'A +MAX @3',
      drawn: 'A MAX',
      after: 'A MAX: #1 MAX/MAX, #3 MAX/MAX, floating MAX',
    },
    {
      name: 'which a spend of everything settles',
      before: 'A +MAX @1; A -MAX @2; A +MAX @3',
      command: 'spend MAX',
      drawn: 'settles A MAX of #1; draws A MAX of #3',
      after: 'A 0: #1 0/MAX, #3 0/MAX',
    },
    {
      name: 'a spend of one point less',
      before: 'A +1 @1; B +MAX-1 @2',
      command: 'spend MAX-1',
      drawn: 'A 1 of #1, B MAX-2 of #2',
      after: 'A 0: #1 0/1 | B 1: #2 1/MAX-1',
    },
    {
      name: 'a reversal up to exactly that',
      before: 'A +10 @1; spend 5; B +MAX-10 @2',
      command: 'reverse #2',
      drawn: 'A -5 of #1',
      after: 'A 10: #1 10/10 | B MAX-10: #3 MAX-10/MAX-10',
    },
    {
      name: 'a reversal one past it',
      before: 'A +10 @1; spend 5; B +MAX-9 @2',
      command: 'reverse #2 5',
      drawn: 'POINTS_OUT_OF_RANGE what=balance',
      after: 'A 5: #1 5/10 | B MAX-9: #3 MAX-9/MAX-9',
    },
    {
      name: 'after a spend of everything there is room again',
      before: 'A +MAX @1; spend MAX',
      command: 'A +MAX @2',
      drawn: 'A MAX',
      after: 'A MAX: #1 0/MAX, #3 MAX/MAX',
    },
  ]);
});

describe('the floating adjustments of an account do not pass 2^53-1', () => {
  scenarios([
    {
      name: 'exactly that',
      before: 'A +MAX @1',
      command: 'A -MAX @2',
      drawn: 'A -MAX',
      after: 'A 0: #1 MAX/MAX, floating MAX',
    },
    {
      name: 'one past it, of the same payer',
      before: 'A +MAX @1; A -MAX @2; A +MAX @3',
      command: 'A -1 @4',
      drawn: 'POINTS_OUT_OF_RANGE what=unsettled',
      after: 'A MAX: #1 MAX/MAX, #3 MAX/MAX, floating MAX',
    },
    {
      name: 'one past it, of another payer: the account counts',
      before: 'A +MAX @1; A -MAX @2; B +1 @3',
      command: 'B -1 @4',
      drawn: 'POINTS_OUT_OF_RANGE what=unsettled',
      after: 'A 0: #1 MAX/MAX, floating MAX | B 1: #3 1/1',
    },
    {
      name: 'past it in one batch that ends with a small balance',
      before: '',
      command: '[A +MAX @1, A -MAX @2, B +MAX @3, B -MAX @4]',
      drawn: 'POINTS_OUT_OF_RANGE what=unsettled',
      after: '',
    },
    {
      name: 'a spend makes room',
      before: 'A +MAX @1; A -MAX @2; B +5 @3; spend 1',
      command: 'B -4 @4',
      drawn: 'B -4',
      after: 'A 0: #1 0/MAX | B 0: #3 4/5, floating 4',
    },
  ]);
});

describe('shortfalls are exact however large', () => {
  scenarios([
    {
      name: 'of one adjustment',
      before: 'A +1 @1',
      command: 'A -MAX @2',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=1 shortfall=9007199254740990 entry=0',
      after: 'A 1: #1 1/1',
    },
    {
      name: 'of three adjustments, past what a double can hold',
      before: 'A +2 @1',
      command: '[A -MAX @2, A -MAX @3, A -MAX @4]',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=2 shortfall=27021597764222971 entry=0',
      after: 'A 2: #1 2/2',
    },
  ]);
});
