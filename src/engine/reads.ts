import type { Knex } from 'knex';
import type { Instant, Transaction } from '../ledger/account.ts';
import { faultOf } from '../storage/faults.ts';
import { type AvailableLot, type LotPosition, listLots } from '../storage/list-lots.ts';
import { type Balance, readBalanceAsOf, readBalances } from '../storage/read-balance.ts';
import {
  type JournalEntry,
  type JournalFilter,
  type JournalPage,
  listTransactions,
  readLastSequences,
  readTail,
  readTransaction,
} from '../storage/read-journal.ts';
import { backOff, EngineFailure, PATIENCE_MS } from './failure.ts';
import { createGroupRead } from './group-read.ts';

// What is asked for and answered, for the API, which knows nothing of the storage.
export type { JournalEntry, JournalFilter, LotPosition };

/** Who waits for a read. */
interface Reader {
  /** Whether the caller has gone. */
  readonly isGone: () => boolean;
  /** When the caller stops waiting, as Date.now() counts; Infinity for never. */
  readonly deadline: number;
}

/** What can be read of an account. Each tries again while the database is away, and fails with an EngineFailure. */
export interface Reads {
  balance(reader: Reader, id: string): Promise<Balance>;
  balanceAsOf(reader: Reader, id: string, instant: Instant): Promise<Balance>;
  transaction(reader: Reader, id: string, sequence: number): Promise<JournalEntry | undefined>;
  transactions(reader: Reader, id: string, filter: JournalFilter, page: JournalPage): Promise<JournalEntry[]>;
  lots(reader: Reader, id: string, after: LotPosition | null, limit: number): Promise<AvailableLot[]>;
  /** The transactions after a sequence as they were made, up to `limit`. */
  tail(reader: Reader, id: string, after: number, limit: number): Promise<Transaction[]>;
  /** The last sequence; 0 where there is none. */
  lastSequence(reader: Reader, id: string): Promise<number>;
}

const NO_BALANCE: Balance = { sequence: 0, payers: [] };

/** Accounts read in one statement. */
const ACCOUNTS_MAX = 128;

/** The reads on a database. */
export function createReads(db: Knex): Reads {
  const balance = createGroupRead((ids) => readBalances(db, ids), ACCOUNTS_MAX);
  const lastSequence = createGroupRead((ids) => readLastSequences(db, ids), ACCOUNTS_MAX);
  return {
    balance: (reader, id) => retry(reader, async () => (await balance(id)) ?? NO_BALANCE),
    balanceAsOf: (reader, id, instant) => retry(reader, () => readBalanceAsOf(db, id, instant)),
    transaction: (reader, id, sequence) => retry(reader, () => readTransaction(db, id, sequence)),
    transactions: (reader, id, filter, page) => retry(reader, () => listTransactions(db, id, filter, page)),
    lots: (reader, id, after, limit) => retry(reader, () => listLots(db, id, after, limit)),
    tail: (reader, id, after, limit) => retry(reader, () => readTail(db, id, after, limit)),
    lastSequence: (reader, id) => retry(reader, async () => (await lastSequence(id)) ?? 0),
  };
}

async function retry<Value>({ isGone, deadline }: Reader, read: () => Promise<Value>): Promise<Value> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  for (let attempt = 0; ; attempt += 1) {
    if (isGone()) throw new EngineFailure('CANCELLED');
    if (Date.now() >= deadline) throw new EngineFailure('DEADLINE_EXCEEDED');
    try {
      return await read();
    } catch (error) {
      const fault = faultOf(error);
      if (fault === 'statement') throw error;
      if (Date.now() >= giveUpAt) {
        throw new EngineFailure(fault === 'contention' ? 'CONTENTION' : 'DATABASE_UNAVAILABLE', { cause: error });
      }
    }
    await backOff(attempt);
  }
}
