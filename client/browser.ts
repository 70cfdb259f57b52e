import type { Open } from './connect';
import { type Returned, readReturn, withoutReturn } from './session-return';

/** What the client uses of a browser's window. */
export type Page = {
  readonly location: { readonly href: string; assign(url: string): void };
  readonly history: { readonly state: unknown; replaceState(state: unknown, unused: string, url: string): void };
  readonly document: { hasFocus(): boolean };
  readonly sessionStorage?: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  readonly BroadcastChannel?: new (name: string) => Channel;
  open(url: string, target: string, features: string): PageWindow | null;
  close(): void;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  addEventListener(type: 'pageshow', listener: (event: { readonly persisted: boolean }) => void): void;
};

/** A window that a page opened. */
export type PageWindow = {
  readonly closed: boolean;
  opener: unknown;
  readonly location: { replace(url: string): void };
  close(): void;
};

/** Joins the pages of one origin. */
export type Channel = {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
};

/** The page this runs in. */
export const thisPage = (): Page => globalThis as unknown as Page;

/**
 * How this page was come back to, if it was; takes it out of the address bar at once, so that no code stays in the
 * history or is sent again. Everything else of the address stays.
 */
export function takeReturn(page: Page = thisPage()): Returned | undefined {
  // No address on a server, where pages are rendered in advance.
  const address: string | undefined = page.location?.href;
  const returned = address === undefined ? undefined : readReturn(address);
  if (address !== undefined && returned) {
    page.history.replaceState(page.history.state, '', withoutReturn(address, returned));
  }
  return returned;
}

/** Leads this page itself to the link. Resolves only where the browser's back button brings the page back as it was. */
export function redirect(page: Page = thisPage()): Open {
  return (url, { sessionId }) =>
    new Promise(resolve => {
      page.addEventListener('pageshow', ({ persisted }) => {
        if (persisted) resolve(undefined);
      });
      inThisTab(page, storage => storage.setItem(REDIRECTED, sessionId));
      page.location.assign(url);
    });
}

/** Whether this tab itself was led away for this session, so that no other tab waits for it. */
export function wasRedirected(sessionId: string, page: Page): boolean {
  return inThisTab(page, storage => storage.getItem(REDIRECTED)) === sessionId;
}

const REDIRECTED = 'terra-connect.redirected';

/** What the tab remembers; undefined where the browser lets it remember nothing. */
function inThisTab<T>(page: Page, use: (storage: NonNullable<Page['sessionStorage']>) => T): T | undefined {
  try {
    return page.sessionStorage && use(page.sessionStorage);
  } catch {
    return undefined;
  }
}
