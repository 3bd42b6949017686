import {
  type Account,
  type Adjustment,
  type Allocation,
  drawingOrder,
  type Earn,
  emptyAccount,
  type Lot,
  POINTS_MAX,
  type Reversal,
  type Spend,
  type Transaction,
} from './account.ts';

/**
 * Replays a complete journal, in order of sequence, into the account it tells of, with every payer and every lot. It
 * goes by what each record says and decides nothing again, so that a journal stays true when the rules change.
 *
 * @throws Error where a record cannot follow those before it: it names the sequence and what is wrong there
 */
export function rebuild(id: string, journal: Iterable<Transaction>): Account {
  const rebuilding = start(id);
  for (const request of requestsOf(rebuilding.account, journal)) replayRequest(rebuilding, request);
  return finish(rebuilding);
}

/**
 * What differs between an account that the journal gives and the same account as stored, in words; empty where nothing
 * does. Compares the account's row, its payers, its open lots, and every other stored lot that is loaded.
 */
export function discrepancies(rebuilt: Account, stored: Account): string[] {
  const found: string[] = [];
  const compare = <T extends object>(what: string, right: T, is: T, fields: readonly (keyof T & string)[]) => {
    for (const field of fields) {
      if (is[field] !== right[field]) {
        found.push(`${what}${field} is ${is[field]} but the journal gives ${right[field]}`);
      }
    }
  };

  compare('', rebuilt, stored, ['sequence', 'balance', 'unsettled', 'recordedAt']);
  for (const [name, right] of rebuilt.payers) {
    const what = `payer ${JSON.stringify(name)}`;
    const is = stored.payers.get(name);
    if (is) compare(`${what}: `, right, is, ['points', 'unsettled', 'firstSequence']);
    else found.push(`${what} is missing`);
  }
  for (const name of stored.payers.keys()) {
    if (!rebuilt.payers.has(name)) found.push(`payer ${JSON.stringify(name)} is in no record of the journal`);
  }
  for (const [sequence, right] of rebuilt.lots) {
    const is = stored.lots.get(sequence);
    if (is) compare(`lot ${sequence}: `, right, is, ['payer', 'earnedAt', 'points', 'remaining']);
    else if (right.remaining > 0) found.push(`lot ${sequence} is missing`);
  }
  for (const sequence of stored.lots.keys()) {
    if (!rebuilt.lots.has(sequence)) found.push(`lot ${sequence} is in no record of the journal`);
  }
  const [order, rightOrder] = [stored, rebuilt].map(({ open }) => open.map((lot) => lot.sequence).join(', '));
  if (order !== rightOrder)
    found.push(`open lots are ${order || 'none'} but the journal gives ${rightOrder || 'none'}`);
  return found;
}

/** A replay under way. Sums are exact: inside a batch they may pass POINTS_MAX or fall below zero. */
interface Rebuilding {
  readonly account: Account;
  readonly payers: Map<string, PayerTotals>;
  /** What stays drawn of each lot, by the sequence of the spend that drew it. */
  readonly drawn: Map<number, Map<number, number>>;
  balance: bigint;
  unsettled: bigint;
}

interface PayerTotals {
  readonly firstSequence: number;
  points: bigint;
  unsettled: bigint;
}

function start(id: string): Rebuilding {
  return { account: emptyAccount(id), payers: new Map(), drawn: new Map(), balance: 0n, unsettled: 0n };
}

function finish({ account, payers, balance, unsettled }: Rebuilding): Account {
  account.balance = Number(balance);
  account.unsettled = Number(unsettled);
  for (const [payer, totals] of payers) {
    const { points, unsettled, firstSequence } = totals;
    account.payers.set(payer, { payer, points: Number(points), unsettled: Number(unsettled), firstSequence });
  }
  account.open = [...account.lots.values()].filter((lot) => lot.remaining > 0).sort(drawingOrder);
  return account;
}

/** The journal's records request by request, without a gap. */
function* requestsOf(account: Account, journal: Iterable<Transaction>): Generator<Transaction[]> {
  let request: Transaction[] = [];
  let previous = 0;
  for (const transaction of journal) {
    const { sequence, requestId } = transaction;
    at(account, transaction, () =>
      check(sequence === previous + 1, `follows sequence ${previous}: it should be ${previous + 1}`),
    );
    previous = sequence;
    if (request[0] && request[0].requestId !== requestId) {
      yield request;
      request = [];
    }
    request.push(transaction);
  }
  if (request[0]) yield request;
}

/** Replays the records of one request. The balance that they tell, and a payer's that they leave, is that at its end. */
function replayRequest(rebuilding: Rebuilding, request: readonly Transaction[]): void {
  const { account } = rebuilding;
  for (const [index, transaction] of request.entries()) {
    at(account, transaction, () => {
      checkPlace(account, transaction, index);
      replay(rebuilding, transaction);
    });
    account.sequence = transaction.sequence;
    account.recordedAt = transaction.recordedAt;
    account.journal.set(transaction.sequence, transaction);
  }
  for (const transaction of request) {
    at(account, transaction, () => checkEnd(rebuilding, transaction));
    account.requests.set(transaction.requestId, request);
  }
}

function checkPlace(account: Account, transaction: Transaction, index: number): void {
  const { points, requestId, requestIndex, recordedAt } = transaction;
  check(!account.requests.has(requestId), `request ${requestId} is in an earlier record`);
  check(requestIndex === index, `is number ${requestIndex} of its request, in the place of number ${index}`);
  check(recordedAt >= account.recordedAt, `recorded at ${recordedAt}, before the record it follows`);
  check(points !== 0 && Number.isSafeInteger(points), `${points} points are out of range`);
}

