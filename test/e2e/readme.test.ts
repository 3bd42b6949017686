// What the README tells a newcomer to paste is pasted here, as it stands but for the ports.
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, stopServers, temporaryFolder } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SEPARATOR = '-- next block --';

interface Block {
  readonly script: string;
  /** What the README shows below it; null where it shows nothing. */
  readonly answer: string | null;
}

/** The `sh` blocks of a section, each with the `json` block that follows it, if any. */
function blocksOf(title: string): Block[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
  const fences = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, kind, text]) => ({
    kind,
    text: text ?? '',
  }));
  return fences.flatMap(({ kind, text }, index) => {
    if (kind !== 'sh') return [];
    const next = fences[index + 1];
    return [{ script: text, answer: next?.kind === 'json' ? next.text.trim() : null }];
  });
}

describe('the README', () => {
  let database: TestDatabase;
  let run: (blocks: readonly Block[]) => Promise<string[]>;

  before(async () => {
    database = await createTestDatabase();
    // As in a clone: the data in .data, the tools in node_modules.
    const folder = temporaryFolder();
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const server = await startServer({
      databaseUrl: database.url,
      demo: true,
      env: { DATA_DIR: join(folder, '.data') },
    });
    run = async (blocks) => {
      const script = blocks
        .map((block) => block.script)
        .join(`\necho\necho '${SEPARATOR}'\n`)
        .replaceAll('http://127.0.0.1:5000', server.httpUrl)
        .replaceAll('127.0.0.1:50051', server.grpcAddress);
      const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder });
      return stdout.split(SEPARATOR).map((text) => text.trim());
    };
  });

  after(async () => {
    await stopServers();
    await database?.drop();
  });

  it('its curl flow answers what it shows, and its gRPC flow what the curl flow left', async () => {
    const curl = blocksOf('Try it with curl');
    const [buf, grpcurl] = blocksOf('Try it with gRPC');
    assert.isAtLeast(curl.filter(({ answer }) => answer !== null).length, 4);
    assert.include(buf?.script, 'buf curl');
    assert.include(grpcurl?.script, 'grpcurl');
    const installed = spawnSync('grpcurl', ['-version']).status === 0;
    if (!installed) console.log('      grpcurl is not installed: its lines are not run');

    const answers = await run([...curl, ...(buf ? [buf] : []), ...(installed && grpcurl ? [grpcurl] : [])]);
    for (const [index, { answer, script }] of curl.entries()) {
      if (answer !== null) assert.equal(answers[index], answer, script);
    }
    assert.include(answers[curl.length], '"points": "-300"');
    assert.include(answers[curl.length], 'points.v1.PointsService/WatchTransactions');
    if (installed) assert.include(answers[curl.length + 1], 'MILLER COORS');
  });
});
