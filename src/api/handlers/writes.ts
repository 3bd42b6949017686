import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Engine } from '../../engine/engine.ts';
import type { NewTransaction } from '../../gen/points/v1/points_service.ts';
import { payerLines, type Transaction } from '../../ledger/account.ts';
import type { Command, Entry } from '../../ledger/command.ts';
import { toInstant, toTransaction } from '../convert.ts';
import { invalidRequest } from '../errors.ts';
import type { Call, Handlers } from '../method.ts';
import { rejectionError } from '../rejections.ts';

type Writes = Pick<Handlers, 'addTransaction' | 'batchAddTransactions' | 'spendPoints' | 'reverseSpend'>;

/** The fields every write has. */
interface WriteRequest {
  readonly requestId: string;
  readonly validateOnly: boolean;
}

/** The methods that change an account. `clockSkewMs`: how far ahead a timestamp may be. */
export function writeHandlers(engine: Engine, clock: Clock, clockSkewMs: number): Writes {
  /** Runs a command and returns the transactions it made, or made when it was first sent. */
  async function run(
    call: Call<WriteRequest>,
    command: (requestId: string) => Command,
    entryField?: (entry: number, field: string) => string,
  ): Promise<readonly Transaction[]> {
    const { requestId, validateOnly } = call.request;
    const outcome = await engine.submit({
      account: call.account,
      command: command(requestId === '' ? randomUUID() : requestId.toLowerCase()),
      preview: validateOnly,
      repeatable: requestId !== '',
      isGone: call.isGone,
      deadline: call.deadline,
    });
    if (!outcome.accepted) throw rejectionError(outcome.rejection, entryField);
    return outcome.transactions;
  }

  return {
    async addTransaction(call) {
      const entries = [toEntry(call.request, clock, clockSkewMs)];
      const [transaction] = await run(call, (requestId) => ({ kind: 'add', requestId, entries }));
      return { transaction: transaction && toTransaction(call.account, transaction) };
    },

    async batchAddTransactions(call) {
      const path = (entry: number, field: string) => `transactions[${entry}].${field}`;
      const entries = call.request.transactions.map((entry, index) =>
        toEntry(entry, clock, clockSkewMs, (field) => path(index, field)),
      );
      const transactions = await run(call, (requestId) => ({ kind: 'add', requestId, entries }), path);
      return { transactions: transactions.map((transaction) => toTransaction(call.account, transaction)) };
    },

    async spendPoints(call) {
      const { points } = call.request;
      return toDrawing(call.account, await run(call, (requestId) => ({ kind: 'spend', requestId, points })));
    },

    async reverseSpend(call) {
      const { sequence: spend, points = null, reason } = call.request;
      const command = (requestId: string) => ({ kind: 'reverse' as const, requestId, spend, points, reason });
      return toDrawing(call.account, await run(call, command));
    },
  };
}

/** A transaction to add, as the ledger takes it; throws when it lies too far in the future. */
export function toEntry(
  { payer, points, timestamp }: NewTransaction,
  clock: Clock,
  clockSkewMs: number,
  path = (field: string) => field,
): Entry {
  const field = path('timestamp');
  if (!timestamp) throw invalidRequest({ field, description: 'value is required' });
  const earnedAt = toInstant(timestamp, field);
  if (Date.parse(earnedAt) > Date.parse(clock()) + clockSkewMs) {
    throw invalidRequest({ field, description: `must not be more than ${clockSkewMs / 1000} s in the future` });
  }
  return { payer, points, earnedAt };
}

/** What a spend and a reversal answer. */
function toDrawing(account: string, [transaction]: readonly Transaction[]) {
  if (!transaction || transaction.kind === 'EARN' || transaction.kind === 'ADJUST') {
    throw new Error(`account ${account}: a drawing without its transaction`);
  }
  const shown = toTransaction(account, transaction);
  return {
    transaction: shown,
    payers: payerLines(transaction.allocations),
    allocations: shown.allocations,
    balance: transaction.balance,
  };
}
