import type { Knex } from 'knex';
import type { Instant, Lot } from '../ledger/account.ts';
import { addLots, END_OF_TIME, type Loading } from './loading.ts';
import { select, toDatetime, toInstant } from './sql.ts';

interface LotRow {
  account_id: string;
  earned_at: string;
  sequence: number;
  payer: string;
  points: number;
  remaining: number;
}

const COLUMNS = 'account_id, earned_at, sequence, payer, points, remaining';

/** The most lots read as heads, of all accounts of the group together: only wrong hints reach it. */
const HEADS_ROWS_MAX = 4_000;

/** A page of lots past the head, and how much larger each next one is. */
const PAGE_ROWS = 8;
const PAGE_GROWTH = 4;

/**
 * Loads open lots, the oldest first, until they hold the points that the commands may draw, and each floating payer's
 * own oldest lots until they hold what is to be settled. What is read depends on what is drawn, not on how many lots the
 * account holds.
 *
 * The first read takes the heads of all accounts in one range scan, each up to the time its row hints at. A wrong hint
 * costs time, not correctness: too late, and the LIMIT cuts the scan off; too early, and pages follow. (A LIMIT per
 * account, one UNION branch each, costs the optimizer about twice what the scan costs, so that only the accounts
 * whose head is too short pay for it.)
 */
export async function loadLots(trx: Knex.Transaction, loading: readonly Loading[]): Promise<void> {
  const drawing = loading.filter(({ demand }) => demand.points > 0n);
  if (drawing.length === 0) return;
  const scans = await readHeads(trx, drawing);
  await readUntilEnough(trx, scans);
  for (const { loading: target, lots, exhausted } of scans) {
    target.loadedUntil = exhausted ? END_OF_TIME : (lots.at(-1)?.earnedAt ?? target.headUntil);
    addLots(target.account, lots);
  }
  await loadSettlingLots(trx, drawing);
}

/** How far the lots of an account, or of one payer in it, have been read. */
interface Scan {
  readonly loading: Loading;
  readonly payer: string | null;
  readonly lots: Lot[];
  /** Points still to be found. */
  missing: bigint;
  /** Read all that is earned up to here; null: up to the last lot. */
  readUntil: Instant | null;
  exhausted: boolean;
}

function startScan(loading: Loading, payer: string | null, missing: bigint): Scan {
  return { loading, payer, lots: [], missing, readUntil: null, exhausted: false };
}

/** Takes a lot in. Only lots up to the points that are wanted can be drawn, so only their payers are needed. */
function addRow(scan: Scan, row: LotRow): void {
  const { sequence, payer, points, remaining } = row;
  if (scan.missing > 0n) scan.loading.payers.add(payer);
  scan.lots.push({ sequence, payer, points, remaining, earnedAt: toInstant(row.earned_at) });
  scan.missing -= BigInt(remaining);
}

async function readHeads(trx: Knex.Transaction, drawing: readonly Loading[]): Promise<Scan[]> {
  const scans = drawing.map((loading) => startScan(loading, null, loading.demand.points));
  const byId = new Map(scans.map((scan) => [scan.loading.account.id, scan]));
  const rows = await select<LotRow>(
    trx,
    `SELECT ${COLUMNS} FROM open_lots FORCE INDEX (PRIMARY)
      WHERE ${drawing.map(() => '(account_id = ? AND earned_at <= ?)').join(' OR ')}
      ORDER BY account_id, earned_at, sequence
      LIMIT ${HEADS_ROWS_MAX}`,
    drawing.flatMap(({ account, headUntil }) => [account.id, toDatetime(headUntil)]),
  );
  for (const row of rows) {
    const scan = byId.get(row.account_id);
    if (scan) addRow(scan, row);
  }
  const cutAt = rows.length === HEADS_ROWS_MAX ? rows.at(-1)?.account_id : undefined;
  for (const scan of scans) {
    if (cutAt !== undefined && scan.loading.account.id >= cutAt) continue;
    scan.readUntil = scan.loading.headUntil;
    scan.exhausted = scan.readUntil === END_OF_TIME;
  }
  return scans;
}

/** Reads pages, each larger than the last, until every scan has what it wants or has come to its end. */
async function readUntilEnough(trx: Knex.Transaction, scans: readonly Scan[]): Promise<void> {
  for (let rows = PAGE_ROWS; ; rows *= PAGE_GROWTH) {
    const short = scans.filter((scan) => scan.missing > 0n && !scan.exhausted);
    if (short.length === 0) return;
    await readPages(trx, short, rows);
  }
}

/** Reads the next page of each scan, all in one statement. */
async function readPages(trx: Knex.Transaction, scans: readonly Scan[], rowsMax: number): Promise<void> {
  const bindings: unknown[] = [];
  const branches = scans.map((scan, index) => {
    const payer = scan.payer === null ? '' : 'AND payer = ?';
    const key = scan.payer === null ? [scan.loading.account.id] : [scan.loading.account.id, scan.payer];
    const last = scan.lots.at(-1);
    const tail = `ORDER BY earned_at, sequence LIMIT ${rowsMax})`;
    const head = `(SELECT ${index} AS scan, ${COLUMNS} FROM open_lots FORCE INDEX (${scan.payer === null ? 'PRIMARY' : 'open_lots_by_payer'})`;
    if (scan.readUntil !== null) {
      bindings.push(...key, toDatetime(scan.readUntil));
      return `${head} WHERE account_id = ? ${payer} AND earned_at > ? ${tail}`;
    }
    if (!last) {
      bindings.push(...key);
      return `${head} WHERE account_id = ? ${payer} ${tail}`;
    }
    const earnedAt = toDatetime(last.earnedAt);
    bindings.push(...key, earnedAt, ...key, earnedAt, last.sequence);
    return `${head} WHERE (account_id = ? ${payer} AND earned_at > ?)
        OR (account_id = ? ${payer} AND earned_at = ? AND sequence > ?) ${tail}`;
  });
  const rows = await select<LotRow & { scan: number }>(trx, branches.join('\nUNION ALL\n'), bindings);
  const counts = scans.map(() => 0);
  for (const row of [...rows].sort(byScanAndOrder)) {
    const scan = scans[row.scan];
    if (!scan) continue;
    addRow(scan, row);
    counts[row.scan] = (counts[row.scan] ?? 0) + 1;
  }
  for (const [index, scan] of scans.entries()) {
    scan.readUntil = null;
    scan.exhausted = (counts[index] ?? 0) < rowsMax;
  }
}

/** The rows of a UNION come in no promised order. */
function byScanAndOrder(a: LotRow & { scan: number }, b: LotRow & { scan: number }): number {
  if (a.scan !== b.scan) return a.scan - b.scan;
  if (a.earned_at !== b.earned_at) return a.earned_at < b.earned_at ? -1 : 1;
  return a.sequence - b.sequence;
}

/** A settlement draws on its payer's oldest lots wherever they stand in the account. */
async function loadSettlingLots(trx: Knex.Transaction, drawing: readonly Loading[]): Promise<void> {
  const scans = drawing.flatMap((loading) => {
    if (loading.loadedUntil === END_OF_TIME) return [];
    const floating = new Map(loading.demand.adjusted);
    for (const { payer, unsettled } of loading.account.payers.values()) {
      if (unsettled > 0) floating.set(payer, (floating.get(payer) ?? 0n) + BigInt(unsettled));
    }
    return [...floating].map(([payer, points]) => startScan(loading, payer, points));
  });
  await readUntilEnough(trx, scans);
  for (const { loading, lots } of scans) addLots(loading.account, lots);
}
