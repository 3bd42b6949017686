// Data made inside the database, by INSERT ... SELECT from a table of numbers: as if the service had written it, down to the
// hint in the accounts' rows, so that `verify` finds nothing wrong.
import mysql, { type Connection } from 'mysql2/promise';
import { LOT_POINTS, PAYERS } from './settings.ts';

/** Accounts that are alike. */
export interface Filling {
  /** SQL for an account's name, from its number `a.n`, in the order of the numbers. */
  readonly name: string;
  readonly accounts: number;
  /** Lots earned and wholly spent, each by a spend of its own, before anything else. */
  readonly spent: number;
  /** Lots that are open, earned after those. */
  readonly open: number;
  readonly lotPoints?: number;
}

/** How many open lots the hint in an account's row covers, as the service keeps it. */
const HEAD_LOTS = 8;

const EARNED_AT = (earn: string) => `TIMESTAMP('2010-01-01') + INTERVAL (${earn}) * 97 SECOND`;
const RECORDED_AT = "TIMESTAMP('2025-06-01')";
const REQUEST = "UNHEX(MD5(CONCAT(account, '/', sequence)))";

/** Fills an empty database: the journal and the rest at the same time. */
export async function fill(url: string, fillings: readonly Filling[]): Promise<void> {
  if (fillings.length === 0) return;
  const connections = [await open(url), await open(url)] as const;
  const [first, second] = connections;
  try {
    await makeNumbers(first, Math.max(...fillings.map(largestNumber)));
    const journal = async () => {
      for (const filling of fillings) await fillJournal(first, filling);
    };
    const others = async () => {
      for (const filling of fillings) await fillLots(second, filling);
      for (const filling of fillings) await fillSums(second, filling);
    };
    await Promise.all([journal(), others()]);
    await first.query('DROP TABLE numbers');
  } finally {
    for (const connection of connections) await connection.end();
  }
}

async function open(url: string): Promise<Connection> {
  const connection = await mysql.createConnection({ uri: url });
  // MariaDB then builds the indexes of an empty table in one go.
  await connection.query('SET SESSION unique_checks = 0, foreign_key_checks = 0');
  return connection;
}

function largestNumber({ accounts, spent, open }: Filling): number {
  return Math.max(accounts, 2 * spent + open, PAYERS);
}

async function makeNumbers(connection: Connection, count: number): Promise<void> {
  await connection.query('CREATE TABLE numbers (n INT PRIMARY KEY) ENGINE = InnoDB');
  await connection.query('INSERT INTO numbers VALUES (1)');
  for (let made = 1; made < count; made *= 2) {
    await connection.query('INSERT INTO numbers SELECT n + ? FROM numbers WHERE n + ? <= ?', [made, made, count]);
  }
}

/** Pairs of an account and a sequence, as a table. */
function source({ name, accounts }: Filling, from: number, to: number): string {
  return `(SELECT ${name} AS account, s.n AS sequence
             FROM numbers a STRAIGHT_JOIN numbers s
            WHERE a.n <= ${accounts} AND s.n BETWEEN ${from} AND ${to}) AS source`;
}

/** SQL for the number of an earn, from its sequence: `spent` earns come first, as many spends, then the others. */
function earnNumber({ spent }: Filling): string {
  return `IF(sequence <= ${spent}, sequence, sequence - ${spent})`;
}

async function fillJournal(connection: Connection, filling: Filling): Promise<void> {
  const { spent, open, lotPoints = LOT_POINTS } = filling;
  const earn = earnNumber(filling);
  const isSpend = `sequence > ${spent} AND sequence <= ${2 * spent}`;
  await connection.query(
    `INSERT INTO transactions
       (account_id, sequence, kind, payer, points, earned_at, recorded_at, request_id, request_index, balance)
     SELECT account, sequence, IF(${isSpend}, 'SPEND', 'EARN'),
            IF(${isSpend}, NULL, CONCAT('PAYER ', MOD(${earn}, ${PAYERS}))),
            IF(${isSpend}, -${lotPoints}, ${lotPoints}),
            IF(${isSpend}, NULL, ${EARNED_AT(earn)}),
            ${RECORDED_AT}, ${REQUEST}, 0,
            ${lotPoints} * IF(sequence <= ${spent}, sequence, ABS(${2 * spent} - sequence))
       FROM ${source(filling, 1, 2 * spent + open)}`,
  );
  if (spent === 0) return;
  await connection.query(
    `INSERT INTO allocations (account_id, sequence, position, lot_sequence, points, settlement)
     SELECT account, sequence, 0, sequence - ${spent}, ${lotPoints}, FALSE
       FROM ${source(filling, spent + 1, 2 * spent)}`,
  );
}

async function fillLots(connection: Connection, filling: Filling): Promise<void> {
  const { spent, open, lotPoints = LOT_POINTS } = filling;
  const earn = earnNumber(filling);
  await connection.query(
    `INSERT INTO open_lots (account_id, earned_at, sequence, payer, points, remaining)
     SELECT account, ${EARNED_AT(earn)}, sequence, CONCAT('PAYER ', MOD(${earn}, ${PAYERS})), ${lotPoints}, ${lotPoints}
       FROM ${source(filling, 2 * spent + 1, 2 * spent + open)}`,
  );
}

/** The rows that sum up: payers by the open lots of each, the accounts themselves. */
async function fillSums(connection: Connection, filling: Filling): Promise<void> {
  const { name, accounts, spent, open, lotPoints = LOT_POINTS } = filling;
  // Earns go round the payers from number 1 on; number 0 comes with the last of the first round.
  const lotsOf = (payer: string) =>
    `(FLOOR((${spent + open} + ${PAYERS} - ${payer}) / ${PAYERS}) - FLOOR((${spent} + ${PAYERS} - ${payer}) / ${PAYERS}))`;
  await connection.query(
    `INSERT INTO payer_balances (account_id, payer, points, unsettled, first_sequence)
     SELECT ${name}, CONCAT('PAYER ', MOD(p.n, ${PAYERS})), ${lotPoints} * ${lotsOf('p.n')}, 0, p.n
       FROM numbers a STRAIGHT_JOIN numbers p
      WHERE a.n <= ${accounts} AND p.n <= ${PAYERS}`,
  );
  await connection.query(
    `INSERT INTO accounts (account_id, sequence, balance, unsettled, recorded_at, head_until)
     SELECT ${name}, ${2 * spent + open}, ${lotPoints * open}, 0, ${RECORDED_AT}, ${EARNED_AT(String(spent + HEAD_LOTS))}
       FROM numbers a
      WHERE a.n <= ${accounts}`,
  );
}
