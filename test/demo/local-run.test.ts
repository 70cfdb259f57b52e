import { load } from './modules';

type Call = { to: string; method: string; path: string; status: number };
type Note = (call: Call) => void;
type Failure = Error & { status: number; code?: string };

const { notedFetch, signIn, sandboxClient, behindTheApi } = load<{
  notedFetch(note: Note): typeof fetch;
  signIn(base: string, username: string, note: Note): Promise<string>;
  sandboxClient(base: string, note: Note): { connectPhone(phone: object): Promise<string | undefined> };
  behindTheApi(base: string, sandboxUrl: string): Record<string, (user: string) => Promise<unknown>>;
}>('local-run.js');
const { withCall } = load<{ withCall(calls: object[], call: object, at: number): { times: number }[] }>('state.js');

const realFetch = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = realFetch;
});

/** Returns the given answers in turn, and records the requests and notes. */
function world(...answers: (Response | Error)[]) {
  const asked: string[] = [];
  const calls: Call[] = [];
  globalThis.fetch = async url => {
    asked.push(url instanceof Request ? url.url : url.toString());
    const answer = answers.shift();
    if (answer instanceof Response) return answer;
    throw answer ?? new TypeError('asked once too often');
  };
  return { asked, calls, note: (call: Call) => void calls.push(call) };
}

const json = (status: number, body: object) => new Response(JSON.stringify(body), { status });
const lines = (calls: Call[]) => calls.map(({ to, method, path, status }) => `${to} ${method} ${path} ${status}`);

test('each call of the client is listed, without its query, token or code', async () => {
  const { calls, note } = world(json(201, {}), json(400, {}), new TypeError('away'));
  const call = notedFetch(note);
  const headers = { authorization: 'Bearer secret-token' };

  await call('http://localhost:4000/v1/sessions', { method: 'POST', headers });
  await call('http://localhost:4000/v1/sessions/s1/confirm?x=secret', { method: 'POST', body: '{"code":"secret"}' });
  await expect(call('http://localhost:4000/v1/providers')).rejects.toThrow('away');

  expect(lines(calls)).toEqual([
    'API POST /v1/sessions 201',
    'API POST /v1/sessions/s1/confirm 400',
    'API GET /v1/providers 0',
  ]);
  expect(JSON.stringify(calls)).not.toContain('secret');
});

test('no token appears in the list of calls or in an error', async () => {
  const { calls, note } = world(json(200, { access_token: 'secret-token' }), json(400, { error: 'invalid_request' }));

  expect(await signIn('http://localhost:4002', 'alice', note)).toBe('secret-token');
  const failure = await signIn('http://localhost:4002', 'secret', note).catch((error: unknown) => error);

  expect(lines(calls)).toEqual(['Issuer POST /token 200', 'Issuer POST /token 400']);
  expect(`${JSON.stringify(calls)} ${String(failure)}`).not.toContain('secret');
});

test.each([
  ['a refusal', json(503, { error: 'away' }), { status: 503, code: 'away' }],
  ['a page in place of JSON', new Response('<html>', { status: 200 }), { status: 500, code: undefined }],
  ['no answer at all', new TypeError('failed to fetch'), { status: 0, code: undefined }],
])('%s becomes a failure with its status', async (_what, answer, expected) => {
  const { note } = world(answer);

  const { status, code } = (await signIn('http://x', 'alice', note).catch((error: unknown) => error)) as Failure;

  expect({ status, code }).toEqual(expected);
});

test('Terra’s answer to a phone is shown by its name, and no answer is a failure', async () => {
  const { note } = world(json(200, {}), json(401, { error: 'InvalidAuthToken' }), new TypeError('away'));
  const { connectPhone } = sandboxClient('http://x', note);

  expect(await connectPhone({ token: 't' })).toBeUndefined();
  expect(await connectPhone({ token: 't' })).toBe('InvalidAuthToken');
  await expect(connectPhone({ token: 't' })).rejects.toMatchObject({ status: 0 });
});

test('requests to the local endpoints name the user, and are not listed as calls of an app', async () => {
  const { asked } = world(json(200, { facts: [] }), json(200, { events: [] }), json(200, { history: [] }));
  const { records, events, deliveries } = behindTheApi('http://api', 'http://terra');

  await records?.('a&b');
  await events?.('a&b');

  expect(await deliveries?.('')).toEqual([]);
  expect(asked).toEqual([
    'http://api/_local/records?sub=a%26b',
    'http://api/_local/events?sub=a%26b',
    'http://terra/sandbox/history?kind=delivery&last=200',
  ]);
});

test('a repeated call only increases a counter', () => {
  const call = { to: 'API', method: 'GET', path: '/v1/connections', status: 200, ms: 3 };

  const calls = withCall(withCall(withCall([], call, 1), call, 2), { ...call, status: 503 }, 3);

  expect(calls.map(({ times }) => times)).toEqual([1, 2]);
});
