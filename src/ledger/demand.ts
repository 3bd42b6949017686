import { type Account, POINTS_MAX } from './account.ts';
import type { Command } from './command.ts';

/** What of an account must be in memory before some commands can be decided. */
export interface Demand {
  /**
   * How many points the commands may draw from lots, the oldest first: what can be spent, and the adjustments that are
   * settled before. 0 where no spend can succeed.
   */
  readonly points: bigint;
  /** Adjustments that the commands add, by payer: settled, with those already floating, against the payer's oldest lots. */
  readonly adjusted: ReadonlyMap<string, bigint>;
  /** Payers that the commands name. */
  readonly payers: ReadonlySet<string>;
  /** Sequences of the transactions to reverse, with their lots and what is reversed already. */
  readonly spends: ReadonlySet<number>;
}

/** What `commands` need of an account of which only its own row is known. */
export function demand(account: Pick<Account, 'balance' | 'unsettled'>, commands: readonly Command[]): Demand {
  const payers = new Set<string>();
  const spends = new Set<number>();
  const adjusted = new Map<string, bigint>();
  let gained = 0n;
  for (const command of commands) {
    if (command.kind === 'reverse') {
      spends.add(command.spend);
      gained += BigInt(command.points ?? POINTS_MAX);
    }
    if (command.kind !== 'add') continue;
    for (const { payer, points } of command.entries) {
      payers.add(payer);
      if (points > 0) gained += BigInt(points);
      else adjusted.set(payer, (adjusted.get(payer) ?? 0n) - BigInt(points));
    }
  }
  return { points: drawable(account, commands, gained, adjusted), adjusted, payers, spends };
}

function drawable(
  account: Pick<Account, 'balance' | 'unsettled'>,
  commands: readonly Command[],
  gained: bigint,
  adjusted: ReadonlyMap<string, bigint>,
): bigint {
  const ceiling = BigInt(account.balance) + gained;
  let drawn = 0n;
  for (const command of commands) {
    if (command.kind === 'spend' && BigInt(command.points) <= ceiling) drawn += BigInt(command.points);
  }
  if (drawn === 0n) return 0n;
  const settled = [...adjusted.values()].reduce((sum, points) => sum + points, BigInt(account.unsettled));
  return (drawn < ceiling ? drawn : ceiling) + settled;
}
