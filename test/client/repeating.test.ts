import * as fc from 'fast-check';
import { createClient } from '../../client/index';
import { newKey } from '../../client/api';
import { sleep } from '../../client/platform';
import {
  answering,
  type Answering,
  CODE,
  confirmed,
  connection,
  failureOf,
  json,
  opened,
  problem,
  SESSION_ID,
  session,
} from './answering';

const away = new TypeError('fetch failed');
const busy = () => problem('rate_limited', { 'retry-after': '2' });

const calls: [string, Response, (client: ReturnType<typeof answering>['client']) => Promise<unknown>][] = [
  ['openSession', opened, client => client.openSession({ returnTo: 'web' })],
  ['session', json(200, session('pending')), client => client.session(SESSION_ID)],
  ['confirm', confirmed, client => client.confirm(SESSION_ID, CODE)],
  ['connections', json(200, { connections: [connection] }), client => client.connections()],
  ['connection', json(200, connection), client => client.connection('con-1')],
  ['disconnect', json(202, connection), client => client.disconnect('con-1')],
  ['eraseMe', json(202, { status: 'erasing' }), client => client.eraseMe()],
  ['providers', json(200, { providers: [] }), client => client.providers()],
];

test.each(calls)('%s is repeated while that can help', async (_, answer, call) => {
  const passing: Answering[] = [
    away,
    busy(),
    json(503, { message: 'Service Unavailable' }),
    json(504, { message: 'Endpoint request timed out' }),
    problem('in_progress', { 'retry-after': '1' }),
    answer,
  ];
  const { client, asked } = answering(passing);
  await call(client);
  expect(asked).toHaveLength(6);
  expect(new Set(asked.map(request => JSON.stringify(request))).size).toBe(1);
});

test.each(calls)('%s is not repeated if that cannot help', async (_, _answer, call) => {
  for (const failure of [problem('not_found'), problem('internal'), problem('terra_rejected'), problem('erasing')]) {
    const { client, asked } = answering([failure]);
    await failureOf(call(client));
    expect(asked).toHaveLength(1);
  }
});

test.each([away, busy(), problem('unavailable')])('a token request is never repeated automatically', async failure => {
  const { client, asked } = answering([failure]);
  await failureOf(client.mintToken({ provider: 'APPLE' }));
  expect(asked).toHaveLength(1);
  expect(asked[0]?.body).toEqual({ provider: 'APPLE' });
});

test('pauses grow and vary, and the last failure is thrown at the time limit', async () => {
  const runs = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const { client, asked, slept } = answering([away]);
      expect(await failureOf(client.connections())).toMatchObject({ code: 'network' });
      expect(asked).toHaveLength(slept.length + 1);
      const waited = slept.reduce((sum, ms) => sum + ms, 0);
      expect(waited).toBeLessThanOrEqual(20_000);
      expect(waited).toBeGreaterThan(12_000);
      slept.forEach((ms, index) => {
        const fullMs = Math.min(8000, 400 * 2 ** index);
        expect(ms).toBeGreaterThanOrEqual(fullMs / 2);
        expect(ms).toBeLessThanOrEqual(fullMs);
      });
      return slept[0];
    }),
  );
  expect(new Set(runs).size).toBeGreaterThan(40);
});

test('Retry-After is respected, and not waited for if it exceeds the time limit', async () => {
  const kept = answering([problem('rate_limited', { 'retry-after': '11' }), json(200, { connections: [] })]);
  await kept.client.connections();
  expect(kept.slept).toEqual([11_000]);

  const tooLong = answering([problem('rate_limited', { 'retry-after': '600' })]);
  expect(await failureOf(tooLong.client.connections())).toMatchObject({ retryAfterMs: 600_000, retryable: true });
  expect(tooLong.slept).toEqual([]);
});

test('each session has one idempotency key, which its repetitions keep', async () => {
  const { client, asked } = answering([away, busy(), opened]);
  await client.openSession({ returnTo: 'web', provider: 'GARMIN' });
  await client.openSession({ returnTo: 'web' });
  await client.openSession({ returnTo: 'web', idempotencyKey: 'mine' });
  const keys = asked.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toEqual([keys[0], keys[0], keys[0], keys[3], 'mine']);
  expect(keys[3]).not.toBe(keys[0]);
  expect(asked[0]).toEqual({
    method: 'POST',
    url: 'https://api.example.com/v1/sessions',
    headers: { authorization: 'Bearer token', 'content-type': 'application/json', 'idempotency-key': keys[0] },
    body: { returnTo: 'web', provider: 'GARMIN' },
  });
});

test('keys are short visible ASCII, unique, and need no crypto API', async () => {
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
  try {
    const keys = Array.from({ length: 2000 }, newKey);
    expect(new Set(keys).size).toBe(2000);
    expect(keys.filter(key => !/^[!-~]{20,64}$/.test(key))).toEqual([]);
  } finally {
    Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
  }
});

