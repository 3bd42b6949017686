import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSecret } from '../auth/secret.ts';
import { createAuthenticate, signToken } from '../auth/tokens.ts';
import type { Config } from '../config.ts';

const ACCOUNTS = ['alice', 'bob'] as const;
const LIFETIME = '365 days';

type Tokens = Record<(typeof ACCOUNTS)[number], string>;

/** Where the server to try listens. */
interface Addresses {
  readonly grpcAddress: string;
  readonly httpUrl: string;
}

/** Makes the demo accounts' tokens, if there are none that still open them, and prints lines to paste. */
export async function printDemo(config: Config, server: Addresses, log: (line: string) => void): Promise<void> {
  const tokens = await demoTokens(config);
  const curl = 'curl -sS';
  const insecure = server.httpUrl.startsWith('http:') ? '-plaintext' : '-insecure';
  const post = (path: string, body: string) =>
    `${curl} ${server.httpUrl}${path} -H "authorization: Bearer $ALICE" -H 'content-type: application/json' -d '${body}'`;
  const spend = `points.v1.PointsService/SpendPoints`;
  log(`
demo accounts alice and bob; paste in another terminal:

ALICE='${tokens.alice}'
BOB='${tokens.bob}'

${post('/transactions', '{"payer":"DANNON","points":300,"timestamp":"2020-10-31T10:00:00Z"}')}
${post('/spend', '{"points":100}')}
${curl} ${server.httpUrl}/balance -H "authorization: Bearer $ALICE"

npx buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer $ALICE" -d '{"points":100}' http://${server.grpcAddress}/${spend}
grpcurl ${insecure} -H "authorization: Bearer $ALICE" -d '{"points":100}' ${server.grpcAddress} ${spend}
`);
}

async function demoTokens(config: Config): Promise<Tokens> {
  const path = join(config.dataDir, 'demo-tokens.json');
  const secret = openSecret(config.dataDir, config.authSecret);
  const known = readTokens(path);
  if (known && (await open(secret, known))) return known;
  const [alice = '', bob = ''] = await Promise.all(
    ACCOUNTS.map((account) => signToken(secret, { kind: 'account', account }, LIFETIME)),
  );
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify({ alice, bob })}\n`, { mode: 0o600 });
  renameSync(draft, path);
  return { alice, bob };
}

function readTokens(path: string): Tokens | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Tokens;
  } catch {
    return null;
  }
}

/** Whether each token opens its account: the secret may have changed, or the tokens expired. */
async function open(secret: Uint8Array, tokens: Tokens): Promise<boolean> {
  const authenticate = createAuthenticate(secret);
  const opened = ACCOUNTS.map(async (account) => {
    const identity = await authenticate(String(tokens[account])).catch(() => null);
    return identity?.kind === 'account' && identity.account === account;
  });
  return (await Promise.all(opened)).every(Boolean);
}
