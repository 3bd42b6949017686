/**
 * The path templates of google.api.http, by the grammar in the comment of google/api/http.proto.
 *
 * A template is kept as its plain segments (a literal, `*` or `**`), with the variables as ranges over them, so that
 * matching is a comparison of two lists.
 */
export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly string[];
  /** The `:verb` at the end, without its colon. */
  readonly verb: string | undefined;
  readonly variables: readonly PathVariable[];
}

/** A variable: its field path and the segments it captures, from `start` up to `end`; Infinity where it ends in `**`. */
export interface PathVariable {
  readonly fieldPath: readonly string[];
  readonly start: number;
  readonly end: number;
  /** True where its pattern is more than one `*`: it may capture slashes, and an encoded slash stays encoded. */
  readonly multiSegment: boolean;
}

/** The path of a request, split once for all templates. */
export interface RequestPath {
  /** The segments as they came. */
  readonly raw: readonly string[];
  /** The segments decoded; one that cannot be decoded is left as it came. */
  readonly decoded: readonly string[];
}

const TEMPLATE = /^\/(.*?)(?::([^/:{}*]+))?$/;
const SLASH_OUTSIDE_BRACES = /\/(?![^{]*\})/;
const VARIABLE = /^\{([A-Za-z_][\w.]*)(?:=([^{}]+))?\}$/;
const LITERAL = /^[^{}*/]+$/;

export function parsePathTemplate(text: string): PathTemplate {
  const [, path, verb] = TEMPLATE.exec(text) ?? fail(text);
  const segments: string[] = [];
  const variables: PathVariable[] = [];
  for (const part of path!.split(SLASH_OUTSIDE_BRACES)) {
    const [, name, pattern = '*'] = VARIABLE.exec(part) ?? [];
    const start = segments.length;
    for (const segment of name === undefined ? [part] : pattern.split('/')) segments.push(parseSegment(segment, text));
    if (name === undefined) continue;
    const end = segments.at(-1) === '**' ? Number.POSITIVE_INFINITY : segments.length;
    variables.push({ fieldPath: name.split('.'), start, end, multiSegment: pattern !== '*' });
  }
  if (segments.slice(0, -1).includes('**')) fail(text);
  return { text, segments, verb, variables };
}

function parseSegment(segment: string, template: string): string {
  if (segment === '*' || segment === '**') return segment;
  return LITERAL.test(segment) ? decodeURIComponent(segment) : fail(template);
}

function fail(template: string): never {
  throw new Error(`google.api.http: malformed path template ${template}`);
}

/** Splits the path of a request; undefined where it is not an absolute path. */
export function splitPath(path: string): RequestPath | undefined {
  if (!path.startsWith('/')) return undefined;
  const raw = path.slice(1).split('/');
  return { raw, decoded: path.includes('%') ? raw.map((segment) => decodePercent(segment) ?? segment) : raw };
}

/** Whether the template takes the path. A `*` takes any segment but an empty one. */
export function matchesPath(template: PathTemplate, path: RequestPath): boolean {
  const { segments, verb } = template;
  const last = path.raw.length - 1;
  const open = segments[segments.length - 1] === '**';
  if (open ? path.raw.length < segments.length - 1 : path.raw.length !== segments.length) return false;
  if (verb !== undefined && !path.raw[last]!.endsWith(`:${verb}`)) return false;
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index];
    if (segment === '**') return true;
    let value = path.decoded[index]!;
    if (index === last && verb !== undefined) value = value.slice(0, -verb.length - 1);
    if (segment === '*' ? value === '' : value !== segment) return false;
  }
  return true;
}

/** The value a variable captures from a path that matches; undefined where its percent-encoding is malformed. */
export function captureVariable(template: PathTemplate, variable: PathVariable, path: RequestPath): string | undefined {
  const { start, end, multiSegment } = variable;
  const captured = path.raw.slice(start, end);
  if (template.verb !== undefined && end >= path.raw.length && captured.length > 0) {
    captured.push(captured.pop()!.slice(0, -template.verb.length - 1));
  }
  if (!multiSegment) return decodePercent(captured[0]!);
  // An encoded slash stays encoded here: decoded, it could not be told from a slash between two segments.
  const kept = captured.map((segment) => segment.split(/%2f/i).map(decodePercent).join('%2F'));
  return captured.every((segment) => decodePercent(segment) !== undefined) ? kept.join('/') : undefined;
}

/**
 * Orders templates so that the first that matches is the right one: those with a verb come first, then, segment by
 * segment, a literal before `*` before `**`.
 */
export function comparePrecedence(a: PathTemplate, b: PathTemplate): number {
  const byVerb = Number(a.verb === undefined) - Number(b.verb === undefined);
  if (byVerb !== 0) return byVerb;
  for (let index = 0; index < Math.max(a.segments.length, b.segments.length); index++) {
    const byRank = rank(a.segments[index]) - rank(b.segments[index]);
    if (byRank !== 0) return byRank;
  }
  return 0;
}

/** The end of a template counts as a literal: `/a` is more to the point than `/a/**`. */
function rank(segment: string | undefined): number {
  if (segment === '**') return 2;
  return segment === '*' ? 1 : 0;
}

/** Decodes percent-encoding; undefined where it is malformed or not UTF-8. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
