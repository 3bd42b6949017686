import fc from 'fast-check';
import type { Oracle, OracleCommand, OracleEntry } from './oracle.ts';

const POINTS_MAX = Number.MAX_SAFE_INTEGER;

/** Payer names that only a comparison byte for byte tells apart, and some that are dangerous as names of properties. */
const PAYERS = ['DANNON', 'dannon', 'MILLER COORS', '\u00c9VIAN', 'E\u0301VIAN', '__proto__', 'constructor', '7'];

/**
 * Something to ask of an account, in terms of what was asked of it before, so that it keeps its meaning in any sequence,
 * also in one that shrinking has made shorter. `commandOf` turns it into a command.
 */
export type Step = {
  /** Only asks what the answer would be (`validate_only`). */
  readonly preview: boolean;
} & (
  | { readonly what: 'add'; readonly entries: readonly OracleEntry[] }
  | { readonly what: 'spend'; readonly points: number }
  /** Spends so much of the balance; of a balance of 0, one point. */
  | { readonly what: 'spend share'; readonly percent: number }
  /** Reverses one of the spends so far. */
  | { readonly what: 'reverse'; readonly which: number; readonly points: number | null; readonly reason: string }
  /** Reverses whatever has this sequence, if anything has. */
  | { readonly what: 'reverse any'; readonly sequence: number; readonly points: number | null }
  /** Asks again, with the same request id, something asked before, done or not: as it was (0), or one thing changed. */
  | { readonly what: 'again'; readonly which: number; readonly variant: number }
);

/** What was asked so far, whether done, refused or only previewed, and the account it was asked of. */
interface Conversation {
  readonly asked: readonly OracleCommand[];
  readonly oracle: Oracle;
}

/** Sequences of steps: most with small numbers of points, some with numbers about the cap. */
export function steps({ maxLength = 25 } = {}): fc.Arbitrary<Step[]> {
  const sequences = (points: fc.Arbitrary<number>) => fc.array(step(points), { minLength: 1, maxLength });
  return fc.oneof({ weight: 4, arbitrary: sequences(fewPoints()) }, { weight: 1, arbitrary: sequences(manyPoints()) });
}

/** Entries of one batch, each legal or not. */
export function entries(points: fc.Arbitrary<number> = fewPoints(), maxLength = 6): fc.Arbitrary<OracleEntry[]> {
  const signed = fc.oneof({ weight: 3, arbitrary: points }, { weight: 1, arbitrary: points.map((value) => -value) });
  return fc.array(record({ payer: payers(), points: signed, earnedAt: instants() }), { minLength: 1, maxLength });
}

/** Payers, few enough to meet again. */
function payers(): fc.Arbitrary<string> {
  return fc.constantFrom(...PAYERS);
}

/** Moments in the past, few enough to be equal at times. */
function instants(): fc.Arbitrary<string> {
  return fc.integer({ min: 1, max: 9 }).map((day) => `2020-01-0${day}T12:00:00.00000${day % 2}Z`);
}

/** The command that a step is at its place in a conversation. The request id comes from the place. */
export function commandOf(step: Step, { asked, oracle }: Conversation): OracleCommand {
  const requestId = requestIdOf(asked.length);
  switch (step.what) {
    case 'add':
      return { kind: 'add', requestId, entries: step.entries };
    case 'spend':
      return { kind: 'spend', requestId, points: step.points };
    case 'spend share': {
      const points = Number((oracle.balance() * BigInt(step.percent)) / 100n);
      return { kind: 'spend', requestId, points: Math.max(1, points) };
    }
    case 'reverse': {
      const spends = oracle.journal.filter(({ kind }) => kind === 'SPEND');
      const spend = spends[step.which % spends.length]?.sequence ?? 1;
      return { kind: 'reverse', requestId, spend, points: step.points, reason: step.reason };
    }
    case 'reverse any':
      return { kind: 'reverse', requestId, spend: step.sequence, points: step.points, reason: '' };
    case 'again': {
      const earlier = asked[step.which % asked.length] ?? { kind: 'spend', requestId, points: 1 };
      const choices = variants(earlier);
      return choices[step.variant % choices.length] ?? earlier;
    }
  }
}

/** The same command, and then, with the same request id, the ways in which one field of it may differ. */
function variants(command: OracleCommand): [OracleCommand, ...OracleCommand[]] {
  const { requestId } = command;
  const spend: OracleCommand = { kind: 'spend', requestId, points: 1 };
  switch (command.kind) {
    case 'add': {
      const { entries } = command;
      const last = entries.length - 1;
      const change = (changed: Partial<OracleEntry>): OracleCommand => ({
        ...command,
        entries: entries.map((entry, index) => (index === last ? { ...entry, ...changed } : entry)),
      });
      return [
        command,
        change({ payer: `${entries[last]?.payer}2` }),
        change({ points: nextPoints(entries[last]?.points ?? 0) }),
        change({ earnedAt: '2020-02-01T00:00:00.000000Z' }),
        { ...command, entries: [...entries, ...entries.slice(last)] },
        spend,
      ];
    }
    case 'spend':
      return [
        command,
        { ...command, points: nextPoints(command.points) },
        { kind: 'reverse', requestId, spend: 1, points: null, reason: '' },
        { kind: 'add', requestId, entries: [{ payer: 'DANNON', points: 1, earnedAt: '2020-02-01T00:00:00.000000Z' }] },
      ];
    case 'reverse':
      return [
        command,
        { ...command, spend: command.spend + 1 },
        { ...command, points: command.points === null ? 1 : null },
        { ...command, points: nextPoints(command.points ?? 0) },
        { ...command, reason: `${command.reason}.` },
        spend,
      ];
  }
}

/** A UUID for each number. */
export function requestIdOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** Another number of points of the same sign. */
function nextPoints(points: number): number {
  if (points < 0) return -nextPoints(-points);
  return points === POINTS_MAX ? 1 : points + 1;
}

function fewPoints(): fc.Arbitrary<number> {
  return fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.integer({ min: 1, max: 1000 }));
}

function manyPoints(): fc.Arbitrary<number> {
  const nearCap = fc.integer({ min: 0, max: 3 }).map((less) => POINTS_MAX - less);
  return fc.oneof(nearCap, fc.integer({ min: 1, max: POINTS_MAX }), fewPoints());
}

function step(points: fc.Arbitrary<number>): fc.Arbitrary<Step> {
  const preview = fc.integer({ min: 0, max: 9 }).map((value) => value === 9);
  const percent = fc.integer({ min: 1, max: 102 });
  const which = fc.nat(999);
  const variant = fc.nat(5);
  const part = fc.option(points);
  const reason = fc.constantFrom('', 'returned', 'mistake');
  const sequence = fc.integer({ min: 1, max: 30 });
  return fc.oneof(
    { weight: 8, arbitrary: record({ what: fc.constant('add' as const), preview, entries: entries(points, 1) }) },
    { weight: 4, arbitrary: record({ what: fc.constant('add' as const), preview, entries: entries(points) }) },
    { weight: 2, arbitrary: record({ what: fc.constant('spend' as const), preview, points }) },
    { weight: 5, arbitrary: record({ what: fc.constant('spend share' as const), preview, percent }) },
    {
      weight: 5,
      arbitrary: record({ what: fc.constant('reverse' as const), preview, which, points: part, reason }),
    },
    { weight: 1, arbitrary: record({ what: fc.constant('reverse any' as const), preview, sequence, points: part }) },
    { weight: 3, arbitrary: record({ what: fc.constant('again' as const), preview, which, variant }) },
  );
}

/** Objects like those that code makes: with the usual prototype. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}
