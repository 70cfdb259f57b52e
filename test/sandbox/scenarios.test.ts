import { sign } from '../../functions/core/terra/signature';
import { manualClock } from '../../local/sandbox/clock';
import { isScenarioName, type ScenarioName, scenarioNames } from '../../local/sandbox/scenarios';
import { type Received, SECRET, type Setting, useSetting } from './setting';

const WEEK_MS = 7 * 24 * 3600_000;

let setting: Setting;
useSetting(started => (setting = started), { clock: manualClock(Date.now()), deliveryTimeoutMs: 2000 });

/** What is looked at under a scenario. */
type Probe = () => Promise<unknown>;

const unknownId = '40f7b0e1-89e2-43ac-a5b8-1e29c8d47cad';
const lookup: Probe = () => setting.api('GET', `/userInfo?user_id=${unknownId}`);
const direct = (body?: unknown) => setting.api('POST', '/auth/authenticateUser?resource=GARMIN', { body });

/** How a call ends for a client that gives up 100 ms after it has asked or after the answer began, or never gives up. */
const endsAfter =
  (givesUp: 'asking' | 'opening' | 'never'): Probe =>
  async () => {
    const headers = { 'dev-id': 'dev-1', 'x-api-key': 'key-1' };
    const giving = new AbortController();
    const giveUp = () => setTimeout(() => giving.abort('given up'), 100);
    if (givesUp === 'asking') giveUp();
    try {
      const response = await fetch(`${setting.sandbox.apiUrl}/subscriptions`, { headers, signal: giving.signal });
      const opened = response.status;
      if (givesUp === 'opening') giveUp();
      return await response.text().catch((error: unknown) => `${opened} then ${String(error)}`);
    } catch (error) {
      return String(error);
    }
  };

const legacySession = () => setting.api('POST', '/auth/generateWidgetSession', { body: { reference_id: 'alice' } });
const token = (query = '') => setting.api('POST', `/auth/tokens${query}`);

const redeemed: Probe = async () => {
  const { body } = await token('?reference_id=alice');
  await setting.post('/sandbox/phone/connect', { token: body['token'], reference_id: 'mallory', provider: 'APPLE' });
  return setting.sandbox.users().map(({ referenceId }) => referenceId);
};

const received = () => setting.receiver.received.map(({ event }) => event);

const connects: Probe = async () => {
  await setting.connected('GARMIN', 'alice');
  return received();
};

const reconnects: Probe = async () => {
  await setting.connected('GARMIN', 'alice');
  setting.receiver.clear();
  await setting.connected('GARMIN', 'alice');
  return received();
};

const byReference: Probe = async () => {
  await setting.connected('GARMIN', 'alice');
  return setting.api('GET', '/userInfo?reference_id=alice');
};

async function decides(decision: 'approve' | 'deny'): Promise<{ location: string }> {
  const { body } = await direct({
    reference_id: 'alice',
    auth_success_redirect_url: 'https://app.example/?ok=1',
    auth_failure_redirect_url: 'https://app.example/?ok=0',
  });
  const location = await setting.consent(String(body['auth_url']), decision);
  await setting.sandbox.settled();
  return { location: location.replaceAll(String(body['user_id']), 'ID') };
}

const denied: Probe = async () => {
  await decides('deny');
  return received();
};

const twoEvents: Probe = async () => {
  const { userId } = await setting.connected('GARMIN', 'alice');
  await setting.sandbox.send(userId, 'connection_error');
  return setting.receiver.types();
};

const afterWaiting =
  (ms: number): Probe =>
  async () => {
    await setting.connected('GARMIN', 'alice');
    const before = setting.receiver.types();
    await setting.sandbox.advance(ms);
    return { before, after: setting.receiver.types() };
  };

const nothing: Received = { headers: {}, body: '', event: { type: '' } };

