// Ties a program to this process: the kernel sends it a signal when this process dies, even by
// SIGKILL. (To be exact, when the thread dies that started it: start such programs from the main thread.)
import { spawnSync } from 'node:child_process';

let setprivCan: boolean | undefined;

/** util-linux has a setpriv that does it; busybox's cannot, and other systems have none. */
export function canTie(): boolean {
  setprivCan ??= spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' }).status === 0;
  return setprivCan;
}

/** The command that runs `program` tied to this process; untied where that cannot be. */
export function tied(signal: 'TERM' | 'KILL', program: string, args: string[]): [string, string[]] {
  return canTie() ? ['setpriv', ['--pdeathsig', signal, program, ...args]] : [program, args];
}
