/** How much is measured. */
export interface Settings {
  readonly quick: boolean;
  /** How often each side of a comparison is measured, in turns. */
  readonly rounds: number;
  /** One measurement. */
  readonly windowMs: number;
  /** Load before each measurement that is not counted, and before the first one of a case. */
  readonly settleMs: number;
  readonly warmUpMs: number;
  /** The data that most cases run on. */
  readonly accounts: number;
  readonly lotsPerAccount: number;
  /** Lots of the one hot account: it takes as many spends as the others together. */
  readonly hotLots: number;
  /** Calls under way at once. */
  readonly inFlight: number;
  /** Past transactions of an account, and how many spends are measured on it. */
  readonly history: { readonly large: number; readonly small: number; readonly spends: number };
  /** Lots in the table. */
  readonly table: { readonly large: number; readonly small: number };
  /** Transactions imported in all rounds together. */
  readonly imported: number;
  /** How long the statements of the gRPC server are recorded, to be replayed. */
  readonly recordMs: number;
  /** Numbers of workers tried for one transaction per request. */
  readonly singleWorkers: readonly number[];
  /** Settings of the service other than its defaults, as environment variables. */
  readonly grouped: Readonly<Record<string, string>>;
}

const SHAPE = { accounts: 10_000, lotsPerAccount: 50, inFlight: 64, singleWorkers: [4, 8, 16], grouped: {} };

export const FULL: Settings = {
  ...SHAPE,
  quick: false,
  rounds: 3,
  windowMs: 1_500,
  settleMs: 300,
  warmUpMs: 1_000,
  hotLots: 500_000,
  history: { large: 1_000_000, small: 100, spends: 1_500 },
  table: { large: 10_000_000, small: 100_000 },
  imported: 1_000_000,
  recordMs: 8_000,
};

export const QUICK: Settings = {
  ...SHAPE,
  quick: true,
  accounts: 2_000,
  rounds: 1,
  windowMs: 300,
  settleMs: 50,
  warmUpMs: 250,
  hotLots: 30_000,
  history: { large: 10_000, small: 100, spends: 60 },
  table: { large: 100_000, small: 1_000 },
  imported: 6_000,
  recordMs: 700,
  singleWorkers: [8],
};

/** Where the benchmark keeps its database: never where the service keeps one. */
export const DATA_DIR = '.data/bench';

/** Memory for the database's pages. */
export const BUFFER_POOL = '1G';

/** Points of every lot, and the most a spend takes: one and a half lots on average, and half of them drained. */
export const LOT_POINTS = 100;
export const SPEND_POINTS_MAX = 99;

export const PAYERS = 5;

/** The name of the hot account. */
export const HOT = 'hot';

/** The name of an account of the data that most cases run on, counted from 1. */
export function accountName(number: number): string {
  return `member-${String(number).padStart(7, '0')}`;
}
