// The templates of clients/README.md, run by buf with the plugins of buf.build replaced by one that tells what it is asked.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBinary } from '@bufbuild/protobuf';
import { CodeGeneratorRequestSchema } from '@bufbuild/protobuf/wkt';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(ROOT, 'clients/README.md'), 'utf8');
const templates = [...README.matchAll(/^(\w+), for .*?```yaml\n(.*?)```/gms)].map(([, name = '', yaml = '']) => ({
  name,
  yaml,
}));

describe('client: other languages', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'points-template-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('the README has a template for each', () => {
    expect(templates.map(({ name }) => name)).to.deep.equal(['Python', 'Go', 'Java']);
  });

  for (const { name, yaml } of templates) {
    it(`${name}: asks for the protos alone, free of other dependencies`, () => {
      const asked = join(folder, 'asked.bin');
      const plugin = join(folder, 'plugin.cjs');
      writeFileSync(
        plugin,
        `const { readFileSync, writeFileSync } = require('node:fs');
         writeFileSync(${JSON.stringify(asked)}, readFileSync(0));`,
      );
      const local = JSON.stringify([process.execPath, plugin]);
      const template = join(folder, 'buf.gen.client.yaml');
      const here = yaml
        .replace(/remote: .*/g, `local: ${local}\n    strategy: all`)
        .replace(/out: /g, `out: ${folder}/`);
      writeFileSync(template, here);
      execFileSync(
        process.execPath,
        [join(ROOT, 'node_modules/@bufbuild/buf/bin/buf'), 'generate', '--template', template],
        {
          cwd: ROOT,
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );

      const { fileToGenerate, protoFile } = fromBinary(CodeGeneratorRequestSchema, readFileSync(asked));
      const own = ['points/v1/errors.proto', 'points/v1/points_service.proto', 'points/v1/resources.proto'];
      expect([...fileToGenerate].sort()).to.deep.equal(own);
      expect(protoFile.map((file) => file.name).sort()).to.deep.equal(['google/protobuf/timestamp.proto', ...own]);
      const service = protoFile.find((file) => file.name === 'points/v1/points_service.proto');
      expect(service?.service[0]?.method).to.have.length.greaterThan(9);
      if (name === 'Go') expect(service?.options?.goPackage).to.equal('example.com/shop/gen/go/points/v1;pointsv1');
      if (name === 'Java') expect(service?.options?.javaPackage).to.equal('com.example.shop.points.v1');
      const timestamp = protoFile.find((file) => file.name === 'google/protobuf/timestamp.proto');
      expect(timestamp?.options?.goPackage).to.equal('google.golang.org/protobuf/types/known/timestamppb');
    });
  }
});
