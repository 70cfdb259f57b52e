import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A bearer secret with the session it belongs to: the `state` in the callback path, or the `code` in the return URL. */
export type StateToken = { referenceId: string; sessionId: string; secret: string };

const LIMIT = 512;
const PART = '[A-Za-z0-9_-]';
const STATE_TOKEN = new RegExp(`^(${PART}{1,344})\\.(${PART}{22})\\.(${PART}{43})$`);

/** Returns `<base64url(reference id)>.<session id>.<secret>`, at most 512 characters. */
export function writeStateToken({ referenceId, sessionId, secret }: StateToken): string {
  return `${Buffer.from(referenceId).toString('base64url')}.${sessionId}.${secret}`;
}

/** Parses a state token. Returns undefined unless `writeStateToken` would write the same text. */
export function readStateToken(text: string | undefined): StateToken | undefined {
  if (text === undefined || text.length > LIMIT) return undefined;
  const [, owner = '', sessionId = '', secret = ''] = STATE_TOKEN.exec(text) ?? [];
  const stateToken = { referenceId: Buffer.from(owner, 'base64url').toString(), sessionId, secret };
  return owner !== '' && writeStateToken(stateToken) === text ? stateToken : undefined;
}

/** Returns the hash of a secret as it is stored. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Compares a secret with a stored hash in constant time. */
export function matchesHash(secret: string, hash: string): boolean {
  const ours = Buffer.from(hashOf(secret));
  const theirs = Buffer.from(hash);
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

/**
 * Returns the secret of the one-time code for a browser that returned with this Terra user. Knowing the state and the Terra user,
 * which the failure redirect both contains, is not enough to compute it: `cookieHash` is the hash of a random value that only that
 * browser received. Undefined for sessions that returned before cookies were introduced.
 */
export function codeSecret(stateSecret: string, terraUserId: string, cookieHash: string | undefined): string {
  const parts = ['code', terraUserId, ...(cookieHash === undefined ? [] : [cookieHash])];
  return createHmac('sha256', stateSecret).update(parts.join(':')).digest('base64url');
}
