import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';

/**
 * The examples of the documentation: one story, told by all of them. Alice's account gets five transactions, spends
 * 5,000 points, and has 1,000 of them given back. A message without an example here gets one made of its fields' types.
 */

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };

const REQUEST_ID = 'd9b2d63d-a233-4123-847a-7090f6b6f2a0';
const RECORDED_AT = '2020-11-03T09:30:00.123456Z';

function transaction(
  sequence: number,
  kind: string,
  change: JsonObject,
  balance: number,
  rest?: JsonObject,
): JsonObject {
  return {
    account: 'alice',
    sequence,
    kind: `TRANSACTION_KIND_${kind}`,
    payer: '',
    ...change,
    recordedAt: RECORDED_AT,
    requestId: REQUEST_ID,
    balance,
    payers: [],
    allocations: [],
    settlements: [],
    reversedSequence: 0,
    reason: '',
    draws: [],
    ...rest,
  };
}

const first = { payer: 'DANNON', points: 1000, timestamp: '2020-11-02T14:00:00Z' };
const others = [
  { payer: 'UNILEVER', points: 200, timestamp: '2020-10-31T11:00:00Z' },
  { payer: 'DANNON', points: -200, timestamp: '2020-10-31T15:00:00Z' },
  { payer: 'MILLER COORS', points: 10000, timestamp: '2020-11-01T14:00:00Z' },
  { payer: 'DANNON', points: 300, timestamp: '2020-10-31T10:00:00Z' },
];
const firstStored = transaction(1, 'EARN', first, 1000);
const othersStored = others.map((other, index) =>
  transaction(index + 2, other.points > 0 ? 'EARN' : 'ADJUST', other, 11300),
);

const spent = {
  payers: [
    { payer: 'DANNON', points: -100 },
    { payer: 'UNILEVER', points: -200 },
    { payer: 'MILLER COORS', points: -4700 },
  ],
  allocations: [
    { lotSequence: 5, payer: 'DANNON', earnedAt: '2020-10-31T10:00:00Z', points: 100 },
    { lotSequence: 2, payer: 'UNILEVER', earnedAt: '2020-10-31T11:00:00Z', points: 200 },
    { lotSequence: 4, payer: 'MILLER COORS', earnedAt: '2020-11-01T14:00:00Z', points: 4700 },
  ],
};
const settlements = [{ lotSequence: 5, payer: 'DANNON', earnedAt: '2020-10-31T10:00:00Z', points: 200 }];
const spend = transaction(6, 'SPEND', { points: -5000 }, 6300, { ...spent, settlements });

const givenBack = {
  payers: [{ payer: 'MILLER COORS', points: 1000 }],
  allocations: [{ lotSequence: 4, payer: 'MILLER COORS', earnedAt: '2020-11-01T14:00:00Z', points: -1000 }],
};
const reason = 'order 4711 returned in part';
const reversal = transaction(7, 'REVERSE', { points: 1000 }, 7300, { ...givenBack, reversedSequence: 6, reason });

const MESSAGES: Readonly<Record<string, JsonObject>> = {
  AddTransactionRequest: { account: 'me', ...first },
  AddTransactionResponse: { transaction: firstStored },
  BatchAddTransactionsRequest: { account: 'me', transactions: others },
  BatchAddTransactionsResponse: { transactions: othersStored },
  SpendPointsRequest: { account: 'me', points: 5000 },
  SpendPointsResponse: { transaction: spend, ...spent, balance: 6300 },
  ReverseSpendRequest: { account: 'me', sequence: 6, points: 1000, reason },
  ReverseSpendResponse: { transaction: reversal, ...givenBack, balance: 7300 },
  GetBalanceRequest: { account: 'me' },
  GetBalanceResponse: {
    account: 'alice',
    points: 6300,
    payers: { DANNON: 1000, UNILEVER: 0, 'MILLER COORS': 5300 },
    unsettled: {},
    sequence: 6,
  },
  GetTransactionRequest: { account: 'me', sequence: 6 },
  GetTransactionResponse: { transaction: { ...spend, reversedPoints: 0 } },
  ListTransactionsRequest: { account: 'me' },
  ListTransactionsResponse: { transactions: [{ ...spend, reversedPoints: 0 }], nextPageToken: 'NnxuZXdlc3Q' },
  ListLotsRequest: { account: 'me' },
  ListLotsResponse: {
    lots: [
      { sequence: 4, payer: 'MILLER COORS', earnedAt: '2020-11-01T14:00:00Z', points: 10000, available: 5300 },
      { sequence: 1, payer: 'DANNON', earnedAt: '2020-11-02T14:00:00Z', points: 1000, available: 1000 },
    ],
    nextPageToken: '',
  },
  WatchTransactionsRequest: { account: 'me' },
  WatchTransactionsResponse: { transaction: firstStored },
};

/** An example of a message, as its JSON. */
export function exampleOf(type: DescMessage, depth = 0): JsonObject {
  const example = MESSAGES[type.name];
  if (example !== undefined) return example;
  if (depth > 3) return {};
  return Object.fromEntries(type.fields.map((field) => [field.jsonName, exampleOfField(field, depth)]));
}

/** An example of the value of a field. */
function exampleOfField(field: DescField, depth = 0): Json {
  const element = exampleOfElement(field, depth);
  if (field.fieldKind === 'list') return [element];
  return field.fieldKind === 'map' ? { key: element } : element;
}

function exampleOfElement(field: DescField, depth: number): Json {
  if (field.enum) return field.enum.values.at(1)?.name ?? field.enum.values[0]!.name;
  switch (field.message?.typeName) {
    case undefined:
      return exampleOfScalar(field.scalar!);
    case 'google.protobuf.Timestamp':
      return first.timestamp;
    case 'google.protobuf.Duration':
      return '1.5s';
    default:
      return exampleOf(field.message!, depth + 1);
  }
}

function exampleOfScalar(scalar: ScalarType): Json {
  if (scalar === ScalarType.BOOL) return true;
  if (scalar === ScalarType.BYTES) return 'cG9pbnRz';
  return scalar === ScalarType.STRING ? 'text' : 1;
}
