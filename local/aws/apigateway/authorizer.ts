import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose';
import type { JwtRule } from './api';

/** The result of a JWT authorizer. */
export type Verdict =
  | { readonly ok: true; readonly claims: Readonly<Record<string, string>>; readonly scopes: string[] | null }
  | { readonly ok: false; readonly status: 401 | 403; readonly wwwAuthenticate: string };

type KeySet = ReturnType<typeof createRemoteJWKSet>;

/** HTTP APIs accept only RSA algorithms. */
const algorithms = ['RS256', 'RS384', 'RS512'];

/** API Gateway caches an issuer's keys for two hours. */
const KEYS_CACHED_MS = 2 * 60 * 60 * 1000;

/** Verifies tokens as the JWT authorizer of an HTTP API does. */
export function jwtAuthorizer(
  clock: () => number = Date.now,
): (authorization: string | undefined, rule: JwtRule) => Promise<Verdict> {
  const keySets = new Map<string, Promise<KeySet>>();

  function keysOf(issuer: string): Promise<KeySet> {
    const known = keySets.get(issuer);
    if (known) return known;
    const found = discoverKeys(issuer);
    keySets.set(issuer, found);
    found.catch(() => keySets.delete(issuer));
    return found;
  }

  return async (authorization, rule) => {
    const token = authorization?.replace(/^Bearer /i, '').trim();
    if (!token) return { ok: false, status: 401, wwwAuthenticate: 'Bearer' };
    try {
      const { payload } = await jwtVerify(token, await keysOf(rule.issuer), {
        algorithms,
        issuer: rule.issuer,
        requiredClaims: ['exp'],
        currentDate: new Date(clock()),
      });
      const fault = faultOf(decodeProtectedHeader(token), payload, rule, clock());
      if (fault) return { ok: false, status: 401, wwwAuthenticate: challenge(rule, 'invalid_token', fault) };
      return checkScopes(payload, rule);
    } catch (error) {
      const fault = error instanceof errors.JOSEError ? error.message : "the issuer's keys cannot be read";
      return { ok: false, status: 401, wwwAuthenticate: challenge(rule, 'invalid_token', fault) };
    }
  };
}

async function discoverKeys(issuer: string): Promise<KeySet> {
  const discovered = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { jwks_uri } = (await discovered.json()) as { jwks_uri: string };
  return createRemoteJWKSet(new URL(jwks_uri), { cacheMaxAge: KEYS_CACHED_MS, cooldownDuration: 1_000 });
}

/** Returns what is wrong with the claims of a token whose signature, issuer and expiry are valid. */
function faultOf(
  header: ProtectedHeaderParameters,
  { aud, client_id: clientId, iat }: JWTPayload,
  { audience }: JwtRule,
  now: number,
): string | undefined {
  if (header.kid === undefined) return 'the token has no key id';
  if (iat !== undefined && iat * 1000 > now) return 'the token was issued in the future';
  // `client_id` is used only if there is no `aud`.
  const audiences = [aud ?? clientId].flat();
  if (!audiences.some(one => typeof one === 'string' && audience.includes(one))) {
    return 'the token does not have a valid audience';
  }
  return undefined;
}

function checkScopes(payload: JWTPayload, rule: JwtRule): Verdict {
  const claims = claimsAsText(payload);
  if (rule.scopes.length === 0) return { ok: true, claims, scopes: null };
  const granted = scopesOf(payload);
  const scopes = rule.scopes.filter(scope => granted.includes(scope));
  if (scopes.length > 0) return { ok: true, claims, scopes };
  const wwwAuthenticate = challenge(rule, 'insufficient_scope', 'the token does not have a scope the route demands');
  return { ok: false, status: 403, wwwAuthenticate };
}

function scopesOf({ scope, scp }: JWTPayload): string[] {
  return [scope ?? scp].flat().flatMap(part => (typeof part === 'string' ? part.split(' ') : []));
}

/**
 * Renders claims as API Gateway passes them to a function: every value as text, in the format of Go's `%v`. Reported
 * from AWS: `[a b]` (aws-lambda-go issue 591; floci pull request 2011), `map[k:v]` (aws-lambda-go issue 570), digits
 * and `true` (awsdocs/amazon-api-gateway-developer-guide issue 113). A null claim on AWS is not documented: `<nil>` is
 * Go's own text; floci omits the claim.
 */
export function claimsAsText(payload: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, claimText(value)]));
}

function claimText(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(claimText).join(' ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, inner]) => `${key}:${claimText(inner)}`).join(' ')}]`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function challenge({ scopes }: JwtRule, error: string, description: string): string {
  const plain = description.replace(/[^ !#-[\]-~]/g, "'");
  return `Bearer scope="${scopes.join(' ')}" error="${error}" error_description="${plain}"`;
}
