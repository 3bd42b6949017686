import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { usualData } from '../bench.ts';
import { compareRates } from '../comparison.ts';
import type { Load } from '../load.ts';
import { type Measurement, measure } from '../measure.ts';
import { DATA_DIR } from '../settings.ts';
import { type Case, dataSeconds, turnsSeconds } from './case.ts';

/** The service's default. */
const WORKERS = 2;

/**
 * The limit: what the database alone would do. The statements that the server sent from the first spend on fresh data are
 * recorded, and replayed in the same groups on equally fresh data, a slice in each round.
 */
export const limit: Case = {
  name: 'limit',
  seconds: (settings) => 24 + dataSeconds(settings) + settings.recordMs / 1000 + turnsSeconds(settings),
  async run(bench) {
    const { settings, database } = bench;
    const path = join(DATA_DIR, 'statements');
    const server = await bench.server(await bench.filled('limit_a', usualData(settings)), bench.environment('grouped'));
    await server.child.call('record');
    const recordingUntil = Date.now() + settings.recordMs;
    while (Date.now() < recordingUntil) {
      bench.note('recording statements', 0.2);
      await server.grpc('spend', bench.spread, settings.inFlight);
    }
    await server.child.call('recorded', path);
    const replayer = await bench.start('replay-process.ts');
    // As many as the server has workers.
    const connections = Number(settings.grouped.WORKERS ?? WORKERS);
    const url = await bench.filled('limit_b', usualData(settings));
    const transactions = await replayer.call<number>('open', { url, path, connections });
    rmSync(path);

    const warmUps = Math.ceil(settings.warmUpMs / settings.windowMs);
    const slice = Math.max(1, Math.floor(transactions / (settings.rounds + warmUps)));
    let from = 0;
    const replay = (): Promise<Measurement> => {
      const part = { from, to: from + slice };
      from += slice;
      return measure(() => replayer.call<Load>('replay', part), { client: replayer.pid, database: database.pid });
    };
    const [a, b] = await bench.inTurns(() => server.grpc('spend', bench.spread, settings.inFlight), replay);
    const spends = b.reduce((sum, { calls }) => sum + calls, 0) / (b.length * slice);
    return [
      compareRates(a, b, {
        name: 'gRPC spends',
        comparedWith: 'the limit: the same SQL replayed, no gRPC, no decisions',
        unit: 'spends/s',
        target: { atLeast: 0.5 },
        notes: [`${transactions} transactions recorded, ${spends.toFixed(1)} spends in each on average`],
      }),
    ];
  },
};
