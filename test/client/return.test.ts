import * as fc from 'fast-check';
import type { Page } from '../../client/browser';
import { handBack, redirect, readReturn, takeReturn } from '../../client/index';
import { CODE, SESSION_ID } from './answering';

const sessionId = SESSION_ID;
const ours = `session_id=${sessionId}`;

/** As much of a window as a return needs. */
function pageAt(href: string) {
  const location = { href, assign: jest.fn<void, [string]>() };
  const replaced: unknown[] = [];
  const shown = new Set<(event: { persisted: boolean }) => void>();
  const page = {
    location,
    history: {
      state: { of: 'the app’s router' },
      replaceState(state: unknown, _: string, url: string) {
        replaced.push(state);
        location.href = url;
      },
    },
    addEventListener: (_: string, listener: (event: { persisted: boolean }) => void) => shown.add(listener),
  };
  return { page: page as unknown as Page, location, replaced, shown };
}

test.each<[string, unknown]>([
  [`?${ours}&status=returned&code=${CODE}`, { status: 'returned', sessionId, code: CODE }],
  [`?${ours}&status=returned`, { status: 'returned', sessionId }],
  [`?code=${CODE}&status=returned&${ours}`, { status: 'returned', sessionId, code: CODE }],
  [`?${ours}&status=failed&error=denied`, { status: 'failed', sessionId, error: 'denied' }],
  [`?${ours}&status=failed&error=of_tomorrow`, { status: 'failed', sessionId, error: 'unknown' }],
  [`?${ours}&status=failed&error=toString`, { status: 'failed', sessionId, error: 'unknown' }],
  [`?${ours}&status=failed`, { status: 'failed', sessionId, error: 'unknown' }],
  [`?${ours}&status=sdk_required&provider=APPLE`, { status: 'sdk_required', sessionId, provider: 'APPLE' }],
  [`?a=b=c&${ours}&status=returned&code=x%2By+z`, { status: 'returned', sessionId, code: 'x+y z' }],
  [`?status=mine&code=mine&${ours}&status=returned&code=x`, { status: 'returned', sessionId, code: 'x' }],
  [`?${ours}&status=returned&code=x#session_id=no`, { status: 'returned', sessionId, code: 'x' }],
  ['', undefined],
  ['?', undefined],
  [`?${ours}`, undefined],
  ['?status=returned&code=x', undefined],
  [`?${ours}&status=completed`, undefined],
  [`?${ours}&status=sdk_required`, undefined],
  [`?${ours}&status=sdk_required&provider=../x`, undefined],
  ['?session_id=../../me&status=returned&code=x', undefined],
  ['?session_id=%E0%A4%A&status=returned&code=x', undefined],
  [`?session_id=${'a'.repeat(65)}&status=returned`, undefined],
  [`#?${ours}&status=returned&code=x`, undefined],
])('%s is parsed', (query, expected) => {
  for (const target of ['https://app.example.com/connected', 'myapp://connected', 'myapp:', '/relative']) {
    expect(readReturn(`${target}${query}`)).toEqual(expected);
  }
});

test('any text is parsed as a return or not, without an error', () => {
  const isNone = fc.property(fc.string({ unit: 'binary' }), text => readReturn(text) === undefined);
  expect(fc.check(isNone, { numRuns: 500 }).failed).toBe(false);
});

test.each([
  [`https://app/x?${ours}&status=returned&code=${CODE}`, 'https://app/x'],
  [
    `https://app/x?a=1&b=%20+&&c&${ours}&status=returned&code=${CODE}#frag?code=1`,
    'https://app/x?a=1&b=%20+&&c#frag?code=1',
  ],
  [`https://app/x?code=mine&status=mine&${ours}&status=returned&code=${CODE}`, 'https://app/x?code=mine&status=mine'],
  [`https://app/x?code=mine&${ours}&status=failed&error=denied`, 'https://app/x?code=mine'],
  [`https://app/x?error=mine&${ours}&status=sdk_required&provider=APPLE`, 'https://app/x?error=mine'],
  [`https://app/x?${ours}&status=returned&code=${CODE}&utm=added`, 'https://app/x?utm=added'],
])('a return is removed from the address bar, and all else stays: %s', (before, after) => {
  const { page, location, replaced } = pageAt(before);
  expect(takeReturn(page)).toEqual(readReturn(before));
  expect(location.href).toBe(after);
  expect(replaced).toEqual([{ of: 'the app’s router' }]);
  expect(takeReturn(page)).toBeUndefined();
  expect(replaced).toHaveLength(1);
});

test('an address without a return is not changed, and a server without one neither', () => {
  const { page, location, replaced } = pageAt('https://app/x?code=mine&status=returned');
  expect(takeReturn(page)).toBeUndefined();
  expect([location.href, replaced]).toEqual(['https://app/x?code=mine&status=returned', []]);
  expect(takeReturn()).toBeUndefined();
});

test('the API’s additions to any target are parsed and removed', () => {
  const word = fc.stringMatching(/^[a-z0-9%+=-]{0,8}$/);
  const target = fc
    .tuple(fc.array(word, { maxLength: 4 }), fc.option(word, { nil: undefined }))
    .map(([query, fragment]) => ({
      before: `https://app/x${query.length > 0 ? `?${query.join('&')}` : ''}`,
      fragment: fragment === undefined ? '' : `#${fragment}`,
    }));
  fc.assert(
    fc.property(target, ({ before, fragment }) => {
      const added = new URLSearchParams({ session_id: sessionId, status: 'returned', code: CODE });
      const { page, location } = pageAt(`${before}${before.includes('?') ? '&' : '?'}${added}${fragment}`);
      expect(takeReturn(page)).toEqual({ status: 'returned', sessionId, code: CODE });
      expect(location.href).toBe(`${before}${fragment}`);
    }),
    { numRuns: 300 },
  );
});

test('a page that was redirected for a session asks no other tab when it returns', async () => {
  const kept = new Map<string, string>();
  const asked = jest.fn();
  const at = (href: string) => ({
    ...pageAt(href).page,
    sessionStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    },
    setTimeout,
    BroadcastChannel: class {
      onmessage = null;
      postMessage = asked;
      close() {}
    },
  });
  void redirect(at('https://app/x'))('https://widget.example.com/s/1', attempt);
  expect(await handBack(at(`https://app/x?${ours}&status=returned&code=x`))).toBe(false);
  expect(asked).not.toHaveBeenCalled();
  expect(await handBack(at(`https://app/x?session_id=other&status=returned&code=x`))).toBe(false);
  expect(asked).toHaveBeenCalledTimes(1);
});

test('a browser without storage redirects as well', () => {
  const { page, location } = pageAt('https://app/x');
  const forbids = Object.defineProperty(page, 'sessionStorage', {
    get: () => {
      throw new Error('SecurityError');
    },
  });
  void redirect(forbids)('https://widget.example.com/s/1', attempt);
  expect(location.assign).toHaveBeenCalledTimes(1);
});

const attempt = { sessionId, session: () => Promise.reject(new Error('nobody asks')) };

test('a redirect leaves the page, and ends only if the back button restores the page', async () => {
  const { page, location, shown } = pageAt('https://app/x');
  const opening = redirect(page)('https://widget.example.com/s/1', attempt);
  const ended = jest.fn();
  void opening.then(ended);
  expect(location.assign.mock.calls).toEqual([['https://widget.example.com/s/1']]);
  for (const listener of shown) listener({ persisted: false });
  await new Promise(setImmediate);
  expect(ended).not.toHaveBeenCalled();
  for (const listener of shown) listener({ persisted: true });
  expect(await opening).toBeUndefined();
});
