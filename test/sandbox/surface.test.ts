import { type Setting, useSetting } from './setting';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const unknownUser = '40f7b0e1-89e2-43ac-a5b8-1e29c8d47cad';

let setting: Setting;
useSetting(started => (setting = started));

type Opened = { status: number; body: { url: string; session_id: string } };

async function openWidget(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Opened> {
  const response = await fetch(`${setting.sandbox.url}${path}`, {
    method: 'POST',
    headers: { 'dev-id': 'dev-1', 'x-api-key': 'key-1', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

test.each([
  '/api/widget/session',
  '/widget/api/session',
  '/v2/auth/generateWidgetSession',
  '/api/v2/auth/generateWidgetSession',
])('POST %s opens a widget session whose page offers only the requested providers', async path => {
  const { status, body: session } = await openWidget(path, { providers: 'GARMIN, OURA,NOBODY', reference_id: 'alice' });
  const markup = await (await fetch(session.url)).text();

  expect(status).toBe(201);
  expect(session).toEqual({
    session_id: expect.stringMatching(UUID),
    url: `${setting.sandbox.url}/session/${session.session_id}`,
    status: 'success',
    expires_in: 900,
  });
  expect(markup.match(/id="provider-\w+"/g)).toEqual(['id="provider-GARMIN"', 'id="provider-OURA"']);
});

test('a widget session leads through the consent page back to the app, with an auth webhook', async () => {
  const opened = await openWidget('/api/widget/session', {
    reference_id: 'a/b c',
    auth_success_redirect_url: 'https://app.example/done?x=1#end',
    auth_failure_redirect_url: 'app://failed',
  });
  const { url, session_id: sessionId } = opened.body;
  const picked = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ provider: 'OURA' }),
  });
  const consentUrl = picked.headers.get('location') ?? '';
  const consentPage = await (await fetch(consentUrl)).text();
  const location = await setting.consent(consentUrl, 'approve');
  await setting.sandbox.settled();

  const [user] = setting.sandbox.users();
  expect(consentPage).toContain('id="approve"');
  expect(location).toBe(
    `https://app.example/done?x=1&user_id=${user?.userId}&reference_id=a%2Fb%20c&resource=OURA#end`,
  );
  expect(setting.receiver.received.map(({ event }) => event)).toEqual([
    {
      type: 'auth',
      status: 'success',
      message: 'User has successfully authenticated',
      widget_session_id: sessionId,
      flow_id: expect.stringMatching(UUID),
      user: {
        user_id: user?.userId,
        provider: 'OURA',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
        last_webhook_update: null,
        scopes: 'daily,heartrate,workout,spo2',
        reference_id: 'a/b c',
        active: true,
      },
    },
  ]);
  expect((await fetch(consentUrl)).status).toBe(410);
});

test('a denial redirects to the failure URL, sends auth_cancelled without a user and leaves no user', async () => {
  const { body } = await setting.api('POST', '/auth/authenticateUser?resource=garmin', {
    body: { reference_id: 'bob', auth_failure_redirect_url: 'app://failed' },
  });
  const location = await setting.consent(String(body['auth_url']), 'deny');
  await setting.sandbox.settled();
  const lookup = await setting.api('GET', `/userInfo?user_id=${String(body['user_id'])}`);

  expect(location).toBe(`app://failed?user_id=${String(body['user_id'])}&reference_id=bob&resource=GARMIN`);
  expect(setting.receiver.received.map(({ event }) => event)).toEqual([
    {
      type: 'auth_cancelled',
      status: 'error',
      flow_id: expect.stringMatching(UUID),
      reason: 'access_denied',
      reference_id: 'bob',
    },
  ]);
  expect(lookup.status).toBe(404);
});

test('an SDK provider picked in the widget returns with a null user and connects no one', async () => {
  const { url } = (await openWidget('/api/widget/session', { auth_success_redirect_url: 'https://app.example' })).body;
  const picked = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ provider: 'APPLE' }),
  });

  expect(picked.headers.get('location')).toBe('https://app.example?user_id=null&reference_id=null&resource=APPLE');
  expect(setting.sandbox.users()).toEqual([]);
});

