// REST as clients speak it: fetch for most tests, the real curl where the command line itself is the contract.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body. */
  readonly json: unknown;
}

/** The JSON of a google.rpc.Status. */
interface RestStatus {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly '@type': string; readonly [name: string]: unknown }[];
}

export interface RestRequest {
  readonly method?: string;
  readonly path: string;
  /** A value to send as JSON; a string or bytes are sent as they stand. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export type Rest = (request: RestRequest) => Promise<RestAnswer>;

/** Calls a server with a token; empty for none. */
export function restClient(url: string, token: string): Rest {
  return async ({ path, body, method = body === undefined ? 'GET' : 'POST', headers = {} }) => {
    const asTheyStand = typeof body === 'string' || body instanceof Uint8Array;
    const sent = new Headers();
    if (token !== '') sent.set('authorization', `Bearer ${token}`);
    if (body !== undefined) sent.set('content-type', 'application/json');
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined) sent.delete(name);
      else sent.set(name, value);
    }
    const init: RequestInit = { method, headers: sent };
    if (body !== undefined) init.body = asTheyStand ? (body as NonNullable<RequestInit['body']>) : JSON.stringify(body);
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parse(text) };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a google.rpc.Status says: its reason, its metadata and the fields it names. */
export function statusOf(answer: RestAnswer) {
  const status = answer.json as RestStatus;
  const detail = (type: string) =>
    status.details?.find((each) => each['@type'] === `type.googleapis.com/google.rpc.${type}`);
  const info = detail('ErrorInfo') as { reason: string; domain: string; metadata: Record<string, string> } | undefined;
  const bad = detail('BadRequest') as { fieldViolations: { field: string }[] } | undefined;
  const retry = detail('RetryInfo') as { retryDelay: string } | undefined;
  return {
    http: answer.status,
    code: status.code,
    message: status.message,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata ?? {},
    fields: (bad?.fieldViolations ?? []).map(({ field }) => field),
    retryDelay: retry?.retryDelay,
  };
}

/** Runs the real curl; returns what it printed. */
export async function curl(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--max-time', '30', ...args]);
  return stdout;
}
