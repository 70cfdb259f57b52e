import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import * as fc from 'fast-check';
import { scenarioNames } from '../../local/sandbox/scenarios';
import { sendable } from '../../local/sandbox/send-now';
import { type Setting, useSetting } from './setting';

let setting: Setting;
useSetting(started => (setting = started));

async function control(method: string, path: string, body?: unknown) {
  const response = await fetch(`${setting.sandbox.url}/sandbox/${path}`, {
    method,
    headers: { origin: 'http://localhost:4000' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

test('scenarios can be listed and switched over HTTP from any origin', async () => {
  const before = await control('GET', 'scenarios');
  const on = await control('PUT', 'scenarios/429', { only: 'tokens', times: 1 });
  const list = await control('GET', 'scenarios');
  const refused = await setting.api('POST', '/auth/tokens');
  const accepted = await setting.api('POST', '/auth/tokens');
  await control('PUT', 'scenarios/500');
  await control('DELETE', 'scenarios/500');
  const preflight = await control('OPTIONS', 'scenarios/500');

  expect(before.headers.get('access-control-allow-origin')).toBe('*');
  expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT');
  expect(before.body.scenarios.map(({ name }: { name: string }) => name)).toEqual(scenarioNames);
  expect(before.body.scenarios[0]).toMatchObject({
    on: false,
    imitates: expect.any(String),
    source: expect.any(String),
  });
  expect(on.body).toEqual({ name: '429', on: true, only: 'tokens', times: 1 });
  expect(list.body.scenarios).toContainEqual(expect.objectContaining({ name: '429', on: true, times: 1 }));
  expect([refused.status, accepted.status]).toEqual([429, 200]);
  expect((await setting.api('GET', '/subscriptions')).status).toBe(200);
});

test('every event type can be sent, signed and recorded', async () => {
  for (const { name, of } of sendable()) {
    const { userId } = of === 'user' ? await setting.connected('GARMIN', `ref-${name}`) : { userId: '' };
    setting.receiver.clear();
    const sent = await control('POST', of === 'user' ? `users/${userId}/events` : 'events', { event: name });

    expect(sent.status).toBe(200);
    expect(sent.body.deliveries.length).toBeGreaterThan(0);
    expect(setting.receiver.received).toHaveLength(sent.body.deliveries.length);
  }
  const types = new Set(setting.sandbox.history().map(entry => (entry.kind === 'delivery' ? entry.type : '')));
  expect(types.size).toBeGreaterThan(20);
});

test('any body can be signed and sent', async () => {
  await control('POST', 'webhooks', { body: '{"type":"auth","__proto__":1}' });
  await control('POST', 'webhooks', { body: { type: 'x', user: null } });

  expect(setting.receiver.received.map(({ body }) => body)).toEqual([
    '{"type":"auth","__proto__":1}',
    '{"type":"x","user":null}',
  ]);
});

test('the history has requests and deliveries with their results, and no credentials', async () => {
  await setting.connected('GARMIN', 'alice');
  const { body } = await control('GET', 'history');
  const rest = await control('GET', `history?after=${body.history[0].seq}`);
  const cleared = await control('DELETE', 'history');

  expect(body.history).toMatchObject([
    { kind: 'request', method: 'POST', path: '/v2/auth/authenticateUser?resource=GARMIN', result: 200 },
    { kind: 'delivery', type: 'auth', state: 'delivered', attempts: [{ status: 200 }] },
  ]);
  expect(JSON.stringify(body)).not.toContain('key-1');
  expect(rest.body.history).toHaveLength(1);
  expect(cleared.body.history).toEqual([]);
});

test('users, destination, clock and reset have endpoints', async () => {
  const { userId } = await setting.connected('GARMIN', 'alice');
  const users = await control('GET', 'users');
  const moved = await control('POST', 'clock/advance', { seconds: 3600 });
  const destination = await control('PUT', 'destination', { url: setting.receiver.url });
  const kept = await control('POST', 'reset', { keepUsers: true });
  const still = setting.sandbox.users().length;
  await control('POST', 'reset');

  expect(users.body.users).toMatchObject([{ user_id: userId, account: expect.stringContaining('@garmin.example') }]);
  expect(Date.parse(moved.body.now) - Date.now()).toBeGreaterThan(3_590_000);
  expect(destination.body).toEqual({ url: setting.receiver.url });
  expect([kept.status, still, setting.sandbox.users().length]).toEqual([200, 1, 0]);
});

test('a Terra user of another program can be created under any reference id, and events are sent for it', async () => {
  const left = await control('POST', 'users', { provider: 'garmin', reference_id: 'alice' });
  const given = await control('POST', 'users', { provider: 'OURA', account: 'a@b.example', widget_session_id: null });
  const theirs = await control('POST', 'users', { provider: 'APPLE', widget_session_id: 'theirs' });
  const events = setting.receiver.received.map(({ event }) => event);
  const userId = String(left.body.user.user_id);
  for (const event of ['permission_change', 'connection_error', 'daily', 'deauth']) {
    await control('POST', `users/${userId}/events`, { event });
  }

  expect([left.status, given.status, theirs.status]).toEqual([200, 200, 200]);
  expect(left.body).toMatchObject({
    user: { user_id: userId, provider: 'GARMIN', reference_id: 'alice', account: expect.stringContaining('@garmin.') },
    deliveries: [{ type: 'auth', state: 'delivered' }],
  });
  expect(events).toMatchObject([
    { type: 'auth', user: { user_id: userId, reference_id: 'alice' }, flow_id: expect.any(String) },
    { type: 'auth', user: { reference_id: null }, widget_session_id: null },
    { type: 'auth', user: { provider: 'APPLE' }, widget_session_id: 'theirs', flow_id: null },
  ]);
  expect(events[0]).not.toHaveProperty('widget_session_id');
  expect(setting.receiver.types().slice(3)).toEqual(['permission_change', 'connection_error', 'daily', 'deauth']);
  expect(setting.sandbox.users().map(({ provider }) => provider)).toEqual(['OURA', 'APPLE']);
});

test('in the same process, connectElsewhere creates such a Terra user', async () => {
  const user = await setting.sandbox.connectElsewhere({ provider: 'GARMIN', referenceId: 'alice' });

  expect(setting.sandbox.users()).toEqual([user]);
  expect(setting.receiver.types()).toEqual(['auth']);
  await expect(setting.sandbox.connectElsewhere({ provider: 'NOBODY', referenceId: null })).rejects.toThrow(/NOBODY/);
});

test.each([
  ['PUT', 'scenarios/nothing', undefined, 404],
  ['PUT', 'scenarios/500', { times: 0 }, 400],
  ['PUT', 'scenarios/500', { sometimes: 1 }, 400],
  ['POST', 'clock/advance', { seconds: -1 }, 400],
  ['POST', 'users/nobody/events', { event: 'deauth' }, 404],
  ['POST', 'users', { provider: 'NOBODY' }, 400],
  ['POST', 'users', { reference_id: 'alice' }, 400],
  ['POST', 'users', { provider: 'GARMIN', scopes: '' }, 400],
  ['POST', 'events', { event: 'nothing' }, 404],
  ['PUT', 'destination', { url: 'ftp://x' }, 400],
  ['POST', 'deliveries/none/resend', undefined, 404],
  ['GET', 'nothing', undefined, 404],
])('%s /sandbox/%s with %j is refused', async (method, path, body, status) => {
  expect((await control(method, path, body)).status).toBe(status);
});

test('the home page shows every scenario and loads nothing from elsewhere', async () => {
  const response = await fetch(setting.sandbox.url);
  const markup = await response.text();

  for (const name of scenarioNames) expect(markup).toContain(`data-scenario="${name}"`);
  expect(markup).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('a page escapes the parts of a request that it shows', async () => {
  const hostile = `"><script>alert('1')</script>`;
  await setting.connected('GARMIN', 'alice', { account: hostile });
  const session = await setting.api('POST', '/auth/generateWidgetSession', {
    body: { reference_id: 'alice', show_disconnect: true, language: hostile },
  });
  const widget = await (await fetch(String(session.body['url']))).text();

  expect(widget).toContain('script');
  expect(widget).not.toContain('<script>');
});

const paths = fc.oneof(
  fc.constantFrom(
    '/v2/userInfo',
    '/v2/auth/authenticateUser',
    '/v2/auth/tokens',
    '/v2/bulkUserInfo',
    '/v2/daily',
    '/api/widget/session',
    '/sandbox/phone/connect',
    '/sandbox/consent/x',
    '/sandbox/scenarios/500',
    '/sandbox/webhooks',
    '/session/x',
    '//',
    '/%',
    '/v2/%00',
  ),
  fc.webPath(),
);

test('malformed requests are answered, never with a 500', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD'),
      paths,
      fc.webQueryParameters(),
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.constant('decision=approve'),
        fc.uint8Array().map(bytes => Buffer.from(bytes)),
      ),
      fc.constantFrom('application/json', 'text/plain', ''),
      async (method, path, query, body, type) => {
        const status = await send(method, `${path}?${query}`, body, type);
        setting.sandbox.switchOff('500');
        expect(status).toBeGreaterThanOrEqual(200);
        expect(status).toBeLessThan(500);
      },
    ),
    { numRuns: 400 },
  );
});

test('bytes that are not HTTP do not stop the sandbox', async () => {
  for (const bytes of [
    '\0\0\0',
    'GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET / HTTP/9\r\n\r\n',
    'POST /v2/x HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
  ]) {
    await new Promise<void>(resolve => {
      const socket = connect(Number(new URL(setting.sandbox.url).port), '127.0.0.1', () => socket.end(bytes));
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
      socket.resume();
    });
  }

  expect((await fetch(setting.sandbox.url)).status).toBe(200);
});

test('a body above Terra’s limit is refused', async () => {
  expect(await send('POST', '/api/widget/session', 'x'.repeat(3_000_000), 'application/json')).toBe(413);
});

function send(method: string, target: string, body: string | Buffer, type: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(setting.sandbox.url);
    const headers = { 'dev-id': 'dev-1', 'x-api-key': 'key-1', 'content-length': Buffer.byteLength(body) };
    const typed = type === '' ? headers : { ...headers, 'content-type': type };
    const path = target.replace(/[^!-~]/g, '');
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path, headers: typed, agent: false }, response => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
