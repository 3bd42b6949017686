import {
  type Account,
  type Adjustment,
  type Earn,
  type Instant,
  type Lot,
  type PayerBalance,
  POINTS_MAX,
} from './account.ts';
import { type Add, accept, type Entry, type Outcome, type Rejection, reject } from './command.ts';

/**
 * Earns and adjustments. An earn makes a lot; an adjustment lowers its payer's balance and floats until the next spend
 * settles it, so that timestamps count and not the order of arrival. Judged on the end state: inside a batch an
 * adjustment may stand before the earn that covers it.
 */
export function add(account: Account, { entries, requestId }: Add, recordedAt: Instant): Outcome {
  const totals = totalsByPayer(account, entries);
  for (const [payer, total] of totals) {
    if (total.before + total.earned < total.adjusted) return reject(uncovered(entries, payer, total));
  }
  const balance = BigInt(account.balance) + sum(totals, ({ earned, adjusted }) => earned - adjusted);
  if (balance > POINTS_MAX) return reject({ reason: 'POINTS_OUT_OF_RANGE', what: 'balance' });
  const unsettled = BigInt(account.unsettled) + sum(totals, ({ adjusted }) => adjusted);
  if (unsettled > POINTS_MAX) return reject({ reason: 'POINTS_OUT_OF_RANGE', what: 'unsettled' });

  const transactions = entries.map((entry, requestIndex): Earn | Adjustment => ({
    ...entry,
    kind: entry.points > 0 ? 'EARN' : 'ADJUST',
    sequence: account.sequence + 1 + requestIndex,
    recordedAt,
    requestId,
    requestIndex,
    balance: Number(balance),
  }));
  return accept({ transactions, payers: payersAfter(account, totals), lots: lotsOf(transactions) });
}

/** What the entries do to one payer. Exact: a batch may pass POINTS_MAX on the way to an end state that does not. */
interface Total {
  readonly before: bigint;
  readonly firstEntry: number;
  earned: bigint;
  adjusted: bigint;
}

function totalsByPayer(account: Account, entries: readonly Entry[]): Map<string, Total> {
  const totals = new Map<string, Total>();
  for (const [firstEntry, { payer, points }] of entries.entries()) {
    let total = totals.get(payer);
    if (!total) {
      total = { before: BigInt(account.payers.get(payer)?.points ?? 0), firstEntry, earned: 0n, adjusted: 0n };
      totals.set(payer, total);
    }
    if (points > 0) total.earned += BigInt(points);
    else total.adjusted -= BigInt(points);
  }
  return totals;
}

function sum(totals: Map<string, Total>, value: (total: Total) => bigint): bigint {
  let result = 0n;
  for (const total of totals.values()) result += value(total);
  return result;
}

/** Names the first adjustment that the payer's balance and all its earns of the batch do not cover. */
function uncovered(entries: readonly Entry[], payer: string, { before, earned, adjusted }: Total): Rejection {
  let cover = before + earned;
  const entry = entries.findIndex((candidate) => {
    if (candidate.payer !== payer || candidate.points > 0) return false;
    cover += BigInt(candidate.points);
    return cover < 0n;
  });
  const shortfall = adjusted - before - earned;
  return { reason: 'PAYER_BALANCE_INSUFFICIENT', payer, available: Number(before), shortfall, entry };
}

function payersAfter(account: Account, totals: Map<string, Total>): PayerBalance[] {
  return [...totals].map(([payer, { before, firstEntry, earned, adjusted }]) => {
    const known = account.payers.get(payer);
    return {
      payer,
      points: Number(before + earned - adjusted),
      unsettled: (known?.unsettled ?? 0) + Number(adjusted),
      firstSequence: known?.firstSequence ?? account.sequence + 1 + firstEntry,
    };
  });
}

function lotsOf(transactions: readonly (Earn | Adjustment)[]): Lot[] {
  return transactions
    .filter(({ kind }) => kind === 'EARN')
    .map(({ sequence, payer, earnedAt, points }) => ({ sequence, payer, earnedAt, points, remaining: points }));
}
