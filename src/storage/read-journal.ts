import type { Knex } from 'knex';
import type { Instant, Transaction } from '../ledger/account.ts';
import { lastSequenceAt } from './read-balance.ts';
import { readReversed } from './read-reversed.ts';
import { type Entry, readTransactions } from './read-transactions.ts';
import { type Db, select, snapshot, toDatetime } from './sql.ts';

/** One draw on a lot, seen from the lot. */
interface Draw {
  readonly sequence: number;
  readonly points: number;
  readonly settlement: boolean;
}

/** A transaction and what has become of it since. */
export interface JournalEntry {
  readonly transaction: Transaction;
  /** EARN: what is left of its lot. */
  readonly remaining: number | null;
  /** EARN: who drew on its lot, the first DRAWS_MAX. */
  readonly draws: readonly Draw[];
  /** SPEND: how much of it is reversed. */
  readonly reversed: number | null;
}

/** Draws shown of one lot. */
const DRAWS_MAX = 1000;

/** One transaction, or undefined. */
export function readTransaction(db: Knex, id: string, sequence: number): Promise<JournalEntry | undefined> {
  return snapshot(db, async (trx) => {
    const entries = await readTransactions(trx, 't.account_id = ? AND t.sequence = ?', [id, sequence]);
    const [entry] = await withFates(trx, id, entries);
    return entry;
  });
}

/** Which transactions a list is of. */
export interface JournalFilter {
  readonly kinds: readonly Transaction['kind'][];
  readonly payer: string | null;
  readonly earnedFrom: Instant | null;
  readonly earnedUntil: Instant | null;
  readonly recordedFrom: Instant | null;
  readonly recordedUntil: Instant | null;
}

/** A stretch of the journal: `after` is the sequence to go on from, in the direction of the order; null: from its end. */
export interface JournalPage {
  readonly order: 'newest' | 'oldest';
  readonly after: number | null;
  readonly limit: number;
}

/** Transactions of an account that pass the filter, up to `limit`, in order. */
export function listTransactions(
  db: Knex,
  id: string,
  filter: JournalFilter,
  page: JournalPage,
): Promise<JournalEntry[]> {
  return snapshot(db, async (trx) => {
    const { condition, bindings } = await conditionOf(trx, id, filter, page);
    const order = `ORDER BY t.sequence ${page.order === 'newest' ? 'DESC' : 'ASC'} LIMIT ${page.limit}`;
    return withFates(trx, id, await readTransactions(trx, `${condition} ${order}`, bindings));
  });
}

async function conditionOf(db: Db, id: string, filter: JournalFilter, page: JournalPage) {
  const conditions = ['t.account_id = ?'];
  const bindings: unknown[] = [id];
  const add = (condition: string, ...values: unknown[]) => {
    conditions.push(condition);
    bindings.push(...values);
  };
  if (page.after !== null) add(`t.sequence ${page.order === 'newest' ? '<' : '>'} ?`, page.after);
  if (filter.kinds.length > 0) add('t.kind IN (?)', filter.kinds);
  if (filter.earnedFrom) add('t.earned_at >= ?', toDatetime(filter.earnedFrom));
  if (filter.earnedUntil) add('t.earned_at < ?', toDatetime(filter.earnedUntil));
  if (filter.recordedFrom) add('t.sequence > ?', await lastBefore(db, id, filter.recordedFrom));
  if (filter.recordedUntil) add('t.sequence <= ?', await lastBefore(db, id, filter.recordedUntil));
  if (filter.payer !== null) add(TOUCHES_PAYER, filter.payer, filter.payer);
  return { condition: conditions.join(' AND '), bindings };
}

/** A scalar, not EXISTS, which MariaDB would answer from all allocations there are instead of one transaction's. */
const TOUCHES_PAYER = `(t.payer = ? OR (
  SELECT 1
    FROM allocations a
    JOIN transactions e ON e.account_id = a.account_id AND e.sequence = a.lot_sequence
   WHERE a.account_id = t.account_id AND a.sequence = t.sequence AND NOT a.settlement AND e.payer = ?
   LIMIT 1) = 1)`;