const signatures: Probe = async () => {
  await setting.connected('GARMIN', 'alice');
  const { headers, body } = setting.receiver.received[0] ?? nothing;
  const signature = String(headers['x-terra-signature'] ?? headers['terra-signature'] ?? '');
  const signedAtSeconds = Number(/t=(\d+)/.exec(signature)?.[1]);
  const [, mac = ''] = sign(body, SECRET, signedAtSeconds).split(',');
  return {
    right: signature.includes(mac),
    current: 'x-terra-signature' in headers,
    deprecated: 'terra-signature' in headers,
    ordering: 'x-terra-ordering-timestamp' in headers,
    macs: signature.match(/v1=/g)?.length ?? 0,
    ageDays: Math.round((setting.sandbox.clock.stamp() / 1000 - signedAtSeconds) / 86_400),
  };
};

const afterRefusal =
  (status: number): Probe =>
  async () => {
    setting.receiver.answerWith(status);
    await setting.connected('GARMIN', 'alice');
    const [delivery] = setting.sandbox.history().filter(entry => entry.kind === 'delivery');
    const wait = delivery?.nextAttemptAt ? Date.parse(delivery.nextAttemptAt) - Date.parse(delivery.at) : undefined;
    return { state: delivery?.state, waitSeconds: wait === undefined ? undefined : wait / 1000 };
  };

const normalSignatures = { right: true, current: true, deprecated: true, ordering: true, macs: 1, ageDays: 0 };
const user = (fields: object) => [expect.objectContaining({ type: 'auth', user: expect.objectContaining(fields) })];
const absent = (list: unknown, field: string) => !JSON.stringify(list).includes(`"${field}"`);

