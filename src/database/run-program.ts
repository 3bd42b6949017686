// Runs a program to its end and gives back what it printed.
import { execFile } from 'node:child_process';
import { tied } from './tied.ts';

type RunOptions = { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number };

export function runProgram(path: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env = process.env, timeoutMs = 300_000 } = options;
  return new Promise((resolve, reject) => {
    // LC_ALL=C: some of the output is read, and must not be in the user's language.
    const settings = { cwd, env: { ...env, LC_ALL: 'C' }, timeout: timeoutMs, maxBuffer: 2 ** 26 };
    const [command, commandArgs] = tied(path, args);
    execFile(command, commandArgs, settings, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      // apt begins its reasons with E: (or W:), the first of them is the cause; others end with it.
      const lines = stderr.trim().split('\n');
      const reason = lines.find((line) => /^[EW]: /.test(line))?.slice(3) ?? lines.at(-1);
      reject(new Error(`${path}: ${reason || error.message}`));
    });
  });
}
