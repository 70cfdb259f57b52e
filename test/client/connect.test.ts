import { type Open, type Outcome } from '../../client/index';
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

const sessionId = SESSION_ID;
const LINK = 'https://widget.example.com/s/1';
const back = (query: string) => `https://app.example.com/connected?mine=1&session_id=${sessionId}&${query}`;
const RETURNED = back(`status=returned&code=${CODE}`);
const stand = (status: string, more: object = {}) => json(200, session(status, more));
const onItsWay = json(202, { id: sessionId, status: 'returned' });
const gone = json(404, { message: 'Not Found' });

const connected: Outcome = { kind: 'connected', sessionId, connection: connection as never };
const failedBy = (failure: string) => ({ kind: 'failed', sessionId, failure });
const requests = (asked: { method: string; url: string }[]) =>
  asked.map(
    ({ method, url }) => `${method} ${url.replace('https://api.example.com/v1/', '').replace(sessionId, 'ID')}`,
  );

test('connect() opens a session, shows its link, and redeems the code of the return', async () => {
  const shown: unknown[] = [];
  const open: Open = async (url, attempt) => {
    shown.push(url, attempt.sessionId);
    return RETURNED;
  };
  const { client, asked } = answering([opened, confirmed]);
  const wish = { returnTo: 'web', providers: ['GARMIN', 'OURA'], language: 'pt-BR' };
  expect(await client.connect({ ...wish, open })).toEqual(connected);
  expect(shown).toEqual([LINK, sessionId]);
  expect(requests(asked)).toEqual(['POST sessions', 'POST sessions/ID/confirm']);
  expect(asked.map(({ body }) => body)).toEqual([wish, { code: CODE }]);
});

test('an app can show the link in its own way', async () => {
  const { client } = answering([opened, confirmed]);
  expect(await client.connect({ returnTo: 'web', open: async (url: string) => `${RETURNED}&via=${url}` })).toEqual(
    connected,
  );
});

test.each<[string, string, Answering[], unknown, string[]]>([
  ['confirmed at once', RETURNED, [confirmed], connected, []],
  [
    'confirmed once Terra’s word is there',
    RETURNED,
    [
      onItsWay,
      stand('returned'),
      stand('returned'),
      stand('completed', { connectionId: 'con-1' }),
      json(200, connection),
    ],
    connected,
    ['GET sessions/ID', 'GET sessions/ID', 'GET sessions/ID', 'GET connections/con-1'],
  ],
  ['confirmed without a code, where the deployment gives none', back('status=returned'), [confirmed], connected, []],
  ['waiting, when patience ends first', RETURNED, [onItsWay, stand('returned')], { kind: 'waiting', sessionId }, ['*']],
  [
    'failed meanwhile',
    RETURNED,
    [onItsWay, stand('failed', { failure: 'denied' })],
    failedBy('denied'),
    ['GET sessions/ID'],
  ],
  ['cut: finished by somebody else', RETURNED, [problem('not_found')], failedBy('wrong_owner'), []],
  [
    'rejected, as its owner is told',
    RETURNED,
    [problem('session_closed'), stand('rejected', { failure: 'wrong_owner' })],
    failedBy('wrong_owner'),
    ['GET sessions/ID'],
  ],
  [
    'closed because too late',
    RETURNED,
    [problem('session_closed'), stand('expired')],
    failedBy('expired'),
    ['GET sessions/ID'],
  ],
  [
    'long done: a stale code changes nothing',
    RETURNED,
    [problem('code_invalid'), stand('completed', { connectionId: 'con-1' }), json(200, connection)],
    connected,
    ['GET sessions/ID', 'GET connections/con-1'],
  ],
])('a return is %s', async (_, url, answers, outcome, after) => {
  const { client, asked, slept } = answering(answers);
  expect(await client.finish(url)).toEqual(outcome);
  const code = url === RETURNED ? { code: CODE } : {};
  expect(asked[0]).toMatchObject({ method: 'POST', body: code });
  const [first, ...others] = requests(asked);
  expect(first).toBe('POST sessions/ID/confirm');
  if (after[0] === '*') expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(20_000);
  else expect(others).toEqual(after);
});

test.each<[string, Answering[], string]>([
  ['code_invalid', [problem('code_invalid'), stand('pending')], 'code_invalid'],
  ['code_invalid of another’s session', [problem('code_invalid'), problem('not_found')], 'code_invalid'],
  ['session_closed, when that is all there is', [problem('session_closed'), new TypeError()], 'session_closed'],
  ['a gateway without the API', [gone], 'not_found'],
  ['a refused credential', [problem('terra_credentials')], 'terra_credentials'],
])('%s becomes an error', async (_, answers, code) => {
  expect(await failureOf(answering(answers).client.finish(RETURNED))).toMatchObject({ name: 'ConnectError', code });
});

test.each<[string, Answering[], unknown]>([
  ['as the API knows it better', [stand('failed', { failure: 'denied' })], failedBy('denied')],
  ['as the URL says, where the API knows no more', [stand('failed', { failure: 'unknown' })], failedBy('cancelled')],
  ['as the URL says, while people may still choose again', [stand('pending')], failedBy('cancelled')],
  ['as the URL says, where the API is away', [new TypeError('fetch failed')], failedBy('cancelled')],
  ['as the URL says, where the session is somebody else’s', [problem('not_found')], failedBy('cancelled')],
  ['not at all, when it is done', [stand('completed', { connectionId: 'con-1' }), json(200, connection)], connected],
])('a failure is reported %s', async (_, answers, outcome) => {
  expect(await answering(answers).client.finish(back('status=failed&error=cancelled'))).toEqual(outcome);
});