/** The last transaction recorded before `instant`: at the microsecond before it at the latest. */
function lastBefore(db: Db, id: string, instant: Instant): Promise<number> {
  return lastSequenceAt(db, id, microsecondBefore(instant));
}

function microsecondBefore(instant: Instant): Instant {
  const micros = Number(instant.slice(20, 26));
  if (micros > 0) return `${instant.slice(0, 20)}${String(micros - 1).padStart(6, '0')}Z`;
  return `${new Date(Date.parse(`${instant.slice(0, 19)}Z`) - 1).toISOString().slice(0, 19)}.999999Z`;
}

/** The transactions after a sequence, as they were made; the journal's tail. */
export async function readTail(db: Db, id: string, after: number, limit: number): Promise<Transaction[]> {
  const entries = await readTransactions(db, `t.account_id = ? AND t.sequence > ? ORDER BY t.sequence LIMIT ${limit}`, [
    id,
    after,
  ]);
  return entries.map(({ transaction }) => transaction);
}

/** The last sequence of each of some accounts. */
export async function readLastSequences(db: Db, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await select<{ account_id: string; sequence: number }>(
    db,
    'SELECT account_id, sequence FROM accounts WHERE account_id IN (?)',
    [ids],
  );
  return new Map(rows.map(({ account_id, sequence }) => [account_id, sequence]));
}

async function withFates(db: Db, id: string, entries: readonly Entry[]): Promise<JournalEntry[]> {
  const sequencesOf = (kind: Transaction['kind']) =>
    entries.filter(({ transaction }) => transaction.kind === kind).map(({ transaction }) => transaction.sequence);
  const [earns, spends] = [sequencesOf('EARN'), sequencesOf('SPEND')];
  const remaining = await readRemaining(db, id, earns);
  const draws = await readDraws(db, id, earns);
  const reversedRows = await readReversed(
    db,
    spends.map((spend) => [id, spend]),
  );
  const reversed = new Map(reversedRows.map(({ spend_sequence, points }) => [spend_sequence, points]));
  return entries.map(({ transaction }) => ({
    transaction,
    remaining: transaction.kind === 'EARN' ? (remaining.get(transaction.sequence) ?? 0) : null,
    draws: draws.get(transaction.sequence) ?? [],
    reversed: transaction.kind === 'SPEND' ? (reversed.get(transaction.sequence) ?? 0) : null,
  }));
}

async function readRemaining(db: Db, id: string, earns: readonly number[]): Promise<Map<number, number>> {
  if (earns.length === 0) return new Map();
  const rows = await select<{ sequence: number; remaining: number }>(
    db,
    `SELECT e.sequence, l.remaining
       FROM transactions e
       JOIN open_lots l ON l.account_id = e.account_id AND l.earned_at = e.earned_at AND l.sequence = e.sequence
      WHERE e.account_id = ? AND e.sequence IN (?)`,
    [id, earns],
  );
  return new Map(rows.map(({ sequence, remaining }) => [sequence, remaining]));
}

async function readDraws(db: Db, id: string, earns: readonly number[]): Promise<Map<number, Draw[]>> {
  const draws = new Map<number, Draw[]>();
  if (earns.length === 0) return draws;
  const rows = await select<{ lot_sequence: number; sequence: number; points: number; settlement: number }>(
    db,
    `SELECT lot_sequence, sequence, points, settlement
       FROM (SELECT lot_sequence, sequence, position, points, settlement,
                    ROW_NUMBER() OVER (PARTITION BY lot_sequence ORDER BY sequence, position) AS place
               FROM allocations
              WHERE account_id = ? AND lot_sequence IN (?)) AS drawn
      WHERE place <= ${DRAWS_MAX}
      ORDER BY lot_sequence, sequence, position`,
    [id, earns],
  );
  for (const { lot_sequence, sequence, points, settlement } of rows) {
    const draw = { sequence, points, settlement: settlement === 1 };
    const list = draws.get(lot_sequence);
    if (list) list.push(draw);
    else draws.set(lot_sequence, [draw]);
  }
  return draws;
}