test('the legacy widget offers to disconnect existing connections if show_disconnect is set', async () => {
  const { userId } = await setting.connected('GARMIN', 'alice');
  const { url } = (await openWidget('/v2/auth/generateWidgetSession', { reference_id: 'alice', show_disconnect: true }))
    .body;
  const markup = await (await fetch(url)).text();
  await fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ disconnect: userId }) });
  await setting.sandbox.settled();

  expect(markup).toContain(`id="disconnect-${userId}"`);
  expect(setting.receiver.types()).toEqual(['auth', 'deauth']);
});

test('without the JSON content type the body is ignored, and the history notes it', async () => {
  const response = await openWidget('/api/widget/session', { providers: 'OURA' }, { 'content-type': 'text/plain' });
  const markup = await (await fetch(response.body.url)).text();

  expect(markup).toContain('id="provider-GARMIN"');
  expect(setting.sandbox.history()).toMatchObject([{ notes: [expect.stringContaining('body ignored')] }]);
});

test('links expire, and their pages say so', async () => {
  const { url } = (await openWidget('/api/widget/session', {})).body;
  const { body } = await setting.api('POST', '/auth/authenticateUser?resource=OURA');
  await setting.sandbox.advance(900_000);

  expect((await fetch(url)).status).toBe(410);
  expect((await fetch(String(body['auth_url']))).status).toBe(410);
  expect(await setting.consent(String(body['auth_url']), 'approve')).toBe('status 410');
  expect((await setting.api('GET', `/userInfo?user_id=${String(body['user_id'])}`)).status).toBe(404);
});

test('without redirect URLs the browser ends on a page of Terra', async () => {
  const { body } = await setting.api('POST', '/auth/authenticateUser?resource=OURA', { body: { reference_id: 'eve' } });
  const location = await setting.consent(String(body['auth_url']), 'approve');

  expect(location).toBe(
    `${setting.sandbox.url}/session/demo/success?user_id=${String(body['user_id'])}&reference_id=eve&resource=OURA`,
  );
  expect(await (await fetch(location)).text()).toContain('You are connected');
});

test('deauthenticateUser deletes the user, and a deauth webhook follows', async () => {
  const { userId } = await setting.connected('STRAVA', 'alice');
  const first = await setting.api('DELETE', `/auth/deauthenticateUser?user_id=${userId}`);
  await setting.sandbox.settled();
  const second = await setting.api('DELETE', `/auth/deauthenticateUser?user_id=${userId}`);

  expect(first).toMatchObject({ status: 200, body: { status: 'success' } });
  expect(setting.receiver.received.at(-1)?.event).toMatchObject({
    type: 'deauth',
    user: { user_id: userId, active: false },
  });
  expect(second.status).toBe(404);
});

test('subscriptions (plain and paged), bulkUserInfo and userInfo by reference return lists', async () => {
  for (const name of ['a', 'b', 'c']) await setting.connected('GARMIN', name);
  const ids = setting.sandbox.users().map(({ userId }) => userId);

  const plain = await setting.api('GET', '/subscriptions');
  const firstPage = await setting.api('GET', '/subscriptions?page=0&per_page=2');
  const lastPage = await setting.api('GET', '/subscriptions?page=1&per_page=2');
  const bulk = await setting.api('POST', '/bulkUserInfo', { body: [ids[0], unknownUser] });
  const byReference = await setting.api('GET', '/userInfo?reference_id=b');

  expect(plain.body).toMatchObject({ users: ids.map(id => ({ user_id: id })) });
  expect(firstPage.body).toMatchObject({ data: { next: 1, max_page: 1, results: [{}, {}] } });
  expect(lastPage.body).toMatchObject({ data: { next: null, max_page: 1, results: [{ user_id: ids[2] }] } });
  expect(bulk.body).toMatchObject([{ user_id: ids[0] }]);
  expect(byReference.body).toMatchObject({ status: 'success', users: [{ user_id: ids[1], reference_id: 'b' }] });
});

