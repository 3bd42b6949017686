// The package as others get it: built and packed from a copy, installed from the tarball into projects of their own.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, stopServers, type TestServer } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NO_NETWORK = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENOTCACHED|ENETUNREACH/;

describe('client: the package', function () {
  this.timeout(120_000);
  let folder: string;
  let tarball: string;
  let project: string;
  let server: TestServer;
  let database: TestDatabase;
  let env: Record<string, string>;

  before(async function () {
    folder = mkdtempSync(join(tmpdir(), 'points-package-'));
    const copy = join(folder, 'clients/typescript');
    cpSync(join(ROOT, 'clients/typescript'), copy, {
      recursive: true,
      filter: (path) => !['dist', 'dist.next', 'node_modules'].includes(basename(path)),
    });
    cpSync(join(ROOT, 'tsconfig.json'), join(folder, 'tsconfig.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    // Its prepack script builds it.
    const [packed] = JSON.parse(npm(copy, 'pack', '--json', '--ignore-scripts=false', '--pack-destination', folder));
    tarball = join(folder, packed.filename);

    project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "name": "project", "type": "module", "private": true }');
    try {
      npm(project, 'install', tarball, '--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=0');
    } catch (error) {
      // Without a registry its dependencies cannot be had.
      if (NO_NETWORK.test(String((error as { stderr?: unknown }).stderr))) this.skip();
      throw error;
    }
    database = await createTestDatabase();
    server = await startServer({ databaseUrl: database.url });
    const token = await server.serviceToken(['earn', 'spend', 'reverse', 'read']);
    env = { PATH: process.env.PATH ?? '', ADDRESS: server.grpcAddress, TOKEN: token };
  });

  after(async () => {
    await stopServers();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('holds what it needs and nothing else', () => {
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n').sort();
    const inside = files.map((path) => path.replace(/^package\//, ''));
    const others = inside.filter((path) => !/^(dist|src)\//.test(path));
    expect(others).to.deep.equal(['LICENSE', 'README.md', 'examples/checkout.ts', 'package.json']);
    const sources = inside.filter((path) => path.startsWith('src/')).map((path) => path.slice(4, -3));
    const made = sources.flatMap((path) => ['js', 'js.map', 'd.ts', 'd.ts.map'].map((ext) => `dist/${path}.${ext}`));
    expect(inside.filter((path) => path.startsWith('dist/'))).to.have.members(made);
    expect(sources).to.include.members(['index', 'gen/index', 'gen/points/v1/points_service']);
  });

  it('has what its README links to', () => {
    const installed = join(project, 'node_modules/@points-ledger/client');
    const readme = readFileSync(join(installed, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\((?!\w+:|#)([^)]+)\)/g)].map(([, link = '']) => link);
    expect(links).to.include('examples/');
    for (const link of links) expect(existsSync(join(installed, link)), link).to.equal(true);
  });

  it('brings few dependencies of its own, and its licence', () => {
    const installed = join(project, 'node_modules/@points-ledger/client');
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(Object.keys(manifest.dependencies)).to.have.members(['@bufbuild/protobuf', '@grpc/grpc-js']);
    expect(readFileSync(join(installed, 'LICENSE'), 'utf8')).to.equal(readFileSync(join(ROOT, 'LICENSE'), 'utf8'));
  });

  it('has source maps that lead to its sources', () => {
    const dist = join(project, 'node_modules/@points-ledger/client/dist');
    for (const file of ['index.js.map', 'call.d.ts.map', 'gen/points/v1/points_service.js.map']) {
      const { sources } = JSON.parse(readFileSync(join(dist, file), 'utf8'));
      for (const source of sources)
        expect(existsSync(resolve(dirname(join(dist, file)), source)), source).to.equal(true);
    }
  });

  it('works in a project without TypeScript, whose process ends by itself', () => {
    writeFileSync(
      join(project, 'spend.js'),
      `import { connect, InsufficientPointsError, version } from '@points-ledger/client';
       import { points as stubs } from '@points-ledger/client/gen';
       const { ADDRESS: address, TOKEN: token } = process.env;
       const points = connect({ address, token });
       await points.addTransaction({ account: 'js', payer: 'DANNON', points: 300, timestamp: new Date() });
       const { balance } = await points.spendPoints({ account: 'js', points: 200 });
       const error = await points.spendPoints({ account: 'js', points: 200 }).catch((error) => error);
       const listed = [];
       for await (const { kind } of points.listTransactions({ account: 'js' })) listed.push(kind);
       const wrong = await points.spendPoints({ account: 'js', points: '5' }).catch(({ violations }) => violations[0].field);
       console.log(JSON.stringify([balance, error instanceof InsufficientPointsError, error.available, listed, wrong, version,
         typeof stubs.v1.PointsServiceClient]));`,
    );
    const { version } = JSON.parse(readFileSync(join(ROOT, 'clients/typescript/package.json'), 'utf8'));
    // The client is not even closed: its idle connections keep no process alive.
    expect(JSON.parse(node('spend.js'))).to.deep.equal([
      100,
      true,
      100,
      ['SPEND', 'EARN'],
      'points',
      version,
      'function',
    ]);
  });

  it('works in a project with TypeScript, every check on, the libraries checked too', () => {
    const program = `import { connect, type Transaction, PointsError } from '@points-ledger/client';
      import { points as stubs } from '@points-ledger/client/gen';
      const points = connect({ address: process.env.ADDRESS ?? '', token: async () => process.env.TOKEN ?? '' });
      function payerOf(transaction: Transaction): string | undefined {
        return transaction.kind === 'EARN' ? transaction.payer : undefined;
      }
      const earned = await points.addTransaction({ account: 'ts', payer: 'DANNON', points: 300, timestamp: '2020-11-02T14:00:00+01:00' });
      const spent = await points.spendPoints({ account: 'ts', points: 200 }, { signal: AbortSignal.timeout(9_000) });
      const { payers } = await points.getBalance({ account: 'ts', asOf: spent.transaction.recordedAt });
      const left: number | undefined = payers.DANNON;
      const service: stubs.v1.PointsServiceClient | undefined = undefined;
      console.log(JSON.stringify([earned.timestamp.iso, payerOf(earned), left, service, PointsError.name]));
      points.close();`;
    writeFileSync(join(project, 'spend.ts'), program);
    const checked = tsc('spend.ts');
    expect(checked.stdout).to.equal('');
    expect(checked.status).to.equal(0);
    expect(JSON.parse(node('built/spend.js'))).to.deep.equal([
      '2020-11-02T13:00:00Z',
      'DANNON',
      100,
      null,
      'PointsError',
    ]);
  });

  it('does what its README shows', () => {
    const readme = readFileSync(join(project, 'node_modules/@points-ledger/client/README.md'), 'utf8');
    const samples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
    expect(samples).to.have.length(2);
    for (const sample of samples) {
      const here = sample
        .replace("'points.example.com:50051'", "process.env.ADDRESS ?? ''")
        .replace('POINTS_TOKEN', 'TOKEN')
        .replaceAll("'alice'", "'readme'");
      writeFileSync(join(project, 'readme.ts'), here);
      expect(tsc('readme.ts').stdout).to.equal('');
      const printed = / \/\/ (.*)/.exec(sample)?.[1];
      if (printed) expect(node('built/readme.js').trim()).to.equal(printed);
    }
  });

  it('is refused by the compiler where it is used wrongly', () => {
    const wrong = [
      ["points.spendPoints({ points: '5' })", /'string' is not assignable to type 'number'/],
      ['points.spendPoints({})', /'points' is missing/],
      ['points.spendPoints({ point: 5, points: 5 })', /'point' does not exist/],
      ["points.addTransaction({ payer: 'D', points: 5 })", /'timestamp' is missing/],
      ["points.addTransaction({ payer: 'D', points: 5, timestamp: 5 })", /'number' is not assignable to type/],
      ["points.listTransactions({ kinds: ['HOLD'] })", /'"HOLD"' is not assignable/],
      ["points.listTransactions({ order: 'newest' })", /'"newest"' is not assignable/],
      ['(await points.getTransaction({ sequence: 1 })).payer', /'payer' does not exist/],
      ["connect({ address: 'localhost' })", /'token' is missing/],
    ] as const;
    const head = `import { connect } from '@points-ledger/client'; const points = connect({ address: '', token: '' });`;
    writeFileSync(join(project, 'wrong.ts'), [head, ...wrong.map(([code]) => `void (${code});`)].join('\n'));
    const { stdout } = tsc('wrong.ts');
    // A complaint goes on in indented lines.
    const complaints = stdout.trim().split(/\n(?=\S)/);
    for (const [index, [code, complaint]] of wrong.entries()) {
      const found = complaints.filter((text) => text.startsWith(`wrong.ts(${index + 2},`)).join('\n');
      expect(found, code).to.match(complaint);
    }
    expect(complaints).to.have.length(wrong.length);
  });

  it('runs the checkout example from the tarball', () => {
    cpSync(join(project, 'node_modules/@points-ledger/client/examples/checkout.ts'), join(project, 'checkout.ts'));
    const checked = tsc('checkout.ts');
    expect(checked.stdout).to.equal('');
    writeFileSync(
      join(project, 'shop.js'),
      `process.env.PORT = '0';
       process.env.POINTS_ADDRESS = process.env.ADDRESS;
       process.env.POINTS_TOKEN = process.env.TOKEN;
       const { log } = console;
       console.log = async (line) => {
         const url = 'http://localhost:' + /\\d+/.exec(line);
         const body = JSON.stringify({ customer: 'dave', order: '1', cents: 500, at: '2020-11-02T14:00:00Z' });
         log(await (await fetch(url + '/purchases', { method: 'POST', body })).text());
         process.kill(process.pid, 'SIGTERM');
       };
       await import('./built/checkout.js');`,
    );
    expect(JSON.parse(node('shop.js'))).to.deep.equal({ earned: 50, balance: 50 });
  });

  function npm(cwd: string, ...args: string[]): string {
    // Not what npm test sets for its scripts: this is another project.
    const { PATH = '', HOME = '' } = process.env;
    const { npm_execpath } = process.env;
    const [command, first] = npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, [npm_execpath]] : ['npm', []];
    const settings = Object.entries(process.env).filter(([name]) =>
      /^npm_config_(registry|cache|userconfig)$/i.test(name),
    );
    return execFileSync(command, [...first, ...args], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH, HOME, ...Object.fromEntries(settings) },
    });
  }

  function node(script: string): string {
    return execFileSync(process.execPath, [script], { cwd: project, env, encoding: 'utf8', timeout: 30_000 });
  }

  function tsc(file: string) {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      target: 'es2022',
      module: 'nodenext',
      types: ['node'],
      rootDir: '.',
      outDir: 'built',
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    const args = [join(ROOT, 'node_modules/typescript/bin/tsc'), '--pretty', 'false'];
    return spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
  }
});
