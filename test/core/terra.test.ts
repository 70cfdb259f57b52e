import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { type TerraOptions, terraClient } from '../../functions/core/terra/terra';
import { codeOf, terraUser } from '../support/world';

type Seen = { method: string; url: string; headers: IncomingMessage['headers']; body: string };
type Respond = (response: ServerResponse, attempt: number) => void;

let server: Server;
let seen: Seen[] = [];
let respond: Respond = response => response.end('{}');
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      respond(response, seen.length);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});
beforeEach(() => {
  seen = [];
});

const port = () => (server.address() as AddressInfo).port;
/** So long no busy machine takes. */
const PATIENT = { connect: 60_000, attempt: 60_000, total: 150_000 };

function client(options: Partial<TerraOptions> = {}) {
  const base = `http://127.0.0.1:${port()}`;
  return terraClient({
    apiUrl: `${base}/v2`,
    widgetUrl: `${base}/api/widget/session`,
    widget: 'current',
    allowUnboundTokens: true,
    credentials: async () => ({ devId: 'my-dev-id', apiKey: 'my-api-key' }),
    clock: systemClock,
    budget: PATIENT,
    ...options,
  });
}

const answers =
  (status: number, body: unknown): Respond =>
  response =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
const link = { referenceId: 'ref/1 &é', successUrl: 'https://api.example/s', failureUrl: 'https://api.example/f' };
const widgetAnswer = { session_id: 'ws-1', url: 'https://widget.example/ws-1', status: 'success', expires_in: 900 };
const directAnswer = { status: 'success', user_id: terraUser(1), auth_url: 'https://provider.example/oauth' };

