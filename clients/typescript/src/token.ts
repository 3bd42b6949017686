/** Throws a TypeError where a client is given neither a token that can be sent, nor a function. */
export function checkTokenSource(token: unknown): void {
  if (typeof token === 'string') checkedToken(token);
  else if (typeof token !== 'function') throw new TypeError('token: must be a string, or a function that gives one');
}

/**
 * The token, where it can be sent. Throws a TypeError that never repeats it: what grpc-js says of a header it cannot send
 * holds all of the header, and errors end up in logs.
 */
export function checkedToken(token: unknown): string {
  if (typeof token !== 'string') throw new TypeError(`token: must be a string, but the function gave ${kindOf(token)}`);
  const [wrong] = /[^!-~]/u.exec(token) ?? [];
  if (wrong !== undefined) throw new TypeError(`token: cannot be sent, for it has ${nameOf(wrong)}`);
  return token;
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function nameOf(character: string): string {
  if (character === '\n' || character === '\r') return 'a line break: trim what was read from a file';
  if (character === ' ' || character === '\t') return 'a space';
  return character > '~' ? 'a character that is not ASCII' : 'a control character';
}
