import { type Account, type Allocation, type Instant, type Lot, type PayerBalance, POINTS_MAX } from './account.ts';
import { accept, type Outcome, type Reverse, reject } from './command.ts';

/**
 * A reversal: gives points of a spend back to the lots they came from, last drawn first, so that what stays drawn is a
 * prefix of the original drawing.
 */
export function reverse(account: Account, command: Reverse, recordedAt: Instant): Outcome {
  const sequence = command.spend;
  const spend = account.journal.get(sequence);
  if (!spend) return reject({ reason: 'TRANSACTION_NOT_FOUND', sequence });
  if (spend.kind !== 'SPEND') return reject({ reason: 'NOT_A_SPEND', sequence, kind: spend.kind });

  const reversed = account.reversed.get(sequence) ?? 0;
  const available = -spend.points - reversed;
  const points = command.points ?? available;
  if (points > available || available === 0) {
    return reject({ reason: 'REVERSAL_EXCEEDS_SPEND', sequence, requested: command.points, available });
  }
  if (points > POINTS_MAX - account.balance) return reject({ reason: 'POINTS_OUT_OF_RANGE', what: 'balance' });

  const allocations = giveBack(spend.allocations, reversed, points);
  return accept({
    transactions: [
      {
        kind: 'REVERSE',
        sequence: account.sequence + 1,
        points,
        recordedAt,
        requestId: command.requestId,
        requestIndex: 0,
        balance: account.balance + points,
        spend: sequence,
        reason: command.reason,
        rest: command.points === null,
        allocations,
      },
    ],
    payers: payersAfter(account, allocations),
    lots: allocations.map((allocation) => lotAfter(account, allocation)),
  });
}

/** Goes back over the drawing from its end, past what is reversed already, for as many points as are to be returned. */
function giveBack(drawn: readonly Allocation[], reversed: number, points: number): Allocation[] {
  const returned: Allocation[] = [];
  let skip = reversed;
  let left = points;
  for (const allocation of drawn.toReversed()) {
    const still = Math.max(0, allocation.points - skip);
    skip -= allocation.points - still;
    const back = Math.min(still, left);
    left -= back;
    if (back > 0) returned.push({ ...allocation, points: -back });
    if (left === 0) break;
  }
  return returned;
}

function payersAfter(account: Account, allocations: readonly Allocation[]): PayerBalance[] {
  const payers = new Map<string, PayerBalance>();
  for (const { payer, points } of allocations) {
    const before = payers.get(payer) ?? account.payers.get(payer);
    if (!before) throw new Error(`account ${account.id}: a lot without its payer`);
    payers.set(payer, { ...before, points: before.points - points });
  }
  return [...payers.values()];
}

function lotAfter(account: Account, { lot: sequence, points }: Allocation): Lot {
  const lot = account.lots.get(sequence);
  if (!lot || lot.remaining - points > lot.points) {
    throw new Error(`account ${account.id}: lot ${sequence} cannot take ${-points} points back`);
  }
  return { ...lot, remaining: lot.remaining - points };
}
