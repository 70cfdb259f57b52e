import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A bearer secret that says where it belongs: the `state` in a callback's path, or the `code` in a return URL. */
export type StateToken = { referenceId: string; sessionId: string; secret: string };

const LIMIT = 512;
const PART = '[A-Za-z0-9_-]';
const STATE_TOKEN = new RegExp(`^(${PART}{1,344})\\.(${PART}{22})\\.(${PART}{43})$`);

/** `<base64url(reference id)>.<session id>.<secret>`, at most 512 characters. */
export function writeStateToken({ referenceId, sessionId, secret }: StateToken): string {
  return `${Buffer.from(referenceId).toString('base64url')}.${sessionId}.${secret}`;
}

/** The ticket in its parts; undefined unless it is exactly as `writeTicket` would write it. */
export function readStateToken(text: string | undefined): StateToken | undefined {
  if (text === undefined || text.length > LIMIT) return undefined;
  const [, owner = '', sessionId = '', secret = ''] = STATE_TOKEN.exec(text) ?? [];
  const stateToken = { referenceId: Buffer.from(owner, 'base64url').toString(), sessionId, secret };
  return owner !== '' && writeStateToken(stateToken) === text ? stateToken : undefined;
}

/** What a row keeps of a secret. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Compares a secret with a kept hash, in constant time. */
export function matchesHash(secret: string, hash: string): boolean {
  const ours = Buffer.from(hashOf(secret));
  const theirs = Buffer.from(hash);
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

/**
 * Returns the secret of the code that the browser gets that returned with this Terra user. Whoever knows the state and the
 * Terra user (the failure redirect names both) cannot make it: `cookieHash` is of a random value that only that browser was
 * given. Undefined for sessions that returned before there were cookies.
 */
export function codeSecret(stateSecret: string, terraUserId: string, cookieHash: string | undefined): string {
  const parts = ['code', terraUserId, ...(cookieHash === undefined ? [] : [cookieHash])];
  return createHmac('sha256', stateSecret).update(parts.join(':')).digest('base64url');
}