/** Every scenario once: what is looked at, and what it must show. A scenario without a row does not compile. */
const effects: Record<ScenarioName, [Probe, unknown]> = {
  'bad-request': [lookup, { status: 400 }],
  '401': [lookup, { status: 401, body: { title: 'unauthorized' } }],
  '403': [lookup, { status: 403 }],
  '404': [() => setting.api('GET', '/subscriptions'), { status: 404 }],
  '410': [lookup, { status: 410 }],
  '429': [async () => (await listed()).headers.get('retry-after'), '7'],
  '429-bare': [async () => [(await listed()).status, (await listed()).headers.get('retry-after')], [429, null]],
  '500': [lookup, { status: 500 }],
  '503': [lookup, { status: 503 }],
  '504': [lookup, { status: 504 }],
  html: [lookup, { status: 200, body: { text: expect.stringContaining('<!doctype html>') } }],
  'truncated-json': [endsAfter('never'), '{"status":"success","user_id":"40f7'],
  'message-null': [lookup, { status: 200, body: { message: null } }],
  'status-error': [lookup, { status: 200, body: { status: 'error' } }],
  redirecting: [lookup, { status: 302 }],
  huge: [async () => JSON.stringify((await listed()).body).length > 8e6, true],
  slow: [endsAfter('asking'), 'given up'],
  'slow-drip': [endsAfter('opening'), '200 then given up'],
  hang: [endsAfter('asking'), 'given up'],
  reset: [endsAfter('never'), 'TypeError: fetch failed'],
  'swapped-keys': [direct, { status: 200, body: { message: null } }],
  'swapped-keys-403': [direct, { status: 403, body: { message: null } }],
  'wrong-credentials': [direct, { status: 401 }],
  'bad-credentials-403': [() => setting.api('GET', '/subscriptions', { headers: { 'dev-id': 'x' } }), { status: 403 }],
  'legacy-errors': [lookup, { status: 404, body: { message: 'user not found', status: 'error' } }],
  'new-account': [legacySession, { status: 410, body: { detail: expect.stringContaining('/api/widget/session') } }],
  'session-200': [legacySession, { status: 200 }],
  'session-short': [legacySession, { body: { expires_in: 60 } }],
  'session-without-expiry': [async () => absent(await legacySession(), 'expires_in'), true],
  'widget-url-missing': [async () => absent(await legacySession(), 'url'), true],
  'link-javascript': [legacySession, { body: { url: expect.stringMatching(/^javascript:/) } }],
  'link-insecure': [direct, { body: { auth_url: expect.stringMatching(/^http:\/\/widget/) } }],
  'link-other-id': [throughTheLink, { differ: true, told: true }],
  'tokens-404': [
    async () => [(await token()).status, (await setting.api('POST', '/auth/generateAuthToken')).status],
    [404, 200],
  ],
  'token-300': [token, { body: { expires_in: 300 } }],
  'token-without-expiry': [async () => absent(await token(), 'expires_in'), true],
  'token-unbound': [redeemed, ['mallory']],
  'users-array': [byReference, { body: [{ reference_id: 'alice' }] }],
  'users-504': [byReference, { status: 504 }],
  'users-empty': [() => setting.api('GET', '/userInfo?reference_id=nobody'), { status: 200, body: { users: [] } }],
  'user-info-lags': [laggingUserInfo, { link: [false, false, true], phone: [404, 404, 200] }],
  'integrations-sdk-resource': [
    () => setting.api('GET', '/integrations'),
    { body: { sdk_resource: expect.any(Array) } },
  ],
  cancelled: [() => decides('approve'), { location: expect.stringMatching(/ok=0/) }],
  'cancelled-legacy': [denied, [{ type: 'auth', status: 'error', reason: 'auth_cancelled', user: { active: false } }]],
  'cancelled-without-reason': [denied, [{ type: 'auth_cancelled', reason: null }]],
  'cancelled-unknown-reason': [denied, [{ type: 'auth_cancelled', reason: expect.stringContaining('<b>') }]],
  'link-survives-denial': [
    deniedThenApproved,
    {
      page: 200,
      between: { is_authenticated: false, user: { user_id: 'ID', created_at: 'OPENED', active: false } },
      events: [
        { type: 'auth_cancelled' },
        { type: 'auth', status: 'success', user: { user_id: 'ID', created_at: 'OPENED', active: true } },
      ],
    },
  ],
  'link-used-twice': [
    approvedTwice,
    {
      page: 200,
      events: [
        { type: 'auth', user: { user_id: 'ID', created_at: 'OPENED', scopes: 'HEALTH_EXPORT' } },
        { type: 'auth', user: { user_id: 'ID', created_at: 'OPENED', scopes: 'ACTIVITY_EXPORT' } },
      ],
      secondsBetween: 60,
      afterwards: { is_authenticated: true, user: { user_id: 'ID', scopes: 'ACTIVITY_EXPORT' } },
      accounts: ['second@garmin.example'],
    },
  ],
  'auth-bare': [async () => absent(await connects(), 'flow_id'), true],
  'auth-documented': [connects, [{ reference_id: 'alice', version: '2022-03-16' }]],
  'auth-warning': [connects, [{ type: 'auth', status: 'warning' }]],
  'auth-null-widget-session': [
    inTheWidget,
    [{ widget_session_id: null, flow_id: expect.any(String), message: expect.any(String) }],
  ],
  'created-on-approval': [createdAfterSeconds, 60],
  'user-without-created-at': [async () => absent(await connects(), 'created_at'), true],
  'user-created-at-number': [connects, user({ created_at: expect.any(Number) })],
  'scopes-padded': [connects, user({ scopes: ' ACTIVITY_EXPORT , HEALTH_EXPORT , HISTORICAL_DATA_EXPORT ' })],
  'scopes-empty': [connects, user({ scopes: '' })],
  'scopes-null': [connects, user({ scopes: null })],
  'scopes-list': [connects, user({ scopes: ['ACTIVITY_EXPORT', 'HEALTH_EXPORT', 'HISTORICAL_DATA_EXPORT'] })],
  'newer-identity': [sharedAccount, 2],
  'reauth-by-reference': [twoAccounts, 1],
  'reauth-before-auth': [reconnects, [{ type: 'user_reauth' }, { type: 'auth' }]],
  'null-old-user': [reconnects, [{ type: 'auth' }, { type: 'user_reauth', old_user: null }]],
  'absent-old-user': [async () => absent(await reconnects(), 'old_user'), true],
  'old-user-without-reference': [
    reconnects,
    [{ type: 'auth' }, { type: 'user_reauth', old_user: { reference_id: null }, new_user: { reference_id: 'alice' } }],
  ],
  'limit-reached': [direct, { status: 400, body: { detail: expect.stringContaining('user limit') } }],
  'limit-50': [connects, [{ type: 'auth' }]],
  'redirect-second-question-mark': [
    () => decides('approve'),
    { location: 'https://app.example/?ok=1?user_id=ID&reference_id=alice&resource=GARMIN' },
  ],
  'redirect-reference-null': [
    () => decides('approve'),
    { location: 'https://app.example/?ok=1&user_id=ID&reference_id=null&resource=GARMIN' },
  ],
  'redirect-without-reference': [
    () => decides('approve'),
    { location: 'https://app.example/?ok=1&user_id=ID&resource=GARMIN' },
  ],
  'redirect-with-reason': [() => decides('deny'), { location: expect.stringMatching(/&reason=access_denied$/) }],
  'redirect-failure-without-user': [
    () => decides('deny'),
    { location: 'https://app.example/?ok=0&reference_id=alice&resource=GARMIN' },
  ],
  'redirect-failure-user-null': [
    () => decides('deny'),
    { location: 'https://app.example/?ok=0&user_id=null&reference_id=alice&resource=GARMIN' },
  ],
  'redirect-after-webhook': [waitsForWebhook, true],
  'redirect-never': [() => decides('approve'), { location: expect.stringContaining('/session/demo/success?') }],
  'revoked-a-week-later': [afterWaiting(WEEK_MS), { before: ['auth'], after: ['auth', 'access_revoked'] }],
  'deauth-a-week-later': [afterWaiting(WEEK_MS), { before: ['auth'], after: ['auth', 'deauth'] }],
  'connection-error-later': [afterWaiting(3600_000), { before: ['auth'], after: ['auth', 'connection_error'] }],
  'permission-change-later': [afterWaiting(3600_000), { before: ['auth'], after: ['auth', 'permission_change'] }],
  'lost-webhook': [afterWaiting(WEEK_MS), { before: [], after: [] }],
  duplicate: [connects, [{ type: 'auth' }, { type: 'auth' }]],
  'late-webhook': [afterWaiting(120_000), { before: [], after: ['auth'] }],
  'a-day-late': [afterWaiting(25 * 3600_000), { before: [], after: ['auth'] }],
  'out-of-order': [twoEvents, ['connection_error', 'auth']],
  'original-timestamp': [retriedSignatures, 1],
  'other-secret': [signatures, { ...normalSignatures, right: false }],
  'two-signatures': [signatures, { ...normalSignatures, macs: 2 }],
  tampered: [connects, [{ tampered: true }]],
  unsigned: [signatures, { current: false, deprecated: false }],
  replayed: [signatures, { ...normalSignatures, ageDays: 7 }],
  'current-header-only': [signatures, { ...normalSignatures, deprecated: false }],
  'deprecated-header-only': [signatures, { ...normalSignatures, current: false }],
  'without-ordering-timestamp': [signatures, { ...normalSignatures, ordering: false }],
  'retries-faq': [afterRefusal(500), { state: 'retrying', waitSeconds: 300 }],
  'retry-5xx-only': [afterRefusal(400), { state: 'gave_up' }],
  'event-without-provider': [async () => absent(await connects(), 'provider'), true],
  'event-without-reference': [connects, user({ reference_id: null })],
  'huge-data': [dataSize, true],
};

