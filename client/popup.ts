import { type Channel, type Page, takeReturn, thisPage, wasRedirected } from './browser';
import type { Attempt, Open } from './connect';
import { ConnectError } from './error';
import { untilAborted } from './platform';
import { readReturn } from './session-return';

const CHANNEL = 'terra-connect';
const FEATURES = 'popup,width=520,height=760';
const POLL_MS = 500;
const FIRST_ASK_MS = 2000;
const LONGEST_ASK_MS = 15_000;
/** The time for the return page to load and hand the return back. */
const HAND_BACK_MS = 10_000;
/** The time for the waiting tab to answer. If it answers later, both tabs confirm, which is harmless. */
const TAKE_MS = 500;

type Message = { kind: 'return'; sessionId: string; url: string } | { kind: 'taken'; sessionId: string };

/**
 * Opens a window immediately: call it in the click handler, or the browser blocks it. The link is then opened in that
 * window, and `handBack()` on the return page sends the return to this page.
 */
export function popup(page: Page = thisPage()): Open {
  const opened = page.open('', '_blank', FEATURES);
  const isOpen = opened !== null && !opened.closed;
  // Pages in the window must not be able to navigate this page.
  if (isOpen) opened.opener = null;

  async function open(url: string, attempt: Attempt): Promise<string | undefined> {
    if (!opened || !isOpen) throw new ConnectError('popup_blocked');
    if (opened.closed) return undefined;
    const watch = { isOver: false };
    const channel = page.BroadcastChannel && new page.BroadcastChannel(CHANNEL);
    const arrived = channel ? returnTo(attempt.sessionId, channel) : new Promise<never>(() => {});
    try {
      opened.location.replace(url);
      const left = untilLeft(() => opened.closed, watch, attempt, page);
      return await untilAborted(Promise.race([arrived, left]), attempt.signal);
    } catch (error) {
      opened.close();
      throw error;
    } finally {
      watch.isOver = true;
      channel?.close();
    }
  }

  return Object.assign(open, { blocked: !isOpen, cancel: () => opened?.close() });
}

/** Resolves with this session's return URL when `handBack` sends it. */
function returnTo(sessionId: string, channel: Channel): Promise<string> {
  return new Promise(resolve => {
    channel.onmessage = ({ data }) => {
      if (!isMessage(data) || data.kind !== 'return' || data.sessionId !== sessionId) return;
      send(channel, { kind: 'taken', sessionId });
      resolve(data.url);
    };
  });
}

/**
 * Resolves once the user closed the window or the session ended without it. A window also reads as closed after a page
 * in it severed its opener (Cross-Origin-Opener-Policy), as the API's callback does. So the session is polled, and the
 * user counts as gone only while this page has the focus.
 */
async function untilLeft(
  isClosed: () => boolean,
  watch: { isOver: boolean },
  { session }: Attempt,
  page: Page,
): Promise<undefined> {
  let closedMs = 0;
  let askedAtMs = 0;
  let pauseMs = FIRST_ASK_MS;
  while (!watch.isOver) {
    await new Promise<void>(resolve => page.setTimeout(resolve, POLL_MS));
    if (!isClosed()) continue;
    closedMs += POLL_MS;
    if (watch.isOver || closedMs - askedAtMs < pauseMs) continue;
    askedAtMs = closedMs;
    pauseMs = Math.min(LONGEST_ASK_MS, pauseMs * 1.5);
    const status = await session().then(seen => seen.status, unlessRetryable);
    if (status === undefined) continue;
    if (status !== 'pending' && status !== 'returned') return;
    const isOnItsWay = status === 'returned' && closedMs < HAND_BACK_MS;
    if (page.document.hasFocus() && !isOnItsWay) return;
  }
}

/** Ignores temporary errors. */
function unlessRetryable(error: unknown): undefined {
  if (!(error instanceof ConnectError && error.retryable)) throw error;
}

/**
 * If another tab's `popup()` waits for the return in this page's address, sends it to that tab, closes this window and
 * resolves with true. Resolves with false if no tab took it: then continue here with `takeReturn()`.
 */
export async function handBack(page: Page = thisPage()): Promise<boolean> {
  const url: string | undefined = page.location?.href;
  const sessionId = url === undefined ? undefined : readReturn(url)?.sessionId;
  if (url === undefined || sessionId === undefined || !page.BroadcastChannel) return false;
  if (wasRedirected(sessionId, page)) return false;
  const channel = new page.BroadcastChannel(CHANNEL);
  const isTaken = await new Promise<boolean>(resolve => {
    page.setTimeout(() => resolve(false), TAKE_MS);
    channel.onmessage = ({ data }) => {
      if (isMessage(data) && data.kind === 'taken' && data.sessionId === sessionId) resolve(true);
    };
    send(channel, { kind: 'return', sessionId, url });
  });
  channel.close();
  if (!isTaken) return false;
  takeReturn(page);
  page.close();
  return true;
}

function send(channel: Channel, message: Message): void {
  channel.postMessage(message);
}

function isMessage(data: unknown): data is Message {
  return typeof data === 'object' && data !== null && 'kind' in data && 'sessionId' in data;
}
