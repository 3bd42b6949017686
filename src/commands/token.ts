import { openSecret } from '../auth/secret.ts';
import { ACCOUNT_NAME, type Identity, isScope, SCOPES, signToken } from '../auth/tokens.ts';
import type { Config } from '../config.ts';
import { UsageError } from './usage.ts';

/** The options of `points-ledger token`. */
export interface TokenOptions {
  readonly account: string | undefined;
  readonly service: string | undefined;
  readonly scope: readonly string[];
  readonly expires: string;
}

/** `points-ledger token`: prints a token for an account, or for a service with some scopes. */
export async function token(config: Config, options: TokenOptions): Promise<void> {
  const identity = identityOf(options);
  const lifetime = /^([1-9]\d{0,5})([smhd])$/.exec(options.expires);
  if (!lifetime) throw new UsageError(`--expires must be a duration such as 12h or 30d, not ${options.expires}`);
  console.log(await signToken(openSecret(config.dataDir, config.authSecret), identity, lifetime[0]));
}

function identityOf({ account, service, scope }: TokenOptions): Identity {
  if ((account === undefined) === (service === undefined)) {
    throw new UsageError('token needs --account NAME, or --service NAME with --scope SCOPE');
  }
  if (account !== undefined) {
    if (scope.length > 0) throw new UsageError('--scope goes with --service: an account token opens its own account');
    if (!ACCOUNT_NAME.test(account)) {
      throw new UsageError('--account must be 1 to 64 characters of A-Z a-z 0-9 . _ - and not me');
    }
    return { kind: 'account', account };
  }
  const words = scope.flatMap((list) => list.split(/[\s,]+/)).filter((word) => word !== '');
  const unknown = words.find((word) => !isScope(word));
  if (words.length === 0 || unknown !== undefined) {
    throw new UsageError(`--scope must be of ${SCOPES.join(' ')}${unknown ? `, not ${unknown}` : ''}`);
  }
  return { kind: 'service', name: service ?? '', scopes: new Set(words.filter(isScope)) };
}