function checkEnd({ payers, balance, unsettled }: Rebuilding, transaction: Transaction): void {
  check(transaction.balance === Number(balance), `says balance ${transaction.balance}, but it is ${balance}`);
  check(balance <= POINTS_MAX, `balance ${balance} is out of range`);
  check(unsettled <= POINTS_MAX, `${unsettled} unsettled points are out of range`);
  if (transaction.kind !== 'ADJUST') return;
  const { points = 0n } = payers.get(transaction.payer) ?? {};
  check(points >= 0n, `leaves ${points} points to payer ${JSON.stringify(transaction.payer)}`);
}

function replay(rebuilding: Rebuilding, transaction: Transaction): void {
  rebuilding.balance += BigInt(transaction.points);
  switch (transaction.kind) {
    case 'EARN':
      replayEarn(rebuilding, transaction);
      break;
    case 'ADJUST':
      replayAdjustment(rebuilding, transaction);
      break;
    case 'SPEND':
      replaySpend(rebuilding, transaction);
      break;
    case 'REVERSE':
      replayReversal(rebuilding, transaction);
      break;
  }
}

function replayEarn(rebuilding: Rebuilding, { sequence, payer, earnedAt, points }: Earn): void {
  check(points > 0, `an earn of ${points} points`);
  rebuilding.account.lots.set(sequence, { sequence, payer, earnedAt, points, remaining: points });
  totalsOf(rebuilding, payer, sequence).points += BigInt(points);
}

function replayAdjustment(rebuilding: Rebuilding, { sequence, payer, points }: Adjustment): void {
  check(points < 0, `an adjustment of ${points} points`);
  const totals = totalsOf(rebuilding, payer, sequence);
  totals.points += BigInt(points);
  totals.unsettled -= BigInt(points);
  rebuilding.unsettled -= BigInt(points);
}

function replaySpend(rebuilding: Rebuilding, spend: Spend): void {
  for (const settlement of spend.settlements) {
    drawLot(rebuilding, settlement);
    const totals = totalsOf(rebuilding, settlement.payer, spend.sequence);
    totals.unsettled -= BigInt(settlement.points);
    rebuilding.unsettled -= BigInt(settlement.points);
    check(totals.unsettled >= 0n, `settles more than the adjustments of payer ${JSON.stringify(settlement.payer)}`);
  }
  check(rebuilding.unsettled === 0n, `leaves ${rebuilding.unsettled} points of adjustments unsettled`);

  const drawn = new Map<number, number>();
  for (const allocation of spend.allocations) {
    drawLot(rebuilding, allocation);
    totalsOf(rebuilding, allocation.payer, spend.sequence).points -= BigInt(allocation.points);
    drawn.set(allocation.lot, (drawn.get(allocation.lot) ?? 0) + allocation.points);
  }
  rebuilding.drawn.set(spend.sequence, drawn);
  checkSum(spend);
}

function replayReversal(rebuilding: Rebuilding, reversal: Reversal): void {
  const drawn = rebuilding.drawn.get(reversal.spend);
  check(drawn, `reverses ${reversal.spend}, which is no spend before it`);
  for (const allocation of reversal.allocations) {
    const lot = lotOf(rebuilding, allocation);
    const [returned, still] = [-allocation.points, drawn.get(allocation.lot) ?? 0];
    check(returned > 0 && returned <= still, `gives ${returned} points back to lot ${lot.sequence}, not 1 to ${still}`);
    drawn.set(lot.sequence, still - returned);
    rebuilding.account.lots.set(lot.sequence, { ...lot, remaining: lot.remaining + returned });
    totalsOf(rebuilding, lot.payer, reversal.sequence).points += BigInt(returned);
  }
  checkSum(reversal);
  const { reversed } = rebuilding.account;
  reversed.set(reversal.spend, (reversed.get(reversal.spend) ?? 0) + reversal.points);
}

function drawLot(rebuilding: Rebuilding, allocation: Allocation): void {
  const lot = lotOf(rebuilding, allocation);
  const { points } = allocation;
  check(
    points > 0 && points <= lot.remaining,
    `draws ${points} points from lot ${lot.sequence}, not 1 to ${lot.remaining}`,
  );
  rebuilding.account.lots.set(lot.sequence, { ...lot, remaining: lot.remaining - points });
}

function lotOf({ account }: Rebuilding, { lot: sequence, payer, earnedAt, points }: Allocation): Lot {
  const lot = account.lots.get(sequence);
  check(lot, `names lot ${sequence}, which no earn before it made`);
  check(lot.payer === payer, `says lot ${sequence} is of payer ${JSON.stringify(payer)}`);
  check(Number.isSafeInteger(points), `says ${points} points of lot ${sequence}`);
  check(lot.earnedAt === earnedAt, `says lot ${sequence} was earned at ${earnedAt}`);
  return lot;
}

function totalsOf({ payers }: Rebuilding, payer: string, firstSequence: number): PayerTotals {
  let totals = payers.get(payer);
  if (!totals) {
    totals = { firstSequence, points: 0n, unsettled: 0n };
    payers.set(payer, totals);
  }
  return totals;
}

function checkSum({ points, allocations }: Spend | Reversal): void {
  const drawn = allocations.reduce((sum, allocation) => sum + BigInt(allocation.points), 0n);
  check(-drawn === BigInt(points), `its allocations sum to ${-drawn} points, not ${points}`);
}

/** Does the work; if a check fails in it, the error says at which record. */
function at({ id }: Account, { sequence, kind }: Transaction, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof Impossible) error.message = `account ${id}, sequence ${sequence} (${kind}): ${error.message}`;
    throw error;
  }
}

class Impossible extends Error {}

function check(holds: unknown, otherwise: string): asserts holds {
  if (!holds) throw new Impossible(otherwise);
}
