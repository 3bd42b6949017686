// Ties a program to this process: the kernel kills it when this process dies, even by SIGKILL. (To
// be exact, when the thread dies that started it: start such programs from the main thread.)
//
// Killed, not asked to end: a MariaDB that is asked while it still starts may wait for ever (its main
// thread for a thread that has already left), holding the files and answering nobody.
import { spawnSync } from 'node:child_process';

let setprivCan: boolean | undefined;

/** util-linux has a setpriv that does it; busybox's cannot, and other systems have none. */
export function canTie(): boolean {
  setprivCan ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
  return setprivCan;
}

/** The command that runs `program` tied to this process; untied where that cannot be. */
export function tied(program: string, args: string[]): [string, string[]] {
  return canTie() ? ['setpriv', ['--pdeathsig', 'KILL', program, ...args]] : [program, args];
}
