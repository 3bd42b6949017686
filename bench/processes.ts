// What the kernel knows of a process; on systems without /proc, nothing.
import { readFileSync } from 'node:fs';

/** Clock ticks a second, on every Linux that Node runs on. */
const TICKS = 100;

/** Processor time a process has used, in milliseconds; NaN where it cannot be told. */
export function cpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
  } catch {
    return Number.NaN;
  }
}

/** Memory of a process, in MiB; NaN where it cannot be told. */
export function rssMiB(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}
