import type { Transaction } from './account.ts';
import { type Add, type Command, type Outcome, reject } from './command.ts';

/**
 * The answer to a request id that is known: the first answer again if the command says the same, or else which field
 * differs.
 */
export function replay(earlier: readonly Transaction[], command: Command): Outcome {
  const field = difference(earlier, command);
  if (field !== null) return reject({ reason: 'REQUEST_ID_REUSED', field });
  return { accepted: true, transactions: earlier, change: null };
}

function difference(earlier: readonly Transaction[], command: Command): string | null {
  const [first] = earlier;
  switch (command.kind) {
    case 'add':
      return addDifference(earlier, command);
    case 'spend':
      if (first?.kind !== 'SPEND') return 'method';
      return -first.points === command.points ? null : 'points';
    case 'reverse':
      if (first?.kind !== 'REVERSE') return 'method';
      if (first.spend !== command.spend) return 'sequence';
      if (first.rest !== (command.points === null)) return 'points';
      if (command.points !== null && first.points !== command.points) return 'points';
      return first.reason === command.reason ? null : 'reason';
  }
}

/** A batch of one and a single transaction say the same. */
function addDifference(earlier: readonly Transaction[], { entries }: Add): string | null {
  const path = (index: number, field: string) => (entries.length === 1 ? field : `transactions[${index}].${field}`);
  for (const [index, transaction] of earlier.entries()) {
    if (transaction.kind !== 'EARN' && transaction.kind !== 'ADJUST') return 'method';
    const entry = entries[index];
    if (!entry || entries.length !== earlier.length) return 'transactions';
    if (entry.payer !== transaction.payer) return path(index, 'payer');
    if (entry.points !== transaction.points) return path(index, 'points');
    if (entry.earnedAt !== transaction.earnedAt) return path(index, 'timestamp');
  }
  return null;
}
