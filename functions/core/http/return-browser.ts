import { createHmac } from 'node:crypto';
import { DAY, SECOND } from '../platform/clock';
import { newSecret, type Random } from '../platform/random';
import type { Browser } from './serve';
import type { ReturnBrowser } from '../state/session';
import { hashOf, matchesHash, type StateToken } from '../state/state-token';

/**
 * Lifetime of the cookie, the same as that of the session and much longer than that of the code: phones reload a tab hours
 * later, perhaps from another network.
 */
const COOKIE_LIFE = 2 * DAY;

/** The parts of a request that identify its browser. */
export type BrowserRequest = { browser: Browser; headers: Readonly<Record<string, string | undefined>> };

/**
 * Returns the hashes that a session stores of the returning browser, and the cookie for that browser. The cookie contains 256
 * random bits and is sent to the callback only; `SameSite=Lax` also sends it with the navigation from Terra.
 */
export function newReturnBrowser(
  state: StateToken,
  request: BrowserRequest,
  { random, cookiePath }: { random: Random; cookiePath: string },
): { browser: ReturnBrowser; cookie: string } {
  const secret = newSecret(random);
  const attributes = `Max-Age=${COOKIE_LIFE / SECOND}; Path=${cookiePath}; HttpOnly; Secure; SameSite=Lax`;
  return {
    browser: { cookieHash: hashOf(secret), originHash: originHash(state, request) },
    cookie: `${cookieName(state)}=${secret}; ${attributes}`,
  };
}

/**
 * Returns whether a request comes from the browser that returned: it has the cookie, or it has no cookie of this session (the
 * response that set it may be lost) and the same IP address, user agent and languages.
 */
export function isSameBrowser(known: ReturnBrowser | undefined, state: StateToken, request: BrowserRequest): boolean {
  if (!known) return false;
  const cookies = request.browser.cookies.filter(cookie => cookie.startsWith(`${cookieName(state)}=`));
  const hasCookie = cookies.some(cookie => matchesHash(cookie.slice(cookie.indexOf('=') + 1), known.cookieHash));
  return hasCookie || (cookies.length === 0 && originHash(state, request) === known.originHash);
}

/** Returns whether a browser opens the URL as a page. Source: Fetch Metadata, W3C. */
export const isNavigation = ({ 'sec-fetch-mode': mode }: BrowserRequest['headers']): boolean => mode === 'navigate';

/** Returns whether a browser prefetches the URL. Sources: Fetch standard (`Sec-Purpose`); older `Purpose`, `X-Moz`. */
export const isPrefetch = (headers: BrowserRequest['headers']): boolean =>
  ['sec-purpose', 'purpose', 'x-moz'].some(name => /prefetch|prerender|preview/i.test(headers[name] ?? ''));

const cookieName = ({ sessionId }: StateToken): string => `terra-connect-${sessionId}`;

function originHash({ secret }: StateToken, { browser, headers }: BrowserRequest): string {
  const origin = [browser.sourceIp, headers['user-agent'] ?? '', headers['accept-language'] ?? ''];
  return createHmac('sha256', secret)
    .update(JSON.stringify(['browser', ...origin]))
    .digest('base64url');
}
