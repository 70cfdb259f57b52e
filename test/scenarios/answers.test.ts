import { person } from '../support/person';
import { type Effect, type Person, type Play, type ScenarioOf, testScenarios } from './play';
import { asked, byLink, byPhone, byWidget, comeBack, decideAndLeave, endsAsUsual, says } from './steps';
import { startSharedStack } from '../support/synthesis';

const openings = {
  link: { returnTo: 'web', provider: 'GARMIN' },
  widget: { returnTo: 'web' },
} as const;

const credentials = '502 terra_credentials';
const rejected = '502 terra_rejected';

/** What the three calls that make something at Terra answer, and whether the same keys open sessions once all is well. */
async function refusals({ ana, on, off }: Play, { token }: { token: string }): Promise<Record<string, string>> {
  const open = async (flow: keyof typeof openings) =>
    says(await ana.call('POST', '/v1/sessions', openings[flow], { 'idempotency-key': flow }));
  on();
  const heard = { link: await open('link'), widget: await open('widget') };
  const minted = says(await ana.call('POST', '/v1/tokens', { provider: 'APPLE' }));
  off();

  expect(minted).toBe(token);
  expect([await open('link'), await open('widget')]).toEqual(['201 pending', '201 pending']);
  expect(await ana.connections()).toEqual([]);
  return heard;
}

/** No session comes of it, and the same Idempotency-Key may be used again. */
const opensNothing = (fact: string, heard: string, more: { token: string }): Effect => [
  fact,
  async play => expect(await refusals(play, more)).toEqual({ link: heard, widget: heard }),
];

const secondsUntil = (time: unknown) => (Date.parse(String(time)) - Date.now()) / 1000;

/** How long the product says that a token lives, and whether a phone that takes `afterSeconds` to redeem it connects. */
async function slowPhone({ sandbox, ana }: Play, afterSeconds: number) {
  const { body } = await ana.call('POST', '/v1/tokens', { provider: 'APPLE' });
  await sandbox.advance(afterSeconds * 1000);
  const phone = await ana.redeem(body.token, 'APPLE');
  await sandbox.settled();
  return { expiresIn: body.expiresIn, phone, connections: await ana.connections() };
}

/** With every webhook lost users connect by lookups only, which name the Terra user and never the reference id. */
async function looksUpByUser(play: Play): Promise<void> {
  const { sandbox, ana, on } = play;
  on();
  sandbox.switchOn('lost-webhook');

  const ends = [await byWidget(ana), await byLink(ana, 'OURA')];

  expect(ends).toMatchObject([{ session: { status: 'completed' } }, { session: { status: 'completed' } }]);
  const lookups = asked(sandbox).filter(({ path }) => path.includes('userInfo'));
  expect(lookups.map(({ path }) => path.replace(/[0-9a-f-]{36}/, 'ID'))).toEqual([
    '/v2/userInfo?user_id=ID',
    '/v2/userInfo?user_id=ID',
  ]);
}

/** What an app's own back end would get from Terra for this reference id. */
async function terraSays({ sandbox }: Play, referenceId: string): Promise<{ status: number; body: unknown }> {
  const headers = { 'dev-id': 'terra-connect-dev', 'x-api-key': 'local-api-key-of-the-sandbox' };
  const answer = await fetch(`${sandbox.apiUrl}/userInfo?reference_id=${referenceId}`, { headers });
  return { status: answer.status, body: await answer.json() };
}

const referenceIdOf = async (who: Person) =>
  String((await who.call('POST', '/v1/tokens', { provider: 'APPLE' })).body.referenceId);

