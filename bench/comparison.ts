import { type Measurement, median } from './measure.ts';

/** What a ratio should reach. */
type Target = { readonly atLeast: number } | { readonly atMost: number };

/** A line of the result: one thing measured, and what it is compared with. */
export interface Comparison {
  readonly name: string;
  readonly comparedWith: string;
  readonly unit: string;
  /** A value for each round, of the thing and of its comparison. */
  readonly values: readonly number[];
  readonly others: readonly number[];
  readonly target: Target;
  /** What a reader should know: sizes, settings. */
  readonly notes: readonly string[];
  /** Everything that was measured. */
  readonly samples: unknown;
}

/** A range and its middle. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** The ratio of the medians, and the smallest and largest ratio of a round. */
export function ratio({ values, others }: Comparison): Spread {
  const rounds = values.map((value, round) => value / (others[round] ?? Number.NaN));
  return { ...spread(rounds), median: median(values) / median(others) };
}

export function isReached(comparison: Comparison): boolean {
  const { target } = comparison;
  const { median: value } = ratio(comparison);
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
}

/** How far past the target, as a factor; below 1: not reached. */
export function score(target: Target, value: number): number {
  return 'atLeast' in target ? value / target.atLeast : target.atMost / value;
}

export function targetText(target: Target): string {
  return 'atLeast' in target ? `≥ ${target.atLeast}x` : `≤ ${target.atMost}x`;
}

/** A comparison of calls a second. */
export function compareRates(
  a: readonly Measurement[],
  b: readonly Measurement[],
  about: Pick<Comparison, 'name' | 'comparedWith' | 'target' | 'unit'> & { readonly notes?: readonly string[] },
): Comparison {
  const values = a.map(({ rate }) => rate);
  const others = b.map(({ rate }) => rate);
  return { notes: [], ...about, values, others, samples: { measured: a, comparedWith: b } };
}
