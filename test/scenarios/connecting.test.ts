import { eventually } from '../support/person';
import { type Effect, type Person, type Play, type ScenarioOf, testScenarios } from './play';
import {
  answersTo,
  byEveryWay,
  byLink,
  byPhone,
  byWidget,
  comeBack,
  connectedByEveryWay,
  decideAndLeave,
  deliveriesOf,
  endsAsUsual,
  masked,
  openConsentPage,
  says,
} from './steps';

const HOUR_MS = 3600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** A direct link that is denied before the browser is closed: the session as Terra's event alone decides it. */
async function deniesAndLeaves({ sandbox }: Play, who: Person, decision: 'approve' | 'deny' = 'deny') {
  const session = await who.open({ provider: 'GARMIN' });
  const callback = await decideAndLeave(session.url, decision);
  await sandbox.settled();
  return { callback, read: () => who.session(session.id) };
}

type Flow = Parameters<typeof openConsentPage>[1];

/** Denies, tries to return with the Terra user that the failure redirect names, and lets a different user approve the same page. */
async function isApprovedAfterDenial({ sandbox }: Play, who: Person, flow: Flow) {
  const { session, consentUrl } = await openConsentPage(who, flow);
  const failure = await decideAndLeave(consentUrl, 'deny');
  await sandbox.settled();
  const forged = await comeBack(failure.replace('/failure?', '/success?'));
  const success = await decideAndLeave(consentUrl, 'approve', { account: `not-${who.name}@garmin.example` });
  await sandbox.settled();
  const returned = await comeBack(success);
  for (const { code } of [forged, returned]) if (code !== undefined) await who.confirm(session.id, code);
  const userIds = [failure, success].map(url => new URL(url).searchParams.get('user_id'));
  return { forged, userIds, session: await who.session(session.id), connections: await who.connections() };
}

/** Connects with Terra's webhook known before the code is redeemed; returns the consent page's address and the connection. */
async function connectsAfterWebhook({ sandbox }: Play, who: Person, flow: Flow) {
  const { session, consentUrl } = await openConsentPage(who, flow);
  const callback = await decideAndLeave(consentUrl, 'approve');
  await sandbox.settled();
  const { code } = await comeBack(callback);
  expect(await who.confirm(session.id, code)).toMatchObject({ status: 200, body: { status: 'completed' } });
  const [connection] = await who.connections();
  expect(connection).toMatchObject({ status: 'connected' });
  return { consentUrl, connection };
}

/** What the failure redirect says of the Terra user makes no difference: the session fails, and the next one connects. */
const failsAlike = (sent: RegExp): Effect => [
  'the session fails as usual, and the next one connects',
  async ({ sandbox, ana, on }) => {
    on();
    const session = await ana.open({ provider: 'GARMIN' });
    const { callback, sent: told } = await ana.decide(String(session.url), 'deny');
    await sandbox.settled();

    expect(callback).toMatch(sent);
    expect(told).toEqual({ session_id: session.id, status: 'failed', error: 'unknown' });
    expect(await ana.session(session.id)).toMatchObject({ status: 'failed', failure: 'denied' });
    expect(await ana.connections()).toEqual([]);
    expect(await byLink(ana)).toMatchObject({ confirmed: 200, session: { status: 'completed' } });
  },
];

/** The same account connected twice by one user: the connections before and after. */
async function connectsTwice({ sandbox }: Play, who: Person, fields: Record<string, string> = {}) {
  const first = await byLink(who, 'GARMIN');
  await sandbox.settled();
  const second = await byLink(who, 'GARMIN', fields);
  await sandbox.settled();
  return { before: first.connections, session: second.session, after: await who.connections() };
}

/** Reconnecting ends as with the usual events: one connection, under its first id. */
async function reconnectsAsUsual(play: Play): Promise<void> {
  const usual = await connectsTwice(play, play.ben);
  play.on();
  const { before, after, session } = await connectsTwice(play, play.ana);

  expect(masked({ before, after, session })).toEqual(masked(usual));
  expect(after).toMatchObject([{ id: before[0]?.id, provider: 'GARMIN', status: 'connected' }]);
  expect(after[0]?.terraUserId).not.toBe(before[0]?.terraUserId);
}

