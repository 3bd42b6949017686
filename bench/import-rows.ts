import { accountName, LOT_POINTS, PAYERS } from './settings.ts';

/** A transaction of the import, by its number. Always the same, so that both sides import the same. */
export interface ImportRow {
  readonly account: string;
  readonly payer: string;
  readonly points: number;
  readonly earnedAtSeconds: number;
  readonly requestId: string;
}

const FIRST_SECONDS = Date.UTC(2024, 0, 1) / 1000;

/** Knuth's multiplicative hash: the accounts come mixed, as in a file sorted by time. */
const MIX = 2_654_435_761;

export function importRow(number: number, accounts: number): ImportRow {
  return {
    account: accountName(1 + ((Math.imul(number, MIX) >>> 0) % accounts)),
    payer: `PAYER ${number % PAYERS}`,
    points: LOT_POINTS,
    earnedAtSeconds: FIRST_SECONDS + number,
    requestId: `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`,
  };
}

/** Some of the rows of an import, `from` included and `to` not. */
export interface ImportSlice {
  readonly from: number;
  readonly to: number;
  readonly accounts: number;
}
