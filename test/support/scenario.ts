import { expect } from 'chai';
import { type Account, POINTS_MAX } from '../../src/ledger/account.ts';
import type { Command, Entry, Outcome } from '../../src/ledger/command.ts';
import { CheckedAccount } from './checked-account.ts';
import { requestIdOf } from './commands.ts';

/**
 * A scenario in words.
 *
 * Commands: `A +10 @2` and `A -10 @2` add points of payer A, earned on day 2 (or `@11-02T14`: that day and hour of
 * 2020), `[A +10 @2, B +5 @1]` adds a batch, `spend 10` spends, `reverse #3` takes back spend 3, `reverse #3 10` 10
 * points of it. MAX stands for the largest number of points, MAX-1 for one less.
 */
interface Scenario {
  readonly name: string;
  /** Commands, all of which are done, separated by semicolons. */
  readonly before: string;
  readonly command: string;
  /** The number of the command's request id: 0 is that of the first command before; one of its own where left out. */
  readonly request?: number;
  /** What the command is answered: the lots drawn in order, or the rejection. */
  readonly drawn: string;
  /** The account afterwards: each payer's balance, then its lots, what remains of how much, and what floats. */
  readonly after: string;
}

/** Declares a test for each scenario. Every step is checked against the oracle and the invariants as well. */
export function scenarios(list: readonly Scenario[]): void {
  for (const scenario of list) {
    it(scenario.name, () => {
      const checked = accountAfter(scenario.before);
      const outcome = checked.ask(command(scenario.command, scenario.request ?? 100));
      expect(answer(outcome)).to.equal(scenario.drawn);
      expect(state(checked.account)).to.equal(scenario.after);
    });
  }
}

/** An account to which the commands, separated by semicolons, have been done. */
export function accountAfter(commands: string): CheckedAccount {
  const checked = new CheckedAccount();
  const texts = commands.split('; ').filter((text) => text !== '');
  for (const [index, text] of texts.entries()) {
    const outcome = checked.ask(command(text, index));
    if (!outcome.accepted) throw new Error(`${text}: ${answer(outcome)}`);
  }
  return checked;
}

/** The command a text stands for, with the request id of a number. */
export function command(text: string, request: number): Command {
  const requestId = requestIdOf(request);
  const [, verb, rest = ''] = /^(spend|reverse) (.*)$/.exec(text) ?? [];
  if (verb === 'spend') return { kind: 'spend', requestId, points: number(rest) };
  if (verb === 'reverse') {
    const [sequence = '', points] = rest.slice(1).split(' ');
    const spend = Number(sequence);
    return { kind: 'reverse', requestId, spend, points: points === undefined ? null : number(points), reason: '' };
  }
  const batch = text.startsWith('[') ? text.slice(1, -1).split(', ') : [text];
  return { kind: 'add', requestId, entries: batch.map(entry) };
}

/** An outcome in words. */
export function answer(outcome: Outcome): string {
  if (!outcome.accepted) {
    const { reason, ...details } = outcome.rejection;
    return [reason, ...Object.entries(details).map(([name, value]) => `${name}=${show(value)}`)].join(' ');
  }
  return outcome.transactions
    .map((transaction) => {
      if (transaction.kind === 'EARN' || transaction.kind === 'ADJUST') {
        return `${transaction.payer} ${show(transaction.points)}`;
      }
      const allocations = transaction.allocations.map(
        ({ lot, payer, points }) => `${payer} ${show(points)} of #${lot}`,
      );
      if (transaction.kind === 'REVERSE') return allocations.join(', ');
      const settled = transaction.settlements.map(({ lot, payer, points }) => `${payer} ${show(points)} of #${lot}`);
      return (settled.length > 0 ? `settles ${settled.join(', ')}; draws ` : '') + allocations.join(', ');
    })
    .join(', ');
}

/** An account in words. */
export function state({ payers, lots }: Account): string {
  return [...payers.values()]
    .map(({ payer, points, unsettled }) => {
      const own = [...lots.values()].filter((lot) => lot.payer === payer);
      const parts = own.map(({ sequence, remaining, points }) => `#${sequence} ${show(remaining)}/${show(points)}`);
      if (unsettled > 0) parts.push(`floating ${show(unsettled)}`);
      return `${payer} ${show(points)}: ${parts.join(', ')}`;
    })
    .join(' | ');
}

/** Day `1` to `31` of January, or `11-02T14`: an hour of 2020. */
export function instant(text: string): string {
  const day = /^\d+$/.test(text) ? new Date(Date.UTC(2020, 0, Number(text))) : new Date(`2020-${text}:00:00Z`);
  return day.toISOString().replace('Z', '000Z');
}

function entry(text: string): Entry {
  const [, payer, sign, points, earnedAt] = /^(.+) ([+-])(\S+) @(\S+)$/.exec(text) ?? [];
  if (!payer || !points || !earnedAt) throw new Error(`not a command: ${text}`);
  return { payer, points: sign === '-' ? -number(points) : number(points), earnedAt: instant(earnedAt) };
}

function number(text: string): number {
  const [, less = '0'] = /^MAX(?:-(\d+))?$/.exec(text) ?? [];
  return text.startsWith('MAX') ? POINTS_MAX - Number(less) : Number(text);
}

function show(value: unknown): string {
  if (typeof value !== 'number' || Math.abs(value) < POINTS_MAX - 99) return String(value);
  const less = POINTS_MAX - Math.abs(value);
  return `${value < 0 ? '-' : ''}MAX${less === 0 ? '' : `-${less}`}`;
}
