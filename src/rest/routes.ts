import type { FileRegistry } from '@bufbuild/protobuf';
import { type DescField, type DescMessage, type DescMethod, type DescService, getOption } from '@bufbuild/protobuf';
import type { RequestPath } from './path-template.ts';
import {
  comparePrecedence,
  matchesPath,
  type PathTemplate,
  type PathVariable,
  parsePathTemplate,
  splitPath,
} from './path-template.ts';

/** One HTTP binding of an rpc: a method and a path template, and where the fields of request and answer are found. */
export interface Route {
  readonly rpc: DescMethod;
  /** 0 for the rule itself, 1 and up for its additional bindings. */
  readonly bindingIndex: number;
  /** `GET`, `POST` …, or `*` for any. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
  /** The fields that the path binds, each as the way to it from the request. */
  readonly variables: readonly { readonly variable: PathVariable; readonly fields: readonly DescField[] }[];
  /** What the body stands for: nothing, the whole request, or one field of it. */
  readonly body: 'none' | 'whole' | DescField;
  /** The field of the answer that is sent; undefined: all of it. */
  readonly responseField: DescField | undefined;
}

/** google.api.HttpRule, as its extension decodes. */
interface HttpRule {
  readonly pattern:
    | { readonly case: 'get' | 'put' | 'post' | 'delete' | 'patch'; readonly value: string }
    | { readonly case: 'custom'; readonly value: { readonly kind: string; readonly path: string } }
    | { readonly case: undefined };
  readonly body: string;
  readonly responseBody: string;
  readonly additionalBindings: readonly HttpRule[];
}

/** The routes of every rpc that has a google.api.http annotation, in order of precedence. */
export function routesOf(service: DescService, registry: FileRegistry): Route[] {
  const extension = registry.getExtension('google.api.http');
  if (extension === undefined) return [];
  const routes = service.methods.flatMap((rpc) => {
    if (rpc.proto.options === undefined) return [];
    const rule = getOption(rpc, extension) as unknown as HttpRule;
    const bindings = [rule, ...rule.additionalBindings].filter(({ pattern }) => pattern.case !== undefined);
    return bindings.map((binding, index) => routeOf(rpc, binding, index));
  });
  routes.sort((a, b) => comparePrecedence(a.template, b.template));
  refuseDoubles(routes);
  return routes;
}

function routeOf(rpc: DescMethod, rule: HttpRule, bindingIndex: number): Route {
  if (rpc.methodKind === 'client_streaming' || rpc.methodKind === 'bidi_streaming') {
    throw new Error(`${rpc}: a stream of requests has no REST form`);
  }
  const { pattern } = rule;
  if (pattern.case === undefined) throw new Error(`${rpc}: google.api.http has no path`);
  const custom = pattern.case === 'custom';
  const template = parsePathTemplate(custom ? pattern.value.path : pattern.value);
  return {
    rpc,
    bindingIndex,
    httpMethod: custom ? pattern.value.kind : pattern.case.toUpperCase(),
    template,
    variables: template.variables.map((variable) => ({ variable, fields: pathFields(rpc, variable) })),
    body: bodyOf(rpc, rule),
    responseField: rule.responseBody === '' ? undefined : fieldNamed(rpc.output, rule.responseBody),
  };
}

function bodyOf(rpc: DescMethod, { body }: HttpRule): Route['body'] {
  if (body === '') return 'none';
  return body === '*' ? 'whole' : fieldNamed(rpc.input, body);
}

function pathFields(rpc: DescMethod, { fieldPath }: PathVariable): DescField[] {
  let type: DescMessage | undefined = rpc.input;
  const fields = fieldPath.map((name) => {
    if (type === undefined) throw new Error(`${rpc}: the path binds ${fieldPath.join('.')}, which does not exist`);
    const field = fieldNamed(type, name);
    type = field.fieldKind === 'message' ? field.message : undefined;
    return field;
  });
  const last = fields.at(-1)!;
  if (last.fieldKind === 'list' || last.fieldKind === 'map') throw new Error(`${rpc}: a path cannot bind ${last}`);
  return fields;
}

function fieldNamed(type: DescMessage, name: string): DescField {
  const field = type.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`google.api.http: ${type} has no field ${name}`);
  return field;
}

function refuseDoubles(routes: readonly Route[]): void {
  const seen = new Map<string, Route>();
  for (const route of routes) {
    const { segments, verb = '' } = route.template;
    const shape = `${route.httpMethod} /${segments.join('/')}:${verb}`;
    const other = seen.get(shape);
    if (other) throw new Error(`${route.rpc} and ${other.rpc} have the same route, ${shape}`);
    seen.set(shape, route);
  }
}

type Match =
  | { readonly route: Route; readonly path: RequestPath }
  /** No route: the methods that the path has; none where no route has it. */
  | { readonly route: undefined; readonly allowed: readonly string[] };

/** Finds the route of a request. HEAD is answered by the routes of GET. */
export function findRoute(routes: readonly Route[], httpMethod: string, pathText: string): Match {
  const method = httpMethod === 'HEAD' ? 'GET' : httpMethod;
  const allowed: string[] = [];
  const path = splitPath(pathText);
  if (path === undefined) return { route: undefined, allowed };
  for (const route of routes) {
    if (!matchesPath(route.template, path)) continue;
    if (route.httpMethod === method || route.httpMethod === httpMethod || route.httpMethod === '*') {
      return { route, path };
    }
    allowed.push(...(route.httpMethod === 'GET' ? ['GET', 'HEAD'] : [route.httpMethod]));
  }
  return { route: undefined, allowed: [...new Set(allowed)] };
}