test('a rejected token is replaced once', async () => {
  const wishes: unknown[] = [];
  const { client, asked } = answering([json(401, { message: 'Unauthorized' }), json(200, { connections: [] })], {
    token: async wish => {
      wishes.push(wish);
      return wish.rejected === 'old' ? 'new' : 'old';
    },
  });
  await client.connections();
  expect(wishes).toEqual([{}, { rejected: 'old' }]);
  expect(asked.map(({ headers }) => headers['authorization'])).toEqual(['Bearer old', 'Bearer new']);
});

test('a second rejection, or the same token again, is an error', async () => {
  const unauthorized = json(401, { message: 'Unauthorized' });
  let count = 0;
  const fresh = answering([unauthorized], { token: () => `token-${(count += 1)}` });
  expect(await failureOf(fresh.client.mintToken())).toMatchObject({ code: 'unauthenticated', status: 401 });
  expect(fresh.asked).toHaveLength(2);

  const same = answering([unauthorized]);
  expect(await failureOf(same.client.connections())).toMatchObject({ code: 'unauthenticated', status: 401 });
  expect(same.asked).toHaveLength(1);
});

describe('a 401 without CORS headers, which a browser shows as a network error', () => {
  const page = (origin: string | undefined, navigator: object = {}) =>
    Object.defineProperties(globalThis, {
      location: { value: origin && { origin }, configurable: true },
      navigator: { value: navigator, configurable: true },
    });
  const { location, navigator } = globalThis as { location?: unknown; navigator?: unknown };
  beforeEach(() => page('https://app.example.com'));
  afterAll(() =>
    Object.defineProperties(globalThis, {
      location: { value: location, configurable: true },
      navigator: { value: navigator, configurable: true },
    }),
  );

  /** An API that takes the fresh token only, and whose own 401 the browser withholds. */
  function withholding(renew: () => string | Promise<string> = () => 'fresh', accepted = 'fresh') {
    const wishes: unknown[] = [];
    let current = 'old';
    const answer: Answering = ({ headers }) => {
      if (headers['authorization'] !== `Bearer ${accepted}`) throw away;
      return json(200, { connections: [] });
    };
    const token = async (wish: { rejected?: string }) => {
      wishes.push(wish);
      if (wish.rejected !== undefined) current = await renew();
      return current;
    };
    return { ...answering([answer], { token }), wishes };
  }

  test('succeeds after one fresh token', async () => {
    const { client, wishes, asked } = withholding();
    expect(await client.connections()).toEqual([]);
    expect(wishes).toEqual([{}, { rejected: 'old' }]);
    expect(asked).toHaveLength(2);
  });

  test('is a network error if a fresh token does not help', async () => {
    const { client, wishes, asked } = withholding(() => 'fresh', 'none');
    expect(await failureOf(client.connections())).toMatchObject({ code: 'network', retryable: true });
    expect(wishes.filter(wish => Object.keys(wish as object).length > 0)).toEqual([{ rejected: 'old' }]);
    expect(asked.length).toBeGreaterThan(2);
  });

  test('becomes the API’s answer if the fresh token gets one', async () => {
    const forbidden = json(403, { message: 'Forbidden' });
    const { client, asked } = answering([away, forbidden], { token: ({ rejected }) => (rejected ? 'fresh' : 'old') });
    expect(await failureOf(client.connections())).toMatchObject({ code: 'forbidden', status: 403 });
    expect(asked).toHaveLength(2);
  });

  test('stays a network error if there is no fresh token', async () => {
    const { client } = withholding(() => Promise.reject(new Error('the issuer cannot be reached')));
    expect(await failureOf(client.connections())).toMatchObject({ code: 'network' });
  });

  test('a token request gets a fresh token, but the app must repeat it', async () => {
    const { client, wishes, asked } = withholding();
    expect(await failureOf(client.mintToken())).toMatchObject({ code: 'network' });
    expect(wishes).toEqual([{}, { rejected: 'old' }]);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['outside a page', undefined, {}],
    ['on a page of the API’s own origin', 'https://api.example.com', {}],
    ['on a page that is offline', 'https://app.example.com', { onLine: false }],
  ])('%s a failed request requests no fresh token', async (_, origin, state) => {
    page(origin, state);
    const { client, wishes } = withholding(undefined, 'none');
    await failureOf(client.connections());
    expect(wishes.filter(wish => Object.keys(wish as object).length > 0)).toEqual([]);
  });
});

test('an error thrown by the app’s token function is passed on unchanged', async () => {
  const signedOut = new Error('signed out');
  const { client } = answering([opened], { token: () => Promise.reject(signedOut) });
  expect(await failureOf(client.connections())).toBe(signedOut);
});