test('an SDK provider is reported without a request', async () => {
  const { client, asked } = answering([opened]);
  expect(await client.finish(back('status=sdk_required&provider=APPLE'))).toEqual({
    kind: 'sdk_required',
    sessionId,
    provider: 'APPLE',
  });
  expect(asked).toEqual([]);
});

test.each<[string, Answering[], unknown]>([
  ['left', [stand('pending', { url: LINK })], { kind: 'left', sessionId }],
  ['failed, where they were denied first', [stand('failed', { failure: 'denied' })], failedBy('denied')],
  ['failed, where the link expired', [stand('expired')], failedBy('expired')],
  [
    'connected, where it was finished elsewhere',
    [stand('completed', { connectionId: 'con-1' }), json(200, connection)],
    connected,
  ],
  [
    'connected, where it is just being finished elsewhere',
    [stand('returned'), stand('returned'), stand('completed', { connectionId: 'con-1' }), json(200, connection)],
    connected,
  ],
  ['left, where nobody brought the code', [stand('returned')], { kind: 'left', sessionId }],
])('a return without parameters means %s', async (_, answers, outcome) => {
  const { client } = answering([opened, ...answers]);
  expect(await client.connect({ returnTo: 'web', open: async () => undefined })).toEqual(outcome);
});

test.each([
  ['of another session', RETURNED.replace(sessionId, 'B'.repeat(22))],
  ['that is none', 'https://app.example.com/connected'],
])('a return %s is ignored', async (_, url) => {
  const { client, asked } = answering([opened, stand('pending')]);
  expect(await client.connect({ returnTo: 'web', open: async () => url })).toEqual({ kind: 'left', sessionId });
  expect(requests(asked)).toEqual(['POST sessions', 'GET sessions/ID']);
});

test('the function that shows the link is called if there is no link', async () => {
  const cancel = jest.fn();
  const open = Object.assign(jest.fn<Promise<undefined>, []>(), { cancel });
  const refused = answering([problem('erasing')]);
  expect(await failureOf(refused.client.connect({ returnTo: 'web', open }))).toMatchObject({ code: 'erasing' });
  expect(cancel).toHaveBeenCalledTimes(1);

  const served = answering([
    json(201, session('completed')),
    stand('completed', { connectionId: 'con-1' }),
    json(200, connection),
  ]);
  expect(await served.client.connect({ returnTo: 'web', open })).toEqual(connected);
  expect(cancel).toHaveBeenCalledTimes(2);
  expect(open).not.toHaveBeenCalled();
});

test('a blocked window opens no session', async () => {
  const { client, asked } = answering([opened]);
  const open = Object.assign(async () => undefined, { blocked: true });
  expect(await failureOf(client.connect({ returnTo: 'web', open }))).toMatchObject({
    code: 'popup_blocked',
    status: 0,
  });
  expect(asked).toEqual([]);
});

test('an error thrown by open is passed on unchanged', async () => {
  const broken = new Error('no browser here');
  const { client } = answering([opened]);
  expect(await failureOf(client.connect({ returnTo: 'web', open: () => Promise.reject(broken) }))).toBe(broken);
});

test('connect() ends at once when aborted, even if open never ends', async () => {
  const { client } = answering([opened]);
  const controller = new AbortController();
  const reason = new Error('navigated away');
  const connecting = client.connect({ returnTo: 'web', signal: controller.signal, open: () => new Promise(() => {}) });
  setTimeout(() => controller.abort(reason), 5);
  expect(await failureOf(connecting)).toBe(reason);
});

describe('settling', () => {
  test.each(['completed', 'failed', 'expired', 'rejected'])('ends with %s', async status => {
    const { client, slept } = answering([stand('pending'), stand('returned'), stand(status)]);
    expect((await client.settle(sessionId)).status).toBe(status);
    expect(slept).toHaveLength(2);
  });

  test('ends with the latest state at its time limit, and polls less and less often', async () => {
    const { client, asked, slept } = answering([stand('pending')]);
    expect(await client.settle(sessionId, { patienceMs: 60_000 })).toMatchObject({ status: 'pending' });
    const waitedMs = slept.reduce((sum, ms) => sum + ms, 0);
    expect(waitedMs).toBeGreaterThan(50_000);
    expect(waitedMs).toBeLessThanOrEqual(60_000);
    expect(asked.length).toBeLessThan(25);
  });

  test('asks once without a time limit', async () => {
    const { client, asked, slept } = answering([stand('returned')]);
    await client.settle(sessionId, { patienceMs: 0 });
    expect([asked.length, slept.length]).toEqual([1, 0]);
  });

  test('continues after the API was unavailable, when Retry-After has passed', async () => {
    const { client, slept } = answering([
      problem('rate_limited', { 'retry-after': '3' }),
      stand('returned'),
      new TypeError('fetch failed'),
      stand('completed'),
    ]);
    expect(await client.settle(sessionId)).toMatchObject({ status: 'completed' });
    expect(slept[0]).toBe(3000);
  });
});
