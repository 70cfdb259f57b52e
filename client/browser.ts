import type { Open } from './connect';
import { type Returned, readReturn, withoutReturn } from './session-return';

/** The parts of a browser's window that the client uses. */
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

export type PageWindow = {
  readonly closed: boolean;
  opener: unknown;
  readonly location: { replace(url: string): void };
  close(): void;
};

/** A broadcast channel between pages of one origin. */
export type Channel = {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
};

export const thisPage = (): Page => globalThis as unknown as Page;

/**
 * Reads the return from this page's address and removes it from the address bar, so that the code is neither kept in
 * the history nor sent again. Returns undefined if the address is not a return.
 */
export function takeReturn(page: Page = thisPage()): Returned | undefined {
  // There is no `location` in server-side rendering.
  const address: string | undefined = page.location?.href;
  const returned = address === undefined ? undefined : readReturn(address);
  if (address !== undefined && returned) {
    page.history.replaceState(page.history.state, '', withoutReturn(address, returned));
  }
  return returned;
}

/** Navigates this page to the link. Resolves only if the browser's back button restores the page from its cache. */
export function redirect(page: Page = thisPage()): Open {
  return (url, { sessionId }) =>
    new Promise(resolve => {
      page.addEventListener('pageshow', ({ persisted }) => {
        if (persisted) resolve(undefined);
      });
      withSessionStorage(page, storage => storage.setItem(REDIRECTED, sessionId));
      page.location.assign(url);
    });
}

/** Returns whether this tab was redirected for this session. Then no other tab waits for it. */
export function wasRedirected(sessionId: string, page: Page): boolean {
  return withSessionStorage(page, storage => storage.getItem(REDIRECTED)) === sessionId;
}

const REDIRECTED = 'terra-connect.redirected';

/** Uses the tab's session storage. Returns undefined if the browser blocks it. */
function withSessionStorage<T>(page: Page, use: (storage: NonNullable<Page['sessionStorage']>) => T): T | undefined {
  try {
    return page.sessionStorage && use(page.sessionStorage);
  } catch {
    return undefined;
  }
}
