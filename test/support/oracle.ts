/**
 * An account kept the naive way, to judge the real one by: a list of transactions, and everything else counted again
 * from the whole list each time it is needed. It is written from the rules and shares no code with src/.
 */

export interface OracleEntry {
  readonly payer: string;
  readonly points: number;
  readonly earnedAt: string;
}

export type OracleCommand =
  | { readonly kind: 'add'; readonly requestId: string; readonly entries: readonly OracleEntry[] }
  | { readonly kind: 'spend'; readonly requestId: string; readonly points: number }
  | {
      readonly kind: 'reverse';
      readonly requestId: string;
      readonly spend: number;
      /** Null for all that is left. */
      readonly points: number | null;
      readonly reason: string;
    };

/** Points of a lot: positive where drawn, negative where given back. */
interface Drawn {
  readonly lot: number;
  readonly payer: string;
  readonly points: bigint;
}

interface Line {
  readonly payer: string;
  readonly points: bigint;
}

/** A transaction as the rules make it. */
export interface Told {
  readonly kind: 'EARN' | 'ADJUST' | 'SPEND' | 'REVERSE';
  readonly sequence: number;
  readonly points: bigint;
  /** The account's balance after the whole request. */
  readonly balance: bigint;
  /** The change of each payer's balance: of a spend in the order first drawn. */
  readonly lines: readonly Line[];
  /** Of an earn or an adjustment. */
  readonly earnedAt?: string;
  /** Of a reversal: the sequence of the spend. */
  readonly spend?: number;
  /** Lots that settled floating adjustments, by sequence. */
  readonly settled: readonly Drawn[];
  readonly drawn: readonly Drawn[];
}

export type Answer =
  | { readonly accepted: true; readonly replayed: boolean; readonly transactions: readonly Told[] }
  | { readonly accepted: false; readonly rejection: { readonly reason: string; readonly [detail: string]: unknown } };

interface OracleLot {
  readonly sequence: number;
  readonly payer: string;
  readonly earnedAt: string;
  readonly points: bigint;
  readonly remaining: bigint;
}

const CAP = 2n ** 53n - 1n;

export class Oracle {
  readonly #journal: Told[] = [];
  readonly #requests = new Map<string, { command: OracleCommand; transactions: readonly Told[] }>();

  /** What the command would be answered; nothing is done. */
  preview(command: OracleCommand): Answer {
    const earlier = this.#requests.get(command.requestId);
    if (earlier) {
      const field = differs(earlier.command, command);
      if (field) return rejected('REQUEST_ID_REUSED', { field });
      return { accepted: true, replayed: true, transactions: earlier.transactions };
    }
    if (command.kind === 'add') return this.#add(command.entries);
    if (command.kind === 'spend') return this.#spend(BigInt(command.points));
    return this.#reverse(command.spend, command.points === null ? null : BigInt(command.points));
  }

  /** Does the command, if it can be done, and answers it. */
  ask(command: OracleCommand): Answer {
    const answer = this.preview(command);
    if (answer.accepted && !answer.replayed) {
      this.#journal.push(...answer.transactions);
      this.#requests.set(command.requestId, { command, transactions: answer.transactions });
    }
    return answer;
  }

  get journal(): readonly Told[] {
    return this.#journal;
  }

