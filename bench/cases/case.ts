import type { Bench } from '../bench.ts';
import type { Comparison } from '../comparison.ts';
import type { Settings } from '../settings.ts';

/** Something to measure. */
export interface Case {
  /** As --only names it. */
  readonly name: string;
  /** About how long it takes. */
  seconds(settings: Settings): number;
  run(bench: Bench): Promise<Comparison[]>;
}

/** About how long two sides in turns take. */
export function turnsSeconds({ rounds, windowMs, settleMs, warmUpMs }: Settings): number {
  const windows = 2 * (rounds + Math.ceil(warmUpMs / windowMs));
  return (windows * (windowMs + settleMs + 30)) / 1000;
}

/** About how long it takes to fill the database that most cases run on. With --quick that happens once. */
export function dataSeconds({ quick }: Settings): number {
  return quick ? 1 : 12;
}
