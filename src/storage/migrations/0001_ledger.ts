import type { Knex } from 'knex';

/**
 * Every primary key begins with account_id: the schema stays local to an account on one server, a Galera cluster, TiDB,
 * or Vitess sharded by account. No AUTO_INCREMENT, no foreign keys, nothing shared per payer. IF NOT EXISTS, because
 * MySQL commits each CREATE on its own: a migration cut short goes on where it stopped.
 */
export async function up(knex: Knex): Promise<void> {
  for (const table of TABLES) await knex.raw(table);
}

const ACCOUNT_ID = 'account_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL';
const PAYER = 'payer VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
const POINTS_MAX = '9007199254740991';
const OPTIONS = 'ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin';

const TABLES = [
  // The unit of locking: its row is locked first and always written, so the lock covers all else of the account.
  // head_until is a hint for reading, never a fact: the first open lots are those earned up to it (see load-lots).
  `CREATE TABLE IF NOT EXISTS accounts (
     ${ACCOUNT_ID},
     sequence BIGINT NOT NULL,
     balance BIGINT NOT NULL,
     unsettled BIGINT NOT NULL,
     recorded_at DATETIME(6) NOT NULL,
     head_until DATETIME(6) NOT NULL,
     PRIMARY KEY (account_id),
     CONSTRAINT accounts_balance CHECK (balance BETWEEN 0 AND ${POINTS_MAX}),
     CONSTRAINT accounts_unsettled CHECK (unsettled BETWEEN 0 AND ${POINTS_MAX}),
     CONSTRAINT accounts_sequence CHECK (sequence >= 0)
   ) ${OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS payer_balances (
     ${ACCOUNT_ID},
     ${PAYER} NOT NULL,
     points BIGINT NOT NULL,
     unsettled BIGINT NOT NULL,
     first_sequence BIGINT NOT NULL,
     PRIMARY KEY (account_id, payer),
     CONSTRAINT payer_balances_points CHECK (points BETWEEN 0 AND ${POINTS_MAX}),
     CONSTRAINT payer_balances_unsettled CHECK (unsettled BETWEEN 0 AND ${POINTS_MAX})
   ) ${OPTIONS}`,
  // In the order of drawing. A lot leaves the table with its last point, so that spent lots are never scanned.
  `CREATE TABLE IF NOT EXISTS open_lots (
     ${ACCOUNT_ID},
     earned_at DATETIME(6) NOT NULL,
     sequence BIGINT NOT NULL,
     ${PAYER} NOT NULL,
     points BIGINT NOT NULL,
     remaining BIGINT NOT NULL,
     PRIMARY KEY (account_id, earned_at, sequence),
     KEY open_lots_by_payer (account_id, payer, earned_at, sequence),
     CONSTRAINT open_lots_remaining CHECK (remaining BETWEEN 1 AND points)
   ) ${OPTIONS}`,
  // The journal: only ever inserted into. It rebuilds all of the above.
  `CREATE TABLE IF NOT EXISTS transactions (
     ${ACCOUNT_ID},
     sequence BIGINT NOT NULL,
     kind ENUM('EARN', 'ADJUST', 'SPEND', 'REVERSE') NOT NULL,
     ${PAYER} NULL,
     points BIGINT NOT NULL,
     earned_at DATETIME(6) NULL,
     recorded_at DATETIME(6) NOT NULL,
     request_id BINARY(16) NOT NULL,
     request_index SMALLINT NOT NULL,
     balance BIGINT NOT NULL,
     PRIMARY KEY (account_id, sequence),
     UNIQUE KEY transactions_by_request (account_id, request_id, request_index),
     CONSTRAINT transactions_points CHECK (points <> 0 AND points BETWEEN -${POINTS_MAX} AND ${POINTS_MAX}),
     CONSTRAINT transactions_sign CHECK ((points > 0) = (kind IN ('EARN', 'REVERSE'))),
     CONSTRAINT transactions_payer CHECK ((payer IS NULL) = (kind IN ('SPEND', 'REVERSE'))),
     CONSTRAINT transactions_earned_at CHECK ((earned_at IS NULL) = (payer IS NULL)),
     CONSTRAINT transactions_balance CHECK (balance BETWEEN 0 AND ${POINTS_MAX})
   ) ${OPTIONS}`,
  // Lots drawn (positive) and given back (negative) by a transaction, in order. settlement: drawn by a spend for the
  // adjustments that floated before it.
  `CREATE TABLE IF NOT EXISTS allocations (
     ${ACCOUNT_ID},
     sequence BIGINT NOT NULL,
     position INT NOT NULL,
     lot_sequence BIGINT NOT NULL,
     points BIGINT NOT NULL,
     settlement BOOLEAN NOT NULL,
     PRIMARY KEY (account_id, sequence, position),
     KEY allocations_by_lot (account_id, lot_sequence, sequence),
     CONSTRAINT allocations_points CHECK (points <> 0)
   ) ${OPTIONS}`,
  // What a REVERSE says beyond its transaction. rest: the request named no points, but all that was left.
  `CREATE TABLE IF NOT EXISTS reversals (
     ${ACCOUNT_ID},
     spend_sequence BIGINT NOT NULL,
     sequence BIGINT NOT NULL,
     reason VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
     rest BOOLEAN NOT NULL,
     PRIMARY KEY (account_id, spend_sequence, sequence),
     UNIQUE KEY reversals_by_sequence (account_id, sequence)
   ) ${OPTIONS}`,
];
