import type { Instant } from './ledger/account.ts';

/** The time now, in UTC. */
export type Clock = () => Instant;

/** The machine's clock; it counts milliseconds. */
export const systemClock: Clock = () => `${new Date().toISOString().slice(0, 23)}000Z`;
