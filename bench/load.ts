/** How long and how hard to call. */
export interface LoadOptions {
  readonly inFlight: number;
  readonly settleMs: number;
  readonly windowMs: number;
}

/** What a load came to. */
export interface Load {
  /** Calls answered in the window. */
  readonly calls: number;
  readonly seconds: number;
  /** Calls answered at all, before and after the window too. */
  readonly callsInAll: number;
  /** Latencies of the calls in the window. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Keeps a number of calls under way: each answer is followed by the next call. Counts the calls that end in the window.
 * A call that fails ends the load with its error: no failure passes for speed.
 */
export async function load(options: LoadOptions, call: () => Promise<void>): Promise<Load> {
  const from = performance.now() + options.settleMs;
  const until = from + options.windowMs;
  const latencies: number[] = [];
  let callsInAll = 0;

  async function keepCalling(): Promise<void> {
    for (let begin = performance.now(); begin < until; ) {
      await call();
      const end = performance.now();
      callsInAll += 1;
      if (end >= from && end < until) latencies.push(end - begin);
      begin = end;
    }
  }

  await Promise.all(Array.from({ length: options.inFlight }, keepCalling));
  latencies.sort((a, b) => a - b);
  return {
    calls: latencies.length,
    seconds: options.windowMs / 1000,
    callsInAll,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}

/** A percentile of sorted numbers; NaN where there are none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
