import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAddress } from '../../clients/typescript/src/address.ts';
import { type ConnectOptions, connect, type PointsError } from '../../clients/typescript/src/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, stopServers, type TestServer, temporaryFolder } from '../support/server.ts';
import { startFakeServer } from './fake-server.ts';

describe('client: addresses', () => {
  for (const [address, name, local] of [
    ['points.example.com', 'dns:///points.example.com:50051', false],
    ['points.example.com:443', 'dns:///points.example.com:443', false],
    ['localhost', 'dns:///localhost:50051', true],
    ['localhost:1', 'dns:///localhost:1', true],
    ['localhost:65535', 'dns:///localhost:65535', true],
    ['LOCALHOST:1', 'dns:///LOCALHOST:1', true],
    ['dns:///localhost:1', 'dns:///localhost:1', true],
    ['dns:localhost:1', 'dns:localhost:1', true],
    ['dns:points.example.com:1', 'dns:points.example.com:1', false],
    ['ipv6:2001:db8::1:0', 'ipv6:2001:db8::1:0', false],
    ['dns:50051', 'dns:///dns:50051', false],
    ['localhost.example.com:1', 'dns:///localhost.example.com:1', false],
    ['127.0.0.1:1', 'ipv4:127.0.0.1:1', true],
    ['10.0.0.1:1', 'ipv4:10.0.0.1:1', false],
    ['127.example.com:1', 'dns:///127.example.com:1', false],
    ['[::1]:1', 'ipv6:[::1]:1', true],
    ['[2001:db8::1]', 'ipv6:[2001:db8::1]:50051', false],
    ['ipv4:127.0.0.1:1,10.0.0.1:1', 'ipv4:127.0.0.1:1,10.0.0.1:1', false],
    ['unix:/run/points.sock', 'unix:/run/points.sock', true],
    ['dns://8.8.8.8/points.example.com:1', 'dns://8.8.8.8/points.example.com:1', false],
  ] as const) {
    it(`${address} is ${name}, ${local ? 'of this machine' : 'elsewhere'}`, () => {
      expect(parseAddress(address)).to.deep.equal({ name, local });
    });
  }

  for (const host of ['localhost', 'LOCALHOST', 'dns:localhost', 'dns:///localhost', '127.0.0.1']) {
    it(`${host} is called in the clear`, async () => {
      const fake = await startFakeServer(() => ({
        account: 'a',
        points: 7,
        payers: new Map(),
        unsettled: new Map(),
        sequence: 1,
      }));
      const points = connect({ address: fake.address.replace('127.0.0.1', host), token: 't', timeoutMs: 2_000 });
      expect((await points.getBalance()).points).to.equal(7);
      points.close();
      fake.close();
    });
  }

  for (const address of [
    'localhost:0',
    'localhost:65536',
    '[::1]:99999',
    '127.0.0.1:123456',
    'dns:localhost:99999',
    'ipv4:127.0.0.1:0,10.0.0.1:1',
  ]) {
    it(`${address} is refused: a port is from 1 to 65535`, () => {
      expect(() => connect({ address, token: 't' })).to.throw(TypeError, /^address: the port must be from 1 to 65535/);
    });
  }

  for (const address of ['::1', '::1:50051', '2001:db8::1', '2001:db8::1:443']) {
    it(`${address} is refused: what is its port cannot be told without brackets`, () => {
      expect(() => connect({ address, token: 't' })).to.throw(
        TypeError,
        /^address: .* in brackets, such as \[::1\]:50051/,
      );
    });
  }

  for (const address of ['', ' ', 'http://localhost:1', 'localhost:', 'localhost:port', ':1', 'a b:1']) {
    it(`${JSON.stringify(address)} is refused: it is no address`, () => {
      expect(() => connect({ address, token: 't' })).to.throw(TypeError, /^address: .* is not of the form host:port/);
    });
  }

  describe('with TLS', () => {
    let database: TestDatabase;
    let server: TestServer;
    let certificate: Buffer;

    before(async function () {
      const folder = temporaryFolder();
      const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
      try {
        execFileSync('openssl', [...made, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.skip();
        throw error;
      }
      certificate = readFileSync(cert);
      database = await createTestDatabase();
      server = await startServer({ databaseUrl: database.url, env: { TLS_CERT_FILE: cert, TLS_KEY_FILE: key } });
    });
    after(async () => {
      await stopServers();
      await database?.drop();
    });

    async function read(options: Partial<ConnectOptions>): Promise<unknown> {
      const { port } = new URL(`tcp://${server.grpcAddress}`);
      const token = await server.token('secure');
      const points = connect({ address: `localhost:${port}`, token, timeoutMs: 500, ...options });
      try {
        return (await points.getBalance()).points;
      } catch (error) {
        return (error as PointsError).name;
      } finally {
        points.close();
      }
    }

    it('reads from a server whose certificate it was given', async () => {
      expect(await read({ tls: { rootCertificates: certificate } })).to.equal(0);
    });

    it('does not talk to a server whose certificate it does not know, nor in the clear', async () => {
      expect(await read({ tls: true })).to.equal('UnavailableError');
      expect(await read({ tls: false })).to.equal('UnavailableError');
    });
  });
});