function listed() {
  return setting.api('GET', '/subscriptions');
}

/** Opens a link and returns its address, its Terra user, and what to read of that user, with what differs made equal. */
async function openedLink() {
  const { body } = await direct({ reference_id: 'alice' });
  const [url, userId] = [String(body['auth_url']), String(body['user_id'])];
  const info = async () => (await setting.api('GET', `/userInfo?user_id=${userId}`)).body;
  const opened = (await info())['user'];
  const openedAt = opened !== null && typeof opened === 'object' && 'created_at' in opened ? opened.created_at : '';
  const masked = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll(userId, 'ID').replaceAll(String(openedAt), 'OPENED'));
  return { url, userId, info, masked };
}

/** Denies, then approves on the same consent page a minute later. */
async function deniedThenApproved(): Promise<unknown> {
  const { url, info, masked } = await openedLink();
  await setting.consent(url, 'deny');
  await setting.sandbox.settled();
  await setting.sandbox.advance(60_000);
  const { status: page } = await fetch(url);
  const between = await info();
  await setting.consent(url, 'approve');
  await setting.sandbox.settled();
  return masked({ page, between, events: received() });
}

/** Approves, then approves another account on the same consent page a minute later. */
async function approvedTwice(): Promise<unknown> {
  const { url, info, masked } = await openedLink();
  await setting.consent(url, 'approve', { account: 'first@garmin.example', choosing: '1', scope: 'HEALTH_EXPORT' });
  await setting.sandbox.settled();
  await setting.sandbox.advance(60_000);
  const { status: page } = await fetch(url);
  await setting.consent(url, 'approve', { account: 'second@garmin.example', choosing: '1', scope: 'ACTIVITY_EXPORT' });
  await setting.sandbox.settled();
  const [first = 0, second = 0] = setting.receiver.received.map(({ headers }) =>
    Number(headers['x-terra-ordering-timestamp']),
  );
  return masked({
    page,
    events: received(),
    secondsBetween: Math.round((second - first) / 1000),
    afterwards: await info(),
    accounts: setting.sandbox.users().map(({ account }) => account),
  });
}

