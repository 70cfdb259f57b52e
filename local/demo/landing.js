/**
 * How the browser comes back from Terra.
 *
 * @typedef {{ kind: 'returned', sessionId: string, code: string | undefined }
 *   | { kind: 'failed', sessionId: string, error: string }
 *   | { kind: 'sdk_required', sessionId: string, provider: string }} Landing
 */

const ours = ['session_id', 'status', 'code', 'error', 'provider'];

/**
 * What the address says about a session that ended, and the address without it: the code must not stay in sight, in the
 * history or in a bookmark.
 *
 * @param {string} address
 * @returns {{ landing: Landing | undefined, clean: string }}
 */
export function readLanding(address) {
  const url = new URL(address);
  const landing = landingIn(url.searchParams);
  for (const name of ours) url.searchParams.delete(name);
  return { landing, clean: `${url.pathname}${url.search}${url.hash}` };
}

/**
 * @param {URLSearchParams} query
 * @returns {Landing | undefined}
 */
function landingIn(query) {
  const sessionId = query.get('session_id');
  if (!sessionId) return undefined;
  switch (query.get('status')) {
    case 'returned':
      return { kind: 'returned', sessionId, code: query.get('code') ?? undefined };
    case 'failed':
      return { kind: 'failed', sessionId, error: query.get('error') ?? 'unknown' };
    case 'sdk_required':
      return { kind: 'sdk_required', sessionId, provider: query.get('provider') ?? '' };
    default:
      return undefined;
  }
}
