import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectError, createClient } from '../../client/index';
import { type ErrorCode, errorStatus } from '../../functions/core/http/errors';
import { answering, type Answering, CODE, failureOf, json, opened, problem, SESSION_ID, session } from './answering';

/** The one error of a call that is not repeated by itself. */
async function errorOf(answer: Answering): Promise<ConnectError> {
  const error = await failureOf(answering([answer]).client.mintToken());
  if (!(error instanceof ConnectError)) throw error;
  return error;
}

const retryable: ErrorCode[] = ['in_progress', 'rate_limited', 'terra_unavailable', 'unavailable', 'terra_timeout'];

test.each(Object.entries(errorStatus))(
  'a problem %s becomes that code, with status %i and the request id',
  async code => {
    const error = await errorOf(problem(code as ErrorCode));
    expect(error).toMatchObject({ name: 'ConnectError', code, status: errorStatus[code as ErrorCode] });
    expect(error.requestId).toBe('JKJaXmPLvHcESHA=');
    expect(error.retryable).toBe(retryable.includes(code as ErrorCode));
    expect(error.retryAfterMs).toBeUndefined();
  },
);

test.each([
  [401, 'unauthenticated', false],
  [403, 'forbidden', false],
  [404, 'not_found', false],
  [413, 'payload_too_large', false],
  [429, 'rate_limited', true],
  [431, 'payload_too_large', false],
  [500, 'internal', false],
  [503, 'unavailable', true],
  [504, 'unavailable', true],
  [400, 'unexpected_answer', false],
  [418, 'unexpected_answer', false],
  [502, 'unexpected_answer', false],
])('the gateway’s own %i is %s', async (status, code, isRetryable) => {
  const error = await errorOf(json(status, { message: 'Words of the gateway' }));
  expect(error).toMatchObject({ code, status, retryable: isRetryable });
  expect(error).not.toHaveProperty('requestId');
});

const html = (status: number) =>
  new Response('<html>proxy</html>', { status, headers: { 'content-type': 'text/html' } });

test.each<[string, Answering, object]>([
  ['a failed connection', new TypeError('fetch failed'), { code: 'network', status: 0, retryable: true }],
  ['a page of a proxy', html(200), { code: 'unexpected_answer', status: 200, retryable: false }],
  ['a proxy’s 503', html(503), { code: 'unexpected_answer', status: 503, retryable: true }],
  ['a proxy’s 401', html(401), { code: 'unexpected_answer', status: 401, retryable: false }],
  ['a redirect', new Response(null, { status: 302, headers: { location: '/x' } }), { code: 'unexpected_answer' }],
  ['an opaque redirect', () => Response.error(), { code: 'unexpected_answer', status: 0 }],
  ['half a JSON', new Response('{"token":"abc', { status: 201 }), { code: 'unexpected_answer', status: 201 }],
  ['another success', json(200, { token: 't', referenceId: 'r', expiresIn: 1, expiresAt: '' }), { status: 200 }],
  ['an answer without its fields', json(201, { token: 't' }), { code: 'unexpected_answer', status: 201 }],
  ['an array', json(201, []), { code: 'unexpected_answer', status: 201 }],
  ['null', json(500, null), { code: 'unexpected_answer', status: 500 }],
  ['a code of a newer API', json(403, { code: 'of_tomorrow' }), { code: 'forbidden', status: 403 }],
  ['one under a status of no meaning', json(402, { code: 'of_tomorrow' }), { code: 'unexpected_answer', status: 402 }],
  ['a code that is ours alone', json(429, { code: 'network' }), { code: 'rate_limited', status: 429 }],
  ['other JSON', json(429, { error: 'slow down' }), { code: 'unexpected_answer', retryable: true }],
  ['an id that is no id', json(500, { code: 'internal', requestId: 'a b' }), { code: 'internal' }],
])('%s is classified', async (_, answer, expected) => {
  const error = await errorOf(answer);
  expect(error).toMatchObject(expected);
  expect(error).not.toHaveProperty('requestId');
  expect(error).not.toHaveProperty('cause');
});

test('a success of another status is no success', async () => {
  const error = await errorOf(json(200, { token: 't', referenceId: 'r', expiresIn: 1, expiresAt: 'x' }));
  expect(error.code).toBe('unexpected_answer');
});

test('an answer larger than Lambda’s limit is refused', async () => {
  const announced = new Response('{}', { status: 201, headers: { 'content-length': `${6 * 1024 * 1024 + 1}` } });
  const text = jest.spyOn(announced, 'text');
  expect(await errorOf(() => announced)).toMatchObject({ code: 'unexpected_answer', status: 201 });
  expect(text).not.toHaveBeenCalled();

  const long = JSON.stringify({ token: 'x'.repeat(6 * 1024 * 1024), referenceId: '', expiresIn: 1, expiresAt: '' });
  expect(await errorOf(new Response(long, { status: 201 }))).toMatchObject({ code: 'unexpected_answer', status: 201 });
});

