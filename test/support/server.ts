// A service process of its own for tests, on free ports, with a data folder of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Scope, signToken } from '../../src/auth/tokens.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_MS_MAX = 60_000;

/** Signs the tokens of every server that a test starts, so that all of them take the same ones. */
export const AUTH_SECRET = 'the-secret-of-the-tests-and-of-no-one-else';

interface ServerOptions {
  /** Undefined: an embedded database in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Also makes the demo accounts' tokens. */
  readonly demo?: boolean;
  /** Several test files use it: `stopServers` leaves it alone. */
  readonly shared?: boolean;
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestServer {
  /** `127.0.0.1:40123` */
  readonly grpcAddress: string;
  /** `http://127.0.0.1:40124` */
  readonly httpUrl: string;
  readonly dataDir: string;
  readonly pid: number;
  /** All it has printed so far. */
  readonly output: () => string;
  /** A token of an account. */
  token(account: string, lifetime?: string): Promise<string>;
  /** A token of a service. */
  serviceToken(scopes: readonly Scope[], lifetime?: string): Promise<string>;
  /** Asks it to stop, and returns its exit code once it has. */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** A process of the command line, `points-ledger …`. */
interface Command {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves to the exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

const processes = new Set<ChildProcess>();
const folders = new Set<string>();
/** What `stopServers` leaves alone. */
const sharedProcesses = new Set<ChildProcess>();
const sharedFolders = new Set<string>();

/**
 * The command line as plain JavaScript, compiled once for the run: it starts in half the time that it takes through tsx.
 * In the repository, so that it finds its packages.
 */
let compiled: string | undefined;
function compile(): string {
  if (compiled !== undefined) return compiled;
  const folder = join(ROOT, '.data', 'test', `dist-${process.pid}`);
  sharedFolders.add(folder);
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  // Type errors do not keep it from compiling; another check finds them.
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  compiled = join(folder, 'main.js');
  if (!existsSync(compiled)) throw new Error(`the service does not compile:\n${stdout}`);
  return compiled;
}

process.on('exit', () => {
  for (const child of [...processes, ...sharedProcesses]) child.kill('SIGKILL');
  for (const folder of [...folders, ...sharedFolders]) rmSync(folder, { recursive: true, force: true });
});

/** Ends all that a test has started and removes its folders; for `after` hooks, so that a failed test leaves nothing. */
export async function stopServers(): Promise<void> {
  await Promise.all([...processes].map((child) => end(child, 'SIGTERM')));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

/** An empty folder, removed by `stopServers`. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'points-e2e-'));
  folders.add(folder);
  return folder;
}

/** Runs `points-ledger` with arguments; of the environment it sees no setting but those given. */
export function runCommand(args: readonly string[], env: Readonly<Record<string, string>>): Command {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--enable-source-maps', compile(), ...args], {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  processes.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      processes.delete(child);
      resolve(code);
    });
  });
  ended.catch(() => undefined);
  return { child, pid: child.pid ?? 0, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Starts a server; returns when it is ready, and throws with its output where it ended instead. */
export async function startServer({
  databaseUrl,
  demo = false,
  shared = false,
  env = {},
}: ServerOptions): Promise<TestServer> {
  const dataDir = env.DATA_DIR ?? temporaryFolder();
  if (shared && folders.delete(dataDir)) sharedFolders.add(dataDir);
  const secret = env.AUTH_SECRET ?? AUTH_SECRET;
  const command = runCommand(demo ? ['serve', '--demo'] : ['serve'], {
    DATA_DIR: dataDir,
    AUTH_SECRET: secret,
    GRPC_PORT: '0',
    HTTP_PORT: '0',
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    ...env,
  });
  if (shared && processes.delete(command.child)) sharedProcesses.add(command.child);
  await ready(command);
  const [, grpcAddress = '', httpUrl = ''] = /gRPC on (\S+), REST on ([^\s,]+)/.exec(command.stdout()) ?? [];
  const key = new TextEncoder().encode(secret);
  return {
    grpcAddress,
    httpUrl,
    dataDir,
    pid: command.pid,
    output: () => command.stdout() + command.stderr(),
    token: (account, lifetime = '1h') => signToken(key, { kind: 'account', account }, lifetime),
    serviceToken: (scopes, lifetime = '1h') =>
      signToken(key, { kind: 'service', name: 'test', scopes: new Set(scopes) }, lifetime),
    async stop(signal = 'SIGTERM') {
      command.child.kill(signal);
      return command.ended;
    },
    async kill() {
      await end(command.child, 'SIGKILL');
    },
  };
}

async function ready({ child, stdout, stderr, ended }: Command): Promise<void> {
  const deadline = setTimeout(() => child.kill('SIGKILL'), READY_MS_MAX);
  try {
    while (!/^ready$/m.test(stdout())) {
      const more = await Promise.race([once(child.stdout!, 'data').then(() => true), ended.then(() => false)]);
      if (!more) throw new Error(`the server did not get ready:\n${stdout()}${stderr()}`);
    }
  } finally {
    clearTimeout(deadline);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill(signal);
  const force = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(force);
}
