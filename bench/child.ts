// Processes of the benchmark: started with their module, asked over IPC, ended by their process id.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A process that answers calls. */
export interface Child {
  readonly pid: number;
  call<Result>(name: string, argument?: unknown): Promise<Result>;
  stop(): Promise<void>;
}

interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

const alive = new Set<ChildProcess>();

/** How long a process may take to end when asked. */
const STOP_MS_MAX = 10_000;

/** Starts a module of this folder. `execArgv`: more options for node. */
export async function startChild(
  module: string,
  environment: Readonly<Record<string, string>> = {},
  execArgv: readonly string[] = [],
): Promise<Child> {
  const child = fork(fileURLToPath(new URL(module, import.meta.url)), {
    execArgv: ['--import', 'tsx', ...execArgv],
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  alive.add(child);
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let ended = false;
  let calls = 0;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = true;
      alive.delete(child);
      for (const { reject } of waiting.values()) reject(new Error(`${module} ended with ${signal ?? code}`));
      waiting.clear();
      resolve();
    });
  });
  child.on('message', (answer: Answer) => {
    const call = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) call?.reject(new Error(`${module}: ${answer.error}`));
    else call?.resolve(answer.result);
  });

  function call<Result>(name: string, argument?: unknown): Promise<Result> {
    if (ended) return Promise.reject(new Error(`${module} has ended`));
    const id = calls++;
    return new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      child.send({ id, name, argument } satisfies Request);
    }) as Promise<Result>;
  }

  async function stop(): Promise<void> {
    if (ended) return;
    call('stop').catch(() => undefined);
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await gone;
    clearTimeout(kill);
  }

  await call('hello');
  return { pid: child.pid ?? 0, call, stop };
}

/** Ends every process started here, without ceremony. */
export function killChildren(): void {
  for (const child of alive) child.kill('SIGKILL');
}

type CallHandlers = Readonly<Record<string, (argument: never) => unknown>>;

/** The other end: answers calls until `stop`, or until the process that started this one has gone. */
export function serveCalls(handlers: CallHandlers): void {
  const all: CallHandlers = { hello: () => true, stop: () => true, ...handlers };
  // Ctrl-C reaches the whole group: the process that started this one decides.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, name, argument }: Request) => {
    const answer = await answerTo(id, all[name], argument);
    process.send?.(answer, undefined, undefined, () => {
      if (name === 'stop') process.exit();
    });
  });
}

async function answerTo(id: number, handler: CallHandlers[string] | undefined, argument: unknown): Promise<Answer> {
  try {
    if (!handler) throw new Error('there is no such call');
    return { id, result: await handler(argument as never) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
