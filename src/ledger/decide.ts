import type { Account, Instant } from './account.ts';
import { add } from './add.ts';
import type { Command, Outcome } from './command.ts';
import { replay } from './replay.ts';
import { reverse } from './reverse.ts';
import { spend } from './spend.ts';

/**
 * The ledger: what a command does to an account, decided from the account alone. Changes nothing: `apply` does.
 *
 * @param now the time of recording; the journal never goes back, so an account that has recorded later keeps its time
 */
export function decide(account: Account, command: Command, now: Instant): Outcome {
  const earlier = account.requests.get(command.requestId);
  if (earlier) return replay(earlier, command);
  const recordedAt = now > account.recordedAt ? now : account.recordedAt;
  switch (command.kind) {
    case 'add':
      return add(account, command, recordedAt);
    case 'spend':
      return spend(account, command, recordedAt);
    case 'reverse':
      return reverse(account, command, recordedAt);
  }
}
