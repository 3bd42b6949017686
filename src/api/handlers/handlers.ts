import type { Clock } from '../../clock.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Reads } from '../../engine/reads.ts';
import type { Handlers } from '../method.ts';
import { importHandlers } from './import.ts';
import { readHandlers } from './reads.ts';
import { watchHandlers } from './watch.ts';
import { writeHandlers } from './writes.ts';

/** The handlers of every method. `clockSkewMs`: how far in the future a transaction's timestamp may lie. */
export function createHandlers(engine: Engine, reads: Reads, clock: Clock, clockSkewMs: number): Handlers {
  return {
    ...writeHandlers(engine, clock, clockSkewMs),
    ...readHandlers(reads, clock),
    ...watchHandlers(reads),
    ...importHandlers(engine, clock, clockSkewMs),
  };
}
