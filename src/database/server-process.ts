// The server as a process of its own: started, waited for, ended.
import { spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers } from './connect.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { fileOptions, type ServerFiles } from './server-files.ts';
import { explainFailure, logSize, rotateLog } from './server-log.ts';
import { type ServerProgram, serverEnvironment } from './server-program.ts';
import { canTie, tied } from './tied.ts';

/** `tied`: the kernel kills the server when the process that started it dies. */
export type ServerIdentity = ProcessIdentity & { tied: boolean };

type ServerSettings = { socketPath: string; pidFile: string; bufferPool: string };

type StartedServer = { identity: ServerIdentity; logged: number };

/** A large redo log is what lets a busy server write its pages late and in order. */
function runOptions(program: ServerProgram, settings: ServerSettings): string[] {
  const { socketPath, pidFile, bufferPool } = settings;
  const common = [
    '--skip-networking',
    `--socket=${socketPath}`,
    `--pid-file=${pidFile}`,
    '--skip-name-resolve',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_bin',
    '--default-time-zone=+00:00',
    `--innodb-buffer-pool-size=${bufferPool}`,
    // A COMMIT that was answered is on the disk.
    '--innodb-flush-log-at-trx-commit=1',
    // Nobody replicates from this server, and a binary log would double the flushes.
    '--skip-log-bin',
    '--performance-schema=OFF',
    '--max-connections=200',
    '--max-allowed-packet=64M',
  ];
  const own =
    program.kind === 'mysql'
      ? ['--mysqlx=OFF', `--loose-innodb-redo-log-capacity=${bufferPool}`]
      : [`--innodb-log-file-size=${bufferPool}`, '--query-cache-type=0', '--query-cache-size=0'];
  return [...common, ...own];
}

export function startServer(program: ServerProgram, files: ServerFiles, settings: ServerSettings): StartedServer {
  rotateLog(files.errorLog);
  const logged = logSize(files.errorLog);
  // Left by a server that was killed. MySQL will not start while the process id in its .lock file
  // is in use, by whomever.
  for (const stale of [settings.socketPath, `${settings.socketPath}.lock`, settings.pidFile])
    rmSync(stale, { force: true });

  const options = [...fileOptions(program, files, files.data), ...runOptions(program, settings)];
  const [command, args] = tied(program.path, options);
  const output = openSync(files.errorLog, 'a', 0o600);
  // A session of its own: Ctrl-C goes to the whole process group, and must not reach the database
  // before the service has finished with it.
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', output, output],
    env: serverEnvironment(program.libraryPath),
  });
  closeSync(output);
  child.on('error', () => undefined);
  child.unref();
  const identity = child.pid === undefined ? undefined : identityOf(child.pid);
  if (identity === undefined) throw explainFailure(`${program.path} could not be started`, files.errorLog, logged);
  return { identity: { ...identity, tied: canTie() }, logged };
}

/** True once the server answers; false when its process ends before. Recovery after a crash may take its time. */
export async function waitUntilUp(
  socketPath: string,
  server: ProcessIdentity,
  log: (line: string) => void,
): Promise<boolean> {
  const tell = every(10_000, () => log('still waiting for the database to start; it may be recovering'));
  while (isAlive(server)) {
    if (await answers(socketPath)) return true;
    tell();
    await sleep(20);
  }
  return false;
}

async function waitUntilGone(server: ProcessIdentity, log: (line: string) => void): Promise<void> {
  const tell = every(2000, () => log('waiting for the database to shut down'));
  while (isAlive(server)) {
    tell();
    await sleep(20);
  }
}

/** Ends the server in good order. A server that hangs is killed: its log brings everything back at the next start. */
export async function endServer(
  server: ProcessIdentity,
  log: (line: string) => void,
  patienceMs = 120_000,
): Promise<void> {
  sendSignal(server, 'SIGTERM');
  const kill = setTimeout(() => {
    log('the database does not shut down; killing it');
    sendSignal(server, 'SIGKILL');
  }, patienceMs);
  await waitUntilGone(server, log);
  clearTimeout(kill);
}

/** Ends the server at once. What it had answered is on the disk; its next start recovers. */
export async function killServer(server: ProcessIdentity, log: (line: string) => void): Promise<void> {
  sendSignal(server, 'SIGKILL');
  await waitUntilGone(server, log);
}

function sendSignal(server: ProcessIdentity, signal: NodeJS.Signals): void {
  try {
    if (isAlive(server)) process.kill(server.pid, signal);
  } catch {
    // It ended in between.
  }
}

function every(intervalMs: number, tell: () => void): () => void {
  let next = Date.now() + intervalMs;
  return () => {
    if (Date.now() < next) return;
    next = Date.now() + intervalMs;
    tell();
  };
}
