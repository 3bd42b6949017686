// Commands for an engine in this process, and what becomes of them.
import { randomUUID } from 'node:crypto';
import type { Submission } from '../../src/engine/engine.ts';
import type { Outcome } from '../../src/ledger/command.ts';

const isGone = () => false;

export function earn(account: string, points: number, changes: Partial<Submission> = {}): Submission {
  const entries = [{ payer: 'DANNON', points, earnedAt: at(0) }];
  return submission(account, { kind: 'add', requestId: randomUUID(), entries }, changes);
}

export function spend(account: string, points: number, changes: Partial<Submission> = {}): Submission {
  return submission(account, { kind: 'spend', requestId: randomUUID(), points }, changes);
}

/** Takes back all that is left of a spend. */
export function reverse(account: string, sequence: number): Submission {
  return submission(account, { kind: 'reverse', requestId: randomUUID(), spend: sequence, points: null, reason: '' });
}

export function submission(
  account: string,
  command: Submission['command'],
  changes: Partial<Submission> = {},
): Submission {
  const deadline = Number.POSITIVE_INFINITY;
  return { account, command, preview: false, repeatable: true, isGone, deadline, ...changes };
}

/** A moment, so many seconds after the beginning of 2020. */
export function at(second: number): string {
  return `${new Date(Date.UTC(2020, 0, 1) + second * 1000).toISOString().slice(0, 19)}.000000Z`;
}

/** The sequences of an accepted outcome; the reason of a rejection. */
export function summary(outcome: Outcome): string {
  if (!outcome.accepted) return outcome.rejection.reason;
  return outcome.transactions.map(({ sequence }) => sequence).join();
}