test.each([
  ['3', 3000],
  [' 2 ', 2000],
  ['0', 0],
  ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
  ['Thu, 01 Jan 2025 00:00:05 GMT', 0],
  ['soon', undefined],
  ['1e400', undefined],
])('Retry-After: %s is %s ms', async (header, ms) => {
  expect((await errorOf(problem('rate_limited', { 'retry-after': header }))).retryAfterMs).toBe(ms);
});

test('a link that is not http(s) is refused', async () => {
  const trap = session('pending', { url: 'javascript:alert(1)' });
  const { client } = answering([json(201, trap), json(200, trap)]);
  expect(await failureOf(client.openSession({ returnTo: 'web' }))).toMatchObject({ code: 'unexpected_answer' });
  expect(await failureOf(client.session(SESSION_ID))).toMatchObject({ code: 'unexpected_answer' });
});

test('wrong arguments are reported before a request is sent', async () => {
  const options = { token: () => 'token' };
  for (const apiUrl of [
    '',
    'api.example.com',
    'ftp://x',
    'https://x?y',
    'https://x#y',
    'https://me:secret@x',
    'http:// x',
  ]) {
    expect(() => createClient({ ...options, apiUrl })).toThrow('apiUrl must be an http(s) URL without a query');
  }
  const { client, asked } = answering([opened]);
  for (const idempotencyKey of ['', 'a b', 'ä', 'a\n', 'x'.repeat(65)]) {
    await expect(client.openSession({ returnTo: 'web', idempotencyKey })).rejects.toThrow(TypeError);
  }
  await expect(client.finish('https://app.example.com/?status=returned')).rejects.toThrow(TypeError);
  for (const token of ['', 'a b', 'a\nb', 'ä', undefined as unknown as string]) {
    const other = answering([opened], { token: () => token });
    expect(await failureOf(other.client.connections())).toMatchObject({ code: 'unauthenticated', status: 0 });
    expect(other.asked).toEqual([]);
  }
  expect(asked).toEqual([]);
});

test('ids are encoded as one path segment', async () => {
  const { client, asked } = answering([json(200, session('pending'))]);
  await client.session('../me?x=1#y');
  expect(asked[0]?.url).toBe('https://api.example.com/v1/sessions/..%2Fme%3Fx%3D1%23y');
});

test('apiUrl may end with slashes and have a path', async () => {
  const { client, asked } = answering([json(200, { providers: [] })], { apiUrl: 'https://example.com/terra//' });
  expect(await client.providers()).toEqual([]);
  expect(asked[0]).toEqual({
    method: 'GET',
    url: 'https://example.com/terra/v1/providers',
    headers: { authorization: 'Bearer token' },
    body: undefined,
  });
});

describe('over a real connection', () => {
  const server = createServer((request, answer) => {
    switch (request.url) {
      case '/v1/connections':
        return answer.writeHead(302, { location: '/v1/providers' }).end();
      case '/v1/sessions/cut':
        answer.writeHead(200, { 'content-length': '100' }).write('{"id":');
        return setImmediate(() => answer.destroy());
      case '/v1/sessions/half':
        return answer.writeHead(200, { 'content-length': '100' }).write('{"id":');
      case '/v1/sessions/mute':
        return undefined;
      default:
        return answer.writeHead(200).end('{"providers":[]}');
    }
  });
  beforeAll(() => new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = () =>
    createClient({
      apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token: () => 'token',
      timeoutMs: 300,
      sleep: () => Promise.reject(new Error('repeated')),
    });

  test('a redirect is not followed', async () => {
    expect(await failureOf(client().connections())).toMatchObject({ code: 'unexpected_answer', status: 302 });
  });

  test.each(['cut', 'half', 'mute'])(
    'an incomplete answer (%s) is a network error, and the request is repeated',
    async id => {
      const error = await failureOf(client().session(id));
      expect(error).toMatchObject({ message: 'repeated' });
    },
  );

  test('a fetch that ignores its signal is abandoned after the timeout', async () => {
    const deaf = createClient({
      apiUrl: 'https://api.example.com',
      token: () => 'token',
      timeoutMs: 20,
      fetch: () => new Promise(() => {}),
    });
    expect(await failureOf(deaf.mintToken())).toMatchObject({ code: 'network', status: 0 });
  });
});

test('errors keep their code in JSON, and nothing else', async () => {
  const error = await errorOf(problem('rate_limited', { 'retry-after': '7' }, `detail with ${CODE}`));
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: 'ConnectError',
    code: 'rate_limited',
    status: 429,
    retryable: true,
    retryAfterMs: 7000,
    requestId: 'JKJaXmPLvHcESHA=',
  });
});
