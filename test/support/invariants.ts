import assert from 'node:assert/strict';
import { type Account, drawingOrder, POINTS_MAX, type Transaction } from '../../src/ledger/account.ts';
import { discrepancies, rebuild } from '../../src/ledger/rebuild.ts';

/** Throws where an account that holds its whole journal and all its lots breaks an invariant of the ledger. */
export function checkInvariants(account: Account): void {
  const journal = [...account.journal.values()];
  assert.deepEqual(
    journal.map(({ sequence }) => sequence),
    Array.from({ length: account.sequence }, (_, index) => index + 1),
    'the journal has a gap',
  );
  checkLots(account, journal);
  checkPayers(account);
  checkReversals(account, journal);

  const rebuilt = rebuild(account.id, journal);
  assert.deepEqual(rebuilt, account, 'the journal gives another account');
  assert.deepEqual(discrepancies(rebuilt, account), []);
}

function checkLots(account: Account, journal: readonly Transaction[]): void {
  const drawn = new Map<number, bigint>();
  for (const transaction of journal) {
    const settlements = transaction.kind === 'SPEND' ? transaction.settlements : [];
    const allocations = 'allocations' in transaction ? transaction.allocations : [];
    for (const { lot, points } of [...settlements, ...allocations]) {
      drawn.set(lot, (drawn.get(lot) ?? 0n) + BigInt(points));
    }
  }
  for (const [sequence, { points, remaining }] of account.lots) {
    assert.ok(remaining >= 0 && remaining <= points, `lot ${sequence} has ${remaining} of ${points} points`);
    const left = BigInt(points) - (drawn.get(sequence) ?? 0n);
    assert.equal(BigInt(remaining), left, `lot ${sequence}: what remains is not what no allocation has drawn`);
  }
  const open = [...account.lots.values()].filter(({ remaining }) => remaining > 0).sort(drawingOrder);
  assert.deepEqual(account.open, open, 'the open lots are incomplete or out of order');
}

function checkPayers(account: Account): void {
  const remaining = new Map<string, bigint>();
  for (const lot of account.lots.values()) {
    remaining.set(lot.payer, (remaining.get(lot.payer) ?? 0n) + BigInt(lot.remaining));
  }
  let [balance, floating] = [0n, 0n];
  for (const { payer, points, unsettled } of account.payers.values()) {
    const what = `payer ${JSON.stringify(payer)}`;
    assert.ok(points >= 0, `${what} is below zero`);
    assert.ok(unsettled >= 0, `${what} has ${unsettled} unsettled points`);
    assert.equal(
      BigInt(points),
      (remaining.get(payer) ?? 0n) - BigInt(unsettled),
      `${what}: not its lots less unsettled`,
    );
    balance += BigInt(points);
    floating += BigInt(unsettled);
  }
  assert.deepEqual(
    [...remaining.keys()].filter((payer) => !account.payers.has(payer)),
    [],
    'lots without a payer',
  );
  assert.equal(BigInt(account.balance), balance, 'the balance is not the sum over payers');
  assert.equal(BigInt(account.unsettled), floating, 'the unsettled points are not the sum over payers');
  assert.ok(balance <= POINTS_MAX && floating <= POINTS_MAX, 'a sum is past the cap');
}

/** What stays drawn of a spend is a prefix of its drawing. */
function checkReversals(account: Account, journal: readonly Transaction[]): void {
  for (const spend of journal) {
    if (spend.kind !== 'SPEND') continue;
    const returned = journal.flatMap((t) => (t.kind === 'REVERSE' && t.spend === spend.sequence ? t.allocations : []));
    const reversed = returned.reduce((sum, { points }) => sum - points, 0);
    assert.equal(reversed, account.reversed.get(spend.sequence) ?? 0, `what is reversed of spend ${spend.sequence}`);
    let prefix = -spend.points - reversed;
    assert.ok(prefix >= 0, `spend ${spend.sequence} is reversed beyond its points`);
    for (const { lot, points } of spend.allocations) {
      const back = returned.filter((allocation) => allocation.lot === lot).reduce((sum, a) => sum - a.points, 0);
      assert.equal(points - back, Math.min(points, prefix), `spend ${spend.sequence} does not keep a prefix drawn`);
      prefix -= points - back;
    }
  }
}
