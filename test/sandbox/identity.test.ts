import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSandbox } from '../../local/sandbox/sandbox';
import { type Setting, sandboxWithReceiver, useSetting } from './setting';

let setting: Setting;
useSetting(started => (setting = started));

const userIds = () => setting.sandbox.users().map(({ userId }) => userId);

async function mint(query = ''): Promise<string> {
  const { body } = await setting.api('POST', `/auth/tokens${query}`);
  return String(body['token']);
}

async function phone(redemption: Record<string, unknown>) {
  const answer = await setting.post('/sandbox/phone/connect', { provider: 'APPLE', ...redemption });
  await setting.sandbox.settled();
  return answer;
}

test('the same account under the same reference id gets a new Terra user: auth, then user_reauth, and the old one is deleted', async () => {
  const old = await setting.connected('GARMIN', 'alice');
  setting.receiver.clear();
  const { userId } = await setting.connected('GARMIN', 'alice');

  expect(userIds()).toEqual([userId]);
  expect(setting.receiver.received.map(({ event }) => event)).toMatchObject([
    { type: 'auth', user: { user_id: userId } },
    {
      type: 'user_reauth',
      status: 'warning',
      new_user: { user_id: userId, active: true },
      old_user: { user_id: old.userId, active: false },
    },
  ]);
});

test('classic identity: the same account under another reference id replaces the old Terra user without an event', async () => {
  await setting.connected('GARMIN', 'alice', { account: 'watch@garmin.example' });
  const { userId } = await setting.connected('GARMIN', 'bob', { account: 'watch@garmin.example' });

  expect(userIds()).toEqual([userId]);
  expect(setting.receiver.types()).toEqual(['auth', 'auth']);
});

test('newer identity: the same account under another reference id keeps both Terra users', async () => {
  setting.sandbox.switchOn('newer-identity');
  await setting.connected('GARMIN', 'alice', { account: 'watch@garmin.example' });
  await setting.connected('GARMIN', 'bob', { account: 'watch@garmin.example' });

  expect(setting.sandbox.users().map(({ referenceId }) => referenceId)).toEqual(['alice', 'bob']);
});

test('two accounts of one provider under one reference id are two Terra users, unless reauth goes by reference', async () => {
  await setting.connected('GARMIN', 'alice', { account: 'one@garmin.example' });
  await setting.connected('GARMIN', 'alice', { account: 'two@garmin.example' });
  const both = userIds().length;
  setting.sandbox.switchOn('reauth-by-reference');
  await setting.connected('GARMIN', 'alice', { account: 'three@garmin.example' });

  expect(both).toBe(2);
  expect(userIds()).toHaveLength(1);
  expect(setting.receiver.types()).toEqual(['auth', 'auth', 'auth', 'user_reauth', 'user_reauth']);
});

/** Makes a direct link for alice: its address, its Terra user, and what userInfo answers about that user. */
async function aliceLink() {
  const { body } = await setting.api('POST', '/auth/authenticateUser?resource=GARMIN', {
    body: { reference_id: 'alice' },
  });
  const [url, userId] = [String(body['auth_url']), String(body['user_id'])];
  return { url, userId, info: () => setting.api('GET', `/userInfo?user_id=${userId}`) };
}

const deauthenticate = (userId: string) => setting.api('DELETE', `/auth/deauthenticateUser?user_id=${userId}`);

test('by default a link accepts one decision, and a denied Terra user is deleted', async () => {
  const denied = await aliceLink();
  await setting.consent(denied.url, 'deny');
  const approved = await aliceLink();
  await setting.consent(approved.url, 'approve');

  expect(await setting.consent(denied.url, 'approve')).toBe('status 410');
  expect(await setting.consent(approved.url, 'approve')).toBe('status 410');
  expect((await denied.info()).status).toBe(404);
  expect(userIds()).toEqual([approved.userId]);
});

test('a Terra user is created with its link, not at the approval', async () => {
  const { url, info } = await aliceLink();
  const before = await info();
  await new Promise(resolve => setTimeout(resolve, 20));
  await setting.consent(url, 'approve');
  await setting.sandbox.settled();
  const after = await info();

  const createdAt = ({ body }: typeof before) => JSON.stringify(body['user']).match(/"created_at":"[^"]+"/)?.[0];
  expect([before.body, after.body]).toMatchObject([{ is_authenticated: false }, { is_authenticated: true }]);
  expect(createdAt(before)).toMatch(/\d/);
  expect(createdAt(after)).toBe(createdAt(before));
});

