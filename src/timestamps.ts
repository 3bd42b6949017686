/** A moment as google.protobuf.Timestamp holds it: whole seconds since 1970, and the nanoseconds after them. */
export interface Moment {
  readonly seconds: number;
  readonly nanos: number;
}

const RFC_3339 =
  /^\d{4}-\d\d-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i;
const START_OF_YEAR_1 = -62_135_596_800;
const START_OF_YEAR_10000 = 253_402_300_800;

/**
 * Reads the JSON form of a Timestamp: RFC 3339, years 1 to 9999; digits after the ninth are cut off. Undefined where the
 * text is none.
 */
export function parseTimestamp(text: string): Moment | undefined {
  const parts = RFC_3339.exec(text);
  if (parts === null) return undefined;
  const [, day, fraction, sign, hours, minutes] = parts;
  const local = Date.parse(`${text.slice(0, 10)}T${text.slice(11, 19)}Z`);
  if (Number.isNaN(local)) return undefined;
  // Date moves February 30 to March 1; only the last days of a month can be such.
  if (Number(day) > 28 && new Date(local).getUTCDate() !== Number(day)) return undefined;
  const offset = sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 3600 + Number(minutes) * 60);
  const seconds = local / 1000 - offset;
  if (!isInYears1To9999(seconds)) return undefined;
  return { seconds, nanos: fraction === undefined ? 0 : Number(fraction.slice(0, 9).padEnd(9, '0')) };
}

/** Whether a second, counted from 1970, lies in the years that RFC 3339 can tell and that are kept. */
export function isInYears1To9999(seconds: number): boolean {
  return seconds >= START_OF_YEAR_1 && seconds < START_OF_YEAR_10000;
}

/** The JSON form of a Timestamp, in UTC with as many digits as it needs: 0, 3, 6 or 9. */
export function formatTimestamp({ seconds, nanos }: Moment): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${formatFraction(nanos)}Z`;
}

/** Nanoseconds as the digits after a whole number of seconds: none, or a point and 3, 6 or 9 of them. */
export function formatFraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  if (!digits.endsWith('000')) return `.${digits}`;
  return digits.endsWith('000000') ? `.${digits.slice(0, 3)}` : `.${digits.slice(0, 6)}`;
}
