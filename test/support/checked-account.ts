import assert from 'node:assert/strict';
import { type Account, emptyAccount, payerLines, type Transaction } from '../../src/ledger/account.ts';
import { apply } from '../../src/ledger/apply.ts';
import type { Command, Outcome } from '../../src/ledger/command.ts';
import { decide } from '../../src/ledger/decide.ts';
import { checkInvariants } from './invariants.ts';
import { type Answer, Oracle, type Told } from './oracle.ts';

/** When commands are decided, unless a test says otherwise. */
const NOW = '2021-01-01T00:00:00.000000Z';

/**
 * An account with an oracle at its side. Whatever is asked, it checks that both answer alike, that deciding changed
 * nothing, that both have the same balances and lots afterwards, and that the invariants hold.
 */
export class CheckedAccount {
  readonly account: Account = emptyAccount('checked');
  readonly oracle = new Oracle();

  /** What the command would be answered. */
  preview(command: Command, now = NOW): Outcome {
    const before = structuredClone({ account: this.account, command });
    const outcome = decide(this.account, command, now);
    assert.deepEqual({ account: this.account, command }, before, 'deciding has changed something');
    assert.deepEqual(answerOf(outcome), exact(this.oracle.preview(command)), 'the oracle answers otherwise');
    return outcome;
  }

  /** Does the command if it can be done. */
  ask(command: Command, now = NOW): Outcome {
    const outcome = this.preview(command, now);
    this.oracle.ask(command);
    if (outcome.accepted && outcome.change) apply(this.account, outcome.change);
    this.#check();
    return outcome;
  }

  #check(): void {
    const { account, oracle } = this;
    checkInvariants(account);
    assert.equal(BigInt(account.balance), oracle.balance(), 'the oracle has another balance');
    const payers = [...account.payers.values()].sort((a, b) => a.firstSequence - b.firstSequence);
    assert.deepEqual(
      payers.map(({ payer, points, unsettled }) => [payer, BigInt(points), BigInt(unsettled)]),
      oracle.balances().map(({ payer, points }) => [payer, points, oracle.floating(payer)]),
      'the oracle has other payers',
    );
    const open = oracle.lots().filter((lot) => lot.remaining > 0n);
    assert.deepEqual(exact(account.open), exact(open), 'the oracle has other open lots');
  }
}

/** What the ledger answered, in the oracle's terms. */
function answerOf(outcome: Outcome): unknown {
  if (!outcome.accepted) return exact(outcome);
  const transactions = outcome.transactions.map(told);
  return exact({ accepted: true, replayed: outcome.change === null, transactions } satisfies Answer);
}

function told(transaction: Transaction): Told {
  const { kind, sequence } = transaction;
  const points = BigInt(transaction.points);
  const balance = BigInt(transaction.balance);
  const common = { kind, sequence, points, balance };
  if (transaction.kind === 'EARN' || transaction.kind === 'ADJUST') {
    const { payer, earnedAt } = transaction;
    return { ...common, lines: [{ payer, points }], earnedAt, settled: [], drawn: [] };
  }
  const drawn = transaction.allocations.map(({ lot, payer, points }) => ({ lot, payer, points: BigInt(points) }));
  const lines = payerLines(transaction.allocations).map(({ payer, points }) => ({ payer, points: BigInt(points) }));
  if (transaction.kind === 'REVERSE') return { ...common, lines, spend: transaction.spend, settled: [], drawn };
  const settled = transaction.settlements
    .map(({ lot, payer, points }) => ({ lot, payer, points: BigInt(points) }))
    .sort((a, b) => a.lot - b.lot);
  return { ...common, lines, settled, drawn };
}

/** The same with every number a bigint, so that the ledger's numbers and the oracle's compare. */
function exact(value: unknown): unknown {
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, exact(inner)]));
}
