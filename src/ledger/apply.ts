import { type Account, drawingOrder, type Lot, type PayerBalance, type Transaction } from './account.ts';
import type { Change } from './command.ts';

/** Makes a decided change to the account in memory: the only function that does. */
export function apply(account: Account, change: Change): void {
  for (const transaction of change.transactions) record(account, transaction);
  const [{ requestId } = { requestId: '' }] = change.transactions;
  account.requests.set(requestId, change.transactions);
  for (const payer of change.payers) setPayer(account, payer);
  setLots(account, change.lots);
}

function record(account: Account, transaction: Transaction): void {
  account.sequence = transaction.sequence;
  account.balance = transaction.balance;
  account.recordedAt = transaction.recordedAt;
  account.journal.set(transaction.sequence, transaction);
  if (transaction.kind === 'REVERSE') {
    account.reversed.set(transaction.spend, (account.reversed.get(transaction.spend) ?? 0) + transaction.points);
  }
}

function setPayer(account: Account, payer: PayerBalance): void {
  account.unsettled += payer.unsettled - (account.payers.get(payer.payer)?.unsettled ?? 0);
  account.payers.set(payer.payer, payer);
}

function setLots(account: Account, lots: readonly Lot[]): void {
  if (lots.length === 0) return;
  const changed = new Set(lots.map((lot) => lot.sequence));
  const others = account.open.filter((lot) => !changed.has(lot.sequence));
  const open = lots.filter((lot) => lot.remaining > 0).sort(drawingOrder);
  for (const lot of lots) account.lots.set(lot.sequence, lot);
  account.open = merge(open, others);
}

function merge(a: readonly Lot[], b: readonly Lot[]): Lot[] {
  const merged: Lot[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [x, y] = [a[i], b[j]];
    if (!x) return merged.concat(b.slice(j));
    if (!y) return merged.concat(a.slice(i));
    if (drawingOrder(x, y) < 0) {
      merged.push(x);
      i += 1;
    } else {
      merged.push(y);
      j += 1;
    }
  }
}
