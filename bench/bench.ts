// What the cases share: the data, the processes, the turns.
import type { Accounts } from './accounts.ts';
import { type Child, startChild } from './child.ts';
import type { BenchDatabase } from './database.ts';
import { type Filling, fill } from './fill.ts';
import type { GrpcCalls, GrpcLoad } from './grpc-load-process.ts';
import type { Load, LoadOptions } from './load.ts';
import { type Measurement, measure } from './measure.ts';
import type { RestLoad } from './rest-load-process.ts';
import type { ServerAddresses } from './server-process.ts';
import { HOT, type Settings } from './settings.ts';

/** `grouped`: the service as it comes. `single`: one transaction for each request. */
type Mode = 'grouped' | 'single';

export interface Engine {
  readonly child: Child;
  spend(accounts: Accounts, inFlight: number): Promise<Measurement>;
}

interface Server {
  readonly child: Child;
  readonly addresses: ServerAddresses;
  grpc(calls: GrpcCalls, accounts: Accounts, inFlight: number): Promise<Measurement>;
  rest(accounts: Accounts, inFlight: number): Promise<Measurement>;
}

export interface Bench {
  readonly settings: Settings;
  readonly database: BenchDatabase;
  /** All the accounts of the data that most cases run on, and the hot one. */
  readonly spread: Accounts;
  readonly hot: Accounts;
  /** The settings of a mode, as environment variables, for an engine or a server. */
  environment(mode: Mode): Record<string, string>;
  /** Tells what the case is doing. */
  note(text: string, share: number): void;
  /** The data that most cases run on: a database of the case's own; with --quick one for all cases. */
  data(): Promise<string>;
  /** A database of the case's own with other data. */
  filled(name: string, fillings: readonly Filling[]): Promise<string>;
  start(module: string, environment?: Record<string, string>, execArgv?: readonly string[]): Promise<Child>;
  engine(url: string, environment: Record<string, string>, execArgv?: readonly string[]): Promise<Engine>;
  server(url: string, environment: Record<string, string>, execArgv?: readonly string[]): Promise<Server>;
  /** Measures two sides in turns, after a warm-up of both. */
  inTurns(a: Side, b: Side): Promise<[Measurement[], Measurement[]]>;
  /** Ends the processes of the case, and removes its databases. */
  tidy(): Promise<void>;
}

/** One side of a comparison: measures itself once. */
export type Side = () => Promise<Measurement>;

/** The data that most cases run on, and the hot account beside it. */
export function usualData({ accounts, lotsPerAccount, hotLots }: Settings): Filling[] {
  return [
    { name: "CONCAT('member-', LPAD(a.n, 7, '0'))", accounts, spent: 0, open: lotsPerAccount },
    { name: `'${HOT}'`, accounts: 1, spent: 0, open: hotLots },
  ];
}

/** Connections beyond those of the workers, for reads. */
const SPARE_CONNECTIONS = 8;

/** `singleWorkers`: how many workers serve one transaction per request best. */
export function createBench(
  settings: Settings,
  database: BenchDatabase,
  singleWorkers: number,
  tell: (text: string, share: number) => void,
): Bench {
  let children: Child[] = [];
  let databases: string[] = [];
  let usual: Promise<string> | undefined;
  const options = (inFlight: number): LoadOptions => ({
    inFlight,
    settleMs: settings.settleMs,
    windowMs: settings.windowMs,
  });

  const bench: Bench = {
    settings,
    database,
    spread: { hot: false, count: settings.accounts },
    hot: { hot: true },
    note: tell,
    environment: (mode) => (mode === 'grouped' ? { ...settings.grouped } : singleEnvironment(singleWorkers)),
    data() {
      if (!settings.quick) return bench.filled('usual', usualData(settings));
      usual ??= database.create('shared').then(async (url) => {
        await fill(url, usualData(settings));
        return url;
      });
      return usual;
    },
    async filled(name, fillings) {
      tell('filling a database', 0);
      const url = await database.create(name);
      databases.push(name);
      await fill(url, fillings);
      return url;
    },
    async start(module, environment, execArgv) {
      const child = await startChild(module, environment, execArgv);
      children.push(child);
      return child;
    },
    async engine(url, environment, execArgv) {
      const child = await bench.start('engine-process.ts', { ...environment, DATABASE_URL: url }, execArgv);
      const processes = { engine: child.pid, database: database.pid };
      return {
        child,
        spend: (accounts, inFlight) =>
          measure(() => child.call<Load>('spend', { accounts, options: options(inFlight) }), processes),
      };
    },
    async server(url, environment, execArgv) {
      const child = await bench.start('server-process.ts', { ...environment, DATABASE_URL: url }, execArgv);
      const addresses = await child.call<ServerAddresses>('listen');
      const grpcClient = await bench.start('grpc-load-process.ts');
      const restClient = await bench.start('rest-load-process.ts');
      const processes = (client: Child) => ({ server: child.pid, database: database.pid, client: client.pid });
      return {
        child,
        addresses,
        grpc(calls, accounts, inFlight) {
          const load: GrpcLoad = { server: addresses, calls, accounts, options: options(inFlight) };
          return measure(() => grpcClient.call<Load>('run', load), processes(grpcClient));
        },
        rest(accounts, inFlight) {
          const load: RestLoad = { server: addresses, accounts, options: options(inFlight) };
          return measure(() => restClient.call<Load>('run', load), processes(restClient));
        },
      };
    },
    inTurns: (a, b) => inTurns(settings, tell, a, b),
    async tidy() {
      for (const child of children.reverse()) await child.stop();
      for (const name of databases) await database.drop(name);
      children = [];
      databases = [];
    },
  };
  return bench;
}

/** One transaction for each request, with as many at once as workers. */
export function singleEnvironment(workers: number): Record<string, string> {
  return { GROUP_MAX: '1', WORKERS: String(workers), DATABASE_CONNECTIONS: String(workers + SPARE_CONNECTIONS) };
}

async function inTurns(
  settings: Settings,
  tell: (text: string, share: number) => void,
  a: Side,
  b: Side,
): Promise<[Measurement[], Measurement[]]> {
  const warmUps = Math.ceil(settings.warmUpMs / settings.windowMs);
  const steps = 2 * (warmUps + settings.rounds);
  let step = 0;
  const next = (text: string) => tell(text, step++ / steps);
  for (let warmUp = 0; warmUp < warmUps; warmUp += 1) {
    next('warming up');
    await a();
    next('warming up');
    await b();
  }
  const measured: [Measurement[], Measurement[]] = [[], []];
  for (let round = 1; round <= settings.rounds; round += 1) {
    // Whoever goes first in one round goes second in the next.
    const sides = round % 2 === 1 ? [0, 1] : [1, 0];
    for (const index of sides) {
      next(`round ${round} of ${settings.rounds}`);
      measured[index as 0 | 1].push(await (index === 0 ? a() : b()));
    }
  }
  return measured;
}
