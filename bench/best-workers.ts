import { createBench, singleEnvironment } from './bench.ts';
import type { BenchDatabase } from './database.ts';
import { median } from './measure.ts';
import type { Settings } from './settings.ts';

/** What was tried, and the best. */
export interface BestWorkers {
  readonly best: number;
  /** Spends a second of the in-process engine for each number of workers. */
  readonly tried: Readonly<Record<string, number>>;
}

/**
 * One transaction for each request is compared at its best: the number of workers, and with it of connections, that makes
 * the most spends a second.
 */
export async function findBestWorkers(settings: Settings, database: BenchDatabase): Promise<BestWorkers> {
  const bench = createBench({ ...settings, quick: false, hotLots: 50 }, database, 1, () => undefined);
  try {
    const url = await bench.data();
    const sides = [];
    for (const workers of settings.singleWorkers) {
      const engine = await bench.engine(url, singleEnvironment(workers));
      sides.push({ workers, engine, rates: [] as number[] });
    }
    // The first round warms up.
    for (let round = 0; round <= Math.min(2, settings.rounds); round += 1) {
      for (const { engine, rates } of sides) {
        const { rate } = await engine.spend(bench.spread, settings.inFlight);
        if (round > 0) rates.push(rate);
      }
    }
    const tried = sides.map(({ workers, rates }) => ({ workers, rate: median(rates) }));
    const [best] = [...tried].sort((a, b) => b.rate - a.rate);
    return {
      best: best?.workers ?? 8,
      tried: Object.fromEntries(tried.map(({ workers, rate }) => [workers, Math.round(rate)])),
    };
  } finally {
    await bench.tidy();
  }
}