describe('requests', () => {
  test('a widget session goes to its own URL with both headers and a JSON body', async () => {
    respond = answers(201, widgetAnswer);

    expect(await client().openWidget({ ...link, providers: ['GARMIN', 'OURA'], language: 'en' })).toEqual({
      url: 'https://widget.example/ws-1',
      terraSessionId: 'ws-1',
      expiresInSeconds: 900,
    });
    expect(seen).toMatchObject([
      {
        method: 'POST',
        url: '/api/widget/session',
        headers: { 'dev-id': 'my-dev-id', 'x-api-key': 'my-api-key', 'content-type': 'application/json' },
      },
    ]);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      providers: 'GARMIN,OURA',
      reference_id: 'ref/1 &é',
      language: 'en',
      auth_success_redirect_url: 'https://api.example/s',
      auth_failure_redirect_url: 'https://api.example/f',
    });
  });

  test('the legacy widget is opened if it is configured', async () => {
    respond = answers(200, widgetAnswer);
    await client({ widget: 'legacy' }).openWidget(link);

    expect(seen[0]?.url).toBe('/v2/auth/generateWidgetSession');
  });

  test('a direct link names the provider in the query', async () => {
    respond = answers(200, directAnswer);

    expect(await client().openDirect({ ...link, provider: 'GARMIN' })).toEqual({
      url: 'https://provider.example/oauth',
      terraUserId: terraUser(1),
      expiresInSeconds: 900,
    });
    expect(seen[0]?.url).toBe('/v2/auth/authenticateUser?resource=GARMIN');
  });

  test('a token is bound by the query; its lifetime is Terra’s, 180 s if Terra gives none, and at most 300 s', async () => {
    for (const [told, expected] of [
      [{ expires_in: 180 }, 180],
      [{}, 180],
      [{ expires_in: 3600 }, 300],
      [{ expires_in: 'soon' }, 180],
      [{ expires_in: 0 }, 180],
      [{ expires_in: -1 }, 180],
      [{ expires_in: null }, 180],
    ] as const) {
      respond = answers(200, { status: 'success', token: 'f'.repeat(64), ...told });
      expect((await client().mintToken('ref/1 &é')).expiresInSeconds).toBe(expected);
    }
    expect(seen[0]?.url).toBe('/v2/auth/tokens?reference_id=ref%2F1+%26%C3%A9');
  });

  test('if Terra has no /auth/tokens the older path is used, and remembered', async () => {
    respond = (response, attempt) => answers(attempt === 1 ? 404 : 200, { token: 'f'.repeat(64) })(response, attempt);
    const terra = client();
    await terra.mintToken('ref-1');
    await terra.mintToken('ref-1');

    expect(seen.map(({ url }) => url?.split('?')[0])).toEqual([
      '/v2/auth/tokens',
      '/v2/auth/generateAuthToken',
      '/v2/auth/generateAuthToken',
    ]);
  });

  test('the older path, whose token may be unbound, is not used if that is not allowed', async () => {
    respond = answers(404, {});

    expect(await codeOf(client({ allowUnboundTokens: false }).mintToken('ref-1'))).toBe('terra_rejected');
    expect(seen).toHaveLength(1);
  });

  test('a Terra user is parsed with and without its optional fields', async () => {
    respond = answers(200, {
      is_authenticated: true,
      user: {
        user_id: terraUser(1).toUpperCase(),
        provider: 'garmin',
        reference_id: 'ref',
        created_at: '2026-11-22T12:00:00.5',
        scopes: ' B,A,, B',
      },
    });
    expect(await client().findUser(terraUser(1))).toEqual({
      terraUserId: terraUser(1),
      provider: 'GARMIN',
      referenceId: 'ref',
      authenticated: true,
      createdAt: Date.UTC(2026, 10, 22, 12, 0, 0, 500),
      scopes: ['A', 'B'],
    });
    respond = answers(200, { user: { user_id: terraUser(1), provider: 'X', reference_id: null, scopes: null } });
    expect(await client().findUser(terraUser(1))).toMatchObject({
      authenticated: false,
      referenceId: undefined,
      scopes: undefined,
    });
    respond = answers(404, { title: 'not found' });
    expect(await client().findUser(terraUser(1))).toBeUndefined();
  });

  test.each<[string, Respond]>([
    ['200', answers(200, { status: 'success' })],
    ['204', response => response.writeHead(204).end()],
    ['404', answers(404, { title: 'not found' })],
  ])('%s means that Terra no longer has the user', async (_status, how) => {
    respond = how;
    await client().deauthenticate(terraUser(1));

    expect(seen[0]).toMatchObject({ method: 'DELETE', url: `/v2/auth/deauthenticateUser?user_id=${terraUser(1)}` });
  });

  test.each<[string, unknown, string]>([
    ['swapped headers', { message: null }, 'terra_credentials'],
    ['an error in 200', { status: 'error' }, 'terra_rejected'],
    ['HTML', '<html>', 'terra_rejected'],
  ])('%s does not count as deauthenticated', async (_what, body, code) => {
    respond = answers(200, body);

    expect(await codeOf(client().deauthenticate(terraUser(1)))).toBe(code);
  });

  test('only enabled providers are listed, each with its kind', async () => {
    respond = answers(200, {
      providers: [
        { provider: 'GARMIN', name: 'Garmin', icon: 'https://icons.example/g.webp', enabled: true },
        { provider: 'APPLE', name: null, icon: 'javascript:alert(1)' },
        { provider: 'OURA', name: 'Oura', enabled: false },
      ],
    });

    expect(await client().listProviders()).toEqual([
      { id: 'GARMIN', name: 'Garmin', icon: 'https://icons.example/g.webp', kind: 'web' },
      { id: 'APPLE', name: 'APPLE', kind: 'sdk' },
    ]);
    expect(seen[0]?.url).toBe('/v2/integrations/detailed?sdk=true');
  });
});