describe('an aborted call rejects at once with the signal’s reason', () => {
  const never = () => new Promise<Response>(() => {});
  const waits: [string, Parameters<typeof answering>, 'asked' | 'token' | 'slept'][] = [
    ['while the API is asked', [[never]], 'asked'],
    ['while the token is fetched', [[opened], { token: () => new Promise<string>(() => {}) }], 'token'],
    ['between two attempts', [[problem('rate_limited', { 'retry-after': '15' })], { sleep, now: Date.now }], 'slept'],
  ];

  test.each(waits)('%s', async (_, [answers, options], where) => {
    const { client, asked } = answering(answers, options);
    const controller = new AbortController();
    const reason = new Error('person went away');
    const failed = failureOf(client.connections({ signal: controller.signal }));
    await new Promise(resolve => setTimeout(resolve, 5));
    const startedAt = performance.now();
    controller.abort(reason);
    expect(await failed).toBe(reason);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(asked).toHaveLength(where === 'token' ? 0 : 1);
  });

  test('before it began', async () => {
    const { client, asked } = answering([opened]);
    const reason = new Error('too late');
    const signal = AbortSignal.abort(reason);
    for (const call of [
      client.openSession({ returnTo: 'web', signal }),
      client.settle(SESSION_ID, { signal }),
      client.finish(`https://x/?session_id=${SESSION_ID}&status=returned&code=${CODE}`, { signal }),
      client.connect({ returnTo: 'web', signal, open: async () => undefined }),
      client.mintToken({ signal }),
    ]) {
      expect(await failureOf(call)).toBe(reason);
    }
    expect(asked).toEqual([]);
  });

  test('the request itself is aborted too, with an error if the platform keeps no reason', async () => {
    let isAborted = (): boolean => false;
    const { client } = answering([
      (_, init) => {
        isAborted = () => init.signal.aborted;
        return never();
      },
    ]);
    const controller = new AbortController();
    Object.defineProperty(controller.signal, 'reason', { value: undefined });
    const failed = failureOf(client.connections({ signal: controller.signal }));
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(isAborted()).toBe(false);
    controller.abort();
    expect(await failed).toMatchObject({ name: 'AbortError' });
    expect(isAborted()).toBe(true);
  });

  test('a signal keeps no listeners after the call', async () => {
    const { client } = answering([busy(), json(200, { connections: [] })]);
    const { signal } = new AbortController();
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    await client.connections({ signal });
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

describe('nothing secret', () => {
  const canary = 'CANARYcanaryCANARY';
  const secretAnswer = fc.oneof(
    fc
      .integer({ min: 200, max: 599 })
      .map(status => (canHaveBody(status) ? json(status, { detail: canary }) : undefined)),
    fc.constantFrom(
      json(401, { message: canary }),
      json(500, { code: canary, title: canary, detail: canary, requestId: `${canary}.${canary}.${canary}` }),
      json(409, { code: 'session_closed', title: canary, detail: canary, type: canary, instance: canary }),
      new Response(`<p>${canary}</p>`, { status: 502, headers: { 'retry-after': canary, location: canary } }),
      new Response(`{"token":"${canary}`, { status: 201 }),
    ),
    fc.constant(Object.assign(new TypeError(`bad header ${canary}`, { cause: new Error(canary) }), { url: canary })),
  );

  const canHaveBody = (status: number) => ![204, 205, 304].includes(status);

  test('no error or URL contains a token, code or link', async () => {
    await fc.assert(
      fc.asyncProperty(secretAnswer, fc.integer({ min: 0, max: 4 }), async (answer, which) => {
        const { client, asked } = answering([answer ?? away], { token: () => canary });
        const call = [
          () => client.confirm(SESSION_ID, canary, { patienceMs: 0 }),
          () => client.finish(`https://x/?session_id=${SESSION_ID}&status=returned&code=${canary}`, { patienceMs: 0 }),
          () => client.mintToken(),
          () => client.openSession({ returnTo: 'web' }),
          () => client.connections(),
        ][which];
        const error = await (call?.() ?? Promise.resolve()).then(
          () => undefined,
          (thrown: unknown) => thrown as Error,
        );
        const own = error && Object.getOwnPropertyNames(error).map(name => String(Reflect.get(error, name)));
        expect(`${JSON.stringify(error)} ${String(error)} ${own?.join(' ')}`).not.toContain(canary);
        expect(asked.map(({ url }) => url).join(' ')).not.toContain(canary);
      }),
      { numRuns: 300 },
    );
  });

  test('no error contains an invalid return URL or key', async () => {
    const { client } = answering([opened]);
    const errors = await Promise.all([
      failureOf(client.finish(`https://x/?code=${canary}`)),
      failureOf(client.openSession({ returnTo: 'web', idempotencyKey: `${canary} ä` })),
      failureOf(answering([opened], { token: () => `${canary}\n` }).client.connections()),
    ]);
    expect(errors.map(String).join(' ')).not.toContain(canary);
    expect(() => createClient({ apiUrl: `https://${canary}:x@api`, token: () => '' })).toThrow(/^((?!CANARY).)*$/);
  });
});
