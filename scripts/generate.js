// npm run generate: everything that is derived from proto/, so that `git diff` shows drift.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printValidateProto } from './validate-proto.js';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const buf = (...args) =>
  execFileSync(process.execPath, ['node_modules/@bufbuild/buf/bin/buf', ...args], { maxBuffer: 2 ** 26 });

// The protos that ours import, from the npm packages that carry them: whoever generates a client needs only this folder.
rmSync('third_party', { recursive: true, force: true });
mkdirSync('third_party/buf/validate', { recursive: true });
writeFileSync('third_party/buf/validate/validate.proto', printValidateProto());
for (const path of [
  'google/api/annotations.proto',
  'google/api/http.proto',
  'google/rpc/code.proto',
  'google/rpc/error_details.proto',
  'google/rpc/status.proto',
]) {
  mkdirSync(dirname(join('third_party', path)), { recursive: true });
  cpSync(join('node_modules/google-proto-files', path), join('third_party', path));
}

mkdirSync('third_party/grpc/health/v1', { recursive: true });
cpSync('node_modules/grpc-health-check/proto/health/v1/health.proto', 'third_party/grpc/health/v1/health.proto');

// Types, server stubs and clients, for the server and for the client package.
buf('generate');

// The client says its version in its user agent; a file of its own spares it reading package.json at run time.
const { version } = JSON.parse(readFileSync('clients/typescript/package.json', 'utf8'));
writeFileSync(
  'clients/typescript/src/gen/version.ts',
  `// Printed by scripts/generate.js from package.json. Do not edit.\n\n/** The version of this package. */\nexport const version = '${version}';\n`,
);

// The descriptors, comments included: reflection, validation, the REST routes and the documentation read them at run time.
const image = buf(
  'build',
  '--as-file-descriptor-set',
  '--path',
  'proto/points',
  '--path',
  'third_party/grpc',
  '--path',
  'third_party/google/rpc',
  '-o',
  '-',
);
const lines = image.toString('base64').match(/.{1,120}/g);
writeFileSync(
  'src/gen/descriptors.ts',
  `// Printed by scripts/generate.js: the google.protobuf.FileDescriptorSet of proto/ with its imports. Do not edit.\nexport const fileDescriptorSet = Buffer.from(\n  \`${lines.join('\n')}\`,\n  'base64',\n);\n`,
);