  /** The account's balance. */
  balance(): bigint {
    return sum(this.#journal.map(({ points }) => points));
  }

  /** Each payer ever seen, in the order first seen, with its balance. */
  balances(): Line[] {
    const lines = this.#journal.flatMap((told) => told.lines);
    const payers = [...new Set(lines.map(({ payer }) => payer))];
    return payers.map((payer) => ({ payer, points: sum(lines.filter((l) => l.payer === payer).map((l) => l.points)) }));
  }

  /** Points of adjustments that no spend has settled: of one payer, or of all. */
  floating(payer?: string): bigint {
    const own = (candidate: string) => payer === undefined || candidate === payer;
    return sum(
      this.#journal.map((told) => {
        if (told.kind === 'ADJUST') return own(told.lines[0]?.payer ?? '') ? -told.points : 0n;
        return -sum(told.settled.filter((drawn) => own(drawn.payer)).map(({ points }) => points));
      }),
    );
  }

  /** Every lot ever earned, in the order of drawing. */
  lots(): OracleLot[] {
    const draws = this.#journal.flatMap(({ settled, drawn }) => [...settled, ...drawn]);
    return this.#journal
      .filter(({ kind }) => kind === 'EARN')
      .map(({ sequence, points, earnedAt = '', lines }) => {
        const gone = sum(draws.filter(({ lot }) => lot === sequence).map((drawn) => drawn.points));
        return { sequence, payer: lines[0]?.payer ?? '', earnedAt, points, remaining: points - gone };
      })
      .sort((a, b) => (a.earnedAt < b.earnedAt ? -1 : a.earnedAt > b.earnedAt ? 1 : a.sequence - b.sequence));
  }

  #add(entries: readonly OracleEntry[]): Answer {
    for (const payer of new Set(entries.map((entry) => entry.payer))) {
      const available = this.#balanceOf(payer);
      const own = entries.filter((entry) => entry.payer === payer);
      const end = available + sum(own.map(({ points }) => BigInt(points)));
      if (end < 0n) {
        const earned = sum(own.filter(({ points }) => points > 0).map(({ points }) => BigInt(points)));
        const entry = entries.findIndex((_, index) => {
          const adjusted = entries.slice(0, index + 1).filter((e) => e.payer === payer && e.points < 0);
          return available + earned + sum(adjusted.map(({ points }) => BigInt(points))) < 0n;
        });
        return rejected('PAYER_BALANCE_INSUFFICIENT', { payer, available, shortfall: -end, entry });
      }
    }
    const added = sum(entries.map(({ points }) => BigInt(points)));
    if (this.balance() + added > CAP) return rejected('POINTS_OUT_OF_RANGE', { what: 'balance' });
    const adjusted = -sum(entries.map(({ points }) => (points < 0 ? BigInt(points) : 0n)));
    if (this.floating() + adjusted > CAP) return rejected('POINTS_OUT_OF_RANGE', { what: 'unsettled' });
    return this.#accepted(
      entries.map(({ payer, points, earnedAt }) => ({
        kind: points > 0 ? 'EARN' : 'ADJUST',
        points: BigInt(points),
        lines: [{ payer, points: BigInt(points) }],
        earnedAt,
        settled: [],
        drawn: [],
      })),
    );
  }

  #spend(points: bigint): Answer {
    if (points > this.balance()) {
      return rejected('INSUFFICIENT_POINTS', { requested: points, available: this.balance() });
    }
    const lots = this.lots();
    const settled = this.balances().flatMap(({ payer }) =>
      take(
        this.floating(payer),
        lots.filter((lot) => lot.payer === payer),
      ),
    );
    const left = lots.map((lot) => {
      const gone = sum(settled.filter((drawn) => drawn.lot === lot.sequence).map((drawn) => drawn.points));
      return { ...lot, remaining: lot.remaining - gone };
    });
    const drawn = take(points, left);
    const bySequence = settled.toSorted((a, b) => a.lot - b.lot);
    return this.#accepted([{ kind: 'SPEND', points: -points, lines: linesOf(drawn), settled: bySequence, drawn }]);
  }

  #reverse(sequence: number, asked: bigint | null): Answer {
    const spend = this.#journal[sequence - 1];
    if (!spend) return rejected('TRANSACTION_NOT_FOUND', { sequence });
    if (spend.kind !== 'SPEND') return rejected('NOT_A_SPEND', { sequence, kind: spend.kind });
    const before = -spend.points - sum(this.#journal.filter((t) => t.spend === sequence).map(({ points }) => points));
    const points = asked ?? before;
    if (before === 0n || points > before) {
      return rejected('REVERSAL_EXCEEDS_SPEND', { sequence, requested: asked, available: before });
    }
    if (this.balance() + points > CAP) return rejected('POINTS_OUT_OF_RANGE', { what: 'balance' });

    // What stays drawn is a prefix of the drawing: what is given back is the longer prefix less the shorter.
    const shorter = prefix(spend.drawn, before - points);
    const drawn = prefix(spend.drawn, before)
      .map((drawn, index) => ({ ...drawn, points: (shorter[index]?.points ?? 0n) - drawn.points }))
      .filter((drawn) => drawn.points !== 0n)
      .reverse();
    return this.#accepted([{ kind: 'REVERSE', points, lines: linesOf(drawn), spend: sequence, settled: [], drawn }]);
  }

  #balanceOf(payer: string): bigint {
    return this.balances().find((line) => line.payer === payer)?.points ?? 0n;
  }

  #accepted(made: readonly Omit<Told, 'sequence' | 'balance'>[]): Answer {
    const balance = this.balance() + sum(made.map(({ points }) => points));
    const transactions = made.map((told, i) => ({ ...told, sequence: this.#journal.length + 1 + i, balance }));
    return { accepted: true, replayed: false, transactions };
  }
}

function rejected(reason: string, details: Record<string, unknown>): Answer {
  return { accepted: false, rejection: { reason, ...details } };
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

function take(points: bigint, oldestFirst: readonly OracleLot[]): Drawn[] {
  let before = 0n;
  return oldestFirst
    .map(({ sequence, payer, remaining }) => {
      const wanted = points - before;
      before += remaining;
      return { lot: sequence, payer, points: wanted < 0n ? 0n : wanted < remaining ? wanted : remaining };
    })
    .filter((drawn) => drawn.points > 0n);
}

function prefix(drawing: readonly Drawn[], points: bigint): Drawn[] {
  return take(
    points,
    drawing.map(({ lot, payer, points }) => ({ sequence: lot, payer, earnedAt: '', points, remaining: points })),
  );
}

function linesOf(drawn: readonly Drawn[]): Line[] {
  const payers = [...new Set(drawn.map(({ payer }) => payer))];
  return payers.map((payer) => ({ payer, points: -sum(drawn.filter((d) => d.payer === payer).map((d) => d.points)) }));
}

/** The first field in which two requests differ: undefined where they say the same. */
function differs(earlier: OracleCommand, command: OracleCommand): string | undefined {
  if (earlier.kind === 'add' && command.kind === 'add') {
    if (earlier.entries.length !== command.entries.length) return 'transactions';
    const single = command.entries.length === 1;
    return command.entries
      .flatMap((entry, index) => {
        const was = earlier.entries[index];
        const fields = [
          entry.payer !== was?.payer && 'payer',
          entry.points !== was?.points && 'points',
          entry.earnedAt !== was?.earnedAt && 'timestamp',
        ];
        return fields.map((field) => field && (single ? field : `transactions[${index}].${field}`));
      })
      .find((field) => field !== false);
  }
  if (earlier.kind === 'spend' && command.kind === 'spend') {
    return earlier.points === command.points ? undefined : 'points';
  }
  if (earlier.kind === 'reverse' && command.kind === 'reverse') {
    if (earlier.spend !== command.spend) return 'sequence';
    if (earlier.points !== command.points) return 'points';
    return earlier.reason === command.reason ? undefined : 'reason';
  }
  return 'method';
}
