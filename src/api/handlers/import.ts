import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '@bufbuild/protobuf';
import type { Clock } from '../../clock.ts';
import type { Engine } from '../../engine/engine.ts';
import type { ImportRejection, ImportTransactionsResponse } from '../../gen/points/v1/points_service.ts';
import { ApiError } from '../errors.ts';
import type { Call, Handlers } from '../method.ts';
import { rejectionError } from '../rejections.ts';
import { registry } from '../schema.ts';
import { validate } from '../validate.ts';
import { toEntry } from './writes.ts';

/** An ImportedTransaction as it comes from the wire, not validated yet. */
interface Imported extends Message {
  readonly account: string;
  readonly payer: string;
  readonly points: bigint;
  readonly timestamp?: { readonly seconds: bigint; readonly nanos: number };
  readonly requestId: string;
}

/** In an object, as a promise of promises would wait for them. */
interface Answers {
  readonly answers: readonly Promise<ApiError | null>[];
}

/** Messages whose transactions are under way at once. */
const MESSAGES_MAX = 4;

/** How soon an import looks again whether the queue has room. */
const WAIT_MS = 2;

const ITEM = registry.getMessage('points.v1.ImportedTransaction');

/** Bulk loading: each transaction a command of its own, answered as it becomes durable. */
export function importHandlers(
  engine: Engine,
  clock: Clock,
  clockSkewMs: number,
): Pick<Handlers, 'importTransactions'> {
  /** Null when the transaction is in the journal. */
  async function add(item: Imported, call: Call<unknown>): Promise<ApiError | null> {
    try {
      const outcome = await engine.submit({
        account: item.account,
        command: { kind: 'add', requestId: item.requestId.toLowerCase(), entries: [entryOf(item, clock, clockSkewMs)] },
        preview: false,
        repeatable: true,
        isGone: call.isGone,
        deadline: call.deadline,
      });
      return outcome.accepted ? null : rejectionError(outcome.rejection);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  /** Puts transactions in the queue, one after another as there is room; returns their answers to come. */
  async function submitAll(items: readonly Imported[], call: Call<unknown>): Promise<Answers> {
    const answers: Promise<ApiError | null>[] = [];
    for (const item of items) {
      while (engine.crowded && !call.isGone()) await sleep(WAIT_MS);
      const answer = add(item, call);
      answer.catch(() => undefined); // seen when its message's turn comes
      answers.push(answer);
    }
    return { answers };
  }

  return {
    async *importTransactions(call) {
      const messages = call.request[Symbol.asyncIterator]();
      const underWay: Promise<(ApiError | null)[]>[] = [];
      let progress: ImportTransactionsResponse = { decided: 0, accepted: 0, rejections: [] };
      let next: Promise<IteratorResult<Message>> | null = messages.next();
      // Messages are answered side by side but submitted in turn: an account's transactions keep the order sent.
      let submitted: Promise<unknown> = Promise.resolve();
      while (next !== null || underWay.length > 0) {
        const room = next !== null && underWay.length < MESSAGES_MAX ? [next] : [];
        const event = await Promise.race([...room, ...underWay.slice(0, 1)]);
        if (Array.isArray(event)) {
          underWay.shift();
          progress = advance(progress, event);
          yield progress;
        } else if (event.done) {
          next = null;
        } else {
          const { transactions } = event.value as Message & { transactions: Imported[] };
          const submitting = submitted.then(() => submitAll(transactions, call));
          const results = submitting.then(({ answers }) => Promise.all(answers));
          results.catch(() => undefined); // seen when its turn comes
          submitted = submitting.catch(() => undefined);
          underWay.push(results);
          next = messages.next();
        }
      }
    },
  };
}

function entryOf(item: Imported, clock: Clock, clockSkewMs: number) {
  if (!ITEM) throw new Error('src/gen/descriptors.ts is stale: run npm run generate');
  validate(ITEM, item);
  const timestamp = item.timestamp && { seconds: Number(item.timestamp.seconds), nanos: item.timestamp.nanos };
  return toEntry({ payer: item.payer, points: Number(item.points), timestamp }, clock, clockSkewMs);
}

function advance(
  progress: ImportTransactionsResponse,
  results: readonly (ApiError | null)[],
): ImportTransactionsResponse {
  const rejections: ImportRejection[] = [];
  for (const [offset, error] of results.entries()) {
    if (!error) continue;
    const field = error.details.violations?.[0]?.field ?? error.details.metadata?.field ?? '';
    rejections.push({ index: progress.decided + offset, reason: error.reason, field, message: error.message });
  }
  return {
    decided: progress.decided + results.length,
    accepted: progress.accepted + results.length - rejections.length,
    rejections,
  };
}
