import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import type { Account, Instant } from '../ledger/account.ts';
import { apply } from '../ledger/apply.ts';
import type { Command, Outcome } from '../ledger/command.ts';
import { decide } from '../ledger/decide.ts';
import { type AccountWork, commitGroup } from '../storage/commit-group.ts';
import { faultOf } from '../storage/faults.ts';
import type { AccountChange } from '../storage/save-changes.ts';
import { backOff, EngineFailure, type FailureReason, PATIENCE_MS } from './failure.ts';
import { createQueue } from './queue.ts';

/** A command to an account, and who waits for its outcome. */
export interface Submission {
  readonly account: string;
  readonly command: Command;
  /** Decide as if, and write nothing. */
  readonly preview: boolean;
  /** Whether the client made the request id, so that an earlier call may have used it. */
  readonly repeatable: boolean;
  /** Whether the caller has gone. */
  readonly isGone: () => boolean;
  /** When the caller stops waiting, as Date.now() counts; Infinity for never. */
  readonly deadline: number;
}

/** What the engine has done since it began. */
interface EngineStats {
  /** Database transactions committed. */
  readonly groups: number;
  /** Commands whose group committed. */
  readonly commands: number;
  /** Attempts that the database refused in favour of others: deadlocks, lock timeouts, conflicts. */
  readonly contentions: number;
  /** Attempts that lost their connection. */
  readonly disconnections: number;
}

/** How an engine works. */
export interface EngineSettings {
  /** The most commands in one database transaction; 1: a transaction for each. */
  readonly groupMax: number;
  /** The most commands that wait. */
  readonly queueMax: number;
  /** How many groups are under way at once. */
  readonly workers: number;
}

/** The group commit: see `createEngine`. */
export interface Engine {
  /**
   * Decides a command and, unless it is rejected, makes it durable; settles after COMMIT. Fails with an EngineFailure,
   * or with the database's error where the command itself made a statement fail.
   */
  submit(submission: Submission): Promise<Outcome>;
  readonly stats: EngineStats;
  /** Whether half of the queue is taken: bulk work should hold back and leave room for those who wait for an answer. */
  readonly crowded: boolean;
  /** Refuses new commands and waits for those that are under way. */
  close(): Promise<void>;
}

/** How often a full queue is searched for commands whose callers have gone. */
const SWEEP_MS = 100;

interface Pending extends Submission {
  /** When trying again ends, as Date.now() counts. */
  readonly giveUpAt: number;
  /** What the last attempt failed with. */
  trouble: unknown;
  /** An attempt lost its connection: it may have taken effect. */
  uncertain: boolean;
  settle(outcome: Outcome): void;
  fail(error: unknown): void;
}

/**
 * The engine runs the commands that wait in groups, each in one database transaction. There is no timer: a group is what
 * piled up while the last one committed, so an idle server adds no delay and a busy one shares each flush among many.
 */