/** Returns what userInfo says right after an authentication, just before the lag ends, and after it. */
async function laggingUserInfo(): Promise<unknown> {
  const { url, userId, info } = await openedLink();
  await setting.consent(url, 'approve');
  const { body } = await token('?reference_id=bob');
  const redeemedToken = await setting.post('/sandbox/phone/connect', { token: body['token'], provider: 'APPLE' });
  const phoneUser = String(redeemedToken.body['user_id']);
  await setting.sandbox.settled();
  const [link, phone]: unknown[][] = [[], []];
  for (const waitMs of [0, 19_999, 1]) {
    await setting.sandbox.advance(waitMs);
    link?.push((await info())['is_authenticated']);
    phone?.push((await setting.api('GET', `/userInfo?user_id=${phoneUser}`)).status);
  }
  expect(setting.sandbox.users().map(known => known.userId)).toEqual([userId, phoneUser]);
  return { link, phone };
}

/** Connects in the widget and returns the events. */
async function inTheWidget(): Promise<unknown> {
  await throughTheLink();
  return received();
}

/** Approves a minute after the link was made; returns how much later created_at is. */
async function createdAfterSeconds(): Promise<number> {
  const { url } = await openedLink();
  const madeMs = setting.sandbox.clock.stamp();
  await setting.sandbox.advance(60_000);
  await setting.consent(url, 'approve');
  await setting.sandbox.settled();
  return ((setting.sandbox.users()[0]?.createdAtMs ?? 0) - madeMs) / 1000;
}

/** Whether the browser is kept until a receiver that never answers has had its time. */
async function waitsForWebhook(): Promise<boolean> {
  setting.receiver.answerWith('never');
  const { body } = await direct();
  await setting.consent(String(body['auth_url']), 'approve');
  const attempts = setting.sandbox.history().flatMap(entry => (entry.kind === 'delivery' ? entry.attempts : []));
  await setting.sandbox.settled();
  return attempts.length > 0;
}

