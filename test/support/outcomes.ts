// What calls of the client package come to.
import type { PointsError } from '../../clients/typescript/src/index.ts';

/** All that a list, a watch or an import gives, to its end. */
export async function collect<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of list) items.push(item);
  return items;
}

/** The error of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<PointsError> {
  try {
    await call;
  } catch (error) {
    return error as PointsError;
  }
  throw new Error('the call succeeded');
}
