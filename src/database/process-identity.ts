// Which process a file speaks of. A process id alone does not tell: it is used again, after a
// restart of the machine often by a process that looks the same. Id and start time together do.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { writeFileAtomically } from './files.ts';

export type ProcessIdentity = { pid: number; started: string };

/** The identity of a process that runs now; undefined when there is none, or only its zombie. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startTimeFromProc(pid) : startTimeFromPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export function ownIdentity(): ProcessIdentity {
  const identity = identityOf(process.pid);
  if (identity === undefined) throw new Error('this machine does not tell when a process was started (/proc or ps)');
  return identity;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.started === identity.started;
}

export function writeIdentity(path: string, identity: ProcessIdentity): void {
  writeFileAtomically(path, `${JSON.stringify(identity)}\n`);
}

/** What `path` holds; undefined when the file is missing or is not what writeIdentity wrote. */
export function readIdentity<T extends ProcessIdentity>(path: string): T | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8'));
    return Number.isInteger(value?.pid) && typeof value.started === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

export function removeIdentity(path: string): void {
  rmSync(path, { force: true });
}

function startTimeFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything; the state and
    // the start time (in clock ticks since the machine started) are fields 3 and 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function startTimeFromPs(pid: number): string | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const [state, ...started] = (stdout ?? '').trim().split(/\s+/);
  return state && !state.startsWith('Z') ? started.join(' ') : undefined;
}
