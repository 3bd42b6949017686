import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { create, createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { service } from '../../src/api/schema.ts';
import { newAccount, type TwoServers, twoServers } from '../support/two-servers.ts';

const SERVICE = 'points.v1.PointsService';

describe('reflection and health', () => {
  let servers: TwoServers;
  before(async () => {
    servers = await twoServers();
  });

  /** Runs buf curl, which knows of the service only what reflection tells. */
  async function bufCurl(...args: string[]): Promise<string> {
    const common = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge'];
    const { stdout } = await promisify(execFile)('node_modules/.bin/buf', [...common, ...args]);
    return stdout;
  }
  const url = (path = '') => `http://${servers.one.grpcAddress}${path}`;

  for (const version of ['grpc-v1', 'grpc-v1alpha']) {
    it(`buf curl by ${version}: lists the services`, async () => {
      const services = (await bufCurl('--reflect-protocol', version, '--list-services', url())).trim().split('\n');
      expect(services).to.include(SERVICE);
    });

    it(`buf curl by ${version}: lists every method`, async () => {
      const listed = await bufCurl('--reflect-protocol', version, '--list-methods', url());
      const own = listed
        .trim()
        .split('\n')
        .filter((line) => line.startsWith(SERVICE));
      expect(own.sort()).to.eql(service.methods.map(({ name }) => `${SERVICE}/${name}`).sort());
    });

    it(`buf curl by ${version}: calls a method`, async () => {
      const account = newAccount('reflection');
      const authorization = `authorization: Bearer ${await servers.one.token(account)}`;
      const call = (method: string, body: unknown) =>
        bufCurl(
          '--reflect-protocol',
          version,
          '-H',
          authorization,
          '-d',
          JSON.stringify(body),
          url(`/${SERVICE}/${method}`),
        );
      const added = JSON.parse(
        await call('AddTransaction', { payer: 'DANNON', points: 300, timestamp: '2020-10-31T10:00:00Z' }),
      );
      expect(added.transaction).to.include({
        account,
        payer: 'DANNON',
        points: '300',
        timestamp: '2020-10-31T10:00:00Z',
      });
      expect(JSON.parse(await call('GetBalance', {})).payers).to.eql({ DANNON: '300' });
    });
  }

  for (const version of ['v1', 'v1alpha']) {
    it(`${version}: a client that has only the reflection gets every file, custom options included`, async () => {
      const files = await describeSymbol(version, SERVICE);
      const names = files.map(({ name }) => name);
      expect(names).to.include.members(['points/v1/points_service.proto']);
      const known = await everyFile(version, files);
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: known }));
      const reflected = registry.getService(SERVICE);
      expect(reflected?.methods.map(({ name }) => name)).to.eql(service.methods.map(({ name }) => name));
      const http = registry.getExtension('google.api.http');
      const spend = reflected!.methods.find(({ name }) => name === 'SpendPoints')!;
      const rule = getOption(spend, http!) as unknown as { pattern: { value: string } };
      expect(rule.pattern.value).to.equal('/v1/accounts/{account}:spend');
      const field = registry.getExtension('buf.validate.field');
      const points = spend.input.fields.find(({ name }) => name === 'points')!;
      expect(points.proto.options, 'the options of SpendPointsRequest.points').to.not.equal(undefined);
      expect(field, 'buf.validate.field').to.not.equal(undefined);
      expect(points.proto.options!.$unknown?.length, 'its rules').to.be.greaterThan(0);
    });

    it(`${version}: an unknown symbol is NOT_FOUND`, async () => {
      const answer = await reflect(version, 4, 'points.v1.Nothing');
      expect(answer.error).to.equal(5);
    });
  }

  it('health needs no token and says SERVING, of the server and of the service', async () => {
    for (const name of ['', SERVICE]) {
      const request = name === '' ? Buffer.alloc(0) : Buffer.from(new BinaryWriter().uint32(10).string(name).finish());
      const answer = await unary('/grpc.health.v1.Health/Check', request);
      expect(answer.toString('hex'), name).to.equal('0801');
    }
    const response = await fetch(`${servers.one.httpUrl}/healthz`);
    expect([response.status, await response.json()]).to.eql([200, { status: 'SERVING' }]);
  });

  it('knows the types that errors carry', async () => {
    for (const name of ['ErrorInfo', 'BadRequest', 'RetryInfo']) {
      const files = await describeSymbol('v1', `google.rpc.${name}`);
      expect(files.flatMap(({ messageType }) => messageType.map((type) => type.name))).to.include(name);
    }
  });

  async function unary(path: string, request: Buffer): Promise<Buffer> {
    const client = new Client(servers.one.grpcAddress, credentials.createInsecure());
    try {
      return await new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, same, same, request, (error, answer) =>
          error ? reject(error) : resolve(answer!),
        );
      });
    } finally {
      client.close();
    }
  }

  /** Asks reflection one question; `field` is the number of the question in ServerReflectionRequest. */
  async function reflect(
    version: string,
    field: number,
    text: string,
  ): Promise<{ files: Uint8Array[]; error?: number }> {
    const client = new Client(servers.one.grpcAddress, credentials.createInsecure());
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const call = client.makeBidiStreamRequest(path, same, same);
    call.write(
      Buffer.from(
        new BinaryWriter()
          .uint32((field << 3) | 2)
          .string(text)
          .finish(),
      ),
    );
    call.end();
    try {
      for await (const bytes of call as AsyncIterable<Buffer>) return decodeAnswer(bytes);
      throw new Error('reflection did not answer');
    } finally {
      client.close();
    }
  }

  async function describeSymbol(version: string, symbol: string): Promise<FileDescriptorProto[]> {
    const { files } = await reflect(version, 4, symbol);
    return files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  }

  /** The files and, one question each, all they import, imports first. */
  async function everyFile(version: string, files: FileDescriptorProto[]): Promise<FileDescriptorProto[]> {
    const known = new Map(files.map((file) => [file.name, file]));
    const order: FileDescriptorProto[] = [];
    const visit = async (name: string): Promise<void> => {
      if (order.some((file) => file.name === name)) return;
      if (!known.has(name)) {
        const { files: found } = await reflect(version, 3, name);
        for (const bytes of found) {
          const file = fromBinary(FileDescriptorProtoSchema, bytes);
          known.set(file.name, file);
        }
      }
      const file = known.get(name);
      if (!file) throw new Error(`reflection does not know ${name}`);
      for (const dependency of file.dependency) await visit(dependency);
      order.push(file);
    };
    for (const { name } of files) await visit(name);
    return order;
  }
});

function same(value: Buffer): Buffer {
  return value;
}

/** A ServerReflectionResponse: the files, or the code of the error. */
function decodeAnswer(bytes: Uint8Array): { files: Uint8Array[]; error?: number } {
  const reader = new BinaryReader(bytes);
  const answer: { files: Uint8Array[]; error?: number } = { files: [] };
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 4) {
      const inner = new BinaryReader(reader.bytes());
      while (inner.pos < inner.len) {
        inner.tag();
        answer.files.push(inner.bytes());
      }
    } else if (field === 7) {
      const inner = new BinaryReader(reader.bytes());
      inner.tag();
      answer.error = inner.int32();
    } else {
      reader.skip(wire);
    }
  }
  return answer;
}
