import { scenarios } from '../support/scenario.ts';

// Where several reasons to refuse a command hold, the first in this order is told (the order of `ErrorReason`):
//
//   1. REQUEST_ID_REUSED (the fields of a body in the order of the request message, entries in theirs)
//   2. TRANSACTION_NOT_FOUND
//   3. NOT_A_SPEND
//   4. REVERSAL_EXCEEDS_SPEND
//   5. INSUFFICIENT_POINTS
//   6. PAYER_BALANCE_INSUFFICIENT (payers in the order the entries name them)
//   7. POINTS_OUT_OF_RANGE (the balance before the floating adjustments)
describe('of several reasons to refuse a command, one is told:', () => {
  scenarios([
    {
      name: 'a reused request id before a transaction that is not there',
      before: 'A +7 @1; spend 4',
      command: 'reverse #999',
      request: 0,
      drawn: 'REQUEST_ID_REUSED field=method',
      after: 'A 3: #1 3/7',
    },
    {
      name: 'a reused request id before a transaction that is no spend',
      before: 'A +7 @1; spend 4',
      command: 'reverse #1',
      request: 0,
      drawn: 'REQUEST_ID_REUSED field=method',
      after: 'A 3: #1 3/7',
    },
    {
      name: 'a reused request id before too few points',
      before: 'A +7 @1; spend 4',
      command: 'spend 5000',
      request: 0,
      drawn: 'REQUEST_ID_REUSED field=method',
      after: 'A 3: #1 3/7',
    },
    {
      name: "a reused request id before too few of a payer's points",
      before: 'A +7 @1; spend 4',
      command: 'A -5000 @1',
      request: 0,
      drawn: 'REQUEST_ID_REUSED field=points',
      after: 'A 3: #1 3/7',
    },
    {
      name: 'a reused request id before a balance past the cap',
      before: 'A +7 @1; spend 4',
      command: 'A +MAX @1',
      request: 0,
      drawn: 'REQUEST_ID_REUSED field=points',
      after: 'A 3: #1 3/7',
    },
    {
      name: 'no spend before more than it has points',
      before: 'A +10 @1',
      command: 'reverse #1 100',
      drawn: 'NOT_A_SPEND sequence=1 kind=EARN',
      after: 'A 10: #1 10/10',
    },
    {
      name: 'no spend before a balance past the cap',
      before: 'A +MAX @1',
      command: 'reverse #1 5',
      drawn: 'NOT_A_SPEND sequence=1 kind=EARN',
      after: 'A MAX: #1 MAX/MAX',
    },
    {
      name: 'more than is left of a spend before a balance past the cap',
      before: 'A +10 @1; spend 5; A +MAX-5 @2',
      command: 'reverse #2 6',
      drawn: 'REVERSAL_EXCEEDS_SPEND sequence=2 requested=6 available=5',
      after: 'A MAX: #1 5/10, #3 MAX-5/MAX-5',
    },
    {
      name: 'nothing left of a spend before a balance past the cap',
      before: 'A +10 @1; spend 5; reverse #2; A +MAX-10 @2',
      command: 'reverse #2',
      drawn: 'REVERSAL_EXCEEDS_SPEND sequence=2 requested=null available=0',
      after: 'A MAX: #1 10/10, #4 MAX-10/MAX-10',
    },
    {
      name: "too few of a payer's points before a balance past the cap",
      before: 'A +MAX @1',
      command: '[A +5 @2, B -1 @3]',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=B available=0 shortfall=1 entry=1',
      after: 'A MAX: #1 MAX/MAX',
    },
    {
      name: "too few of a payer's points before floating adjustments past the cap",
      before: 'A +MAX @1; A -MAX @2',
      command: 'A -1 @3',
      drawn: 'PAYER_BALANCE_INSUFFICIENT payer=A available=0 shortfall=1 entry=0',
      after: 'A 0: #1 MAX/MAX, floating MAX',
    },
    {
      name: 'a balance past the cap before floating adjustments past the cap',
      before: 'A +MAX @1; A -MAX @2; B +MAX @3',
      command: '[B +2 @4, B -1 @5]',
      drawn: 'POINTS_OUT_OF_RANGE what=balance',
      after: 'A 0: #1 MAX/MAX, floating MAX | B MAX: #3 MAX/MAX',
    },
  ]);
});