test('link-survives-denial: deleting the denied Terra user ends the link', async () => {
  setting.sandbox.switchOn('link-survives-denial');
  const { url, userId, info } = await aliceLink();
  await setting.consent(url, 'deny');
  const kept = await info();
  const deleted = await deauthenticate(userId);

  expect([kept.status, deleted.status]).toEqual([200, 200]);
  expect((await info()).status).toBe(404);
  expect(await setting.consent(url, 'approve')).toBe('status 410');
});

test('link-survives-denial: an approved link has ended', async () => {
  setting.sandbox.switchOn('link-survives-denial');
  const { url } = await aliceLink();
  await setting.consent(url, 'approve');

  expect(await setting.consent(url, 'approve')).toBe('status 410');
});

test('link-used-twice: the link recreates a deleted Terra user, and expires as usual', async () => {
  setting.sandbox.switchOn('link-used-twice');
  const { url, userId, info } = await aliceLink();
  await setting.consent(url, 'approve');
  await deauthenticate(userId);
  await setting.sandbox.settled();
  const gone = await info();
  await setting.consent(url, 'approve');
  await setting.sandbox.settled();

  expect(gone.status).toBe(404);
  expect(await info()).toMatchObject({ status: 200, body: { is_authenticated: true } });
  expect(setting.receiver.types()).toEqual(['auth', 'deauth', 'auth']);
  await setting.sandbox.advance(900_000);
  expect(await setting.consent(url, 'approve')).toBe('status 410');
});

test('link-used-twice: a second end user who denies changes nothing for the connected Terra user', async () => {
  setting.sandbox.switchOn('link-used-twice');
  const { url, userId } = await aliceLink();
  await setting.consent(url, 'approve');
  const location = await setting.consent(url, 'deny');
  await setting.sandbox.settled();

  expect(location).toContain(`/session/demo/failure?user_id=${userId}`);
  expect(setting.receiver.types()).toEqual(['auth', 'auth_cancelled']);
  expect(userIds()).toEqual([userId]);
});

test('link-used-twice: a newer connection takes over an account of another Terra user', async () => {
  setting.sandbox.switchOn('link-used-twice');
  const { url, userId } = await aliceLink();
  await setting.consent(url, 'approve');
  await setting.connected('GARMIN', 'bob', { account: 'bob@garmin.example' });
  await setting.consent(url, 'approve', { account: 'bob@garmin.example' });

  expect(userIds()).toEqual([userId]);
});

test('link-used-twice with user-info-lags: userInfo still shows the first account for a while', async () => {
  setting.sandbox.switchOn('link-used-twice');
  setting.sandbox.switchOn('user-info-lags');
  const { url, userId, info } = await aliceLink();
  const scopes = async () => /"scopes":"?([^",]*)/.exec(JSON.stringify((await info()).body))?.[1];
  await setting.consent(url, 'approve', { account: 'one@garmin.example', choosing: '1', scope: 'HEALTH_EXPORT' });
  await setting.sandbox.send(userId, 'daily');
  const seen = [await scopes()];
  await setting.sandbox.advance(20_000);
  seen.push(await scopes());
  await setting.consent(url, 'approve', { account: 'two@garmin.example', choosing: '1', scope: 'ACTIVITY_EXPORT' });
  seen.push(await scopes());
  await setting.sandbox.advance(20_000);
  seen.push(await scopes());

  expect(seen).toEqual(['null', 'HEALTH_EXPORT', 'HEALTH_EXPORT', 'ACTIVITY_EXPORT']);
  expect(await info()).toMatchObject({ body: { user: { last_webhook_update: null } } });
});

test('user-info-lags: once it is off, userInfo is current at once; before, a Terra user without a link is unknown', async () => {
  setting.sandbox.switchOn('user-info-lags');
  const { userId } = await setting.connected('GARMIN', 'alice');
  await setting.sandbox.send(userId, 'reauth');
  const [current = ''] = userIds();
  const info = () => setting.api('GET', `/userInfo?user_id=${current}`);
  const lagging = await info();
  setting.sandbox.switchOff('user-info-lags');

  expect(lagging.status).toBe(404);
  expect(await info()).toMatchObject({ body: { is_authenticated: true } });
});

test('two users who name no account have separate accounts', async () => {
  await setting.connected('GARMIN', 'alice');
  await setting.connected('GARMIN', 'bob');

  expect(userIds()).toHaveLength(2);
});

test('only the scopes that were ticked are granted', async () => {
  await setting.connected('GARMIN', 'alice', { choosing: '1', scope: 'HEALTH_EXPORT' });

  expect(setting.receiver.received[0]?.event.user?.scopes).toBe('HEALTH_EXPORT');
});

