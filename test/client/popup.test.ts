import type { Channel, Page } from '../../client/browser';
import { ConnectError, handBack, popup } from '../../client/index';
import { failureOf, SESSION_ID, session } from './answering';

const LINK = 'https://widget.example.com/s/1';
const OTHER_ID = 'B'.repeat(22);
const returnOf = (sessionId: string) => `https://app/x?session_id=${sessionId}&status=returned&code=${sessionId}.code`;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** One origin of a browser: pages that hear each other, and the windows they opened. */
function origin() {
  const channels = new Set<{ name: string; channel: Channel }>();
  class Broadcast implements Channel {
    onmessage: Channel['onmessage'] = null;
    readonly entry: { name: string; channel: Channel };
    constructor(name: string) {
      this.entry = { name, channel: this };
      channels.add(this.entry);
    }
    postMessage(message: unknown) {
      const others = [...channels].filter(({ name, channel }) => channel !== this && name === this.entry.name);
      setTimeout(() => others.forEach(({ channel }) => channel.onmessage?.({ data: structuredClone(message) })), 1);
    }
    close() {
      channels.delete(this.entry);
    }
  }

  const opened = {
    closed: false,
    opener: 'the app' as unknown,
    location: { replace: jest.fn<void, [string]>() },
    close: jest.fn(() => {
      opened.closed = true;
    }),
  };
  const focus = { isHere: false };
  function page(href = 'https://app/'): Page & { close: jest.Mock } {
    const location = { href, assign: jest.fn() };
    return {
      location,
      history: {
        state: null,
        replaceState: (_state: unknown, _unused: string, url: string) => {
          location.href = url;
        },
      },
      document: { hasFocus: () => focus.isHere },
      BroadcastChannel: Broadcast,
      open: jest.fn(() => opened),
      close: jest.fn(),
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: timer => clearTimeout(timer as NodeJS.Timeout),
      addEventListener: jest.fn(),
    };
  }
  return { page, opened, focus, channels };
}

/** A connect attempt whose session has the given status; `asked` counts the polls. */
function attempt(sessionId = SESSION_ID) {
  const stands = { status: 'pending', asked: 0, error: undefined as unknown };
  const look = async () => {
    stands.asked += 1;
    if (stands.error !== undefined) throw stands.error;
    return session(stands.status) as never;
  };
  return { stands, attempt: { sessionId, session: look } };
}

/** What a promise came to, so far. */
function watch<T>(promise: Promise<T>) {
  const seen: { ended: boolean; value?: T; error?: unknown } = { ended: false };
  promise.then(
    value => Object.assign(seen, { ended: true, value }),
    (error: unknown) => Object.assign(seen, { ended: true, error }),
  );
  return seen;
}

test('the window opens at once, during the click, and cannot navigate its opener', () => {
  const { page, opened } = origin();
  const here = page();
  const open = popup(here);
  expect(here.open).toHaveBeenCalledTimes(1);
  expect(opened.opener).toBeNull();
  expect(open.blocked).toBe(false);
});

test('the return goes from the window to the waiting tab, and the window closes', async () => {
  const { page, opened, channels } = origin();
  const { attempt: mine } = attempt();
  const waiting = watch(popup(page())(LINK, mine));
  expect(opened.location.replace.mock.calls).toEqual([[LINK]]);
  const there = page(returnOf(SESSION_ID));
  const handing = handBack(there);
  await jest.advanceTimersByTimeAsync(10);
  expect(await handing).toBe(true);
  expect(waiting).toEqual({ ended: true, value: returnOf(SESSION_ID) });
  expect(there.location.href).toBe('https://app/x');
  expect(there.close).toHaveBeenCalledTimes(1);
  expect(channels.size).toBe(0);
});

test('of two windows at once, each return reaches its own tab', async () => {
  const { page } = origin();
  const first = watch(popup(page())(LINK, attempt(SESSION_ID).attempt));
  const second = watch(popup(page())(LINK, attempt(OTHER_ID).attempt));
  const handing = handBack(page(returnOf(OTHER_ID)));
  await jest.advanceTimersByTimeAsync(1000);
  expect(await handing).toBe(true);
  expect(first.ended).toBe(false);
  expect(second.value).toBe(returnOf(OTHER_ID));
});

test.each<[string, string, boolean]>([
  ['nobody waits any more', returnOf(SESSION_ID), false],
  ['the tab that waits is for another session', returnOf(SESSION_ID), true],
])('if %s the page keeps its return, within half a second', async (_, href, hasOther) => {
  const { page, channels } = origin();
  const other = watch(hasOther ? popup(page())(LINK, attempt(OTHER_ID).attempt) : new Promise<undefined>(() => {}));
  const there = page(href);
  const handing = handBack(there);
  await jest.advanceTimersByTimeAsync(500);
  expect(await handing).toBe(false);
  expect(there.location.href).toBe(href);
  expect(there.close).not.toHaveBeenCalled();
  expect(other.ended).toBe(false);
  expect(channels.size).toBe(hasOther ? 1 : 0);
});

