import { type Db, select } from './sql.ts';

/** A spend that is reversed, in part or whole, and by how many points. */
interface Reversed {
  readonly account_id: string;
  readonly spend_sequence: number;
  readonly points: number;
}

/** How much of each of some spends, given as [account, sequence], is reversed. Those of which nothing is are left out. */
export async function readReversed(db: Db, spends: readonly (readonly [string, number])[]): Promise<Reversed[]> {
  if (spends.length === 0) return [];
  return select<Reversed>(
    db,
    `SELECT r.account_id, r.spend_sequence, CAST(SUM(t.points) AS SIGNED) AS points
       FROM reversals r
       JOIN transactions t ON t.account_id = r.account_id AND t.sequence = r.sequence
      WHERE (r.account_id, r.spend_sequence) IN (?)
      GROUP BY r.account_id, r.spend_sequence`,
    [spends],
  );
}
