import type { Knex } from 'knex';
import type { Instant } from '../ledger/account.ts';
import { readPayers } from './load-payers.ts';
import { select, snapshot, toDatetime, toInstant } from './sql.ts';

/** An open lot as the next spend would find it. */
export interface AvailableLot {
  readonly sequence: number;
  readonly payer: string;
  readonly earnedAt: Instant;
  readonly points: number;
  /** What is left once floating adjustments are settled; at least 1. */
  readonly available: number;
}

/** Where a list of lots stands: the last lot read. */
export interface LotPosition {
  readonly earnedAt: Instant;
  readonly sequence: number;
}

interface LotRow {
  sequence: number;
  payer: string;
  earned_at: string;
  points: number;
  remaining: number;
}

/**
 * Open lots in the order the next spend would draw them, after a position, up to `limit`. Each payer's floating
 * adjustments are taken off its oldest lots, as the spend would first; a lot they use up is left out. Read in one
 * snapshot, so that lots and adjustments are of one moment.
 */
export function listLots(db: Knex, id: string, after: LotPosition | null, limit: number): Promise<AvailableLot[]> {
  return snapshot(db, async (trx) => {
    const floating = await readFloating(trx, id, after);
    const lots: AvailableLot[] = [];
    for (let position = after; lots.length < limit; ) {
      const rows = await readLots(trx, id, position, limit);
      for (const { sequence, payer, points, remaining, earned_at } of rows) {
        const available = settle(floating, payer, remaining);
        if (available > 0) lots.push({ sequence, payer, earnedAt: toInstant(earned_at), points, available });
      }
      const last = rows.at(-1);
      if (!last || rows.length < limit) break;
      position = { earnedAt: toInstant(last.earned_at), sequence: last.sequence };
    }
    return lots.slice(0, limit);
  });
}

/** What is left of a lot after its payer's adjustments; lowers what they still want. */
function settle(floating: Map<string, bigint>, payer: string, remaining: number): number {
  const wanted = floating.get(payer) ?? 0n;
  const settled = wanted < BigInt(remaining) ? Number(wanted) : remaining;
  if (settled > 0) floating.set(payer, wanted - BigInt(settled));
  return remaining - settled;
}

/** Each payer's floating adjustments, less what its lots up to the position settle. */
async function readFloating(trx: Knex.Transaction, id: string, upTo: LotPosition | null): Promise<Map<string, bigint>> {
  const floating = new Map<string, bigint>();
  for (const { payer, unsettled } of (await readPayers(trx, [id])).get(id) ?? []) {
    if (unsettled > 0) floating.set(payer, BigInt(unsettled));
  }
  if (upTo === null || floating.size === 0) return floating;
  const earnedAt = toDatetime(upTo.earnedAt);
  const rows = await select<{ payer: string; points: number | string }>(
    trx,
    `SELECT payer, SUM(remaining) AS points
       FROM open_lots
      WHERE account_id = ? AND payer IN (?) AND (earned_at < ? OR (earned_at = ? AND sequence <= ?))
      GROUP BY payer`,
    [id, [...floating.keys()], earnedAt, earnedAt, upTo.sequence],
  );
  for (const { payer, points } of rows) {
    const left = (floating.get(payer) ?? 0n) - BigInt(points);
    floating.set(payer, left > 0n ? left : 0n);
  }
  return floating;
}

function readLots(trx: Knex.Transaction, id: string, after: LotPosition | null, limit: number): Promise<LotRow[]> {
  const columns = 'sequence, payer, earned_at, points, remaining';
  const tail = `ORDER BY earned_at, sequence LIMIT ${limit}`;
  if (after === null) return select(trx, `SELECT ${columns} FROM open_lots WHERE account_id = ? ${tail}`, [id]);
  const earnedAt = toDatetime(after.earnedAt);
  return select(
    trx,
    `SELECT ${columns}
       FROM open_lots
      WHERE (account_id = ? AND earned_at > ?) OR (account_id = ? AND earned_at = ? AND sequence > ?) ${tail}`,
    [id, earnedAt, id, earnedAt, after.sequence],
  );
}