test('a token works once, and only until it expires', async () => {
  const token = await mint('?reference_id=alice');
  const first = await phone({ token });
  const again = await phone({ token });
  const late = await mint('?reference_id=alice');
  await setting.sandbox.advance(180_000);
  const expired = await phone({ token: late });

  expect(first).toMatchObject({ status: 200, body: { success: true, user_id: userIds()[0] } });
  expect(again).toMatchObject({ status: 401, body: { success: false, error: 'InvalidAuthToken' } });
  expect(expired).toMatchObject({ status: 401, body: { success: false, error: 'InvalidAuthToken' } });
  expect(setting.receiver.received.map(({ event }) => event)).toMatchObject([
    { type: 'auth', widget_session_id: null, flow_id: null, user: { provider: 'APPLE', reference_id: 'alice' } },
  ]);
});

test('a bound token sets the reference id; with an unbound one the phone does', async () => {
  await phone({ token: await mint('?reference_id=alice'), reference_id: 'mallory' });
  await phone({ token: await mint(), reference_id: 'mallory' });
  const bodyBound = await setting.api('POST', '/auth/generateAuthToken', { body: { reference_id: 'carol' } });
  await phone({ token: bodyBound.body['token'], reference_id: 'dave' });

  expect(setting.sandbox.users().map(({ referenceId }) => referenceId)).toEqual(['alice', 'mallory', 'dave']);
});

test('a new phone under the same reference id and provider deletes every earlier connection', async () => {
  await phone({ token: await mint('?reference_id=alice'), device_id: 'old phone' });
  const [old] = userIds();
  setting.receiver.clear();
  await phone({ token: await mint('?reference_id=alice'), device_id: 'new phone' });
  const [current] = userIds();

  expect(userIds()).toHaveLength(1);
  expect(setting.receiver.received.map(({ event }) => event)).toMatchObject([
    { type: 'auth', user: { user_id: current } },
    { type: 'user_reauth', new_user: { user_id: current }, old_user: { user_id: old } },
  ]);
});

test('the same phone keeps its Terra user; without a reference id each connection is new', async () => {
  await phone({ token: await mint('?reference_id=alice'), device_id: 'phone' });
  const before = setting.sandbox.users();
  await phone({ token: await mint('?reference_id=alice'), device_id: 'phone' });
  const after = setting.sandbox.users();
  await phone({ token: await mint(), device_id: 'one' });
  await phone({ token: await mint(), device_id: 'two' });

  expect(after).toEqual(before);
  expect(userIds()).toHaveLength(3);
});

test('a phone is refused as the SDK refuses it', async () => {
  const token = await mint();

  expect(await phone({ token: 'f'.repeat(64) })).toMatchObject({ status: 401 });
  expect(await phone({ token, provider: 'GARMIN' })).toMatchObject({ body: { error: 'UnSupportedResource' } });
  expect(await phone({ token: 7 })).toMatchObject({ body: { error: 'TerraInvalidRequest' } });
});

test('at the user limit new connections fail in every flow', async () => {
  const { body } = await setting.api('POST', '/auth/authenticateUser?resource=OURA', {
    body: { reference_id: 'late' },
  });
  const token = await mint();
  setting.sandbox.switchOn('limit-reached');
  const direct = await setting.api('POST', '/auth/authenticateUser?resource=OURA');
  await setting.consent(String(body['auth_url']), 'approve');
  const redeemed = await phone({ token });

  expect(direct).toMatchObject({ status: 400, body: { detail: expect.stringContaining('limit') } });
  expect(setting.receiver.received.map(({ event }) => event)).toMatchObject([
    { type: 'auth_cancelled', reason: 'user_limit_reached' },
  ]);
  expect(redeemed).toMatchObject({ status: 403, body: { error: 'UserLimitExceeded' } });
  expect(userIds()).toEqual([]);
});

test('with a data directory users survive a restart, and a broken file is named', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandbox-'));
  const first = await sandboxWithReceiver({ dataDir });
  const { userId } = await first.connected('GARMIN', 'alice');
  await first.close();
  const second = await sandboxWithReceiver({ dataDir });
  const lookup = await second.api('GET', `/userInfo?user_id=${userId}`);
  await second.close();
  writeFileSync(join(dataDir, 'terra-users.json'), '{');

  expect(lookup).toMatchObject({ status: 200, body: { user: { user_id: userId } } });
  expect(readdirSync(dataDir)).toEqual(['terra-users.json']);
  await expect(startSandbox({ port: 0, devId: 'd', apiKey: 'k', signingSecret: 's', dataDir })).rejects.toThrow(
    /terra-users\.json/,
  );
  rmSync(dataDir, { recursive: true });
});
