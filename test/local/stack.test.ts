import { execFileSync } from 'node:child_process';
import { request as send } from 'node:http';
import * as routes from '../../functions/routes';
import type { AwsCall } from '../../local/aws/aws-call';
import { type LocalStack, startStack } from '../../local/stack';
import { StartError } from '../../local/start-error';
import { startSharedStack } from '../support/synthesis';

const calls: (AwsCall & { function: string | undefined })[] = [];
let stack: LocalStack;
let authorization: string;

beforeAll(async () => {
  stack = await startSharedStack({
    onCall: call => calls.push(call),
    settings: {
      scope: 'connect',
      returnTargets: { mine: 'http://localhost:5173/back' },
      allowedOrigins: ['http://localhost:5173'],
    },
  });
  authorization = `Bearer ${await stack.token('alice')}`;
});

afterAll(() => stack?.close());

const call = (path: string, init: RequestInit = {}) =>
  fetch(stack.apiUrl + path, { ...init, headers: { authorization, 'content-type': 'application/json' } });

test('the API requires a token, and accepts the issuer’s', async () => {
  expect((await fetch(`${stack.apiUrl}/v1/providers`)).status).toBe(401);
  expect((await call('/v1/providers')).status).toBe(200);
});

test('the issuer returns a token over HTTP for any user name', async () => {
  const asked = await fetch(`${stack.issuerUrl}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', username: 'bob' }),
  });
  const { access_token: token } = (await asked.json()) as { access_token: string };

  const response = await fetch(`${stack.apiUrl}/v1/connections`, { headers: { authorization: `Bearer ${token}` } });

  expect(await response.json()).toEqual({ connections: [] });
  expect(asked.headers.get('access-control-allow-origin')).toBe('*');
});

test('a token without the configured scope gets 403', async () => {
  const token = await stack.token('alice', { scope: 'other' });

  const response = await fetch(`${stack.apiUrl}/v1/connections`, { headers: { authorization: `Bearer ${token}` } });

  expect([response.status, await response.text()]).toEqual([403, '{"message":"Forbidden"}']);
});

/** Lists connections with a token that has these claims. */
const listAs = async (claims: object) => {
  const token = await stack.token('nobody', { ...claims });
  return fetch(`${stack.apiUrl}/v1/connections`, { headers: { authorization: `Bearer ${token}` } });
};

describe('a token that the authorizer lets through', () => {
  test.each<[string, unknown]>([
    ['no sub', undefined],
    ['null', null],
    ['a number', 7],
    ['a boolean', true],
    ['an empty string', ''],
    ['an empty list', []],
    ['a list of one', ['alice']],
    ['a list of two', ['alice', 'bob']],
    ['an object', { alice: 'bob' }],
    ['a string of 256 bytes', 'x'.repeat(256)],
  ])('signs no user in with %s as sub', async (_, sub) => {
    const answer = await listAs({ sub });

    expect([answer.status, await answer.json()]).toMatchObject([401, { code: 'unauthenticated' }]);
  });

  test.each(['<nil>', '7', 'true', '[]', '[alice]', '[alice bob]', 'map[alice:bob]', 'ü 日本 🚲', 'x'.repeat(255)])(
    'signs in the user whose sub is the string %s',
    async sub => {
      expect((await listAs({ sub })).status).toBe(200);
    },
  );

  test.each([
    ['after Bearer', (token: string) => `Bearer ${token}`],
    ['alone', (token: string) => token],
    ['after bearer in lower case', (token: string) => `bearer ${token}`],
    ['after several spaces', (token: string) => `Bearer    ${token}`],
  ])('is accepted %s in the header', async (_, header) => {
    const headers = { authorization: header(await stack.token('alice')) };

    expect((await fetch(`${stack.apiUrl}/v1/connections`, { headers })).status).toBe(200);
  });

  test('signs no user in if there is a second one', async () => {
    const tokens = [await stack.token('alice'), await stack.token('bob')];
    const { port, host } = new URL(stack.apiUrl);
    const headers = ['Host', host, ...tokens.flatMap(token => ['Authorization', `Bearer ${token}`])];

    const status = await new Promise((resolve, reject) => {
      send({ port, path: '/v1/connections', headers }, answer => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end();
    });

    expect(status).toBe(401);
  });
});

test.each([{}, { username: '' }, { username: null }, { username: ['bob'] }, { username: { a: 1 } }, { username: 7 }])(
  'the issuer refuses the user name in %j',
  async asked => {
    const answer = await fetch(`${stack.issuerUrl}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'password', ...asked }),
    });

    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_request' }]);
  },
);

test('opening a session reaches the sandbox and the table through the function’s bundle and role', async () => {
  calls.length = 0;

  const response = await call('/v1/sessions', { method: 'POST', body: '{"returnTo":"web"}' });

  expect(response.status).toBe(201);
  const { url } = (await response.json()) as { url: string };
  expect(url.startsWith(stack.sandbox?.url ?? 'no sandbox')).toBe(true);
  expect(new Set(calls.map(made => made.function))).toEqual(new Set(['create-session']));
  expect(new Set(calls.map(({ service }) => service))).toEqual(new Set(['dynamodb', 'secretsmanager']));
});

test.each(['web', 'app', 'mobile', 'mine'])('a session can return to %s', async returnTo => {
  expect((await call('/v1/sessions', { method: 'POST', body: JSON.stringify({ returnTo }) })).status).toBe(201);
});

