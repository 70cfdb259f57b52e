import { type AttributeValue, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { createServer } from 'node:http';
import { writeStateToken } from '../../functions/core/state/state-token';
import { deliveries } from '../../infra/openapi/terra-delivery';
import { addressOf, closeServer, listen } from '../../local/loopback';
import type { LocalStack, LocalStackOptions } from '../../local/stack';
import { eventually, person } from '../support/person';
import { startSharedStack } from '../support/synthesis';
import { changed, throttledTo, withProperties } from './altered-template';
import { ask, seen } from './ask';
import { declaredAnswers } from './contract';
import { plainRequests, SIGNING_SECRET, sentBy, signedDelivery } from './plain-requests';

/** Declared answers that no local stack returns, with the reason. */
const onlyOnAws = {
  'a route that is declared is also deployed': / 404 gateway$/,
  'the gateway here gives up on a function with 503': / 504 gateway$/,
  'no row and no secret, however broken, makes it fail': /^(?!return)\w+ 500 internal$/,
};

const callback = `/v1/callback/${writeStateToken({ referenceId: 'unknown', sessionId: 'A'.repeat(22), secret: 'B'.repeat(43) })}`;

const running: LocalStack[] = [];
let stack: LocalStack;
let table: DynamoDBClient;

beforeAll(async () => {
  stack = await started({
    settings: { scope: 'connect', returnTargets: { app: 'myapp://connected' } },
    alter: throttledTo({ ThrottlingBurstLimit: 1000, ThrottlingRateLimit: 1000 }),
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  table = new DynamoDBClient({ endpoint: stack.table.endpoint, region: 'us-east-1', credentials });
});
afterAll(async () => {
  table?.destroy();
  await Promise.all(running.map(one => one.close()));
});
afterEach(() => stack.sandbox?.reset({ keepUsers: true }));

async function started(options: LocalStackOptions): Promise<LocalStack> {
  const one = await startSharedStack(options);
  running.push(one);
  return one;
}

const sandbox = () => {
  if (!stack.sandbox) throw new Error('these tests need the sandbox');
  return stack.sandbox;
};

/** Sends every operation its plain request as this user, one after the other; returns the statuses. */
async function askEverything(at: LocalStack, token: string): Promise<Record<string, number>> {
  const answers: [string, number][] = [];
  for (const request of plainRequests()) {
    const { status } = await ask(at.apiUrl + request.path, sentBy(token, request));
    answers.push([request.operationId, status]);
  }
  return Object.fromEntries(answers);
}

const all = (status: number) => Object.fromEntries(plainRequests().map(({ operationId }) => [operationId, status]));
const ofUsers = plainRequests().filter(({ isForUser }) => isForUser);

test('user routes refuse requests without a token, a scope or a subject', async () => {
  const [scopeless, nameless] = await Promise.all([
    stack.token('ann', { scope: 'other' }),
    stack.token('ann', { sub: '' }),
  ]);
  for (const request of ofUsers) {
    const url = stack.apiUrl + request.path;
    expect((await ask(url, sentBy(undefined, request))).status).toBe(401);
    expect((await ask(url, sentBy(scopeless, request))).status).toBe(403);
    expect((await ask(url, sentBy(nameless, request))).status).toBe(401);
  }
  const [webhook] = plainRequests().filter(({ operationId }) => operationId === 'receiveWebhook');
  expect((await ask(stack.apiUrl + webhook?.path, { method: 'POST', body: '{}' })).status).toBe(401);
});

test('malformed bodies, and bodies too large for the function or the gateway, are refused', async () => {
  const bob = await person(stack, 'bob');
  for (const request of plainRequests().filter(({ method }) => method === 'POST')) {
    const url = stack.apiUrl + request.path;
    const send = (body: string) => ask(url, { ...sentBy(bob.token, request), body });
    expect((await send('x'.repeat(7_000_000))).status).toBe(413);
    if (!request.isForUser) continue;
    expect((await send(JSON.stringify({ code: 'x'.repeat(17_000) }))).status).toBe(413);
    expect((await send('{"surprise":1}')).status).toBe(400);
  }
  const wishes = [
    { returnTo: 'web', referenceId: 'victim' },
    { returnTo: 'web', provider: 'GARMIN', providers: ['OURA'] },
    { returnTo: 'https://evil.example' },
    {},
    { returnTo: 'web', providers: Array.from({ length: 21 }, () => 'GARMIN') },
    ['web'],
  ];
  for (const wish of wishes) {
    expect((await bob.call('POST', '/v1/sessions', wish)).body.code).toBe('invalid_request');
  }
});

test('headers too large for the gateway are refused', async () => {
  for (const request of plainRequests()) {
    const { headers, ...sent } = sentBy(undefined, request);
    const large = { ...headers, 'x-large': 'x'.repeat(10_240) };
    expect((await ask(stack.apiUrl + request.path, { ...sent, headers: large })).status).toBe(431);
  }
});

test('a provider of the other kind and unknown ids are refused', async () => {
  const cem = await person(stack, 'cem');
  const codes = [
    await cem.call('POST', '/v1/sessions', { returnTo: 'web', provider: 'APPLE' }),
    await cem.call('POST', '/v1/tokens', { provider: 'GARMIN' }),
    await cem.call('GET', '/v1/sessions/AAAAAAAAAAAAAAAAAAAAAA'),
    await cem.call('GET', '/v1/connections/AAAAAAAAAAAAAAAAAAAAAA'),
    await cem.call('DELETE', '/v1/connections/AAAAAAAAAAAAAAAAAAAAAA'),
    await cem.confirm('AAAAAAAAAAAAAAAAAAAAAA', 'nonsense'),
  ].map(({ body }) => body.code);

  const [unavailable, missing] = ['provider_unavailable', 'not_found'];
  expect(codes).toEqual([unavailable, unavailable, missing, missing, missing, 'code_invalid']);
});

test('every failure of Terra gets its declared answer', async () => {
  const heard: string[][] = [];
  for (const scenario of ['401', '404', '410', '500', 'slow'] as const) {
    sandbox().switchOn(scenario);
    const dan = await person(stack, `dan-${scenario}`);
    const answers = await Promise.all([
      dan.call('POST', '/v1/sessions', { returnTo: 'web' }),
      dan.call('POST', '/v1/tokens'),
      dan.call('GET', '/v1/providers'),
    ]);
    heard.push(answers.map(({ body }) => String(body.code)));
    sandbox().switchOff(scenario);
  }

  const thrice = (code: string) => [code, code, code];
  expect(heard).toEqual([
    thrice('terra_credentials'),
    thrice('terra_rejected'),
    thrice('terra_endpoint_gone'),
    thrice('terra_unavailable'),
    thrice('terra_timeout'),
  ]);
});

test('a full Terra account gets its declared answer', async () => {
  const terra = createServer((_request, response) => response.writeHead(400).end('{"message":"user limit reached"}'));
  const url = `http://${addressOf(await listen(terra))}`;
  const upstream = { apiUrl: url, widgetUrl: url, devId: 'dev', apiKey: 'key', signingSecret: SIGNING_SECRET };
  const dot = await person(await started({ upstream }), 'dot');

  const answers = [
    await dot.call('POST', '/v1/sessions', { returnTo: 'web' }),
    await dot.call('POST', '/v1/tokens'),
    await dot.call('GET', '/v1/providers'),
  ];

  await closeServer(terra);
  expect(answers.map(({ body }) => body.code)).toEqual(Array.from({ length: 3 }, () => 'terra_limit_reached'));
});

test('an idempotency key in use, or used with another body, is refused', async () => {
  const eli = await person(stack, 'eli');
  const open = (key: number, body: object) => eli.call('POST', '/v1/sessions', body, { 'idempotency-key': `${key}` });
  sandbox().switchOn('slow');
  let key = 0;
  const twice = async () => {
    key += 1;
    const both = await Promise.all([open(key, { returnTo: 'web' }), open(key, { returnTo: 'web' })]);
    return new Set(both.map(({ body }) => body.code));
  };

  // On a busy machine the second may come after the first was given up. Then it asks Terra anew.
  await eventually(twice, codes => codes.has('in_progress') && codes.has('terra_timeout'));
  expect((await open(key, { returnTo: 'app' })).body.code).toBe('idempotency_conflict');
});

test('a user who sends too many requests is refused', async () => {
  const fay = await person(stack, 'fay');
  const last = async (path: string, body: object, times: number) => {
    for (let made = 0; made < times; made++) await fay.call('POST', path, body);
    return (await fay.call('POST', path, body)).body.code;
  };

  // Twice the limit: a window may end in between.
  expect(await last('/v1/sessions', { returnTo: 'web' }, 20)).toBe('rate_limited');
  expect(await last('/v1/tokens', {}, 40)).toBe('rate_limited');
});

test('every answer of a link from its opening to the erasure is declared', async () => {
  const [gil, hal] = await Promise.all([person(stack, 'gil'), person(stack, 'hal')]);
  const statuses: number[] = [];
  const call = async (method: string, path: string) => {
    const answer = await gil.call(method, path);
    statuses.push(answer.status);
    return answer;
  };
  const session = await gil.open({ provider: 'OURA' });
  const { sent } = await gil.decide(String(session.url));
  expect((await gil.confirm(session.id, sent.code)).status).toBe(200);
  await call('GET', `/v1/sessions/${String(session.id)}`);
  const [connection] = await gil.connections();
  await call('GET', `/v1/connections/${String(connection?.id)}`);
  await call('GET', '/v1/providers');

  const denied = await gil.open({ provider: 'OURA' });
  expect((await gil.decide(String(denied.url), 'deny')).status).toBe(303);
  const inApp = await gil.open({ provider: 'OURA', returnTo: 'app' });
  expect((await gil.decide(String(inApp.url), 'deny')).status).toBe(200);

  const stolen = await gil.open({ provider: 'GARMIN' });
  const { sent: taken } = await gil.decide(String(stolen.url));
  expect((await hal.confirm(stolen.id, taken.code)).body.code).toBe('not_found');
  expect((await gil.confirm(stolen.id, taken.code)).body.code).toBe('session_closed');

  sandbox().switchOn('lost-webhook');
  const late = await gil.open({ provider: 'FITBIT', returnTo: 'web' });
  sandbox().switchOn('500', { only: 'userInfo' });
  const { sent: lateCode } = await gil.pick(String(late.url), 'FITBIT');
  await sandbox().settled();
  sandbox().switchOn('500');
  expect((await gil.confirm(late.id, lateCode.code)).status).toBe(202);
  await call('DELETE', `/v1/connections/${String(connection?.id)}`);
  await call('DELETE', '/v1/me');
  // A window of the limit may end in between, so twice as many are enough in any case.
  const often: number[] = [];
  for (let n = 0; n < 21 && !often.includes(429); n++) often.push((await hal.call('DELETE', '/v1/me')).status);
  expect(often).toContain(429);

  expect(statuses).toEqual([200, 200, 200, 202, 202]);
  const codes = [await gil.call('POST', '/v1/sessions', { returnTo: 'web' }), await gil.call('POST', '/v1/tokens')];
  expect(codes.map(({ body }) => body.code)).toEqual(['erasing', 'erasing']);
  expect((await ask(`${stack.apiUrl}${callback}/success`)).status).toBe(200);
  expect((await ask(`${stack.apiUrl}/v1/webhooks/terra`, signedDelivery(deliveries.arrived))).status).toBe(200);
});

test('unreadable records change no route’s answers about other records', async () => {
  const ian = await person(stack, 'ian');
  const session = await ian.open({ provider: 'OURA' });
  const { body } = await ian.call('POST', '/v1/tokens');
  const owner = { S: String(body.referenceId) };
  const put = (item: string, more: Record<string, AttributeValue>) =>
    table.send(new PutItemCommand({ TableName: stack.table.name, Item: { owner, item: { S: item }, ...more } }));
  await put('connection#x', { facts: { S: 'poison' } });
  await put('invitation#1', {});
  const { user } = deliveries.arrived;
  const ofIan = signedDelivery({ type: 'deauth', status: 'success', user: { ...user, reference_id: owner.S } });

  const statuses = [
    await ian.call('POST', '/v1/sessions', { returnTo: 'web' }),
    await ian.call('GET', `/v1/sessions/${String(session.id)}`),
    await ian.call('POST', '/v1/tokens'),
    await ian.call('GET', '/v1/connections'),
    await ian.call('GET', '/v1/connections/x'),
    await ian.call('DELETE', '/v1/connections/x'),
    await ask(`${stack.apiUrl}/v1/webhooks/terra`, ofIan),
    await ian.call('DELETE', '/v1/me'),
  ].map(({ status }) => status);

  expect(statuses).toEqual([201, 200, 201, 200, 404, 404, 200, 202]);
});

test('a function that cannot send a request to its table returns an internal error', async () => {
  const misled = await started({
    alter: changed('AWS::Lambda::Function', resource => {
      const { Variables } = Object(resource.Properties?.Environment);
      // Excludes the endpoint that a local function is given, so that the client throws before it asks.
      const Environment = { Variables: { ...Variables, AWS_USE_FIPS_ENDPOINT: 'true' } };
      return { ...resource, Properties: { ...resource.Properties, Environment } };
    }),
  });

  // Every other function reads a secret first, and answers 503.
  for (const end of ['success?user_id=00000000-0000-4000-8000-000000000001', 'failure']) {
    expect((await ask(`${misled.apiUrl}${callback}/${end}`)).status).toBe(500);
  }
});

test('a function that exceeds its time gets the gateway’s answer', async () => {
  const hasty = await started({ alter: withProperties('AWS::ApiGatewayV2::Integration', { TimeoutInMillis: 1 }) });

  expect(await askEverything(hasty, await hasty.token('mia'))).toEqual(all(503));
});

test('without table and secrets every route returns `unavailable`', async () => {
  const denied = await started({
    // The stack starts only with a readable stream.
    alter: changed('AWS::IAM::Policy', (policy, id) => (id.includes('PublishChanges') ? policy : undefined)),
  });

  expect(await askEverything(denied, await denied.token('kim'))).toEqual(all(503));
});

test('failing functions and throttled routes get the gateway’s answers', async () => {
  const stage = throttledTo({ ThrottlingBurstLimit: 1, ThrottlingRateLimit: 0.001 });
  const functions = withProperties('AWS::Lambda::Function', { Environment: {} });
  const failing = await started({ alter: template => stage(functions(template)) });
  const token = await failing.token('lea');

  expect(await askEverything(failing, token)).toEqual(all(500));
  expect(await askEverything(failing, token)).toEqual(all(429));
});

test('every declared answer was seen above, except those that only AWS gives', () => {
  const excused = (answer: string) => Object.values(onlyOnAws).some(pattern => pattern.test(answer));
  const declared = declaredAnswers();

  expect(declared.filter(answer => !seen.has(answer) && !excused(answer))).toEqual([]);
  expect([...seen].filter(answer => !declared.includes(answer) || excused(answer))).toEqual([]);
});
