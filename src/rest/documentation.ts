import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { DescService, FileRegistry } from '@bufbuild/protobuf';
import { STREAM_TYPE, sendJson } from './answer.ts';
import { openApiDocument } from './openapi.ts';
import type { Route } from './routes.ts';

/** Answers a GET of a fixed path. */
export type Page = (response: ServerResponse) => void | Promise<void>;

/**
 * The documentation: the OpenAPI document, and Swagger UI to read it and try it out. Everything comes from this server,
 * from a fixed list of files, so that it works without the internet and nothing is told to anyone.
 */
export function documentationPages(
  service: DescService,
  routes: readonly Route[],
  registry: FileRegistry,
): Map<string, Page> {
  const openApi = once(() => JSON.stringify(openApiDocument(service, routes, registry)));
  const page = asset('text/html; charset=utf-8', () => Buffer.from(HTML));
  return new Map<string, Page>([
    ['/api/openapi.json', (response) => sendJson(response, 200, openApi())],
    ['/api/docs', page],
    ['/api/docs/', page],
    ['/api/docs/init.js', asset('text/javascript; charset=utf-8', () => Buffer.from(INIT))],
    ['/api/docs/swagger-ui.css', asset('text/css; charset=utf-8', () => swaggerFile('swagger-ui.css'))],
    ['/api/docs/swagger-ui.js', asset('text/javascript; charset=utf-8', () => swaggerFile('swagger-ui-bundle.js'))],
    ['/api/docs/icon.png', asset('image/png', () => swaggerFile('favicon-32x32.png'))],
  ]);
}

const HTML = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Points ledger</title>
    <link rel="icon" href="/api/docs/icon.png">
    <link rel="stylesheet" href="/api/docs/swagger-ui.css">
  </head>
  <body>
    <div id="docs"></div>
    <script src="/api/docs/swagger-ui.js"></script>
    <script src="/api/docs/init.js"></script>
  </body>
</html>
`;

/** Swagger UI shows an answer when it has ended, which a stream does only at its deadline. */
const INIT = `SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  requestInterceptor(request) {
    if (new Headers(request.headers).get('accept') === '${STREAM_TYPE}') request.headers['grpc-timeout'] = '3S';
    return request;
  },
});
`;

const HEADERS = {
  'cache-control': 'public, max-age=3600',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

function asset(type: string, load: () => Buffer): Page {
  const body = once(load);
  return (response) => {
    response.writeHead(200, { 'content-type': type, 'content-length': body().length, ...HEADERS }).end(body());
  };
}

function swaggerFile(name: string): Buffer {
  return readFileSync(join(dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')), name));
}

function once<Value>(make: () => Value): () => Value {
  let value: { readonly made: Value } | undefined;
  return () => {
    value ??= { made: make() };
    return value.made;
  };
}
