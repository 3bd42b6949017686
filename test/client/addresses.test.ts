import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAddress } from '../../clients/typescript/src/address.ts';
import { type ConnectOptions, connect, type PointsError } from '../../clients/typescript/src/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, stopServers, type TestServer, temporaryFolder } from '../support/server.ts';

describe('client: addresses', () => {
  for (const [address, name, local] of [
    ['points.example.com', 'dns:///points.example.com:50051', false],
    ['points.example.com:443', 'dns:///points.example.com:443', false],
    ['localhost', 'dns:///localhost:50051', true],
    ['localhost:1', 'dns:///localhost:1', true],
    ['dns:///localhost:1', 'dns:///localhost:1', true],
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