test('integrations need no key; with a dev-id the detailed list has only enabled providers', async () => {
  const all = await fetch(`${setting.sandbox.apiUrl}/integrations`).then(response => response.json());
  const everything = await fetch(`${setting.sandbox.apiUrl}/integrations/detailed?sdk=true`).then(r => r.json());
  const enabled = await setting.api('GET', '/integrations/detailed', { headers: { 'x-api-key': 'whatever' } });
  const names = (body: unknown) => JSON.stringify(body).match(/"provider":"(\w+)"/g);

  expect(all).toMatchObject({ status: 'success', sdk_providers: expect.arrayContaining(['APPLE', 'HEALTH_CONNECT']) });
  expect(names(everything)).toEqual(expect.arrayContaining(['"provider":"PELOTON"', '"provider":"APPLE"']));
  expect(names(enabled.body)).toContain('"provider":"GARMIN"');
  expect(names(enabled.body)).not.toContain('"provider":"PELOTON"');
  expect(names(enabled.body)).not.toContain('"provider":"APPLE"');
});

const noKeys = { 'dev-id': '', 'x-api-key': '' };
const wrongKeys = { 'x-api-key': 'key-2' };
const swappedKeys = { 'dev-id': 'key-1', 'x-api-key': 'dev-1' };

test.each([
  ['GET', '/userInfo?user_id=x', noKeys, 401, { title: 'unauthorized', instance: '/v2/userInfo?user_id=x' }],
  ['GET', '/userInfo?user_id=x', wrongKeys, 401, { type: 'about:blank' }],
  ['GET', '/subscriptions', swappedKeys, 401, { title: 'unauthorized' }],
  ['POST', '/auth/authenticateUser?resource=OURA', swappedKeys, 200, { message: null }],
  ['POST', '/auth/authenticateUser', {}, 400, { title: 'bad request', detail: 'resource is required' }],
  ['POST', '/auth/authenticateUser?resource=NOBODY', {}, 404, { title: 'not found' }],
  ['POST', '/auth/authenticateUser?resource=PELOTON', {}, 404, { title: 'not found' }],
  ['POST', '/auth/authenticateUser?resource=APPLE', {}, 400, { title: 'bad request' }],
  ['GET', '/userInfo', {}, 400, { title: 'bad request' }],
  ['GET', `/userInfo?user_id=${unknownUser}`, {}, 404, { detail: 'user not found' }],
  ['GET', '/userInfo?reference_id=nobody', {}, 404, { detail: 'user not found' }],
  ['GET', `/userInfo/?user_id=${unknownUser}`, {}, 404, { detail: 'not found' }],
  ['DELETE', '/auth/deauthenticateUser', {}, 400, {}],
  ['POST', '/auth/deauthenticateUser', {}, 405, { title: 'method not allowed' }],
  ['GET', '/subscriptions?page=-1', {}, 400, { detail: 'invalid page' }],
  ['GET', '/nothing', {}, 404, {}],
  ['GET', '/daily?user_id=x', {}, 400, { detail: 'invalid start_date' }],
])('%s %s is refused as by Terra', async (method, path, headers, status, body) => {
  const answer = await setting.api(method, path, { headers });

  expect(answer).toMatchObject({ status, body });
});

test.each([
  ['a list of providers', { providers: ['GARMIN'] }],
  ['a number for a reference id', { reference_id: 7 }],
  ['a redirect URL that is none', { auth_success_redirect_url: 'done' }],
  ['a redirect URL with a line break', { auth_success_redirect_url: 'https://a.example/\r\nx: y' }],
  ['a list', []],
])('a widget session with %s gets the older error form', async (_what, body) => {
  const response = await openWidget('/api/widget/session', body);

  expect(response.status).toBe(400);
  expect(response.body).toEqual({ message: expect.any(String), status: 'error' });
});

test('wrong credentials get 403 from the widget service, in the older error form', async () => {
  const response = await openWidget('/widget/api/session', {}, wrongKeys);

  expect(response.status).toBe(403);
  expect(response.body).toEqual({ message: expect.any(String), status: 'error' });
});