/** Whether url and session_id have different ids, and whether the event names the session by its session_id. */
async function throughTheLink(): Promise<{ differ: boolean; told: boolean }> {
  const { body } = await legacySession();
  const [url, sessionId] = [String(body['url']), String(body['session_id'])];
  const form = new URLSearchParams({ provider: 'GARMIN' });
  const picked = await fetch(url, { method: 'POST', redirect: 'manual', body: form });
  await setting.consent(picked.headers.get('location') ?? '', 'approve');
  await setting.sandbox.settled();
  return { differ: !url.includes(sessionId), told: received().some(event => event['widget_session_id'] === sessionId) };
}

async function sharedAccount(): Promise<number> {
  await setting.connected('GARMIN', 'alice', { account: 'a@b.example' });
  await setting.connected('GARMIN', 'bob', { account: 'a@b.example' });
  return setting.sandbox.users().length;
}

async function twoAccounts(): Promise<number> {
  await setting.connected('GARMIN', 'alice', { account: 'a@b.example' });
  await setting.connected('GARMIN', 'alice', { account: 'c@d.example' });
  return setting.sandbox.users().length;
}

async function retriedSignatures(): Promise<number> {
  setting.receiver.answerWith(500);
  await setting.connected('GARMIN', 'alice');
  await setting.sandbox.advance(30_000);
  return new Set(setting.receiver.received.map(({ headers }) => headers['x-terra-signature'])).size;
}

async function dataSize(): Promise<boolean> {
  const { userId } = await setting.connected('GARMIN', 'alice');
  await setting.sandbox.send(userId, 'daily');
  const size = setting.receiver.received.at(-1)?.body.length ?? 0;
  return size > 7e6 && size < 10e6;
}

const table = Object.entries(effects).flatMap(([name, effect]) =>
  isScenarioName(name) ? [[name, ...effect] as const] : [],
);

test.each(table)('%s has its effect only while it is on', async (name, probe, expected) => {
  setting.sandbox.switchOn(name);
  const under = await probe();
  setting.sandbox.reset();
  setting.receiver.clear();
  setting.receiver.answerWith(200);
  const without = await probe();

  // Below its limit a testing environment is like any other.
  const otherwise = name === 'limit-50' ? 'the same' : without;
  expect({ seen: under }).toMatchObject({ seen: expected });
  expect({ seen: otherwise }).not.toMatchObject({ seen: expected });
});

test('no scenario is declared twice', () => {
  expect(new Set(scenarioNames).size).toBe(scenarioNames.length);
  expect(table).toHaveLength(scenarioNames.length);
});

test('a scenario can be limited to one endpoint and to a number of uses', async () => {
  setting.sandbox.switchOn('500', { only: 'subscriptions', times: 2 });
  const statuses = [];
  for (let call = 0; call < 3; call += 1) statuses.push((await listed()).status);
  setting.sandbox.switchOn('500', { only: 'tokens' });

  expect(statuses).toEqual([500, 500, 200]);
  expect((await listed()).status).toBe(200);
  expect((await token()).status).toBe(500);
});

test('a scenario can be limited to one event type', async () => {
  setting.sandbox.switchOn('lost-webhook', { only: 'user_reauth' });
  await reconnects();

  expect(setting.receiver.types()).toEqual(['auth']);
});

test('the scenario switched on last wins', async () => {
  setting.sandbox.switchOn('500');
  setting.sandbox.switchOn('403');
  expect((await listed()).status).toBe(403);
  setting.sandbox.switchOn('500');
  expect((await listed()).status).toBe(500);
});

test('the 51st Terra user of a testing environment fails', async () => {
  setting.sandbox.switchOn('limit-50');
  for (let person = 0; person < 50; person += 1) await setting.connected('OURA', `person-${person}`);

  expect((await direct()).status).toBe(400);
});