describe('a failure of Terra', () => {
  test.each<[string, Respond, string]>([
    ['400 problem', answers(400, { type: 'about:blank', title: 'bad request' }), 'terra_rejected'],
    ['401 problem', answers(401, { title: 'unauthorized' }), 'terra_credentials'],
    ['403 legacy body', answers(403, { message: 'invalid credentials', status: 'error' }), 'terra_credentials'],
    [
      '403 for the user limit',
      answers(403, { message: 'User limit exceeded', status: 'error' }),
      'terra_limit_reached',
    ],
    ['404', answers(404, {}), 'terra_rejected'],
    ['410', answers(410, {}), 'terra_endpoint_gone'],
    ['429', answers(429, {}), 'terra_unavailable'],
    ['500', answers(500, {}), 'terra_unavailable'],
    ['503 HTML', answers(503, '<html>'), 'terra_unavailable'],
    [
      '302, never followed',
      response => response.writeHead(302, { location: 'https://evil.example' }).end(),
      'terra_rejected',
    ],
    ['HTML', answers(200, '<html>'), 'terra_rejected'],
    ['cut JSON', answers(200, '{"url":'), 'terra_rejected'],
    ['a list', answers(200, []), 'terra_rejected'],
    ['no message', answers(200, { message: null }), 'terra_credentials'],
    ['no link', answers(200, { status: 'success' }), 'terra_credentials'],
    ['an error in 200', answers(200, { status: 'error', message: 'no' }), 'terra_credentials'],
    ['a link that runs code', answers(200, { ...directAnswer, auth_url: 'javascript:alert(1)' }), 'terra_rejected'],
    ['a link without TLS', answers(200, { ...directAnswer, auth_url: 'http://provider.example/' }), 'terra_rejected'],
    [
      'a link with a password',
      answers(200, { ...directAnswer, auth_url: 'https://me:pw@provider.example/' }),
      'terra_rejected',
    ],
    ['an id that is no UUID', answers(200, { ...directAnswer, user_id: '__proto__' }), 'terra_rejected'],
    ['a reset', response => response.socket?.destroy(), 'terra_unavailable'],
    [
      'a reset in the middle',
      response => response.writeHead(200).write('{', () => response.socket?.destroy()),
      'terra_unavailable',
    ],
    ['8 MB', answers(200, 'x'.repeat(8_000_000)), 'terra_rejected'],
  ])('%s', async (_what, how, code) => {
    respond = how;

    expect(await codeOf(client().openDirect({ ...link, provider: 'GARMIN' }))).toBe(code);
    expect(seen).toHaveLength(1);
  });

  test('no answer is a timeout', async () => {
    respond = () => {};
    const terra = client({ budget: { ...PATIENT, attempt: 200 } });

    expect(await codeOf(terra.openDirect({ ...link, provider: 'GARMIN' }))).toBe('terra_timeout');
  });

  test('a refused connection is unavailable, after two tries', async () => {
    const tries = jest.fn();
    const terra = client({
      send: async () => {
        tries();
        return { kind: 'unsent', reason: 'ECONNREFUSED' };
      },
    });

    expect(await codeOf(terra.openWidget(link))).toBe('terra_unavailable');
    expect(tries).toHaveBeenCalledTimes(2);
  });

  test('a request to a closed port counts as not sent', async () => {
    const terra = client({ apiUrl: 'http://127.0.0.1:1/v2' });

    await expect(terra.mintToken('ref')).rejects.toMatchObject({
      code: 'terra_unavailable',
      reason: expect.stringContaining('unsent'),
    });
  });

  test('a thrown problem contains no text of Terra’s and no credential', async () => {
    respond = answers(400, { detail: 'words of Terra', echo: 'my-api-key' });
    const problem = await client()
      .openWidget(link)
      .catch((error: unknown) => error);

    expect(problem).toBeInstanceOf(Problem);
    expect(JSON.stringify([problem, (problem as Problem).message])).not.toMatch(/words of Terra|my-api-key|my-dev-id/);
  });
});

describe('a second attempt', () => {
  test.each([502, 503, 504])('is made for a repeatable request after %d', async status => {
    respond = (response, attempt) =>
      attempt === 1 ? answers(status, '')(response, attempt) : answers(200, { status: 'success' })(response, attempt);
    await client().deauthenticate(terraUser(1));

    expect(seen).toHaveLength(2);
  });

  test.each([
    ['500', answers(500, '')],
    ['429', answers(429, '')],
  ])('is not made after %s', async (_what, how) => {
    respond = how;

    expect(await codeOf(client().deauthenticate(terraUser(1)))).toBe('terra_unavailable');
    expect(seen).toHaveLength(1);
  });

  test('is not made if there is no time for a whole request', async () => {
    respond = response => setTimeout(() => answers(503, '')(response, 1), 10);

    expect(await codeOf(client({ budget: { ...PATIENT, total: PATIENT.attempt } }).findUser(terraUser(1)))).toBe(
      'terra_unavailable',
    );
    expect(seen).toHaveLength(1);
  });

  test('is not made if the caller’s time limit is short', async () => {
    respond = answers(503, '');

    expect(await codeOf(client().findUser(terraUser(1), PATIENT.attempt))).toBe('terra_unavailable');
    expect(seen).toHaveLength(1);
  });
});
