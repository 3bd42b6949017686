import { POINTS_MAX } from '../ledger/account.ts';
import type { Rejection } from '../ledger/command.ts';
import { ApiError, type FieldViolation } from './errors.ts';

/**
 * A rejection of the ledger as the client reads it.
 *
 * @param entryField the path of a field of an entry of the command, for commands that have entries
 */
export function rejectionError(rejection: Rejection, entryField?: (entry: number, field: string) => string): ApiError {
  switch (rejection.reason) {
    case 'REQUEST_ID_REUSED':
      return new ApiError(
        'REQUEST_ID_REUSED',
        `request_id was used before, by a call whose ${rejection.field} differs; a new call needs a new id`,
        metadata({ field: rejection.field }),
      );
    case 'TRANSACTION_NOT_FOUND':
      return transactionNotFound(rejection.sequence);
    case 'NOT_A_SPEND':
      return new ApiError(
        'NOT_A_SPEND',
        `transaction ${rejection.sequence} is not a spend, and only spends can be reversed; its kind is ${rejection.kind}`,
        metadata({ sequence: rejection.sequence, kind: rejection.kind }),
      );
    case 'REVERSAL_EXCEEDS_SPEND': {
      const { sequence, requested, available } = rejection;
      return new ApiError(
        'REVERSAL_EXCEEDS_SPEND',
        available === 0
          ? `spend ${sequence} is reversed already`
          : `${available} points of spend ${sequence} are left to reverse, ${requested} asked for`,
        metadata({ sequence, ...(requested === null ? {} : { requested }), available }),
      );
    }
    case 'INSUFFICIENT_POINTS': {
      const { requested, available } = rejection;
      return new ApiError(
        'INSUFFICIENT_POINTS',
        `${available} points are available, ${requested} asked for`,
        metadata({ requested, available, shortfall: requested - available }),
      );
    }
    case 'PAYER_BALANCE_INSUFFICIENT': {
      const { payer, available, shortfall, entry } = rejection;
      const field = entryField?.(entry, 'points') ?? 'points';
      return new ApiError(
        'PAYER_BALANCE_INSUFFICIENT',
        `${field}: payer ${JSON.stringify(payer)} has ${available} points and would end ${shortfall} below zero`,
        {
          ...metadata({ payer, available, shortfall, field }),
          violations: violation(field, `${shortfall} points short`),
        },
      );
    }
    case 'POINTS_OUT_OF_RANGE': {
      const field = entryField ? 'transactions' : 'points';
      const description =
        rejection.what === 'balance'
          ? `the balance would pass ${POINTS_MAX}`
          : `the floating adjustments would pass ${POINTS_MAX}; a spend settles them`;
      return new ApiError('POINTS_OUT_OF_RANGE', `${field}: ${description}`, {
        ...metadata({ limit: POINTS_MAX }),
        violations: violation(field, description),
      });
    }
  }
}

/** There is no such transaction in the account. */
export function transactionNotFound(sequence: number): ApiError {
  return new ApiError('TRANSACTION_NOT_FOUND', `the account has no transaction ${sequence}`, metadata({ sequence }));
}

function metadata(values: Record<string, string | number | bigint>) {
  const entries = Object.entries(values).map(([key, value]) => [key, String(value)]);
  return { metadata: Object.fromEntries(entries) as Record<string, string> };
}

function violation(field: string, description: string): FieldViolation[] {
  return [{ field, description }];
}
