import { errors, jwtVerify, SignJWT } from 'jose';

/** What a service token may be allowed to do, to any account. `report` reads, for accounting. */
export const SCOPES = ['earn', 'spend', 'read', 'reverse', 'import', 'report'] as const;

/** One of SCOPES. */
export type Scope = (typeof SCOPES)[number];

/** Who a token speaks for: one account, which it alone opens, or a service, for any account within its scopes. */
export type Identity =
  | { readonly kind: 'account'; readonly account: string }
  | { readonly kind: 'service'; readonly name: string; readonly scopes: ReadonlySet<Scope> };

/** What an account's own token may do with the account. */
export const ACCOUNT_SCOPES: ReadonlySet<Scope> = new Set(['earn', 'spend', 'read']);

/** An account's name. `me` stands for the token's account, so no account is called that. */
export const ACCOUNT_NAME = /^(?!me$)[A-Za-z0-9._-]{1,64}$/;

const ALGORITHM = 'HS256';

/**
 * Signs a token for `identity`. `lifetime` as jose spells it: "30 days", "12h".
 *
 * An account's token names it as its subject; a service's token has a `scope` claim (RFC 8693) and its name as subject.
 */
export function signToken(secret: Uint8Array, identity: Identity, lifetime: string): Promise<string> {
  const claims = identity.kind === 'service' ? { scope: [...identity.scopes].join(' ') } : {};
  return new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setSubject(identity.kind === 'service' ? identity.name : identity.account)
    .setIssuedAt()
    .setExpirationTime(lifetime)
    .sign(secret);
}

/** A token that does not open anything. The message says why, for the client. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

/** Checks tokens; fails with a TokenError. */
export type Authenticate = (token: string) => Promise<Identity>;

interface Verified {
  readonly identity: Identity;
  readonly expiresAtMs: number;
}

/** Tokens remembered: to verify the signature costs more than the rest of a small call. */
const REMEMBERED_MAX = 10_000;

/** Checks tokens signed with `secret`: HS256 alone, with a subject and an expiry. */
export function createAuthenticate(secret: Uint8Array): Authenticate {
  const remembered = new Map<string, Promise<Verified>>();

  /** The promise, not its result: calls that come while a token is verified wait for the same one, and keep their order. */
  function verifyOnce(token: string): Promise<Verified> {
    const known = remembered.get(token);
    if (known) return known;
    const verifying = verify(secret, token);
    if (remembered.size >= REMEMBERED_MAX) remembered.delete(remembered.keys().next().value ?? '');
    remembered.set(token, verifying);
    verifying.catch(() => remembered.delete(token));
    return verifying;
  }

  return async (token) => {
    const { identity, expiresAtMs } = await verifyOnce(token);
    if (expiresAtMs > Date.now()) return identity;
    remembered.delete(token);
    throw new TokenError('the token has expired');
  };
}

async function verify(secret: Uint8Array, token: string): Promise<Verified> {
  const { payload } = await jwtVerify(token, secret, {
    algorithms: [ALGORITHM],
    requiredClaims: ['sub', 'exp'],
  }).catch((error: unknown) => {
    if (error instanceof errors.JWTExpired) throw new TokenError('the token has expired');
    if (error instanceof errors.JWTClaimValidationFailed)
      throw new TokenError(`the token's ${error.claim} is not valid`);
    if (error instanceof errors.JOSEError) throw new TokenError('the token is not one of this ledger');
    throw error;
  });
  return { identity: toIdentity(payload.sub, payload.scope), expiresAtMs: (payload.exp ?? 0) * 1000 };
}

/** The claims are of any type, whatever the library's types say: it checks that they are there. */
function toIdentity(subject: unknown, scope: unknown): Identity {
  if (typeof subject !== 'string') throw new TokenError("the token's subject is not a text");
  if (scope === undefined) {
    if (!ACCOUNT_NAME.test(subject)) throw new TokenError("the token's subject is not an account");
    return { kind: 'account', account: subject };
  }
  const scopes = typeof scope === 'string' ? scope.split(' ').filter(isScope) : [];
  return { kind: 'service', name: subject, scopes: new Set(scopes) };
}

/** Whether a word is one of SCOPES. */
export function isScope(word: string): word is Scope {
  return (SCOPES as readonly string[]).includes(word);
}
