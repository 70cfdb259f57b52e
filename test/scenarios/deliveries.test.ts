import { setTimeout as wait } from 'node:timers/promises';
import { type Effect, type Play, type ScenarioOf, testScenarios } from './play';
import {
  answersTo,
  byEveryWay,
  byLink,
  byPhone,
  connectedByEveryWay,
  deliveriesOf,
  endsAsUsual,
  resend,
  says,
} from './steps';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FIRST_RETRY_MS = 30_000;

const connected = [{ provider: 'APPLE', status: 'connected' }];

/** A phone connects: only the webhook can tell of it, so what is listed shows what was believed. */
async function phoneConnects(play: Play): Promise<Record<string, unknown>[]> {
  expect(await byPhone(play, play.ana)).toMatchObject({ success: true });
  return play.ana.connections();
}

/** What is not truly signed changes nothing; the retry that is connects the phone. */
const refused = (fact: string): Effect => [
  fact,
  async play => {
    const { sandbox, ana, on, off } = play;
    on();
    expect(await phoneConnects(play)).toEqual([]);
    expect(answersTo(sandbox, 'auth')).toEqual(['401']);

    off();
    await sandbox.advance(FIRST_RETRY_MS);

    expect(answersTo(sandbox, 'auth')).toEqual(['401', '200 applied']);
    expect(await ana.connections()).toMatchObject(connected);
  },
];

/** Expects that nothing changes; `sent` checks the headers of such a delivery. */
const believed = (fact: string, sent: (headers: Record<string, string>) => unknown): Effect => [
  fact,
  async play => {
    await endsAsUsual(play);

    const headers = deliveriesOf(play.sandbox, 'auth').at(-1)?.attempts[0]?.headers ?? {};
    expect(sent(headers)).toBe(true);
    expect(answersTo(play.sandbox, 'auth')).toEqual(['200 applied']);
  },
];

/** A phone connects while webhooks are lost. */
async function phoneConnectsUnheard(play: Play): Promise<void> {
  const { sandbox, stack } = play;
  sandbox.setWebhookUrl(`${stack.apiUrl}/v1/no-such-route`);
  expect(await phoneConnects(play)).toEqual([]);
  sandbox.setWebhookUrl(`${stack.apiUrl}/v1/webhooks/terra`);
  expect(deliveriesOf(sandbox, 'auth').at(-1)).toMatchObject({ state: 'retrying', attempts: [{ status: 404 }] });
}

/** Makes every lookup fail, so that only the webhook can complete the session. */
async function confirmsUnanswered({ sandbox, ana }: Play) {
  const session = await ana.open({ provider: 'GARMIN' });
  sandbox.switchOn('503', { only: 'userInfo' });
  const { sent } = await ana.decide(String(session.url));
  expect(says(await ana.confirm(session.id, sent.code))).toBe('202 returned');
  sandbox.switchOff('503');
  return { read: () => ana.session(session.id), again: () => ana.confirm(session.id, sent.code) };
}

/** Late by `ms`: until then users wait, except those whose confirmation could ask Terra. */
const late = (fact: string, ms: number): Effect => [
  fact,
  async play => {
    const { sandbox, ana, ben, on } = play;
    on();
    expect(await byLink(ben)).toMatchObject({ confirmed: 200, connections: [{ status: 'connected' }] });
    expect(await phoneConnects(play)).toEqual([]);
    const { read, again } = await confirmsUnanswered(play);

    await sandbox.advance(ms - MINUTE_MS);
    expect(await ana.connections()).toEqual([]);
    expect(await read()).toMatchObject({ status: 'returned' });

    await sandbox.advance(MINUTE_MS);
    expect(await read()).toMatchObject({ status: 'completed', provider: 'GARMIN' });
    expect(await again()).toMatchObject({ status: 200, body: { connection: { status: 'connected' } } });
    expect(await ana.connections()).toMatchObject([{ provider: 'GARMIN', status: 'connected' }, ...connected]);
    expect(await ben.connections()).toMatchObject([{ status: 'connected' }]);
  },
];

