import type { Knex } from 'knex';
import type { Config } from '../config.ts';
import { discrepancies, rebuild } from '../ledger/rebuild.ts';
import { isMigrated } from '../storage/migrate.ts';
import { readAccount, readAccountIds } from '../storage/read-account.ts';
import { readLastSequences } from '../storage/read-journal.ts';
import { withDatabase } from './with-database.ts';

/** Accounts listed at once. */
const PAGE = 1_000;

/**
 * `points-ledger verify`: rebuilds accounts from their journals and compares them with what is stored, one account or
 * all. Prints each difference; the exit code is 1 where there is any.
 */
export async function verify(config: Config, only: string | undefined): Promise<void> {
  await withDatabase(config, console.error, async (db) => {
    if (!(await isMigrated(db))) throw new Error('this database has no ledger yet; see points-ledger migrate');
    if (only !== undefined && !(await readLastSequences(db, [only])).has(only)) {
      throw new Error(`there is no account ${only}`);
    }
    let [accounts, faulty] = [0, 0];
    for await (const id of only === undefined ? accountIds(db) : [only]) {
      const found = await verifyAccount(db, id);
      accounts += 1;
      if (found.length > 0) faulty += 1;
      for (const line of found) console.log(`${id}: ${line}`);
    }
    console.log(`${accounts} accounts verified, ${faulty} with discrepancies`);
    if (faulty > 0) process.exitCode = 1;
  });
}

/** What is wrong with a stored account, in words; nothing where it has none or all is well. */
export async function verifyAccount(db: Knex, id: string): Promise<string[]> {
  const stored = await readAccount(db, id);
  if (!stored) return [];
  try {
    return discrepancies(rebuild(id, stored.journal), stored.account);
  } catch (error) {
    return [(error as Error).message];
  }
}

async function* accountIds(db: Knex): AsyncIterable<string> {
  for (let after = ''; ; ) {
    const ids = await readAccountIds(db, after, PAGE);
    yield* ids;
    const last = ids.at(-1);
    if (last === undefined || ids.length < PAGE) return;
    after = last;
  }
}