/** Terra does not say whom the new user replaces, so both connections stay; either can be ended. */
async function keepsBoth(play: Play): Promise<void> {
  const { ana, on } = play;
  on();
  const { before, after } = await connectsTwice(play, ana);

  expect(after).toMatchObject([
    { provider: 'GARMIN', status: 'connected' },
    { provider: 'GARMIN', status: 'connected', id: before[0]?.id, terraUserId: before[0]?.terraUserId },
  ]);
  const ended = await ana.call('DELETE', `/v1/connections/${String(before[0]?.id)}`);
  expect(ended).toMatchObject({ status: 202, body: { status: 'disconnected', reason: 'owner' } });
  expect(await ana.connections()).toMatchObject([{ status: 'connected' }, { status: 'disconnected' }]);
}

/** Connects, and lets time pass at Terra: the connection before and after. */
async function waits({ sandbox, ana, on }: Play, ms: number) {
  on();
  await byLink(ana, 'GARMIN');
  await sandbox.settled();
  const [before] = await ana.connections();
  await sandbox.advance(ms);
  const [after] = await ana.connections();
  return { before, after };
}

const garminScopes = ['ACTIVITY_EXPORT', 'HEALTH_EXPORT', 'HISTORICAL_DATA_EXPORT'];
const hasScopes = (fact: string, sent: string, scopes: string[]): Effect => [
  fact,
  async ({ sandbox, ana, on }) => {
    on();
    await byLink(ana, 'GARMIN');
    await sandbox.settled();

    expect(deliveriesOf(sandbox, 'auth').at(-1)?.body).toContain(`"scopes":${sent}`);
    expect(await ana.connections()).toMatchObject([{ status: 'connected', scopes }]);
  },
];

/** Fills Terra's environment until `free` users fit below the limit of fifty. */
async function fillUp({ sandbox, stack }: Play, free: number): Promise<void> {
  sandbox.setWebhookUrl(undefined);
  const headers = { 'dev-id': 'terra-connect-dev', 'x-api-key': 'local-api-key-of-the-sandbox' };
  while (sandbox.users().length < 50 - free) {
    const url = `${sandbox.apiUrl}/auth/authenticateUser?resource=OURA`;
    const { auth_url } = (await (await fetch(url, { method: 'POST', headers })).json()) as Record<string, unknown>;
    await decideAndLeave(auth_url, 'approve');
  }
  await sandbox.settled();
  sandbox.setWebhookUrl(`${stack.apiUrl}/v1/webhooks/terra`);
}

/** After a denial Terra's time of making a user counts only if the user took this long to approve. */
const SECONDS_OF_APPROVAL = 4;

