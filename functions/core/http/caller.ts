import { Problem } from './errors';
import type { SignedIn } from '../state/owner';

const SUBJECT_LIMIT_BYTES = 255;

/** `Bearer` in any case or nothing, then one compact JWS; captures its payload. */
const TOKEN = /^(?:bearer +)?[\w-]+\.([\w-]+)\.[\w-]+$/i;

/**
 * Returns the user of a request that API Gateway's JWT authorizer let through.
 *
 * Reads `sub` and `iss` from the token in the `Authorization` header and requires the claims in the event to equal them.
 * The claims alone do not identify a user, because API Gateway passes them as text: a list becomes `[a b]` (aws-lambda-go
 * issue 591), an object `map[k:v]` (issue 570), a number its digits. Another user's `sub` can be that very string.
 *
 * Does not verify the signature. API Gateway verified it, and the times, audience and issuer, before it called the
 * function: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 *
 * @throws Problem `unauthenticated`. Its reason is for the log and contains nothing of the token.
 */
export function readCaller(
  authorization: string | undefined,
  claims: Readonly<Record<string, unknown>>,
  issuer: string | undefined,
): SignedIn {
  const token = readPayload(authorization);
  if (!token) throw unauthenticated('the authorization header is not one readable JWT');
  const { sub, iss } = token;
  if (!isSubject(sub)) throw unauthenticated('the sub claim of the token is not a string of 1 to 255 bytes');
  if (claims.sub !== sub) throw unauthenticated('the sub claim of the token is not the one that API Gateway passed');
  if (issuer === undefined || iss !== issuer || claims.iss !== issuer) {
    throw unauthenticated('the iss claim is not the configured issuer');
  }
  return { sub };
}

/** Refuses lone surrogates: they have no UTF-8 form, so DynamoDB stores all of them as the same character. */
function isSubject(sub: unknown): sub is string {
  return typeof sub === 'string' && sub !== '' && Buffer.byteLength(sub) <= SUBJECT_LIMIT_BYTES && !/\p{Cs}/u.test(sub);
}

/** Returns undefined unless the payload is canonical base64url of JSON in UTF-8. */
function readPayload(authorization = ''): Readonly<Record<string, unknown>> | undefined {
  const [, payload = ''] = TOKEN.exec(authorization.trim()) ?? [];
  const bytes = Buffer.from(payload, 'base64url');
  if (bytes.toString('base64url') !== payload) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

const unauthenticated = (reason: string) => new Problem('unauthenticated', 'Sign in and try again.', { reason });
