import type { Load } from './load.ts';
import { cpuMs } from './processes.ts';

/** One measurement of one side of a comparison. */
export interface Measurement extends Load {
  /** Calls a second. */
  readonly rate: number;
  /** Processor time of each process for one call, in microseconds. */
  readonly cpuUsPerCall: Readonly<Record<string, number>>;
}

/** The processes whose time is told, by what they are. */
type Processes = Readonly<Record<string, number>>;

export async function measure(run: () => Promise<Load>, processes: Processes): Promise<Measurement> {
  const before = Object.entries(processes).map(([name, pid]) => ({ name, pid, ms: cpuMs(pid) }));
  const load = await run();
  const cpu = before.map(({ name, pid, ms }) => [name, ((cpuMs(pid) - ms) * 1000) / load.callsInAll] as const);
  return { ...load, rate: load.calls / load.seconds, cpuUsPerCall: Object.fromEntries(cpu) };
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}
