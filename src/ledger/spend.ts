import type { Account, Allocation, Instant, Lot, PayerBalance } from './account.ts';
import { accept, type Outcome, reject, type SpendCommand } from './command.ts';

/**
 * A spend: settles every floating adjustment against its payer's oldest lots, then draws what is left of the lots,
 * oldest first across payers.
 */
export function spend(account: Account, { points, requestId }: SpendCommand, recordedAt: Instant): Outcome {
  if (points > account.balance) {
    return reject({ reason: 'INSUFFICIENT_POINTS', requested: points, available: account.balance });
  }
  const drawing = startDrawing(account);
  const settlements = settle(drawing);
  const allocations = draw(drawing, points);
  const balance = account.balance - points;
  const sequence = account.sequence + 1;
  return accept({
    transactions: [
      {
        kind: 'SPEND',
        sequence,
        points: -points,
        recordedAt,
        requestId,
        requestIndex: 0,
        balance,
        settlements,
        allocations,
      },
    ],
    payers: [...drawing.payers.values()],
    lots: [...drawing.lots.values()],
  });
}

/** A drawing under way: the account as it was, and the lots and payers it has changed so far. */
interface Drawing {
  readonly account: Account;
  readonly lots: Map<number, Lot>;
  readonly payers: Map<string, PayerBalance>;
}

function startDrawing(account: Account): Drawing {
  return { account, lots: new Map(), payers: new Map() };
}

function settle(drawing: Drawing): Allocation[] {
  if (drawing.account.unsettled === 0) return [];
  const floating = [...drawing.account.payers.values()]
    .filter(({ unsettled }) => unsettled > 0)
    .sort((a, b) => a.firstSequence - b.firstSequence);
  return floating.flatMap((payer) => {
    drawing.payers.set(payer.payer, { ...payer, unsettled: 0 });
    return take(drawing, payer.unsettled, (lot) => lot.payer === payer.payer);
  });
}

function draw(drawing: Drawing, points: number): Allocation[] {
  const allocations = take(drawing, points, () => true);
  for (const { payer, points: drawn } of allocations) {
    const before = drawing.payers.get(payer) ?? drawing.account.payers.get(payer);
    if (!before || before.points < drawn) throw new Error(`account ${drawing.account.id}: a lot without its payer`);
    drawing.payers.set(payer, { ...before, points: before.points - drawn });
  }
  return allocations;
}

/** Takes points from the oldest lots that fit. The balances say they are there: running out means corrupt data. */
function take(drawing: Drawing, points: number, fits: (lot: Lot) => boolean): Allocation[] {
  const allocations: Allocation[] = [];
  let left = points;
  for (const open of drawing.account.open) {
    if (left === 0) break;
    const lot = drawing.lots.get(open.sequence) ?? open;
    if (lot.remaining === 0 || !fits(lot)) continue;
    const taken = Math.min(lot.remaining, left);
    left -= taken;
    drawing.lots.set(lot.sequence, { ...lot, remaining: lot.remaining - taken });
    allocations.push({ lot: lot.sequence, payer: lot.payer, earnedAt: lot.earnedAt, points: taken });
  }
  if (left > 0) throw new Error(`account ${drawing.account.id}: lots hold ${left} points less than the balance says`);
  return allocations;
}
