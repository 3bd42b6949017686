import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { type TokenOptions, token } from '../../src/commands/token.ts';
import { UsageError } from '../../src/commands/usage.ts';
import { verifyAccount } from '../../src/commands/verify.ts';
import { ConfigError, readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { connect } from '../../src/storage/connect.ts';
import { type DataFolder, haveServer, makeDataFolder } from '../database/data-folder.ts';
import { connectClient, failure } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { restClient } from '../support/rest.ts';
import { openTables } from '../support/rows.ts';
import { AUTH_SECRET, runCommand, startServer, type TestServer, temporaryFolder } from '../support/server.ts';
import { type TwoServers, twoServers } from '../support/two-servers.ts';
import { until } from '../support/until.ts';

/** Runs `points-ledger` to its end. */
async function run(args: readonly string[], env: Record<string, string> = {}) {
  const command = runCommand(args, { DATA_DIR: temporaryFolder(), ...env });
  const code = await command.ended;
  return { code, stdout: command.stdout(), stderr: command.stderr() };
}

describe('settings', () => {
  const CASES: readonly [Record<string, string>, string][] = [
    [{ GRPC_PORT: 'x' }, 'GRPC_PORT'],
    [{ GRPC_PORT: '65536' }, 'GRPC_PORT'],
    [{ HTTP_PORT: '-1' }, 'HTTP_PORT'],
    [{ HTTP_PORT: '5000.5' }, 'HTTP_PORT'],
    [{ HTTP_PORT: '0x1388' }, 'HTTP_PORT'],
    [{ HTTP_PORT: '1e3' }, 'HTTP_PORT'],
    [{ GRPC_PORT: '7000', HTTP_PORT: '7000' }, 'GRPC_PORT and HTTP_PORT'],
    [{ GRPC_PORT: '5000' }, 'GRPC_PORT and HTTP_PORT'],
    [{ GROUP_MAX: '0' }, 'GROUP_MAX'],
    [{ GROUP_MAX: '1025' }, 'GROUP_MAX'],
    [{ QUEUE_MAX: '0' }, 'QUEUE_MAX'],
    [{ WORKERS: '0' }, 'WORKERS'],
    [{ WORKERS: ' 2' }, 'WORKERS'],
    [{ WORKERS: '10', DATABASE_CONNECTIONS: '10' }, 'DATABASE_CONNECTIONS'],
    [{ DATABASE_CONNECTIONS: '2' }, 'DATABASE_CONNECTIONS'],
    [{ MAX_CLOCK_SKEW: '5' }, 'MAX_CLOCK_SKEW'],
    [{ MAX_CLOCK_SKEW: '-5m' }, 'MAX_CLOCK_SKEW'],
    [{ DATABASE_BUFFER_POOL: 'big' }, 'DATABASE_BUFFER_POOL'],
    [{ DATABASE_BUFFER_POOL: '0M' }, 'DATABASE_BUFFER_POOL'],
    [{ DATABASE_BUFFER_POOL: '134217728' }, 'DATABASE_BUFFER_POOL'],
    [{ AUTH_SECRET: 'short' }, 'AUTH_SECRET'],
    [{ TLS_CERT_FILE: 'cert.pem' }, 'TLS_KEY_FILE'],
    [{ TLS_KEY_FILE: 'key.pem' }, 'TLS_CERT_FILE'],
  ];
  for (const [environment, name] of CASES) {
    it(`${JSON.stringify(environment)} is refused, naming ${name}`, () => {
      expect(() => readConfig(environment)).to.throw(ConfigError, name);
    });
  }

  it('a secret is not repeated in what is said of it', () => {
    expect(() => readConfig({ AUTH_SECRET: 'hush' }))
      .to.throw(ConfigError)
      .with.property('message')
      .that.does.not.include('hush');
  });

  for (const [url, complaint] of [
    ['points', 'is not a URL'],
    ['hush@db.example/points', 'is not a URL'],
    ['hush:hush@db.example/points', 'does not begin with mysql://'],
    ['postgres://app:hush@db.example/points', 'does not begin with mysql://'],
    ['mysql://app:hush@db.example:3306', 'names no database'],
    ['mysql://app:hush@db.example:3306/', 'names no database'],
    ['mysql://app:hush@db.example:3306/a/b', 'names no database'],
    ['mysql:///points', 'names no host'],
  ] as const) {
    it(`the DATABASE_URL ${url} ${complaint}; its password is not repeated`, () => {
      expect(() => readConfig({ DATABASE_URL: url }))
        .to.throw(ConfigError, `DATABASE_URL ${complaint}: it must look like mysql://user:password@host:3306/points`)
        .with.property('message')
        .that.does.not.include('hush');
    });
  }

  it('a DATABASE_URL is used as it is, and its server left alone', async () => {
    const url = 'mysql://app:p%40ss@db.example:3307/ledger?ssl=%7B%7D';
    const { databaseUrl, dataDir, databaseBufferPool: bufferPool } = readConfig({ DATABASE_URL: url });
    const database = await openDatabase({ databaseUrl, dataDir, bufferPool, log: () => undefined });
    expect(database).to.include({ url, embedded: false });
    await database.stop();
  });

  it('empty variables count as unset, and nothing can be changed afterwards', () => {
    const config = readConfig({ GRPC_PORT: '', DATABASE_URL: '', AUTH_SECRET: '', MAX_CLOCK_SKEW: '' });
    expect(config).to.include({ grpcPort: 50_051, httpPort: 5000, databaseUrl: undefined, authSecret: undefined });
    expect(config).to.include({ clockSkewMs: 300_000, host: '127.0.0.1', groupMax: 128 });
    expect(Object.isFrozen(config)).to.equal(true);
  });

  it('both ports may be 0: each is then a free one', () => {
    expect(readConfig({ GRPC_PORT: '0', HTTP_PORT: '0' })).to.include({ grpcPort: 0, httpPort: 0 });
  });
});

describe('points-ledger', () => {
  let servers: TwoServers;
  let database: TestDatabase;
  before(async () => {
    servers = await twoServers();
    database = await createTestDatabase();
  });
  after(() => database?.drop());

  it('--help names every command and every setting', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).to.equal(0);
    for (const command of ['serve', 'migrate', 'token', 'verify', 'import'])
      expect(stdout).to.include(`points-ledger ${command}`);
    for (const name of SETTINGS) expect(stdout).to.include(name);
  });
  const SETTINGS = [
    ...['DATABASE_URL', 'DATABASE_CONNECTIONS', 'DATABASE_BUFFER_POOL', 'DATA_DIR', 'HOST', 'GRPC_PORT', 'HTTP_PORT'],
    ...['TLS_CERT_FILE', 'TLS_KEY_FILE', 'AUTH_SECRET', 'MAX_CLOCK_SKEW', 'GROUP_MAX', 'QUEUE_MAX', 'WORKERS'],
  ];

  const NO_SERVER = { DATABASE_URL: 'mysql://u:hush@127.0.0.1:1/d' };
  const NO_SOCKET = { DATABASE_URL: 'mysql://u:hush@localhost/d?socketPath=/nowhere/db.sock' };
  const REFUSED: readonly [string, string[], Record<string, string>, number, RegExp][] = [
    ['no command', [], {}, 2, /which command/],
    ['an unknown command', ['sevre'], {}, 2, /unknown command sevre/],
    ['an unknown option', ['serve', '--port', '5'], {}, 2, /--port/],
    ["another command's option", ['migrate', '--account', 'a'], {}, 2, /migrate does not take account/],
    ['a wrong setting', ['serve'], { GRPC_PORT: 'many' }, 2, /GRPC_PORT must be .*"many"/],
    ['a database URL of another kind', ['serve'], { DATABASE_URL: 'postgres://u:hush@h/d' }, 2, /DATABASE_URL/],
    ['serve without its server', ['serve'], NO_SERVER, 1, /DATABASE_URL: 127\.0\.0\.1:1 cannot be reached/],
    ['migrate without its server', ['migrate'], NO_SERVER, 1, /DATABASE_URL: 127\.0\.0\.1:1 cannot be reached/],
    ['verify without its server', ['verify'], NO_SERVER, 1, /DATABASE_URL: 127\.0\.0\.1:1 cannot be reached/],
    ['migrate without its socket', ['migrate'], NO_SOCKET, 1, /DATABASE_URL: \/nowhere\/db\.sock cannot be reached/],
    ['a token of nobody', ['token'], {}, 2, /--account/],
  ];
  // Several at once: each is a process of its own.
  it(`${REFUSED.map(([name]) => name).join(', ')}: one line on stderr that says what, and an exit code`, async function () {
    this.timeout(120_000);
    const waiting = [...REFUSED];
    const worker = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        const [name, args, env, code, words] = next;
        const ended = await run(args, env);
        expect(ended, name).to.include({ code, stdout: '' });
        expect(ended.stderr, name)
          .to.match(/^points-ledger: .+\n$/)
          .and.to.match(words)
          .and.to.not.include('hush');
      }
    };
    await Promise.all([worker(), worker(), worker()]);
  });

  const NO_TOKEN: readonly [string, Partial<TokenOptions>, RegExp][] = [
    ['an account and a service', { account: 'a', service: 's', scope: ['read'] }, /--account/],
    ['me', { account: 'me' }, /--account/],
    ['an account of 65 characters', { account: 'x'.repeat(65) }, /--account/],
    ['an account with scopes', { account: 'a', scope: ['earn'] }, /--scope/],
    ['a service without scopes', { service: 's' }, /--scope/],
    ['a service of an unknown scope', { service: 's', scope: ['earn admin'] }, /--scope .*admin/],
    ['an account for no time', { account: 'a', expires: '0d' }, /--expires/],
    ['an account for a word', { account: 'a', expires: 'long' }, /--expires/],
  ];
  for (const [name, options, words] of NO_TOKEN) {
    it(`token for ${name} is refused, naming the option`, async () => {
      const wanted = { account: undefined, service: undefined, scope: [], expires: '30d', ...options };
      const error = await token(readConfig({ AUTH_SECRET }), wanted).then(
        () => null,
        (failed: Error) => failed,
      );
      expect(error).to.be.instanceOf(UsageError).with.property('message').that.matches(words);
    });
  }

  it('migrate brings a new database up to date, and the second time says that it is', async () => {
    const env = { DATABASE_URL: database.url };
    expect(await run(['migrate'], env)).to.include({ code: 0, stdout: 'ran 0001_ledger\n' });
    expect(await run(['migrate'], env)).to.include({ code: 0, stdout: 'the schema is up to date\n' });
  });

  it('migrate on a server that refuses says what the server says, in one line', async () => {
    const url = new URL(database.url);
    url.pathname = '/points_test_no_such_database';
    const { code, stdout, stderr } = await run(['migrate'], { DATABASE_URL: url.href });
    expect({ code, stdout }).to.eql({ code: 1, stdout: '' });
    expect(stderr).to.match(/^points-ledger: DATABASE_URL: \S+ refuses: .*points_test_no_such_database.*\n$/);
  });

  it('token prints tokens that the server takes: of an account, and of a service with its scopes', async () => {
    const env = { AUTH_SECRET };
    const [account, service, brief] = await Promise.all([
      run(['token', '--account', 'token-user'], env),
      run(['token', '--service', 'shop', '--scope', 'earn,read', '--scope', 'report'], env),
      run(['token', '--account', 'token-user', '--expires', '1s'], env),
    ]);
    const client = connectClient(servers.one.grpcAddress, account.stdout.trim());
    expect((await client.getBalance()).account).to.equal('token-user');
    const shop = { token: service.stdout.trim() };
    await client.addTransaction({ account: 'shopper', payer: 'A', points: 1, timestamp: '2020-01-01T00:00:00Z' }, shop);
    expect(await failure(client.spendPoints({ account: 'shopper', points: 1 }, shop))).to.include({
      reason: 'SCOPE_MISSING',
    });
    const claims = JSON.parse(Buffer.from(brief.stdout.split('.')[1]!, 'base64url').toString());
    expect(claims.exp - claims.iat).to.equal(1);
    client.close();
  });

  it('verify finds nothing wrong in a sound ledger, and names the account where something is', async () => {
    const client = connectClient(servers.one.grpcAddress, await servers.one.serviceToken(['earn', 'spend']));
    for (const account of ['sound', 'broken']) {
      await client.addTransaction({ account, payer: 'A', points: 10, timestamp: '2020-01-01T00:00:00Z' });
      await client.spendPoints({ account, points: 3 });
    }
    client.close();
    const env = { DATABASE_URL: servers.database.url };
    const { connection } = servers.tables;
    const rows = await servers.tables.dump('broken');
    const DAMAGE = [
      [
        "UPDATE accounts SET balance = balance + 1 WHERE account_id = 'broken'",
        "UPDATE accounts SET balance = balance - 1 WHERE account_id = 'broken'",
      ],
      [
        "UPDATE open_lots SET remaining = 6 WHERE account_id = 'broken'",
        "UPDATE open_lots SET remaining = 7 WHERE account_id = 'broken'",
      ],
      [
        "UPDATE payer_balances SET points = 8 WHERE account_id = 'broken'",
        "UPDATE payer_balances SET points = 7 WHERE account_id = 'broken'",
      ],
      [
        "UPDATE allocations SET points = 2 WHERE account_id = 'broken'",
        "UPDATE allocations SET points = 3 WHERE account_id = 'broken'",
      ],
      [
        "UPDATE transactions SET sequence = 3 WHERE account_id = 'broken' AND sequence = 2",
        "UPDATE transactions SET sequence = 2 WHERE account_id = 'broken' AND sequence = 3",
      ],
    ] as const;
    const db = connect(servers.database.url, { connectionsMax: 1 });
    for (const [damage, repair] of DAMAGE) {
      await connection.query(damage);
      const found = await verifyAccount(db, 'broken');
      const printed = damage === DAMAGE[0][0] ? await run(['verify', '--account', 'broken'], env) : undefined;
      await connection.query(repair);
      expect(found, damage).to.not.eql([]);
      if (!printed) continue;
      expect(printed.code).to.equal(1);
      expect(printed.stdout).to.match(/^broken: .+\n(.+\n)*1 accounts verified, 1 with discrepancies\n$/);
    }
    await db.destroy();
    expect(await servers.tables.dump('broken')).to.equal(rows);
    const all = await run(['verify'], env);
    expect(all.stdout).to.match(/^\d+ accounts verified, 0 with discrepancies\n$/);
    expect(all.code).to.equal(0);
  });

  it('verify of a database that has no ledger says so', async () => {
    const empty = await createTestDatabase();
    const { code, stderr } = await run(['verify'], { DATABASE_URL: empty.url });
    await empty.drop();
    expect(code).to.equal(1);
    expect(stderr).to.equal('points-ledger: this database has no ledger yet; see points-ledger migrate\n');
  });

  describe('serve', () => {
    it('a port in use: says which, and which setting changes it', async () => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      const { port } = taken.address() as { port: number };
      const env = { DATABASE_URL: servers.database.url, GRPC_PORT: '0', HTTP_PORT: '0', AUTH_SECRET };
      const [grpc, http] = await Promise.all([
        run(['serve'], { ...env, GRPC_PORT: String(port) }),
        run(['serve'], { ...env, HTTP_PORT: String(port) }),
      ]);
      taken.close();
      expect(grpc.code).to.equal(1);
      expect(grpc.stderr).to.match(new RegExp(`^points-ledger: .*127\\.0\\.0\\.1:${port}.*GRPC_PORT`, 'm'));
      expect(http.code).to.equal(1);
      expect(http.stderr).to.match(new RegExp(`^points-ledger: .*127\\.0\\.0\\.1:${port}.*HTTP_PORT`, 'm'));
    });

    describe('with its own database', () => {
      let folder: DataFolder;
      before(async () => {
        await haveServer();
        folder = makeDataFolder();
      });
      after(() => folder.cleanUp());
      const start = (): Promise<TestServer> =>
        startServer({ databaseUrl: undefined, demo: true, env: { DATA_DIR: folder.path, AUTH_SECRET: '' } });

      it('Ctrl-C stops all of it, the database too; the next start finds everything in place', async function () {
        this.timeout(120_000);
        const first = await start();
        const mode = (name: string) => (statSync(join(folder.path, name)).mode & 0o777).toString(8);
        expect([mode('demo-tokens.json'), mode('auth-secret')]).to.eql(['600', '600']);
        const kept = readFileSync(join(folder.path, 'demo-tokens.json'), 'utf8');
        const tokens = JSON.parse(kept) as { alice: string; bob: string };
        expect(Object.keys(tokens)).to.eql(['alice', 'bob']);
        expect(first.output()).to.include(`ALICE='${tokens.alice}'`).and.to.include("DATABASE_URL='mysql://");
        const body = { payer: 'A', points: 5, timestamp: '2020-01-01T00:00:00Z' };
        expect((await restClient(first.httpUrl, tokens.alice)({ path: '/transactions', body })).status).to.equal(200);
        expect(folder.servers()).to.have.length(1);
        expect(await first.stop('SIGINT')).to.equal(0);
        expect(folder.servers()).to.eql([]);

        const second = await start();
        expect(readFileSync(join(folder.path, 'demo-tokens.json'), 'utf8')).to.equal(kept);
        expect((await restClient(second.httpUrl, tokens.alice)({ path: '/balance' })).json).to.eql({ A: 5 });
        expect((await restClient(second.httpUrl, tokens.bob)({ path: '/balance' })).json).to.eql({});

        // A second process joins by the URL that the first prints; both are right together.
        const [, url = ''] = /DATABASE_URL='([^']+)'/.exec(second.output()) ?? [];
        const secret = readFileSync(join(folder.path, 'auth-secret'), 'utf8').trim();
        const joined = await startServer({ databaseUrl: url, env: { AUTH_SECRET: secret } });
        expect(
          (await restClient(joined.httpUrl, tokens.alice)({ path: '/spend', body: { points: 2 } })).status,
        ).to.equal(200);
        expect((await restClient(second.httpUrl, tokens.alice)({ path: '/balance' })).json).to.eql({ A: 3 });
        const tables = await openTables(url);
        expect((await tables.count('alice')).transactions).to.equal(2);
        await tables.close();
        expect(await joined.stop('SIGINT')).to.equal(0);
        expect(folder.servers(), 'the database of the one that still runs').to.have.length(1);
        expect(await second.stop('SIGTERM')).to.equal(0);
        expect(folder.servers()).to.eql([]);
      });

      it('Ctrl-C while it still prepares its database ends it at once, and what it had started', async () => {
        const fresh = makeDataFolder();
        try {
          const command = runCommand(['serve'], { DATA_DIR: fresh.path, GRPC_PORT: '0', HTTP_PORT: '0' });
          await until(() => fresh.servers().length > 0);
          command.child.kill('SIGINT');
          await command.ended;
          expect(command.stdout()).to.include('preparing a new database').and.not.include('ready');
          await until(() => fresh.servers().length === 0);
        } finally {
          await fresh.cleanUp();
        }
      });
    });
  });
});
