import { load } from './modules';

type Call = { to: string; method: string; path: string; status: number };
type Api = {
  connections(): Promise<object[]>;
  openSession(provider: string | undefined): Promise<{ id: string; url?: string }>;
  confirm(id: string, code: string | undefined): Promise<boolean>;
};
type Failure = Error & { status: number; code?: string; retryAfterSeconds?: number };

const { apiClient, signIn } = load<{
  apiClient(options: { base: string; token: (fresh: boolean) => Promise<string>; note: (call: Call) => void }): Api;
  signIn(base: string, username: string, note: (call: Call) => void): Promise<string>;
}>('api.js');
const { withCall } = load<{ withCall(calls: object[], call: object, at: number): { times: number }[] }>('state.js');
const { askUntil } = load<{
  askUntil(options: {
    ask: () => Promise<string>;
    isFinal: (answer: string) => boolean;
    wait: (ms: number) => Promise<void>;
    patienceMs?: number;
  }): Promise<string>;
}>('backoff.js');

const realFetch = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = realFetch;
});

/** Plays the API: answers in turn, and keeps what was asked. */
function world(...answers: (Response | Error)[]) {
  const asked: { url: string; init: RequestInit }[] = [];
  const calls: Call[] = [];
  globalThis.fetch = async (url, init = {}) => {
    asked.push({ url: url instanceof Request ? url.url : url.toString(), init });
    const answer = answers.shift();
    if (answer instanceof Response) return answer;
    throw answer ?? new TypeError('asked once too often');
  };
  const note = (call: Call) => void calls.push(call);
  const api = apiClient({ base: '', note, token: async isFresh => (isFresh ? 'fresh-token' : 'first-token') });
  return { api, asked, calls, note };
}

const json = (status: number, body: object, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

test('no token and no code gets into the log of calls, nor into an error', async () => {
  const { api, calls, note } = world(
    json(200, { access_token: 'secret-token' }),
    json(400, { code: 'code_invalid', detail: 'the code' }),
  );

  await signIn('http://localhost:4002', 'alice', note);
  const failure = await api.confirm('s1', 'secret-code').catch((error: unknown) => error);

  expect(calls.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([
    'POST /token 200',
    'POST /v1/sessions/s1/confirm 400',
  ]);
  expect(`${JSON.stringify(calls)} ${String(failure)}`).not.toMatch(/secret|first-token/);
});

test('confirm tells a finished session from one that waits for Terra', async () => {
  const { api } = world(json(200, { id: 's1' }), json(202, { id: 's1' }));

  expect([await api.confirm('s1', 'c'), await api.confirm('s1', 'c')]).toEqual([true, false]);
});

test('after a 401 it asks once more with a fresh token', async () => {
  const { api, asked } = world(json(401, { message: 'Unauthorized' }), json(200, { connections: [] }));

  await api.connections();

  expect(asked.map(({ init }) => new Headers(init.headers).get('authorization'))).toEqual([
    'Bearer first-token',
    'Bearer fresh-token',
  ]);
});

test('a session asked for again after a 401 is the same session', async () => {
  const { api, asked } = world(json(401, { message: 'Unauthorized' }), json(201, { id: 's1' }));

  await api.openSession('GARMIN');

  const keys = asked.map(({ init }) => new Headers(init.headers).get('idempotency-key'));
  expect(keys[0]).toMatch(/^[\w-]{36}$/);
  expect(keys[1]).toBe(keys[0]);
});

test.each([
  ['https://widget.example/s', 'https://widget.example/s'],
  ['http://127.0.0.1:4001/s', 'http://127.0.0.1:4001/s'],
  ['javascript:alert(1)', undefined],
  ['data:text/html,x', undefined],
])('of the link %s it keeps %s', async (url, kept) => {
  const { api } = world(json(201, { id: 's1', url }));

  expect((await api.openSession(undefined)).url).toBe(kept);
});

test.each([
  [
    'a problem',
    json(429, { code: 'rate_limited' }, { 'retry-after': '7' }),
    { status: 429, code: 'rate_limited', retryAfterSeconds: 7 },
  ],
  ['the gateway’s own answer', json(503, { message: 'Service Unavailable' }), { status: 503 }],
  ['a page in place of JSON', new Response('<html>', { status: 200 }), { status: 500 }],
  ['no answer at all', new TypeError('failed to fetch'), { status: 0 }],
])('%s becomes a failure with its status', async (_what, answer, expected) => {
  const { api } = world(answer);

  const failure = (await api.connections().catch((error: unknown) => error)) as Failure;

  const { status, code, retryAfterSeconds } = failure;
  expect({ status, code, retryAfterSeconds }).toEqual({ code: undefined, retryAfterSeconds: undefined, ...expected });
});

test('the same call again only counts', () => {
  const call = { to: 'API', method: 'GET', path: '/v1/connections', status: 200, ms: 3 };

  const calls = withCall(withCall(withCall([], call, 1), call, 2), { ...call, status: 503 }, 3);

  expect(calls.map(({ times }) => times)).toEqual([1, 2]);
});

test('it asks less and less often, and in the end no more', async () => {
  const pauses: number[] = [];
  const wait = async (ms: number) => void pauses.push(ms);

  const answer = await askUntil({ ask: async () => 'pending', isFinal: () => false, wait, patienceMs: 10_000 });

  expect(answer).toBe('pending');
  expect(pauses).toEqual([400, 640, 1024, 1638, 2621, 4194]);
});
