import type { Knex } from 'knex';
import { type Account, emptyAccount } from '../ledger/account.ts';
import type { Command } from '../ledger/command.ts';
import { demand } from '../ledger/demand.ts';
import { loadLots } from './load-lots.ts';
import { loadFloatingPayers, loadPayers } from './load-payers.ts';
import { loadRequests } from './load-requests.ts';
import { loadReversals } from './load-reversals.ts';
import { END_OF_TIME, type Loading } from './loading.ts';
import { type AccountHead, createAccounts, dropUnusedAccounts, lockAccounts } from './lock-accounts.ts';
import { type AccountChange, saveChanges } from './save-changes.ts';

/** The commands of one account in a group, in their order of arrival. */
export interface AccountWork {
  readonly account: string;
  readonly commands: readonly Command[];
  /** Request ids that may be in the journal already. */
  readonly requestIds: readonly string[];
}

/**
 * Runs a group in one database transaction: locks the accounts, loads what their commands need, has them decided, and
 * writes what changed. The number of statements does not depend on the number of commands, until they touch rows by the
 * thousand. Returns when the COMMIT is acknowledged. `decide` may be called again after a failed attempt, never twice in one attempt.
 */
export async function commitGroup(
  db: Knex,
  works: readonly AccountWork[],
  decide: (accounts: ReadonlyMap<string, Account>) => AccountChange[],
): Promise<void> {
  const inOrder = [...works].sort((a, b) => (a.account < b.account ? -1 : 1));
  const done = await attempt(db, inOrder, decide, 'stop');
  if (!done) await attempt(db, inOrder, decide, 'create');
}

/** False when an account that may come into being has no row yet: the locks are released, to be taken again in order. */
async function attempt(
  db: Knex,
  works: readonly AccountWork[],
  decide: (accounts: ReadonlyMap<string, Account>) => AccountChange[],
  missing: 'stop' | 'create',
): Promise<boolean> {
  return transact(db, async (trx) => {
    const ids = works.map(({ account }) => account);
    if (missing === 'create') await createAccounts(trx, ids);
    const heads = await lockAccounts(trx, ids);
    if (missing === 'stop' && works.some((work) => !heads.has(work.account) && mayCreate(work))) return false;

    const loading = works.map((work) => startLoading(work, heads.get(work.account)));
    await loadRequests(trx, loading);
    await loadFloatingPayers(trx, loading);
    await loadReversals(trx, loading);
    await loadLots(trx, loading);
    await loadPayers(trx, loading);

    const changes = decide(new Map(loading.map(({ account }) => [account.id, account])));
    await saveChanges(trx, changes, loading);
    if (missing === 'create') await dropUnusedAccounts(trx, unused(loading));
    return true;
  });
}

function unused(loading: readonly Loading[]): string[] {
  return loading.filter(({ account }) => account.sequence === 0).map(({ account }) => account.id);
}

/** Only an earn brings an account into being. */
function mayCreate({ commands }: AccountWork): boolean {
  return commands.some((command) => command.kind === 'add');
}

function startLoading({ account: id, commands, requestIds }: AccountWork, head: AccountHead | undefined): Loading {
  const account = head?.account ?? emptyAccount(id);
  const headUntil = head?.headUntil ?? END_OF_TIME;
  const needs = demand(account, commands);
  return { account, headUntil, loadedUntil: null, requestIds, demand: needs, payers: new Set(needs.payers) };
}

/**
 * Knex rejects a transaction whose connection was cut with the failure of its own ROLLBACK: the first error is the one
 * that tells what happened.
 */
async function transact<Result>(db: Knex, work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> {
  let first: unknown;
  try {
    return await db.transaction((trx) =>
      work(trx).catch((error: unknown) => {
        first = error;
        throw error;
      }),
    );
  } catch (error) {
    throw first ?? error;
  }
}