const effects: Record<ScenarioOf<'Connecting and identity'>, Effect> = {
  cancelled: [
    'in a widget users can choose again; a direct link keeps the reason of Terra’s event',
    async play => {
      const { ana, on } = play;
      on({ times: 1 });
      const session = await ana.open();
      expect((await ana.pick(String(session.url), 'GARMIN')).sent).toMatchObject({ status: 'failed' });
      expect(await ana.session(session.id)).toMatchObject({ status: 'failed' });
      const { sent } = await ana.pick(String(session.url), 'GARMIN', 'approve', {}, SECONDS_OF_APPROVAL * 1000);
      expect(await ana.confirm(session.id, sent.code)).toMatchObject({ status: 200, body: { status: 'completed' } });

      on();
      const { callback, read } = await deniesAndLeaves(play, ana, 'approve');
      expect(await read()).toMatchObject({ status: 'failed', failure: 'denied' });
      expect(await comeBack(callback)).toMatchObject({ status: 'failed' });
      expect(await read()).toMatchObject({ status: 'failed', failure: 'denied' });
    },
  ],
  'cancelled-legacy': [
    'the older event fails the session, and its deleted Terra user is not a connection',
    async play => {
      play.on();
      const { read } = await deniesAndLeaves(play, play.ana);

      expect(await read()).toMatchObject({ status: 'failed', failure: 'cancelled' });
      expect(answersTo(play.sandbox, 'auth')).toEqual(['200 applied']);
      expect(await play.ana.connections()).toEqual([]);
    },
  ],
  'cancelled-without-reason': [
    'a failure without a reason has the cause `unknown`',
    async play => {
      play.on();
      const { read } = await deniesAndLeaves(play, play.ana);

      expect(await read()).toMatchObject({ status: 'failed', failure: 'unknown' });
      expect(answersTo(play.sandbox, 'auth_cancelled')).toEqual(['200 applied']);
    },
  ],
  'cancelled-unknown-reason': [
    'an unknown reason has the cause `unknown`, and its text is not passed on',
    async play => {
      const { sandbox, ana, on } = play;
      on();
      sandbox.switchOn('redirect-with-reason');
      const { callback, read } = await deniesAndLeaves(play, ana);
      const told = await comeBack(callback);
      const session = await read();

      expect(callback).toContain('exploded');
      expect([told, session]).toMatchObject([{ status: 'failed', error: 'unknown' }, { failure: 'unknown' }]);
      expect(JSON.stringify([told, session])).not.toMatch(/exploded|twice/);
    },
  ],
  'link-survives-denial': [
    'a Terra user that was denied proves nothing through its session; a new session connects',
    async play => {
      play.on();
      for (const [who, flow] of [
        [play.ana, 'direct'],
        [play.ben, 'widget'],
      ] as const) {
        const { forged, userIds, session, connections } = await isApprovedAfterDenial(play, who, flow);
        expect(userIds[0]).toMatch(/^[0-9a-f-]{36}$/);
        expect(userIds[1]).toBe(userIds[0]);
        expect({ flow, forged }).toEqual({ flow, forged: {} });
        expect(session.status).not.toBe('completed');
        expect(connections.filter(({ status }) => status === 'connected')).toEqual([]);

        const anew = await byLink(who);
        expect(anew).toMatchObject({ confirmed: 200, session: { status: 'completed' } });
        const connected = anew.connections.filter(({ status }) => status === 'connected');
        expect(connected).toMatchObject([{ provider: 'GARMIN' }]);
        expect(connected[0]?.terraUserId).not.toBe(userIds[0]);
      }
    },
  ],
  'link-used-twice': [
    'a later authentication of the same Terra user is not proved by the code of the first; a new session proves it',
    async play => {
      const { sandbox, ana, ben, on } = play;
      const another = (who: Person) => ({ account: `not-${who.name}@garmin.example` });
      on();
      const first = await connectsAfterWebhook(play, ana, 'direct');
      await decideAndLeave(first.consentUrl, 'approve', another(ana));
      await sandbox.settled();
      const [one, two] = deliveriesOf(sandbox, 'auth').slice(-2);
      expect(two?.userId).toBe(one?.userId);
      expect(await ana.connections()).toMatchObject([{ id: first.connection?.id, status: 'unconfirmed' }]);

      expect(await byLink(ana, 'GARMIN', another(ana))).toMatchObject({ session: { status: 'completed' } });
      await sandbox.settled();
      expect(await ana.connections()).toMatchObject([{ id: first.connection?.id, status: 'connected' }]);

      const ended = await connectsAfterWebhook(play, ben, 'widget');
      await ben.call('DELETE', `/v1/connections/${String(ended.connection?.id)}`);
      await decideAndLeave(ended.consentUrl, 'approve', another(ben));
      await sandbox.settled();
      expect(await ben.connections()).toMatchObject([{ id: ended.connection?.id, status: 'unconfirmed' }]);
    },
  ],
  'auth-bare': [
    'an event that names no session belongs to the only waiting one',
    async play => {
      await endsAsUsual(play);

      const session = await play.ana.open();
      await play.ana.pick(String(session.url), 'POLAR');
      await play.sandbox.settled();
      expect(await play.ana.connections()).toContainEqual(
        expect.objectContaining({ provider: 'POLAR', status: 'unconfirmed', reason: 'awaiting_confirmation' }),
      );
      expect(deliveriesOf(play.sandbox, 'auth').at(-1)?.body).not.toContain('widget_session_id');
    },
  ],
  'auth-documented': [
    'two additional fields change nothing',
    async play => {
      await endsAsUsual(play);

      expect(JSON.parse(deliveriesOf(play.sandbox, 'auth').at(-1)?.body ?? '')).toMatchObject({
        reference_id: expect.any(String),
        version: '2022-03-16',
      });
    },
  ],
  'auth-warning': [
    'fails no session: a user who returns is connected by the lookup; a phone waits for the lookup',
    async play => {
      const { sandbox, ana, ben, on } = play;
      on();
      expect(await byLink(ana)).toMatchObject({ confirmed: 200, connections: [{ status: 'connected' }] });
      expect(await byWidget(ben)).toMatchObject({ confirmed: 200, session: { status: 'completed' } });
      await sandbox.settled();
      const [linked] = await ana.connections();
      await byPhone(play, ana);

      expect(answersTo(sandbox, 'auth')).toEqual(['200 applied']);
      expect(await ana.connections()).toEqual([linked]);
    },
  ],
  'auth-null-widget-session': [
    'an event that names no session belongs to the only waiting one; of two, to the one the browser returns to',
    async play => {
      const { sandbox, ana, ben } = play;
      await endsAsUsual(play);

      const only = await ana.open();
      await ana.pick(String(only.url), 'POLAR');
      await sandbox.settled();
      expect(deliveriesOf(sandbox, 'auth').at(-1)?.body).toContain('"widget_session_id":null');
      expect(await ana.connections()).toContainEqual(
        expect.objectContaining({ provider: 'POLAR', status: 'unconfirmed', reason: 'awaiting_confirmation' }),
      );

      const unused = await ben.open();
      expect(await byWidget(ben, 'WHOOP')).toMatchObject({ confirmed: 200, session: { status: 'completed' } });
      await sandbox.settled();
      expect(await ben.connections()).toContainEqual(
        expect.objectContaining({ provider: 'WHOOP', status: 'connected' }),
      );
      expect(await ben.session(unused.id)).toMatchObject({ status: 'pending' });
    },
  ],
  'created-on-approval': [
    'users still connect, by the webhook and by the lookup',
    async play => {
      await endsAsUsual(play);

      play.sandbox.switchOn('lost-webhook');
      expect(await byLink(play.ana, 'WHOOP')).toMatchObject({ confirmed: 200, session: { status: 'completed' } });
    },
  ],
  'user-without-created-at': [
    'users still connect, by the webhook and by the lookup',
    async play => {
      const { sandbox, ana } = play;
      await endsAsUsual(play);

      sandbox.switchOn('lost-webhook');
      expect(await byLink(ana, 'WHOOP')).toMatchObject({ confirmed: 200, session: { status: 'completed' } });
      expect(deliveriesOf(sandbox, 'auth').at(-1)?.body).not.toContain('created_at');
    },
  ],
  'user-created-at-number': [
    'users connect as usual, including a phone by its token',
    async play => {
      await endsAsUsual(play);
      expect(deliveriesOf(play.sandbox, 'auth').at(-1)?.body).toMatch(/"created_at":\d/);
    },
  ],
  'scopes-list': hasScopes('a list of scopes is read as well', JSON.stringify(garminScopes), garminScopes),
  'scopes-padded': hasScopes('stray spaces are no part of a scope', '" ACTIVITY_EXPORT , ', garminScopes),
  'scopes-empty': hasScopes('no scopes are an empty list', '""', []),
  'scopes-null': hasScopes('scopes that Terra does not give are an empty list', 'null', []),
  'newer-identity': [
    'an account that two users share is connected for both, and each connection ends separately',
    async ({ sandbox, ana, ben, on }) => {
      on();
      const account = { account: 'family@garmin.example' };
      const [first] = (await byLink(ana, 'GARMIN', account)).connections;
      const [second] = (await byLink(ben, 'GARMIN', account)).connections;
      await sandbox.settled();
      const known = () => sandbox.users().map(({ userId }) => userId);
      expect(known()).toEqual(expect.arrayContaining([first?.terraUserId, second?.terraUserId]));

      await ben.call('DELETE', `/v1/connections/${String(second?.id)}`);
      await sandbox.settled();

      expect(await ana.connections()).toMatchObject([{ status: 'connected' }]);
      expect(await ben.connections()).toMatchObject([{ status: 'disconnected', reason: 'owner' }]);
      expect(known()).toContain(first?.terraUserId);
    },
  ],
  'reauth-by-reference': [
    'a second account replaces the first under the same id; without the scenario there are two connections',
    async play => {
      const another = { account: 'second@garmin.example' };
      const usual = await connectsTwice(play, play.ben, another);
      play.on();
      const { before, after } = await connectsTwice(play, play.ana, { account: 'other@garmin.example' });

      expect(usual.after).toMatchObject([{ status: 'connected' }, { status: 'connected' }]);
      expect(after).toMatchObject([{ id: before[0]?.id, status: 'connected' }]);
      expect(after[0]?.terraUserId).not.toBe(before[0]?.terraUserId);
    },
  ],
  'reauth-before-auth': [
    'the connection keeps its id and becomes connected, in either order',
    async play => {
      await reconnectsAsUsual(play);

      const types = play.sandbox.history().flatMap(entry => (entry.kind === 'delivery' ? [entry.type] : []));
      expect(types.slice(-2)).toEqual(['user_reauth', 'auth']);
    },
  ],
  'null-old-user': [
    'the new connection is listed in addition to the old one, because no event says that it replaces it',
    async play => {
      await keepsBoth(play);
      expect(deliveriesOf(play.sandbox, 'user_reauth').at(-1)?.body).toContain('"old_user":null');
    },
  ],
  'absent-old-user': [
    'the new connection is listed in addition to the old one, because no event says that it replaces it',
    async play => {
      await keepsBoth(play);
      expect(deliveriesOf(play.sandbox, 'user_reauth').at(-1)?.body).not.toContain('old_user');
    },
  ],
  'old-user-without-reference': [
    'the old Terra user is found by its id, and the connection keeps its id',
    async play => {
      await reconnectsAsUsual(play);
      expect(deliveriesOf(play.sandbox, 'user_reauth').at(-1)?.body).toMatch(/"old_user":{[^}]*"reference_id":null/);
    },
  ],
  'limit-reached': [
    'a direct link gets `terra_account_full`; widget and phone fail',
    async play => {
      const { ana, sandbox, on } = play;
      on();
      const direct = await ana.call('POST', '/v1/sessions', { returnTo: 'web', provider: 'GARMIN' });
      expect(says(direct)).toBe('502 terra_limit_reached');

      const session = await ana.open();
      expect((await ana.pick(String(session.url), 'GARMIN')).sent).toMatchObject({ status: 'failed' });
      await sandbox.settled();
      expect(await ana.session(session.id)).toMatchObject({ status: 'failed', failure: 'unknown' });

      expect(await byPhone(play, ana)).toEqual({ success: false, error: 'UserLimitExceeded' });
      expect(await ana.connections()).toEqual([]);
    },
  ],
  'limit-50': [
    'the fiftieth user connects, the next only after another disconnects',
    async play => {
      const { ana, ben, on, sandbox } = play;
      // The users of earlier tests would fill the environment.
      sandbox.reset();
      on();
      await fillUp(play, 1);
      const { connections } = await byLink(ana, 'GARMIN');
      expect(connections).toMatchObject([{ status: 'connected' }]);
      const full = await ben.call('POST', '/v1/sessions', { returnTo: 'web', provider: 'GARMIN' });
      expect(says(full)).toBe('502 terra_limit_reached');

      await ana.call('DELETE', `/v1/connections/${String(connections[0]?.id)}`);

      expect(await byLink(ben, 'GARMIN')).toMatchObject({ connections: [{ status: 'connected' }] });
    },
  ],
  'redirect-second-question-mark': [
    'a second question mark does not affect the callback, which has no query',
    async play => {
      await endsAsUsual(play);

      const { callback } = await play.ana.decide(String((await play.ana.open({ provider: 'POLAR' })).url));
      expect(callback).toMatch(/^[^?]+\/success\?[^?]+$/);
    },
  ],
  'redirect-reference-null': [
    'the callback needs no reference id',
    async play => {
      await endsAsUsual(play);

      const { callback } = await play.ana.decide(String((await play.ana.open({ provider: 'POLAR' })).url));
      expect(callback).toContain('reference_id=null');
    },
  ],
  'redirect-without-reference': [
    'the callback needs no reference id',
    async play => {
      await endsAsUsual(play);

      const { callback } = await play.ana.decide(String((await play.ana.open({ provider: 'POLAR' })).url));
      expect(callback).not.toContain('reference_id');
    },
  ],
  'redirect-with-reason': [
    'browser and app get the reason as a documented value',
    async ({ ana, on, sandbox }) => {
      on();
      const session = await ana.open({ provider: 'GARMIN' });
      const { callback, sent } = await ana.decide(String(session.url), 'deny');
      await sandbox.settled();

      expect(callback).toContain('reason=access_denied');
      expect(sent).toEqual({ session_id: session.id, status: 'failed', error: 'denied' });
      expect(await ana.session(session.id)).toMatchObject({ status: 'failed', failure: 'denied' });
    },
  ],
  'redirect-failure-without-user': failsAlike(/\/failure\?reference_id=/),
  'redirect-failure-user-null': failsAlike(/\/failure\?user_id=null&/),
  'redirect-after-webhook': [
    'an event before the browser’s return counts once the code is redeemed',
    async play => {
      const { sandbox, ana, on } = play;
      on();
      const session = await ana.open({ provider: 'POLAR' });
      const callback = await decideAndLeave(session.url, 'approve');
      expect(deliveriesOf(sandbox, 'auth')).toMatchObject([{ state: 'delivered' }]);
      expect(await ana.connections()).toMatchObject([
        { status: 'unconfirmed', reason: 'awaiting_confirmation', needsAction: 'reconnect' },
      ]);
      expect(await ana.session(session.id)).toMatchObject({ status: 'pending' });

      const { code } = await comeBack(callback);

      expect(await ana.connections()).toMatchObject([{ status: 'unconfirmed', needsAction: 'confirm' }]);
      expect(await ana.confirm(session.id, code)).toMatchObject({
        status: 200,
        body: { status: 'completed', connection: { status: 'connected' } },
      });
      expect(await byEveryWay(play, play.ben)).toMatchObject(connectedByEveryWay);
    },
  ],
  'redirect-never': [
    'a user who does not return is not connected; a second session connects',
    async ({ sandbox, ana, on, off }) => {
      on();
      const session = await ana.open({ provider: 'GARMIN' });
      const { callback, sent } = await ana.decide(String(session.url));
      await sandbox.settled();
      expect([callback.startsWith(`${sandbox.url}/session/demo/success?`), sent]).toEqual([true, {}]);
      expect(await ana.session(session.id)).toMatchObject({ status: 'pending' });
      const [unconfirmed] = await ana.connections();
      expect(unconfirmed).toMatchObject({
        status: 'unconfirmed',
        reason: 'awaiting_confirmation',
        needsAction: 'reconnect',
      });
      expect(unconfirmed).not.toHaveProperty('terraUserId');

      off();
      expect(await byLink(ana, 'GARMIN')).toMatchObject({ session: { status: 'completed' } });
      await sandbox.settled();
      expect(await ana.connections()).toMatchObject([{ id: unconfirmed?.id, status: 'connected' }]);
    },
  ],
  'revoked-a-week-later': [
    'the connection ends as revoked',
    async play => {
      const { before, after } = await waits(play, WEEK_MS);

      expect(before).toMatchObject({ status: 'connected' });
      expect(after).toMatchObject({ id: before?.id, status: 'disconnected', reason: 'revoked' });
      expect(after).not.toHaveProperty('needsAction');
    },
  ],
  'deauth-a-week-later': [
    'the connection ends as deauthorised',
    async play => {
      const { before, after } = await waits(play, WEEK_MS);

      expect(before).toMatchObject({ status: 'connected' });
      expect(after).toMatchObject({ id: before?.id, status: 'disconnected', reason: 'deauthorised' });
      expect(await byWidget(play.ana, 'GARMIN')).toMatchObject({ session: { status: 'completed' } });
    },
  ],
  'connection-error-later': [
    'the connection has `needsAction: reconnect`, and recovers with the next data',
    async play => {
      const { before, after } = await waits(play, HOUR_MS);
      expect(before).toMatchObject({ status: 'connected' });
      expect(after).toMatchObject({ status: 'error', reason: 'provider_rejected', needsAction: 'reconnect' });

      await play.sandbox.send(String(after?.terraUserId), 'daily');
      await eventually(play.ana.connections, ([connection]) => connection?.status === 'connected');
    },
  ],
  'permission-change-later': [
    'the connection stays connected and lists its remaining scopes',
    async play => {
      const { before, after } = await waits(play, HOUR_MS);

      expect(before).toMatchObject({ status: 'connected', scopes: garminScopes });
      expect(after).toMatchObject({ id: before?.id, status: 'connected', scopes: garminScopes.slice(0, 2) });
    },
  ],
};

testScenarios(effects);
