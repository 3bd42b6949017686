// points-ledger import: files in, journal and rejects out, and nothing twice.
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from 'chai';
import { connectClient } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  AUTH_SECRET,
  runCommand,
  startServer,
  stopServers,
  type TestServer,
  temporaryFolder,
} from '../support/server.ts';

describe('points-ledger import', () => {
  let database: TestDatabase;
  let server: TestServer;
  let folder: string;
  before(async () => {
    database = await createTestDatabase();
    server = await startServer({ databaseUrl: database.url });
    folder = temporaryFolder();
  });
  after(async () => {
    await stopServers();
    await database?.drop();
  });

  function importing(file: string) {
    return runCommand(['import', file, '--url', server.grpcAddress], { AUTH_SECRET, DATA_DIR: folder });
  }

  function write(name: string, lines: readonly string[], end = '\n'): string {
    const file = join(folder, name);
    writeFileSync(file, lines.join(end) + end);
    return file;
  }

  async function balance(account: string): Promise<{ points: number; sequence: number }> {
    const client = connectClient(server.grpcAddress, await server.serviceToken(['read']));
    const { points, sequence } = await client.getBalance({ account });
    client.close();
    return { points, sequence };
  }

  function rejects(file: string): { row: number; reason: string; field: string }[] {
    const lines = readFileSync(`${file}.rejects.ndjson`, 'utf8').trim().split('\n');
    return lines.map((line) => {
      const { row, reason, field } = JSON.parse(line);
      return { row, reason, field };
    });
  }

  it('a CSV file, with a byte order mark, quotes and CRLF; again, it does nothing twice', async () => {
    const file = write(
      'good.csv',
      [
        '\ufeffaccount,payer,points,timestamp',
        'csv,"SMITH, ""AND"" SONS",300,2020-01-01T00:00:00Z',
        'csv,"SMITH, ""AND"" SONS",-100,2020-01-02T00:00:00+02:00',
        'csv,"SMITH, ""AND"" SONS",300,2020-01-01T00:00:00Z',
      ],
      '\r\n',
    );
    for (const _ of ['first', 'again']) {
      const command = importing(file);
      assert.equal(await command.ended, 0, command.stderr());
      assert.include(command.stdout(), '3 accepted, 0 rejected');
      assert.deepEqual(await balance('csv'), { points: 500, sequence: 3 });
      assert.isFalse(existsSync(`${file}.rejects.ndjson`) || existsSync(`${file}.progress`));
    }
  });

  it('rows that cannot be: each in the rejects file with its reason, in order; exit code 3', async () => {
    const file = write('bad.ndjson', [
      '{"account":"nd","payer":"P","points":10,"timestamp":"2020-01-01T00:00:00Z"}',
      '{"account":"nd","payer":"P","points":1.5,"timestamp":"2020-01-01T00:00:00Z"}',
      '{"account":"nd","payer":"P","points":-11,"timestamp":"2020-01-01T00:00:00Z"}',
      'not json',
      '{"account":"n d","payer":"P","points":1,"timestamp":"2020-01-01T00:00:00Z"}',
      '{"account":"nd","payer":"P","points":1,"timestamp":"yesterday"}',
      '{"account":"nd","payer":"P","points":5,"timestamp":"2020-01-01T00:00:00Z","request_id":"not a uuid"}',
      '{"account":"nd","payer":"P","points":1,"timestamp":"2020-02-30T00:00:00Z"}',
      '{"account":"nd","payer":"P","points":1,"timestamp":"2020-01-01T00:00:00Z","tier":"gold"}',
      '{"account":"nd","payer":"P\\ud800","points":1,"timestamp":"2020-01-01T00:00:00Z"}',
    ]);
    const command = importing(file);
    assert.equal(await command.ended, 3, command.stderr());
    assert.include(command.stdout(), '1 accepted, 9 rejected');
    assert.deepEqual(rejects(file), [
      { row: 2, reason: 'INVALID_REQUEST', field: 'points' },
      { row: 3, reason: 'PAYER_BALANCE_INSUFFICIENT', field: 'points' },
      { row: 4, reason: 'INVALID_REQUEST', field: '' },
      { row: 5, reason: 'INVALID_REQUEST', field: 'account' },
      { row: 6, reason: 'INVALID_REQUEST', field: 'timestamp' },
      { row: 7, reason: 'INVALID_REQUEST', field: 'request_id' },
      { row: 8, reason: 'INVALID_REQUEST', field: 'timestamp' },
      { row: 9, reason: 'INVALID_REQUEST', field: '' },
      { row: 10, reason: 'INVALID_REQUEST', field: 'payer' },
    ]);
    assert.deepEqual(await balance('nd'), { points: 10, sequence: 1 });
  });

  it('a mended rejects file, and then the first file again: each row counts once', async () => {
    const file = write('mend.csv', [
      'account,payer,points,timestamp',
      'mend,P,100,2020-01-01T00:00:00Z,extra',
      'mend,P,-5,2020-01-01T00:00:00Z',
    ]);
    assert.equal(await importing(file).ended, 3);
    const mended = join(folder, 'mended.ndjson');
    writeFileSync(mended, readFileSync(`${file}.rejects.ndjson`));
    for (const [again, code] of [
      [mended, 0],
      [file, 3],
    ] as const) {
      const command = importing(again);
      assert.equal(await command.ended, code, command.stderr());
      assert.deepEqual(await balance('mend'), { points: 95, sequence: 2 });
    }
  });

  it('a row that is not UTF-8, or not strict JSON, is rejected as it is, not mended in silence', async () => {
    const csv = write('latin.csv', ['account,payer,points,timestamp', 'strict,ok,1,2020-01-01T00:00:00Z']);
    appendFileSync(csv, Buffer.from('strict,caf\xe9,10,2020-01-01T00:00:00Z\n', 'latin1'));
    const ndjson = write('strict.ndjson', [
      '{"account":"strict","payer":"X","points":2,"points":3,"timestamp":"2020-01-01T00:00:00Z"}',
      '{"account":"strict","payer":"X","points":1.00000000000000001,"timestamp":"2020-01-01T00:00:00Z"}',
      '{"account":"strict","payer":"a\\ud800b","points":1,"timestamp":"2020-01-01T00:00:00Z"}',
      '{"account":"strict","payer":"é😀","points":1,"timestamp":"2020-01-01T00:00:00Z"}',
    ]);
    appendFileSync(
      ndjson,
      Buffer.from('{"account":"strict","payer":"\xe9","points":1,"timestamp":"2020-01-01T00:00:00Z"}', 'latin1'),
    );
    assert.equal(await importing(csv).ended, 3);
    assert.equal(await importing(ndjson).ended, 3);
    assert.deepEqual(
      [...rejects(csv), ...rejects(ndjson)].map(({ row }) => row),
      [2, 1, 2, 3, 5],
    );
    assert.deepEqual(await balance('strict'), { points: 2, sequence: 2 });
  });

  it('an import that settles no row leaves the files of the last one alone', async () => {
    const file = write('alone.ndjson', ['not json']);
    assert.equal(await importing(file).ended, 3);
    const told = readFileSync(`${file}.rejects.ndjson`, 'utf8');
    const refused = runCommand(['import', file, '--url', server.grpcAddress, '--token', await server.token('alice')], {
      DATA_DIR: folder,
    });
    assert.equal(await refused.ended, 1);
    assert.equal(readFileSync(`${file}.rejects.ndjson`, 'utf8'), told);
    assert.isFalse(existsSync(`${file}.progress`));
  });

  it('Ctrl-C: says how to go on, and the next start does', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `ctrl-${index % 20},P,1,2020-01-01T00:00:00Z`);
    const file = write('ctrl.csv', ['account,payer,points,timestamp', ...rows]);
    const command = importing(file);
    const over = command.ended.then(() => true);
    while (!existsSync(`${file}.progress`) && !(await Promise.race([over, sleep(5, false)])));
    command.child.kill('SIGINT');
    assert.equal(await command.ended, 1);
    assert.include(command.stderr(), 'start the same command again');
    assert.equal(await importing(file).ended, 0);
    assert.deepEqual(await balance('ctrl-7'), { points: 1000, sequence: 1000 });
  });

  it('killed in the middle, again and again: it goes on, with every row and every reject once', async () => {
    const rows = Array.from({ length: 6000 }, (_, index) => {
      const points = index % 50 === 49 ? '0.5' : index % 50 === 24 ? '-1000000000' : '1';
      return `killed-${index % 20},P${index % 3},${points},2020-01-01T00:00:00Z`;
    });
    const file = write('killed.csv', ['account,payer,points,timestamp', ...rows]);
    for (let kills = 0; kills < 3; kills += 1) {
      const command = importing(file);
      const begun = existsSync(`${file}.progress`) ? statSync(`${file}.progress`).mtimeMs : 0;
      const moved = () => existsSync(`${file}.progress`) && statSync(`${file}.progress`).mtimeMs > begun;
      const over = command.ended.then(() => true);
      while (!moved() && !(await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 5, false))])));
      command.child.kill('SIGKILL');
      await command.ended;
    }
    const command = importing(file);
    assert.equal(await command.ended, 3, command.stderr());
    assert.include(command.stdout(), '5760 accepted, 240 rejected');
    const refused = rejects(file).map(({ row }) => row);
    assert.deepEqual(
      refused,
      Array.from({ length: 240 }, (_, index) => (index + 1) * 25),
    );
    let total = 0;
    for (let index = 0; index < 20; index += 1) total += (await balance(`killed-${index}`)).points;
    assert.equal(total, 5760);
  });

  for (const [what, file, message] of [
    ['a header that lacks a column', 'header.csv', 'the header lacks the column points'],
    ['a file that is not there', 'missing.csv', 'no such file'],
    ['a file that is not there, whatever its kind', 'missing', 'no such file'],
    ['a path through a file', 'header.csv/rows.csv', 'cannot be read'],
    ['a folder', 'folder', 'is a folder'],
    ['a file of another kind', 'points.xlsx', 'takes a .csv or .ndjson file'],
  ] as const) {
    it(`${what} is told plainly`, async () => {
      if (file === 'folder') mkdirSync(join(folder, file));
      else if (!file.startsWith('missing'))
        write(file.split('/')[0]!, ['account,payer,timestamp', 'a,P,2020-01-01T00:00:00Z']);
      const command = importing(join(folder, file));
      assert.isAbove((await command.ended) ?? 0, 0);
      assert.include(command.stderr(), message);
    });
  }
});
