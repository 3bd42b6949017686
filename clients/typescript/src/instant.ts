import { InvalidArgumentError } from './errors.ts';
import type { Timestamp } from './gen/google/protobuf/timestamp.ts';

/** A moment in UTC, exact to the microsecond. Plain data; it may be given back wherever a time is asked for. */
export interface Instant {
  /** RFC 3339 in UTC, with as many digits as it needs: `2020-11-02T14:00:00Z`, `…:00.250Z`, `…:00.000001Z`. */
  readonly iso: string;
  /** The same moment for the rest of JavaScript. A Date counts milliseconds: finer digits are cut off. */
  readonly date: Date;
}

/** A moment as a caller may name it: a Date, an RFC 3339 text with any offset, or an Instant that was answered. */
export type InstantInput = Date | string | Pick<Instant, 'iso'>;

const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const START_OF_YEAR_1 = -62_135_596_800;
const START_OF_YEAR_10000 = 253_402_300_800;

/** Reads a moment. Digits after the ninth are cut off. Throws InvalidArgumentError, naming the field, where it is none. */
export function toTimestamp(input: InstantInput, field: string): Timestamp {
  const timestamp = read(input);
  if (timestamp && timestamp.seconds >= START_OF_YEAR_1 && timestamp.seconds < START_OF_YEAR_10000) return timestamp;
  throw new InvalidArgumentError(`${field}: must be a Date or an RFC 3339 time such as 2020-11-02T14:00:00Z`, {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_REQUEST',
    violations: [{ field, description: 'must be a Date or an RFC 3339 time such as 2020-11-02T14:00:00Z' }],
  });
}

/** The moment a message carries. */
export function toInstant({ seconds, nanos }: Timestamp): Instant {
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  const digits = String(nanos)
    .padStart(9, '0')
    .replace(/(000){1,3}$/, '');
  return {
    iso: `${whole}${digits && `.${digits}`}Z`,
    date: new Date(seconds * 1000 + Math.floor(nanos / 1_000_000)),
  };
}

function read(input: unknown): Timestamp | undefined {
  if (input instanceof Date) {
    const ms = input.getTime();
    if (Number.isNaN(ms)) return undefined;
    const seconds = Math.floor(ms / 1000);
    return { seconds, nanos: (ms - seconds * 1000) * 1_000_000 };
  }
  if (typeof input === 'string') return readText(input);
  if (typeof input === 'object' && input !== null && 'iso' in input && typeof input.iso === 'string') {
    return readText(input.iso);
  }
  return undefined;
}

function readText(text: string): Timestamp | undefined {
  const parts = RFC_3339.exec(text);
  if (parts === null) return undefined;
  const [, day, time, fraction = '', sign, hours, minutes] = parts;
  const local = `${day}T${time}`;
  const date = new Date(`${local}Z`);
  // Date moves February 30 to March 1 and 24:00 to the next day; reading it back shows that.
  if (Number.isNaN(date.getTime()) || !date.toISOString().startsWith(local)) return undefined;
  const offset = sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 3600 + Number(minutes) * 60);
  return { seconds: date.getTime() / 1000 - offset, nanos: Number(fraction.slice(0, 9).padEnd(9, '0')) };
}