test('a page without a return, a browser without BroadcastChannel and a server hand nothing back', async () => {
  const { page, channels } = origin();
  expect(await handBack(page('https://app/x?code=mine'))).toBe(false);
  const { BroadcastChannel: _, ...old } = page(returnOf(SESSION_ID));
  expect(await handBack(old)).toBe(false);
  expect(await handBack()).toBe(false);
  expect(channels.size).toBe(0);
});

test.each([null, 'closed'])('a window that does not open (%s) is reported at once', async what => {
  const { page, opened } = origin();
  const here = page();
  opened.closed = true;
  if (what === null) here.open = () => null;
  const open = popup(here);
  expect(open.blocked).toBe(true);
  open.cancel?.();
  expect(await failureOf(open(LINK, attempt().attempt))).toMatchObject({ code: 'popup_blocked', status: 0 });
  expect(opened.location.replace).not.toHaveBeenCalled();
});

test('a window that was closed before its link arrived is abandoned', async () => {
  const { page, opened } = origin();
  const open = popup(page());
  opened.closed = true;
  expect(await open(LINK, attempt().attempt)).toBeUndefined();
  expect(opened.location.replace).not.toHaveBeenCalled();
});

test('the window closes if there is no link', () => {
  const { page, opened } = origin();
  popup(page()).cancel?.();
  expect(opened.close).toHaveBeenCalledTimes(1);
});

test('closing the window and returning to the page ends the waiting within seconds', async () => {
  const { page, opened, focus } = origin();
  const { stands, attempt: mine } = attempt();
  const waiting = watch(popup(page())(LINK, mine));
  await jest.advanceTimersByTimeAsync(60_000);
  expect([waiting.ended, stands.asked]).toEqual([false, 0]);
  opened.closed = true;
  focus.isHere = true;
  await jest.advanceTimersByTimeAsync(3000);
  expect(waiting).toEqual({ ended: true, value: undefined });
});

test('a window that only seems closed is waited for, with less and less frequent polls', async () => {
  const { page, opened } = origin();
  const { stands, attempt: mine } = attempt();
  const waiting = watch(popup(page())(LINK, mine));
  opened.closed = true;
  await jest.advanceTimersByTimeAsync(120_000);
  expect(waiting.ended).toBe(false);
  expect(stands.asked).toBeGreaterThan(5);
  expect(stands.asked).toBeLessThan(15);
  stands.status = 'returned';
  const handing = handBack(page(returnOf(SESSION_ID)));
  await jest.advanceTimersByTimeAsync(10);
  expect(await handing).toBe(true);
  expect(waiting.value).toBe(returnOf(SESSION_ID));
});

test('a browser that is returning gets time, even if this page has the focus', async () => {
  const { page, opened, focus } = origin();
  const { stands, attempt: mine } = attempt();
  const waiting = watch(popup(page())(LINK, mine));
  Object.assign(stands, { status: 'returned' });
  opened.closed = true;
  focus.isHere = true;
  await jest.advanceTimersByTimeAsync(9000);
  expect(waiting.ended).toBe(false);
  await jest.advanceTimersByTimeAsync(12_000);
  expect(waiting).toEqual({ ended: true, value: undefined });
});

test.each(['completed', 'failed', 'expired', 'rejected'])(
  'a session that is %s in another browser ends the waiting',
  async status => {
    const { page, opened } = origin();
    const { stands, attempt: mine } = attempt();
    const waiting = watch(popup(page())(LINK, mine));
    stands.status = status;
    opened.closed = true;
    await jest.advanceTimersByTimeAsync(3000);
    expect(waiting).toEqual({ ended: true, value: undefined });
  },
);

test('a short outage of the API changes nothing; a refusal ends the waiting', async () => {
  const { page, opened, channels } = origin();
  const { stands, attempt: mine } = attempt();
  const waiting = watch(popup(page())(LINK, mine));
  opened.closed = true;
  stands.error = new ConnectError('network');
  await jest.advanceTimersByTimeAsync(10_000);
  expect(waiting.ended).toBe(false);
  stands.error = new ConnectError('unauthenticated', { status: 401 });
  await jest.advanceTimersByTimeAsync(20_000);
  expect(waiting.error).toBe(stands.error);
  expect(channels.size).toBe(0);
});

test('an abort closes the window and stops polling', async () => {
  const { page, opened, channels } = origin();
  const { stands, attempt: mine } = attempt();
  const controller = new AbortController();
  const waiting = watch(popup(page())(LINK, { ...mine, signal: controller.signal }));
  const reason = new Error('navigated away');
  controller.abort(reason);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(waiting.error).toBe(reason);
  expect(opened.close).toHaveBeenCalledTimes(1);
  expect([stands.asked, channels.size]).toEqual([0, 0]);
});

test('other messages on the channel are ignored', async () => {
  const { page, opened } = origin();
  const here = page();
  const waiting = watch(popup(here)(LINK, attempt().attempt));
  const stranger = here.BroadcastChannel && new here.BroadcastChannel('terra-connect');
  for (const message of [
    undefined,
    null,
    7,
    'return',
    {},
    { kind: 'taken', sessionId: SESSION_ID },
    { kind: 'return' },
  ]) {
    stranger?.postMessage(message);
  }
  await jest.advanceTimersByTimeAsync(100);
  expect(waiting.ended).toBe(false);
  expect(opened.close).not.toHaveBeenCalled();
});