export function createEngine(db: Knex, clock: Clock, settings: EngineSettings): Engine {
  const queue = createQueue<Pending>();
  const stats = { groups: 0, commands: 0, contentions: 0, disconnections: 0 };
  const busy = new Set<Promise<void>>();
  let wakeUp = false;
  let sweptAt = 0;
  let closed = false;

  /** Starts workers once this turn of the event loop has delivered all it has, so that what came together goes together. */
  function wake(): void {
    if (wakeUp) return;
    wakeUp = true;
    setImmediate(() => {
      wakeUp = false;
      while (queue.ready && busy.size < settings.workers) {
        const worker = work().finally(() => {
          busy.delete(worker);
          if (queue.ready) wake();
        });
        busy.add(worker);
      }
    });
  }

  /** Those whose callers have gone make room first; looked for now and then only, as there may be many refusals. */
  function isFull(): boolean {
    if (queue.size < settings.queueMax) return false;
    if (Date.now() < sweptAt + SWEEP_MS) return true;
    sweptAt = Date.now();
    queue.drop((pending) => !stillWanted(pending));
    return queue.size >= settings.queueMax;
  }

  async function work(): Promise<void> {
    while (queue.ready) {
      const group = queue.take(settings.groupMax);
      await run(group);
      queue.release(group);
    }
  }

  /** Brings every command of the group to its end: settled or failed. Never throws. */
  async function run(group: readonly Pending[]): Promise<void> {
    let alive = group;
    for (let attempt = 0; ; attempt += 1) {
      alive = alive.filter(stillWanted);
      if (alive.length === 0) return;
      try {
        const outcomes = await commit(alive);
        for (const [index, pending] of alive.entries()) pending.settle(outcomes[index] as Outcome);
        return;
      } catch (error) {
        if (faultOf(error) === 'statement') return isolate(alive, error);
        note(alive, error);
      }
      await backOff(attempt);
    }
  }

  async function commit(group: readonly Pending[]): Promise<Outcome[]> {
    let outcomes: Outcome[] = [];
    await commitGroup(db, worksOf(group), (accounts) => {
      const decided = decideAll(group, accounts, clock());
      outcomes = decided.outcomes;
      return decided.changes;
    });
    stats.groups += 1;
    stats.commands += group.length;
    return outcomes;
  }

  /** A command that makes the database fail is found by halving its group, and fails alone. */
  async function isolate(group: readonly Pending[], error: unknown): Promise<void> {
    const [first] = group;
    if (group.length === 1) return first?.fail(error);
    const half = Math.ceil(group.length / 2);
    await run(group.slice(0, half));
    await run(group.slice(half));
  }

  function note(group: readonly Pending[], error: unknown): void {
    const contention = faultOf(error) === 'contention';
    if (contention) stats.contentions += 1;
    else stats.disconnections += 1;
    for (const pending of group) {
      pending.trouble = error;
      pending.uncertain ||= !contention;
    }
  }

  return {
    stats,
    get crowded() {
      return queue.size * 2 >= settings.queueMax;
    },
    submit(submission) {
      return new Promise((resolve, reject) => {
        if (closed) return reject(new EngineFailure('SERVER_STOPPING'));
        if (isFull()) return reject(new EngineFailure('QUEUE_FULL'));
        const giveUpAt = Date.now() + PATIENCE_MS;
        queue.push({ ...submission, giveUpAt, trouble: undefined, uncertain: false, settle: resolve, fail: reject });
        wake();
      });
    },
    async close() {
      closed = true;
      while (busy.size > 0 || queue.size > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        await Promise.all(busy);
      }
    },
  };
}

/** Whether a command should be attempted (again); if not, it is failed here. */
function stillWanted(pending: Pending): boolean {
  const reason = reasonToStop(pending);
  if (reason !== null) pending.fail(new EngineFailure(reason, { cause: pending.trouble }));
  return reason === null;
}

function reasonToStop({ isGone, deadline, giveUpAt, trouble, uncertain }: Pending): FailureReason | null {
  const now = Date.now();
  const exhausted = trouble !== undefined && now >= giveUpAt;
  const gone = isGone();
  if (!gone && now < deadline && !exhausted) return null;
  if (uncertain) return 'DATABASE_UNAVAILABLE';
  if (gone) return 'CANCELLED';
  return now >= deadline ? 'DEADLINE_EXCEEDED' : 'CONTENTION';
}

/** The group by account. Only ids that may have been used before are looked up. */
function worksOf(group: readonly Pending[]): AccountWork[] {
  const works = new Map<string, { account: string; commands: Command[]; requestIds: string[] }>();
  for (const { account, command, repeatable, uncertain } of group) {
    let work = works.get(account);
    if (!work) {
      work = { account, commands: [], requestIds: [] };
      works.set(account, work);
    }
    work.commands.push(command);
    if (repeatable || uncertain) work.requestIds.push(command.requestId);
  }
  return [...works.values()];
}

/** Decides each command on the account as the commands before it left it. */
function decideAll(group: readonly Pending[], accounts: ReadonlyMap<string, Account>, now: Instant) {
  const changes: AccountChange[] = [];
  const outcomes = group.map(({ account: id, command, preview }) => {
    const account = accounts.get(id);
    if (!account) throw new Error(`account ${id} was not loaded`);
    const outcome = decide(account, command, now);
    if (outcome.accepted && outcome.change && !preview) {
      apply(account, outcome.change);
      changes.push({ account, change: outcome.change });
    }
    return outcome;
  });
  return { outcomes, changes };
}
