import { parseArgs } from 'node:util';
import { USAGE, UsageError } from './commands/usage.ts';
import { readConfig } from './config.ts';

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  demo: { type: 'boolean' },
  account: { type: 'string' },
  service: { type: 'string' },
  scope: { type: 'string', multiple: true },
  expires: { type: 'string' },
  url: { type: 'string' },
  token: { type: 'string' },
} as const;

/** The options that each command takes. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  serve: ['demo'],
  migrate: [],
  token: ['account', 'service', 'scope', 'expires'],
  verify: ['account'],
  import: ['url', 'token'],
};

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  const [command, ...rest] = positionals;
  if (values.help || command === 'help') return console.log(USAGE.trimEnd());
  if (command === undefined) throw new UsageError('which command? see points-ledger --help');
  const allowed = COMMANDS[command];
  if (!allowed) throw new UsageError(`unknown command ${command}; see points-ledger --help`);
  const file = command === 'import' ? rest.shift() : undefined;
  const unexpected = Object.keys(values).find((name) => !allowed.includes(name)) ?? rest[0];
  if (unexpected !== undefined)
    throw new UsageError(`${command} does not take ${unexpected}; see points-ledger --help`);

  // Each command loads what it needs, so that a token does not wait for a server's worth of code.
  const config = readConfig(process.env);
  switch (command) {
    case 'serve': {
      const { serve } = await import('./commands/serve.ts');
      return serve(config, { demo: values.demo ?? false });
    }
    case 'migrate': {
      const { migrate } = await import('./commands/migrate.ts');
      return migrate(config);
    }
    case 'token': {
      const { token } = await import('./commands/token.ts');
      const { account, service, scope = [], expires = '30d' } = values;
      return token(config, { account, service, scope, expires });
    }
    case 'verify': {
      const { verify } = await import('./commands/verify.ts');
      return verify(config, values.account);
    }
    case 'import': {
      if (file === undefined) throw new UsageError('import which FILE? see points-ledger --help');
      const { importFile } = await import('./commands/import.ts');
      return importFile(config, file, { url: values.url, token: values.token });
    }
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const expected = error instanceof Error && (error.name === 'UsageError' || error.name === 'ConfigError');
  console.error(`points-ledger: ${expected ? error.message : error instanceof Error ? error.message : error}`);
  process.exitCode = expected ? 2 : 1;
});
