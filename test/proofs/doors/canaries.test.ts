import { consoleLog } from '../../../functions/core/platform/log';
import { ownerNaming, opaqueReferenceId } from '../../../functions/core/state/owner';
import { ConnectionRow } from '../../../functions/core/state/connection';
import { connectionEvent, type PublishedEvent, sessionEvent } from '../../../functions/core/events/published-event';
import { SessionRow } from '../../../functions/core/state/session';
import { MINUTE, SECOND, systemClock } from '../../../functions/core/platform/clock';
import { sign } from '../../../functions/core/terra/signature';
import { terraClient } from '../../../functions/core/terra/terra';
import type { TerraRequest } from '../../../functions/core/terra/terra-http';
import { hashOf, readStateToken } from '../../../functions/core/state/state-token';
import { sweep } from '../../../functions/sweep-stale';
import { terraEvent } from '../../support/journey';
import { SIGNATURE } from '../../support/token';
import { NOON } from '../../support/world';
import { type Asked, ISSUER, openDoors, routes, type Told } from './doors';
import { strictStore } from './strict-store';

const uuid = (n: number) => `ca9a41e5-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** What must not get out, each by its name; more are added as the system makes them up. */
const planted = {
  aliceSub: 'auth0|alice-c4n4ry-sub',
  mallorySub: 'auth0|mallory-c4n4ry-sub',
  email: 'alice.c4n4ry@app.example',
  jwt: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjNG40cnkifQ.c4n4ry-jwt-signature',
  jwtSignature: SIGNATURE,
  jwtId: 'c4n4ry-jti-0001',
  apiKey: 'c4n4ry-terra-api-key-0123456789',
  devId: 'c4n4ry-terra-dev-id',
  webhookSecret: 'c4n4ry-webhook-secret-current',
  webhookSecretBefore: 'c4n4ry-webhook-secret-previous',
  guessedSecret: 'c4n4ry-guessed-secret',
  referenceKey: 'c4n4ry-reference-key-0123456789abcdef',
  malformedSecret: 'c4n4ry malformed secret with spaces',
  sdkToken: 'c4n4rysdktoken0123456789abcdef0123456789abcdef',
  widgetUrl: 'https://widget.example/session/c4n4ry-widget-url',
  authUrl: 'https://provider.example/oauth?state=c4n4ry-auth-url',
  widgetSession: 'c4n4ry-widget-session-id',
  terraWords: 'c4n4ry words of Terra about the account',
  terraHeader: 'c4n4ry-terra-response-header',
  storeWords: 'c4n4ry words of the table, with a row',
  storeFrame: 'c4n4ry-line-that-looks-like-a-frame',
  secretsWords: 'c4n4ry words of Secrets Manager',
  idempotencyKey: 'c4n4ry-idempotency-key',
  traceId: 'c4n4ry-trace-id',
  cookie: 'session=c4n4ry-cookie',
  userAgent: 'Mozilla/5.0 c4n4ry-user-agent',
  address: '203.0.113.199',
  reason: 'c4n4ry-reason-of-a-failure',
  queryMail: 'c4n4ry@mail.example',
  forgedCode: 'Y2FuYXJ5.c4n4ryc4n4ryc4n4ryc4.c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry1',
  guessedId: 'c4n4ry-guessed-public-id',
  bodyValue: 'c4n4ry-value-in-a-body',
  heartRate: '187.4242421',
  glucose: '93.4242422',
  sleepScore: '71.4242423',
  weight: '84.4242424',
  latitude: '51.4242425',
  deviceName: 'c4n4ry-wrist-device',
  poison: 'c4n4ry-poison-event',
  // A type in plain characters is a name that Terra gives its events, and is counted by; any other text stays out of the logs.
  unknownType: 'c4n4ry@type.of.event',
  foreignReference: 'c4n4ry-reference-of-another-team',
  pendingUser: uuid(1),
  forgedUser: uuid(2),
  strangersUser: uuid(3),
  foreignUser: uuid(4),
} as const;

const out: string[] = [];
const spies: jest.SpyInstance[] = [];
beforeAll(() => {
  for (const level of ['debug', 'info', 'log', 'warn', 'error'] as const) {
    spies.push(jest.spyOn(console, level).mockImplementation((...said) => void out.push(JSON.stringify(said))));
  }
  for (const stream of [process.stdout, process.stderr]) {
    spies.push(
      jest.spyOn(stream, 'write').mockImplementation((chunk: unknown) => {
        out.push(String(chunk));
        return true;
      }),
    );
  }
});
afterAll(() => {
  for (const spy of spies) spy.mockRestore();
});

type Mood = 'well' | 'rejects' | 'breaks';

function setting() {
  let mood: Mood = 'well';
  let tableAway = false;
  let secretText: () => string = () =>
    JSON.stringify({
      current: planted.webhookSecret,
      previous: planted.webhookSecretBefore,
      previousValidUntil: '2026-11-23T00:00:00Z',
    });
  const sent: TerraRequest[] = [];
  const events: PublishedEvent[] = [];
  const store = strictStore();
  const keep = store.items.set.bind(store.items);
  store.items.set = (key, item) => {
    const [before, after] = [store.items.get(key), item];
    const publish = (event: PublishedEvent | undefined) => event && events.push(event);
    if ('stateHash' in after) {
      const was = before && 'stateHash' in before ? SessionRow.parse(before) : undefined;
      publish(sessionEvent(was, SessionRow.parse(after), 'required'));
    }
    if (after.item.startsWith('connection#')) {
      publish(connectionEvent(before && ConnectionRow.parse(before), ConnectionRow.parse(after)));
    }
    return keep(key, item);
  };
  const words = [planted.storeWords, `    at ${planted.storeFrame} (row)`, `  at ${planted.storeFrame}`].join('\n');
  const awayAtTimes: typeof store = {
    ...store,
    load: async owner => {
      if (tableAway) throw Object.assign(new Error(words), { item: planted.storeWords });
      return store.load(owner);
    },
    addSessionFact: async (...fact) => {
      if (tableAway)
        throw Object.assign(new Error(words), { name: 'ProvisionedThroughputExceededException', $metadata: {} });
      return store.addSessionFact(...fact);
    },
  };
  const answers: Record<Mood, () => { status: number; body: unknown }> = {
    well: () => ({
      status: 200,
      body: {
        status: 'success',
        session_id: planted.widgetSession,
        url: planted.widgetUrl,
        auth_url: planted.authUrl,
        user_id: uuid(5),
        token: planted.sdkToken,
        providers: [{ provider: 'GARMIN', name: 'Garmin' }],
      },
    }),
    rejects: () => ({
      status: 400,
      body: { message: planted.terraWords, detail: planted.apiKey, echo: planted.sdkToken },
    }),
    breaks: () => {
      throw new Error(`${planted.terraHeader}: ${planted.apiKey}`);
    },
  };
  const terra = terraClient({
    apiUrl: 'https://terra.example/v2',
    widgetUrl: 'https://terra.example/widget',
    widget: 'current',
    allowUnboundTokens: true,
    credentials: async () => ({ devId: planted.devId, apiKey: planted.apiKey }),
    clock: systemClock,
    send: async request => {
      sent.push(request);
      const { status, body } = answers[mood]();
      return { kind: 'answer', status, body: JSON.stringify(body) };
    },
  });
  const readKey = async () => planted.referenceKey;
  const doors = openDoors({
    log: consoleLog,
    fetchWebhookSecret: async () => secretText(),
    with: {
      store: awayAtTimes,
      limit: 1_000,
      ownerOf: ownerNaming({
        referenceId: 'opaque',
        namespace: ISSUER,
        referenceKey: readKey,
        store,
        mayBeFirst: true,
        alarm: alarm => consoleLog('warn', 'alarm', { alarm }),
      }),
      referenceKey: readKey,
    },
  });
  Object.assign(doors.world.terra, terra);
  return {
    ...doors,
    sent,
    events,
    terraIs: (next: Mood) => {
      mood = next;
    },
    tableIs: (state: 'there' | 'away') => {
      tableAway = state === 'away';
    },
    webhookSecretIs: (text: () => string) => {
      secretText = text;
    },
  };
}

const carried = [
  ['authorization', `Bearer ${planted.jwt}`],
  ['content-type', 'application/json'],
  ['cookie', planted.cookie],
  ['user-agent', planted.userAgent],
  ['x-forwarded-for', planted.address],
  ['x-terra-trace-id', planted.traceId],
] as const;

const as = (sub: string) => ({ sub, iss: ISSUER, email: planted.email, jti: planted.jwtId, scope: 'connect' });

const data = (userId: string, referenceId: string) => ({
  ...terraEvent.data(userId, { referenceId }),
  data: [
    {
      heart_rate_data: { avg_hr_bpm: Number(planted.heartRate) },
      glucose: Number(planted.glucose),
      scores: { sleep: Number(planted.sleepScore) },
      measurements: { weight_kg: Number(planted.weight) },
      position: { lat: Number(planted.latitude) },
      device_data: { name: planted.deviceName },
    },
  ],
});

test('no log line, error or event of any handler contains a secret or personal data', async () => {
  const people = setting();
  const { world, ask, events, sent } = people;
  const answers: { asked: Asked; told: Told }[] = [];
  const go = async (asked: Asked) => {
    const told = await ask({ ...asked, headers: [...carried, ...(asked.headers ?? [])] });
    if (!told) throw new Error(`${asked.method} ${asked.path} reached nothing`);
    answers.push({ asked, told });
    return JSON.parse(told.body.startsWith('{') ? told.body : '{}') as Record<string, string>;
  };
  const call = (sub: string, method: string, path: string, body?: object, headers: Asked['headers'] = []) =>
    go({ method, path, claims: as(sub), headers, ...(body && { body: JSON.stringify(body) }) });
  const deliver = (event: unknown, secret: string = planted.webhookSecret) => {
    const body = typeof event === 'string' ? event : JSON.stringify(event);
    const signature = sign(body, secret, Math.floor(world.clock() / SECOND));
    return go({ method: 'POST', path: '/v1/webhooks/terra', headers: [['x-terra-signature', signature]], body });
  };
  const browse = (state: string, end: string, query: string) =>
    go({ method: 'GET', path: `/v1/callback/${state}/${end}`, query });
  const lastState = () => {
    const body = JSON.parse(sent.findLast(request => request.body?.includes('redirect'))?.body ?? '{}') as Record<
      string,
      string
    >;
    return body.auth_success_redirect_url?.split('/').at(-2) ?? '';
  };
  const made: Record<string, string> = {};
  const { aliceSub, mallorySub } = planted;
  const reference = opaqueReferenceId(planted.referenceKey, ISSUER, aliceSub);
  made.aliceReference = reference;
  made.malloryReference = opaqueReferenceId(planted.referenceKey, ISSUER, mallorySub);
  const keep = (name: string, stateToken: string) => {
    const { secret = '' } = readStateToken(stateToken) ?? {};
    made[name] = stateToken;
    made[`${name}Secret`] = secret;
    made[`${name}Hash`] = hashOf(secret);
  };

  async function everything(connectedUser: string, name: string) {
    const opened = await call(aliceSub, 'POST', '/v1/sessions', { returnTo: 'web' }, [
      ['idempotency-key', planted.idempotencyKey + name],
    ]);
    const state = lastState();
    keep(`${name}State`, state);
    await call(aliceSub, 'POST', '/v1/sessions', { returnTo: 'app', provider: 'GARMIN' });
    await call(aliceSub, 'POST', '/v1/sessions', { returnTo: planted.bodyValue });
    await call(aliceSub, 'POST', '/v1/sessions', { returnTo: 'web', provider: planted.bodyValue });
    await call(aliceSub, 'POST', '/v1/tokens', {});
    await call(aliceSub, 'POST', '/v1/tokens', { provider: planted.bodyValue });
    await call(aliceSub, 'GET', '/v1/providers');
    await call(aliceSub, 'GET', `/v1/sessions/${opened.id}`);
    await call(mallorySub, 'GET', `/v1/sessions/${opened.id}`);
    await call(mallorySub, 'GET', `/v1/sessions/${planted.guessedId}`);
    await browse(state, 'failure', `reason=${planted.reason}&email=${planted.queryMail}`);
    world.wait(SECOND);
    const about = { referenceId: reference, createdAt: new Date(world.clock()).toISOString() };
    world.wait(MINUTE);
    await deliver(terraEvent.auth(connectedUser, { ...about, session: planted.widgetSession }));
    await browse(state, 'success', `user_id=${connectedUser}&reference_id=${reference}&resource=${planted.bodyValue}`);
    const target = answers.at(-1)?.told.headers.location;
    const code = (target && new URL(target).searchParams.get('code')) ?? planted.forgedCode;
    if (code !== planted.forgedCode) keep(`${name}Code`, code);
    await browse(state, 'success', `user_id=${planted.forgedUser}`);
    await browse(planted.forgedCode, 'success', `user_id=${planted.forgedUser}`);
    await call(aliceSub, 'POST', `/v1/sessions/${opened.id}/confirm`, { code: planted.forgedCode });
    await call(aliceSub, 'POST', `/v1/sessions/${opened.id}/confirm`, {
      code: planted.bodyValue,
      extra: planted.bodyValue,
    });
    await call(aliceSub, 'GET', '/v1/connections');
    await call(aliceSub, 'POST', `/v1/sessions/${opened.id}/confirm`, { code });
    await call(mallorySub, 'POST', `/v1/sessions/${opened.id}/confirm`, { code });
    const listed = (await call(aliceSub, 'GET', '/v1/connections')) as unknown as { connections?: { id: string }[] };
    const id = listed.connections?.[0]?.id ?? planted.guessedId;
    await call(aliceSub, 'GET', `/v1/connections/${id}`);
    await call(mallorySub, 'GET', `/v1/connections/${id}`);
    await deliver(data(connectedUser, reference));
    await deliver(data(planted.foreignUser, planted.foreignReference));
    await deliver(terraEvent.auth(planted.strangersUser, { referenceId: reference, session: 'none-of-ours' }));
    await deliver(terraEvent.error(connectedUser, { referenceId: reference }));
    await deliver(terraEvent.cancelled(reference, planted.reason));
    await deliver({ type: planted.unknownType, user: { email: planted.email } });
    await deliver(`{"type":"auth","user":"${planted.poison}"}`);
    await deliver(planted.poison);
    await deliver(data(connectedUser, reference), planted.guessedSecret);
    await call(mallorySub, 'DELETE', `/v1/connections/${id}`);
    await call(aliceSub, 'DELETE', `/v1/connections/${id}`);
    world.wait(MINUTE);
    await sweep({
      ...world,
      log: consoleLog,
      alarm: alarm => consoleLog('warn', 'alarm', { alarm }),
      until: world.clock() + 45_000,
      dryRun: false,
    });
    await call(mallorySub, 'DELETE', '/v1/me');
    await go({ method: 'GET', path: '/v1/connections' });
    await go({
      method: 'GET',
      path: '/v1/connections',
      claims: { ...as(planted.aliceSub), iss: `https://${planted.bodyValue}` },
    });
  }

  // A Terra user that gets connected may be named to its owner from then on; those planted never are.
  await everything(uuid(100), 'well');
  people.terraIs('rejects');
  await everything(uuid(101), 'rejected');
  people.terraIs('breaks');
  await everything(uuid(102), 'broken');
  people.terraIs('well');
  people.tableIs('away');
  await everything(uuid(103), 'away');
  people.tableIs('there');
  for (const [at, text] of [
    planted.malformedSecret,
    JSON.stringify({ current: planted.malformedSecret }),
    JSON.stringify({ current: planted.webhookSecret, [planted.malformedSecret]: 1 }),
  ].entries()) {
    world.wait(20 * MINUTE);
    people.webhookSecretIs(() => text);
    await deliver(data(uuid(100), reference));
    made[`malformed${at}`] = text;
  }
  world.wait(20 * MINUTE);
  people.webhookSecretIs(() => {
    throw new Error(planted.secretsWords);
  });
  await deliver(data(uuid(100), reference));
  await call(aliceSub, 'DELETE', '/v1/me');

  const canaries = Object.entries({ ...planted, ...made }).filter(([, value]) => value.length > 3);
  const found = (text: string) => canaries.filter(([, value]) => text.includes(value)).map(([name]) => name);
  const errors = answers.filter(({ told }) => told.statusCode >= 400);
  expect(canaries.length).toBeGreaterThanOrEqual(60);
  expect(answers.length).toBeGreaterThan(150);
  expect(new Set(answers.map(({ told: { route } }) => `${route.method} ${route.path}`))).toEqual(
    new Set(routes.keys()),
  );
  expect(errors.length).toBeGreaterThan(60);
  expect(events.length).toBeGreaterThan(3);
  expect(answers.some(({ told: { body } }) => body.includes('"status":"completed","connection"'))).toBe(true);

  expect(found(out.join('\n'))).toEqual([]);
  expect(out.length).toBeGreaterThanOrEqual(answers.length);
  expect(errors.flatMap(({ told }) => found(JSON.stringify([told.headers, told.body])))).toEqual([]);
  // The owner's subject and reference id are what an event is about.
  expect(
    new Set(events.flatMap(event => found(JSON.stringify({ ...event, detail: { ...event.detail, owner: {} } })))),
  ).toEqual(new Set());
  expect(new Set(events.flatMap(({ detail: { owner } }) => Object.keys(owner)))).toEqual(
    new Set(['sub', 'referenceId']),
  );

  // What a success may tell, and to whom.
  const told = new Map<string, Set<string>>();
  for (const { asked, told: answer } of answers.filter(each => each.told.statusCode < 400)) {
    const path = `${asked.method} ${answer.route.path}`;
    for (const name of found(JSON.stringify([answer.headers, answer.body]))) {
      told.set(path, (told.get(path) ?? new Set()).add(name.replace(/^(well|rejected|broken|away)/, '')));
    }
  }
  expect(Object.fromEntries([...told].map(([path, names]) => [path, [...names].toSorted()]))).toEqual({
    'POST /v1/sessions': ['authUrl', 'widgetUrl'],
    'GET /v1/sessions/{id}': ['widgetUrl'],
    'POST /v1/tokens': ['aliceReference', 'sdkToken'],
    'GET /v1/callback/{state}/success': ['Code', 'CodeSecret'],
  });
});

test('the table stores no token, state or code, only hashes', async () => {
  const { world, ask } = setting();
  const headers = carried;
  const post = (path: string, body: string) =>
    ask({ method: 'POST', path, claims: as(planted.aliceSub), headers, body });
  await post('/v1/sessions', '{"returnTo":"web"}');
  await post('/v1/tokens', '{}');

  const kept = JSON.stringify([...world.store.items]);

  for (const secret of [planted.sdkToken, planted.apiKey, planted.referenceKey, planted.jwt, planted.email]) {
    expect(kept).not.toContain(secret);
  }
  expect(kept).not.toMatch(/[\w-]+\.[\w-]{22}\.[\w-]{43}/);
  expect(NOON).toBeLessThanOrEqual(world.clock());
});
