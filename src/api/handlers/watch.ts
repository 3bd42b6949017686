import { setTimeout as sleep } from 'node:timers/promises';
import type { Reads } from '../../engine/reads.ts';
import { toTransaction } from '../convert.ts';
import type { Handlers } from '../method.ts';

/** Transactions read at once. */
const READ_MAX = 500;

/** How often the journal is asked for news: other processes write to it as well. */
const POLL_MS = 200;

/** The journal of an account as a stream: what is there, then what comes. */
export function watchHandlers(reads: Reads): Pick<Handlers, 'watchTransactions'> {
  return {
    async *watchTransactions(call) {
      let after = call.request.afterSequence;
      while (!call.isGone()) {
        const transactions = await reads.tail(call, call.account, after, READ_MAX);
        for (const transaction of transactions) yield { transaction: toTransaction(call.account, transaction) };
        after = transactions.at(-1)?.sequence ?? after;
        if (transactions.length === READ_MAX) continue;
        do {
          await sleep(POLL_MS);
        } while (!call.isGone() && (await reads.lastSequence(call, call.account)) <= after);
      }
    },
  };
}
