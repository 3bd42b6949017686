import { compareRates } from '../comparison.ts';
import type { ImportSlice } from '../import-rows.ts';
import type { Load } from '../load.ts';
import { measure } from '../measure.ts';
import { rssMiB } from '../processes.ts';
import type { Case } from './case.ts';

const RSS_EVERY_MS = 500;

/** Bulk loading through the service beside multi-row INSERTs of the same rows; and the server's memory meanwhile. */
export const imports: Case = {
  name: 'import',
  seconds: ({ imported }) => 8 + imported / 6_000,
  async run(bench) {
    const { settings, database } = bench;
    const server = await bench.server(await bench.filled('import_a', []), bench.environment('grouped'));
    const importer = await bench.start('import-load-process.ts');
    const inserter = await bench.start('insert-process.ts');
    await inserter.call('open', await bench.filled('import_b', []));

    const memory: number[] = [];
    const watching = setInterval(() => memory.push(rssMiB(server.child.pid)), RSS_EVERY_MS);
    const size = Math.ceil(settings.imported / settings.rounds);
    const [a, b] = [[], []] as [Awaited<ReturnType<typeof measure>>[], Awaited<ReturnType<typeof measure>>[]];
    for (let round = 0; round < settings.rounds; round += 1) {
      bench.note(`part ${round + 1} of ${settings.rounds}`, (round + 0.2) / settings.rounds);
      const slice: ImportSlice = { from: round * size, to: (round + 1) * size, accounts: settings.accounts };
      const processes = { server: server.child.pid, database: database.pid, client: importer.pid };
      const { addresses } = server;
      a.push(await measure(() => importer.call<Load>('importSlice', { server: addresses, slice }), processes));
      const others = { database: database.pid, client: inserter.pid };
      b.push(await measure(() => inserter.call<Load>('insertSlice', slice), others));
    }
    clearInterval(watching);
    const comparison = compareRates(a, b, {
      name: `import of ${(size * settings.rounds).toLocaleString('en')} transactions`,
      comparedWith: 'multi-row INSERTs of the same rows',
      unit: 'rows/s',
      target: { atLeast: 0.5 },
      notes: [memoryNote(memory)],
    });
    return [{ ...comparison, samples: { measured: a, comparedWith: b, serverRssMiB: memory.map(Math.round) } }];
  },
};

function memoryNote(memory: readonly number[]): string {
  const at = (share: number) => `${Math.round(memory[Math.floor((memory.length - 1) * share)] ?? Number.NaN)}`;
  return `the server's memory from begin to end, in MiB: ${[0, 0.25, 0.5, 0.75, 1].map(at).join(', ')}; at most ${Math.round(Math.max(...memory))}`;
}