const effects: Record<ScenarioOf<'Answers of the API'>, Effect> = {
  'swapped-keys': opensNothing('an answer without its link names the keys as the fault', credentials, {
    token: credentials,
  }),
  'swapped-keys-403': opensNothing('the keys are named as the fault whatever the status', credentials, {
    token: credentials,
  }),
  'wrong-credentials': opensNothing('401 of the API and 403 of the widget are one and the same', credentials, {
    token: credentials,
  }),
  'bad-credentials-403': [
    'a 403 of the API is treated as a 401',
    async play => {
      const { sandbox, ana, on } = play;
      sandbox.switchOn('wrong-credentials');
      const usual = await ana.call('POST', '/v1/sessions', openings.link);
      on();
      const under = await ana.call('POST', '/v1/sessions', openings.link);

      expect([says(usual), says(under)]).toEqual([credentials, credentials]);
      expect(asked(sandbox).map(({ result }) => result)).toEqual([401, 403]);
    },
  ],
  'legacy-errors': [
    'an error in Terra’s older form is understood',
    async ({ sandbox, ana, on }) => {
      on();
      const unknown = await ana.call('POST', '/v1/sessions', { returnTo: 'web', provider: 'NO_SUCH' });
      sandbox.switchOn('limit-reached');
      const full = await ana.call('POST', '/v1/sessions', openings.link);

      expect([says(unknown), says(full)]).toEqual([rejected, '502 terra_limit_reached']);
      expect(asked(sandbox).map(({ result }) => result)).toEqual([404, 400]);
    },
  ],
  'new-account': [
    'a deployment with the old widget gets `terra_endpoint_gone`; the new widget and direct links do not use it',
    async ({ ana, on }) => {
      on();
      expect(await byWidget(ana)).toMatchObject({ session: { status: 'completed' } });

      const old = await startSharedStack({ settings: { widget: 'legacy' } });
      try {
        const ben = await person(old, 'ben');
        expect(says(await ben.call('POST', '/v1/sessions', openings.widget))).toBe('201 pending');
        old.sandbox?.switchOn('new-account');
        expect(says(await ben.call('POST', '/v1/sessions', openings.widget))).toBe('502 terra_endpoint_gone');
        expect(says(await ben.call('POST', '/v1/sessions', openings.link))).toBe('201 pending');
      } finally {
        await old.close();
      }
    },
  ],
  'session-200': [
    'every 2xx opens the session',
    async play => {
      await endsAsUsual(play);

      const widgets = asked(play.sandbox).filter(({ path }) => path === '/api/widget/session');
      expect(widgets.map(({ result }) => result)).toEqual([201, 200]);
    },
  ],
  'session-short': [
    'the link has the lifetime that Terra gives, and connects within it',
    async ({ sandbox, ana, on }) => {
      on();
      const session = await ana.open();
      expect(secondsUntil(session.expiresAt)).toBeGreaterThan(50);
      expect(secondsUntil(session.expiresAt)).toBeLessThanOrEqual(60);
      expect(await byWidget(ana)).toMatchObject({ session: { status: 'completed' } });

      await sandbox.advance(60_000);
      expect((await fetch(String(session.url))).status).toBe(410);
      expect(await ana.session(session.id)).toMatchObject({ status: 'pending' });
    },
  ],
  'session-without-expiry': [
    'the link has the documented lifetime of fifteen minutes',
    async ({ ana, on }) => {
      on();
      const session = await ana.open();

      expect(secondsUntil(session.expiresAt)).toBeGreaterThan(890);
      expect(secondsUntil(session.expiresAt)).toBeLessThanOrEqual(900);
      expect(await byWidget(ana)).toMatchObject({ session: { status: 'completed' } });
    },
  ],
  'widget-url-missing': opensNothing('an answer without its link names the keys as the fault', credentials, {
    token: '201',
  }),
  'link-javascript': opensNothing('no browser is ever sent to a script', rejected, { token: '201' }),
  'link-insecure': opensNothing('no browser is ever sent to a public host without TLS', rejected, { token: '201' }),
  'link-other-id': [
    'the link is passed on unchanged, and the webhook still finds its session',
    async play => {
      await endsAsUsual(play);

      const session = await play.ana.open();
      await play.ana.pick(String(session.url), 'POLAR');
      await play.sandbox.settled();
      expect(await play.ana.connections()).toMatchObject([
        { provider: 'POLAR', status: 'unconfirmed', reason: 'awaiting_confirmation', needsAction: 'confirm' },
        {},
        {},
        {},
      ]);
    },
  ],
  'tokens-404': [
    'the older endpoint returns the token, and is remembered',
    async play => {
      const { sandbox, ana, on } = play;
      on();
      const phones = [await byPhone(play, ana, 'APPLE'), await byPhone(play, ana, 'SAMSUNG')];

      expect(phones).toMatchObject([{ success: true }, { success: true }]);
      expect(await ana.connections()).toMatchObject([
        { provider: 'SAMSUNG', status: 'connected' },
        { provider: 'APPLE', status: 'connected' },
      ]);
      expect(asked(sandbox).map(({ path, result }) => [path.replace(/\?.*/, ''), result])).toEqual([
        ['/v2/auth/tokens', 404],
        ['/v2/auth/generateAuthToken', 200],
        ['/v2/auth/generateAuthToken', 200],
      ]);
    },
  ],
  'token-300': [
    'the app gets the lifetime that Terra gives, and a phone that needs four minutes connects',
    async play => {
      play.on();

      expect(await slowPhone(play, 240)).toMatchObject({
        expiresIn: 300,
        phone: { success: true },
        connections: [{ provider: 'APPLE', status: 'connected' }],
      });
    },
  ],
  'token-without-expiry': [
    'the app gets a lifetime of three minutes, and the token expires then',
    async play => {
      play.on();

      expect(await slowPhone(play, 181)).toEqual({
        expiresIn: 180,
        phone: { success: false, error: 'InvalidAuthToken' },
        connections: [],
      });
    },
  ],
  'token-unbound': [
    'a phone with its own reference id connects; one with none or another does not',
    async play => {
      const { sandbox, ana, ben, on } = play;
      on();
      const { body: tokenRecord } = await ana.call('POST', '/v1/tokens', { provider: 'APPLE' });
      await ana.redeem(tokenRecord.token, 'APPLE', String(tokenRecord.referenceId));
      const victim = await referenceIdOf(ben);
      await byPhone(play, ben, 'HEALTH_CONNECT');
      const { body: misused } = await ana.call('POST', '/v1/tokens', { provider: 'SAMSUNG' });
      expect(await ana.redeem(misused.token, 'SAMSUNG', victim)).toMatchObject({ success: true });
      await sandbox.settled();

      expect(await ana.connections()).toMatchObject([{ provider: 'APPLE', status: 'connected' }]);
      const connections = await ben.connections();
      expect(connections).toMatchObject([
        { provider: 'SAMSUNG', status: 'unconfirmed', reason: 'unsolicited', needsAction: 'reconnect' },
      ]);
      expect(connections[0]).not.toHaveProperty('terraUserId');
    },
  ],
  'users-array': [
    'users connect by lookups that never use the reference id',
    async play => {
      await looksUpByUser(play);

      const { status, body } = await terraSays(play, await referenceIdOf(play.ana));
      expect([status, Array.isArray(body)]).toEqual([200, true]);
    },
  ],
  'users-504': [
    'users connect by lookups that never use the reference id',
    async play => {
      await looksUpByUser(play);

      expect(await terraSays(play, await referenceIdOf(play.ana))).toMatchObject({ status: 504 });
    },
  ],
  'users-empty': [
    'users connect by lookups that never use the reference id',
    async play => {
      await looksUpByUser(play);

      expect(await terraSays(play, 'nobody')).toMatchObject({ status: 200, body: { users: [] } });
    },
  ],
  'user-info-lags': [
    'a browser that returns before Terra says that the user is authenticated waits; the webhook is enough',
    async ({ sandbox, ana, ben, on }) => {
      on();
      const known = await ben.open({ provider: 'GARMIN' });
      const told = await decideAndLeave(known.url, 'approve');
      await sandbox.settled();
      const { code: atOnce } = await comeBack(told);
      expect(says(await ben.confirm(known.id, atOnce))).toBe('200 completed');

      sandbox.switchOn('lost-webhook');
      const session = await ana.open({ provider: 'GARMIN' });
      const callback = await decideAndLeave(session.url, 'approve');
      expect(await comeBack(callback)).toEqual({});
      expect(await ana.session(session.id)).toMatchObject({ status: 'pending' });
      expect(await ana.connections()).toEqual([]);

      await sandbox.advance(20_000);
      const { code } = await comeBack(callback);
      expect(says(await ana.confirm(session.id, code))).toBe('200 completed');
      expect(await ana.connections()).toMatchObject([{ provider: 'GARMIN', status: 'connected' }]);
    },
  ],
  'integrations-sdk-resource': [
    'SDK providers are still listed, from the detailed list',
    async ({ sandbox, ana, on }) => {
      on();
      const { status, body } = await ana.call('GET', '/v1/providers');

      expect(status).toBe(200);
      expect(body.providers).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ id: 'APPLE', kind: 'sdk' }),
          expect.objectContaining({ id: 'GARMIN', kind: 'web' }),
        ]),
      );
      expect(asked(sandbox).map(({ path }) => path)).toEqual(['/v2/integrations/detailed?sdk=true']);
      expect(await (await fetch(`${sandbox.apiUrl}/integrations`)).json()).toHaveProperty('sdk_resource');
    },
  ],
};

testScenarios(effects);
