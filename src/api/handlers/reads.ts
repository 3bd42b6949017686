import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { JournalEntry, JournalFilter, LotPosition, Reads } from '../../engine/reads.ts';
import type { Timestamp } from '../../gen/google/protobuf/timestamp.ts';
import type { ListTransactionsRequest } from '../../gen/points/v1/points_service.ts';
import type * as proto from '../../gen/points/v1/resources.ts';
import type { Instant, Transaction } from '../../ledger/account.ts';
import { toInstant, toTimestamp, toTransaction } from '../convert.ts';
import { invalidRequest } from '../errors.ts';
import type { Handlers } from '../method.ts';
import { pageTokens } from '../page-token.ts';
import { transactionNotFound } from '../rejections.ts';

type ReadHandlers = Pick<Handlers, 'getBalance' | 'getTransaction' | 'listTransactions' | 'listLots'>;

const PAGE_SIZE_DEFAULT = 100;

/** The methods that read an account. */
export function readHandlers(reads: Reads, clock: Clock): ReadHandlers {
  return {
    async getBalance(call) {
      const { account, request } = call;
      const balance = request.asOf
        ? await reads.balanceAsOf(call, account, await toPast(request.asOf, clock))
        : await reads.balance(call, account);
      const floating = balance.payers.filter(({ unsettled }) => unsettled > 0);
      return {
        account,
        points: balance.payers.reduce((sum, { points }) => sum + points, 0),
        payers: new Map(balance.payers.map(({ payer, points }) => [payer, points])),
        unsettled: new Map(floating.map(({ payer, unsettled }) => [payer, unsettled])),
        sequence: balance.sequence,
      };
    },

    async getTransaction(call) {
      const { sequence } = call.request;
      const entry = await reads.transaction(call, call.account, sequence);
      if (!entry) throw transactionNotFound(sequence);
      return { transaction: toJournalEntry(call.account, entry) };
    },

    async listTransactions(call) {
      const { account, request } = call;
      const filter = toFilter(request);
      const order = request.order === 'LIST_ORDER_OLDEST_FIRST' ? 'oldest' : 'newest';
      const tokens = pageTokens(['transactions', account, filter, order], isSequence);
      const limit = request.pageSize || PAGE_SIZE_DEFAULT;
      const page = { order, after: tokens.read(request.pageToken), limit: limit + 1 } as const;
      // To the database 'A ' is 'A': it pads what it compares. No payer ends in a space, so none is meant.
      if (filter.payer?.endsWith(' ')) return { transactions: [], nextPageToken: '' };
      const entries = await reads.transactions(call, account, filter, page);
      const shown = entries.slice(0, limit);
      const last = shown.at(-1)?.transaction.sequence ?? 0;
      return {
        transactions: shown.map((entry) => toJournalEntry(account, entry)),
        nextPageToken: entries.length > limit ? tokens.write(last) : '',
      };
    },

    async listLots(call) {
      const { account, request } = call;
      const tokens = pageTokens(['lots', account], isLotPosition);
      const limit = request.pageSize || PAGE_SIZE_DEFAULT;
      const lots = await reads.lots(call, account, tokens.read(request.pageToken), limit + 1);
      const shown = lots.slice(0, limit);
      const last = shown.at(-1);
      return {
        lots: shown.map((lot) => ({ ...lot, earnedAt: toTimestamp(lot.earnedAt) })),
        nextPageToken:
          last && lots.length > limit ? tokens.write({ earnedAt: last.earnedAt, sequence: last.sequence }) : '',
      };
    },
  };
}

async function toPast(asOf: Timestamp, clock: Clock): Promise<Instant> {
  const instant = toInstant(asOf, 'as_of');
  if (instant > clock()) throw invalidRequest({ field: 'as_of', description: 'must not be in the future' });
  // More may be recorded at this very moment.
  while (clock() <= instant) await sleep(1);
  return instant;
}

function toFilter(request: ListTransactionsRequest): JournalFilter {
  const instant = (value: Timestamp | undefined, field: string) => (value ? toInstant(value, field) : null);
  return {
    kinds: request.kinds.map((kind) => kind.replace('TRANSACTION_KIND_', '') as Transaction['kind']).sort(),
    payer: request.payer === '' ? null : request.payer,
    earnedFrom: instant(request.earnedFrom, 'earned_from'),
    earnedUntil: instant(request.earnedUntil, 'earned_until'),
    recordedFrom: instant(request.recordedFrom, 'recorded_from'),
    recordedUntil: instant(request.recordedUntil, 'recorded_until'),
  };
}

function toJournalEntry(account: string, { transaction, remaining, draws, reversed }: JournalEntry): proto.Transaction {
  return {
    ...toTransaction(account, transaction),
    remaining: remaining ?? undefined,
    draws: [...draws],
    reversedPoints: reversed ?? undefined,
  };
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isLotPosition(value: unknown): value is LotPosition {
  const { earnedAt, sequence } = (value ?? {}) as Partial<LotPosition>;
  return (
    typeof earnedAt === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(earnedAt) && isSequence(sequence)
  );
}