test.each([
  ['the demo page', () => stack.apiUrl],
  ['a page of somebody’s own on port 3000', () => 'http://localhost:3000'],
  ['an origin the settings add', () => 'http://localhost:5173'],
])('%s can call the API', async (_, origin) => {
  const headers = { origin: origin(), 'access-control-request-method': 'GET' };

  const answer = await fetch(`${stack.apiUrl}/v1/providers`, { method: 'OPTIONS', headers });

  expect(answer.headers.get('access-control-allow-origin')).toBe(origin());
});

test('the typed client is served as a module next to the demo page', async () => {
  const answer = await call('/client.js');
  const text = await answer.text();

  expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(text).toMatch(/^export \{$/m);
  for (const name of ['createClient', 'takeReturn', 'handBack', 'popup', 'redirect', 'ConnectError']) {
    expect(text).toContain(`  ${name}`);
  }
  expect(text).not.toMatch(/^import /m);
});

test('the records of a user can be read, in the order of their changes', async () => {
  const opened = await call('/v1/sessions', { method: 'POST', body: '{"returnTo":"web","provider":"GARMIN"}' });
  const { id, url } = (await opened.json()) as { id: string; url: string };

  const page = await (await call('/_local/records?sub=alice')).text();
  const { facts } = JSON.parse(page) as { facts: { id: string; fact: string; storedAt?: string }[] };

  const created = facts.find(fact => fact.id === id);
  expect(created).toMatchObject({
    record: 'session',
    fact: 'created',
    says: { flow: 'direct', providers: ['GARMIN'] },
  });
  expect(created?.storedAt).toBeDefined();
  expect(page).not.toContain(url);
  expect(page).not.toMatch(/Hash|"url"/);
});

test('every declared route is served, and nothing else', async () => {
  const declared = Object.values(routes).filter(value => 'caller' in value);

  for (const { method, path } of declared) {
    const response = await call(path.replace(/\{\w+\}/, 'x'), { method });
    expect([path, response.status, await response.text()]).not.toEqual([path, 404, '{"message":"Not Found"}']);
  }
  expect(await (await call('/v1/anything')).text()).toBe('{"message":"Not Found"}');
});

test('a schedule can be run at once, by the name of its function', async () => {
  const { outcome } = await stack.invokeSchedule('sweep-stale');

  expect(outcome).toMatchObject({ ok: true });
  expect(stack.logs()).toContainEqual(expect.objectContaining({ kind: 'schedule', function: 'sweep-stale', ok: true }));
  expect(() => stack.invokeSchedule('nothing')).toThrow(/There is no schedule nothing/);
});

test('each request logs function, route and status, and no id', async () => {
  await call('/v1/sessions/secret-session-id');

  const request = stack.logs().findLast(({ kind }) => kind === 'request');
  expect(request).toMatchObject({ function: 'read-state', route: 'GET /v1/sessions/{id}', status: 404 });
  expect(JSON.stringify(stack.logs())).not.toContain('secret-session-id');
});

test('functions read the secrets that are put into the stack', async () => {
  stack.secrets.put('local/terra-api', '{}');

  const response = await call('/v1/sessions', { method: 'POST', body: '{"returnTo":"web"}' });

  expect(stack.secrets.names).toEqual(
    expect.arrayContaining(['local/terra-api', 'local/terra-webhook', 'local/reference-key']),
  );
  expect([201, 502, 503]).toContain(response.status);
});

test('differences from AWS are logged', () => {
  expect(stack.differences).toEqual(
    expect.arrayContaining([
      `Lambda: nodejs24.x, here: ${process.version}`,
      expect.stringMatching(/^CPU: functions get whole cores; on Lambda 0\.\d\d of a core at \d+ MB/),
      expect.stringMatching(/^CORS headers are also set on the gateway's own responses \(401, 403, 404, 429\)/),
      expect.stringMatching(/^only the roles' identity policies are enforced: .* policies are not/),
    ]),
  );
  expect(stack.differences).not.toContain('permissions are not enforced');
});

test('a taken port and a wrong setting stop the start with a message', async () => {
  const port = Number(new URL(stack.apiUrl).port);

  await expect(startStack({ port })).rejects.toEqual(
    new StartError(`Port ${port} is in use: stop the program that uses it, or set PORT to another port`),
  );
  await expect(startStack({ settings: { confirmation: 'maybe' as never } })).rejects.toThrow(
    /^terraConnect\.confirmation must be "required" or "off"$/,
  );
  await expect(startStack({ settings: { colour: 'blue', returnTargets: 'x' } as never })).rejects.toThrow(
    /^terraConnect\.returnTargets must be an object of names and URLs\nterraConnect\.colour is not a setting: /,
  );
});

test('closing ends all processes and frees all ports', async () => {
  const other = await startSharedStack();
  await fetch(`${other.apiUrl}/v1/connections`, { headers: { authorization: `Bearer ${await other.token('alice')}` } });
  const before = functionProcesses();

  await other.close();

  expect(before.length - functionProcesses().length).toBe(1);
  await expect(fetch(other.apiUrl)).rejects.toThrow('fetch failed');
  await expect(fetch(other.issuerUrl)).rejects.toThrow('fetch failed');
});

/** The function processes this process has started. */
function functionProcesses(): string[] {
  const processes = execFileSync('ps', ['-A', '-o', 'ppid=,args='], { encoding: 'utf8' }).split('\n');
  return processes.filter(line => line.trim().startsWith(`${process.pid} `) && line.includes('bootstrap.cjs'));
}