const effects: Record<ScenarioOf<'Webhook deliveries'>, Effect> = {
  'lost-webhook': [
    'a user with a code is connected by the lookup; a phone’s connection and an end stay unknown',
    async play => {
      const { sandbox, ana, on } = play;
      on();
      const { confirmed, connections } = await byLink(ana);
      expect([confirmed, connections]).toMatchObject([200, [{ status: 'connected' }]]);
      expect(deliveriesOf(sandbox, 'auth')).toMatchObject([{ state: 'lost', attempts: [] }]);

      await sandbox.send(String(connections[0]?.terraUserId), 'access_revoked');
      await phoneConnects(play);
      expect(await ana.connections()).toMatchObject([{ provider: 'GARMIN', status: 'connected' }]);

      await resend(sandbox, 'auth');
      await resend(sandbox, 'access_revoked');
      expect(await ana.connections()).toMatchObject([
        ...connected,
        { provider: 'GARMIN', status: 'disconnected', reason: 'revoked' },
      ]);
    },
  ],
  duplicate: [
    'the second copy is accepted and changes nothing',
    async play => {
      await endsAsUsual(play);

      expect(answersTo(play.sandbox, 'auth')).toEqual(['200 applied', '200 unchanged']);
      const [before] = await play.ana.connections();
      await resend(play.sandbox, 'auth');
      expect((await play.ana.connections())[0]).toEqual(before);
    },
  ],
  'late-webhook': late('who can be looked up waits for nothing, everybody else for the webhook', 2 * MINUTE_MS),
  'a-day-late': late('a day later the webhook still completes what waited for it', 25 * HOUR_MS),
  'out-of-order': [
    'the newer event wins, in either order',
    async play => {
      const { sandbox, ana, ben, on } = play;
      await byPhone(play, ben);
      await sandbox.send(String((await ben.connections())[0]?.terraUserId), 'connection_error');
      const usual = await ben.connections();
      on();
      expect(await phoneConnects(play)).toEqual([]);
      const user = sandbox.users().at(-1)?.userId ?? '';
      await sandbox.send(user, 'connection_error');

      expect(answersTo(sandbox, 'connection_error').concat(answersTo(sandbox, 'auth'))).toEqual([
        '200 applied',
        '200 applied',
      ]);
      const inDisorder = await ana.connections();
      for (const connections of [usual, inDisorder]) {
        expect(connections).toMatchObject([
          { status: 'error', reason: 'provider_rejected', needsAction: 'reconnect', provider: 'APPLE' },
        ]);
      }
    },
  ],
  'original-timestamp': [
    'a retry with its first signature is accepted',
    async play => {
      const { sandbox, ana, on } = play;
      on();
      await phoneConnectsUnheard(play);
      // So that a fresh signature would bear another second.
      await wait(1100);
      await sandbox.advance(FIRST_RETRY_MS);

      expect(await ana.connections()).toMatchObject(connected);
      const [first, second] = deliveriesOf(sandbox, 'auth').at(-1)?.attempts ?? [];
      expect(second).toMatchObject({ status: 200, signedAtSeconds: first?.signedAtSeconds });
    },
  ],
  'other-secret': refused('nothing is believed until the secrets agree'),
  'two-signatures': believed(
    'one valid signature among several is enough',
    headers => headers['x-terra-signature']?.match(/v1=/g)?.length === 2,
  ),
  tampered: refused('nothing is believed of a body that was changed'),
  unsigned: refused('nothing is believed that nobody signed'),
  replayed: refused('nothing is believed that is a week old'),
  'current-header-only': believed(
    'the current header is enough',
    headers => 'x-terra-signature' in headers && !('terra-signature' in headers),
  ),
  'deprecated-header-only': believed(
    'the deprecated header is enough',
    headers => 'terra-signature' in headers && !('x-terra-signature' in headers),
  ),
  'without-ordering-timestamp': [
    'the signed time is used if Terra sends no other',
    async play => {
      await endsAsUsual(play);
      const { sandbox, ana } = play;
      expect(deliveriesOf(sandbox, 'auth').at(-1)?.attempts[0]?.headers).not.toHaveProperty(
        'x-terra-ordering-timestamp',
      );

      const [one] = await ana.connections();
      await sandbox.send(String(one?.terraUserId), 'access_revoked');
      const ended = (await ana.connections()).filter(({ status }) => status !== 'connected');
      expect(ended).toMatchObject([{ id: one?.id, status: 'disconnected', reason: 'revoked' }]);
    },
  ],
  'retries-faq': [
    'the retry connects, five minutes later instead of half a minute',
    async play => {
      const { sandbox, ana, on } = play;
      on();
      await phoneConnectsUnheard(play);
      await sandbox.advance(5 * MINUTE_MS - 1000);
      expect(await ana.connections()).toEqual([]);
      await sandbox.advance(1000);

      expect(await ana.connections()).toMatchObject(connected);
      expect(answersTo(sandbox, 'auth')).toEqual(['404', '200 applied']);
    },
  ],
  'retry-5xx-only': [
    'a refused delivery is not repeated; a user with a code is still connected',
    async play => {
      const { sandbox, ana, ben, on } = play;
      on();
      sandbox.switchOn('other-secret', { times: 1 });
      expect(await phoneConnects(play)).toEqual([]);
      await sandbox.advance(24 * HOUR_MS);
      expect(deliveriesOf(sandbox, 'auth').at(-1)).toMatchObject({ state: 'gave_up', attempts: [{ status: 401 }] });
      expect(await ana.connections()).toEqual([]);

      sandbox.switchOn('other-secret', { times: 1 });
      expect(await byLink(ben)).toMatchObject({ confirmed: 200, session: { status: 'completed' } });
    },
  ],
  'event-without-provider': [
    'users connect and reconnect as usual, and an end is applied',
    async play => {
      const { sandbox, ana, on } = play;
      on();
      expect(await byLink(ana)).toMatchObject({ confirmed: 200, connections: [{ provider: 'GARMIN' }] });
      const [before] = await ana.connections();
      await sandbox.send(String(before?.terraUserId), 'reauth');
      expect(answersTo(sandbox, 'user_reauth')).toEqual(['200 applied']);
      const [moved, ...others] = await ana.connections();
      expect(others).toEqual([]);
      expect(moved).toMatchObject({ id: before?.id, provider: 'GARMIN' });

      await sandbox.send(sandbox.users().at(-1)?.userId ?? '', 'deauth');
      expect(await ana.connections()).toMatchObject([{ id: before?.id, status: 'disconnected', provider: 'GARMIN' }]);
    },
  ],
  'event-without-reference': [
    'a user who returns is connected by the lookup; an end is found by the next check of all connections',
    async ({ stack, sandbox, ana, ben, on }) => {
      await byLink(ben);
      on();
      expect(await byLink(ana)).toMatchObject({ confirmed: 200, connections: [{ status: 'connected' }] });
      const [connection] = await ana.connections();
      await sandbox.send(String(connection?.terraUserId), 'deauth');
      expect(answersTo(sandbox, 'deauth')).toEqual(['200 noted']);
      expect(await ana.connections()).toMatchObject([{ status: 'connected' }]);
      await stack.invokeSchedule('reconcile');

      expect(await ana.connections()).toMatchObject([
        { id: connection?.id, status: 'disconnected', reason: 'deauthorised' },
      ]);
      expect(await ben.connections()).toMatchObject([{ status: 'connected' }]);
    },
  ],
  'huge-data': [
    'a delivery above the gateway’s limit is refused without effect; the next of usual size is applied',
    async play => {
      const { sandbox, ana, on, off } = play;
      expect(await byEveryWay(play, ana)).toMatchObject(connectedByEveryWay);
      const [before] = await ana.connections();
      on();
      await sandbox.send(String(before?.terraUserId), 'daily');
      expect(answersTo(sandbox, 'daily')).toEqual(['413']);
      expect((await ana.connections())[0]).toEqual(before);

      off();
      await sandbox.send(String(before?.terraUserId), 'daily');
      expect(answersTo(sandbox, 'daily')).toEqual(['200 applied']);
      expect((await ana.connections())[0]).toMatchObject({ status: 'connected', lastDataAt: expect.any(String) });
    },
  ],
};

testScenarios(effects);
