import { ACCOUNT_SCOPES, type Authenticate, type Identity, type Scope, TokenError } from '../auth/tokens.ts';
import { ApiError, invalidRequest } from './errors.ts';

/** Who calls, from the `authorization` header. */
export async function identify(authenticate: Authenticate, authorization: string | undefined): Promise<Identity> {
  const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) {
    throw new ApiError('TOKEN_MISSING', 'the header `authorization: Bearer <token>` is missing');
  }
  try {
    return await authenticate(token);
  } catch (error) {
    if (error instanceof TokenError) throw new ApiError('TOKEN_INVALID', error.message);
    throw error;
  }
}

/** Throws unless the caller may do what `scope` stands for. A `report` token reads whatever `read` reads. */
export function requireScope(identity: Identity, scope: Scope): void {
  const scopes = identity.kind === 'service' ? identity.scopes : ACCOUNT_SCOPES;
  if (scopes.has(scope) || (scope === 'read' && scopes.has('report'))) return;
  throw new ApiError('SCOPE_MISSING', `this call needs a token with the scope ${scope}`, { metadata: { scope } });
}

/** The account a request is about; throws unless the caller may open it. */
export function resolveAccount(identity: Identity, requested: string): string {
  const own = requested === '' || requested === 'me';
  if (identity.kind === 'service') {
    if (own) throw invalidRequest({ field: 'account', description: 'must name an account: a service token has none' });
    return requested;
  }
  if (own || requested === identity.account) return identity.account;
  throw new ApiError('ACCOUNT_FORBIDDEN', `this token does not open account ${requested}`, {
    metadata: { account: requested },
  });
}
