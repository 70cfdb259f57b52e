import { request } from 'node:http';
import { connect } from 'node:net';
import { buffer as readAll } from 'node:stream/consumers';
import { apiOf } from '../../local/aws/apigateway/api';
import { readTemplate } from '../../local/aws/cloudformation/assembly';
import type { Outcome } from '../../local/aws/lambda/execution-environment';
import { type Access, gateway } from '../../local/aws/apigateway/gateway';
import type { Throttled } from '../../local/aws/lambda/runtime';
import { readStack } from '../../local/aws/cloudformation/template';
import { apiResources, assemblyOf, functionResource, serve } from './fixture';

type Event = Record<string, unknown> & { requestContext: Record<string, unknown> };

let events: Event[] = [];
let accesses: Access[] = [];
let opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.map(server => server.close()));
  events = [];
  accesses = [];
  opened = [];
});

/** An API whose functions answer by `respond`; what they were given lies in `events`. */
async function apiWith(
  routes: string[],
  respond: (event: Event) => Outcome | Throttled | Promise<Outcome> = answering({ statusCode: 200, body: 'fine' }),
  settings: Parameters<typeof apiResources>[1] = {},
): Promise<string> {
  const guarded = Object.fromEntries(routes.map(key => [key, { to: 'Subject' }]));
  const assembly = assemblyOf({ Subject: functionResource('subject'), ...apiResources(guarded, settings) });
  const stack = readStack('fixture', readTemplate(assembly), { apiUrl: 'http://localhost' });
  const server = await serve(
    gateway(apiOf(stack), {
      async invoke(_, event) {
        events.push(event as Event);
        return { requestId: 'r', cold: false, outcome: await respond(event as Event) };
      },
      onAccess: access => accesses.push(access),
    }),
  );
  opened.push(server);
  return server.url;
}

const answering = (value: unknown) => (): Outcome => ({ ok: true, payload: JSON.stringify(value) });

const ownWords = async (response: Response) => [response.status, await response.text()];

test('a function gets the event of payload format 2.0', async () => {
  const url = await apiWith(['POST /v1/sessions/{id}/confirm']);

  await fetch(`${url}/v1/sessions/a%20b%2Bc/confirm?x=1&y=&x=2%20z`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'User-Agent': 'tester', Cookie: 'one=1; two=2' },
    body: '{"code":"ü"}',
  });

  const host = url.slice('http://'.length);
  expect(events[0]).toEqual({
    version: '2.0',
    routeKey: 'POST /v1/sessions/{id}/confirm',
    rawPath: '/v1/sessions/a b+c/confirm',
    rawQueryString: 'x=1&y=&x=2%20z',
    cookies: ['one=1', 'two=2'],
    headers: expect.objectContaining({
      host,
      'content-type': 'application/json',
      'content-length': '13',
      'user-agent': 'tester',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
    }),
    queryStringParameters: { x: '1,2 z', y: '' },
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: host,
      domainPrefix: '127',
      http: {
        method: 'POST',
        path: '/v1/sessions/a b+c/confirm',
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'tester',
      },
      requestId: expect.stringMatching(/^[\w+/]{15}=$/),
      routeKey: 'POST /v1/sessions/{id}/confirm',
      stage: '$default',
      time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      timeEpoch: expect.any(Number),
    },
    pathParameters: { id: 'a b+c' },
    body: '{"code":"ü"}',
    isBase64Encoded: false,
  });
  expect(Object.keys(events[0]?.headers ?? {})).not.toContain('cookie');
});

test('duplicate headers are joined by a comma', async () => {
  const url = new URL(await apiWith(['GET /v1/things']));

  await new Promise((resolve, reject) => {
    request({ port: url.port, path: '/v1/things', headers: ['Host', url.host, 'X-Many', 'a', 'x-many', 'b'] }, resolve)
      .on('error', reject)
      .end();
  });

  expect(events[0]?.headers).toMatchObject({ 'x-many': 'a,b' });
});

test.each([
  ['application/json', false],
  ['application/json; charset=utf-8', false],
  ['application/xml', false],
  ['application/javascript', false],
  ['TEXT/plain', false],
  ['application/problem+json', true],
  ['application/x-www-form-urlencoded', true],
  ['application/octet-stream', true],
  [undefined, true],
])('a body of type %s is passed as base64: %s', async (contentType, isBase64Encoded) => {
  const url = await apiWith(['POST /v1/things']);

  await fetch(`${url}/v1/things`, {
    method: 'POST',
    body: Buffer.from('{"a":1}'),
    ...(contentType && { headers: { 'content-type': contentType } }),
  });

  const body = isBase64Encoded ? Buffer.from('{"a":1}').toString('base64') : '{"a":1}';
  expect(events[0]).toMatchObject({ body, isBase64Encoded });
});

test('a request without a body has none in its event', async () => {
  await fetch(`${await apiWith(['GET /v1/things'])}/v1/things`);

  expect(events[0]).not.toHaveProperty('body');
  expect(events[0]).toMatchObject({ isBase64Encoded: false, rawQueryString: '' });
  expect(events[0]).not.toHaveProperty('queryStringParameters');
});

const patterns = ['GET /v1/{a}', 'GET /v1/me', 'GET /v1/{a}/b', 'GET /v1/files/{rest+}', 'ANY /v1/any', 'POST /v1/any'];

test.each([
  ['GET', '/v1/me', 'GET /v1/me', undefined],
  ['GET', '/v1/you', 'GET /v1/{a}', { a: 'you' }],
  ['GET', '/v1/you/b', 'GET /v1/{a}/b', { a: 'you' }],
  ['GET', '/v1/files/x/y.z', 'GET /v1/files/{rest+}', { rest: 'x/y.z' }],
  ['GET', '/v1/files/b', 'GET /v1/files/{rest+}', { rest: 'b' }],
  ['POST', '/v1/any', 'POST /v1/any', undefined],
  ['PUT', '/v1/any', 'ANY /v1/any', undefined],
])('%s %s reaches %s', async (method, path, routeKey, pathParameters) => {
  const url = await apiWith(patterns);

  expect((await fetch(url + path, { method })).status).toBe(200);
  expect(events[0]).toMatchObject({ routeKey, ...(pathParameters && { pathParameters }) });
});

test.each([
  ['GET', '/'],
  ['GET', '/v1'],
  ['GET', '/v1/'],
  ['GET', '/v1/me/'],
  ['GET', '/v2/me'],
  ['GET', '/v1/files/'],
  ['POST', '/v1/me'],
  ['HEAD', '/v1/me'],
  ['GET', '/V1/me'],
])('%s %s is not found', async (method, path) => {
  const url = await apiWith(patterns);

  const response = await fetch(url + path, { method });

  expect(await ownWords(response)).toEqual([404, method === 'HEAD' ? '' : '{"message":"Not Found"}']);
  expect(events).toEqual([]);
  expect(accesses).toMatchObject([{ status: 404, routeKey: undefined }]);
});

test('a path that cannot be decoded is a bad request', async () => {
  expect(await ownWords(await fetch(`${await apiWith(patterns)}/v1/%E0%A4%A`))).toEqual([
    400,
    '{"message":"Bad Request"}',
  ]);
});

test('the function’s answer is passed on', async () => {
  const url = await apiWith(
    ['GET /v1/things'],
    answering({
      statusCode: 303,
      headers: { Location: 'https://app.example.com/', 'Cache-Control': 'no-store', 'Content-Length': '999' },
      cookies: ['a=1; Secure', 'b=2'],
      body: 'moved',
    }),
  );

  const response = await fetch(`${url}/v1/things`, { redirect: 'manual' });

  expect(response.status).toBe(303);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    location: 'https://app.example.com/',
    'cache-control': 'no-store',
    'content-length': '5',
    'content-type': 'text/plain;charset=UTF-8',
    'apigw-requestid': expect.any(String),
  });
  expect(response.headers.getSetCookie()).toEqual(['a=1; Secure', 'b=2']);
});

test('a base64 answer is decoded', async () => {
  const body = Buffer.from([0, 255, 1]).toString('base64');
  const url = await apiWith(['GET /v1/things'], answering({ statusCode: 200, body, isBase64Encoded: true }));

  expect([...new Uint8Array(await (await fetch(`${url}/v1/things`)).arrayBuffer())]).toEqual([0, 255, 1]);
});

test.each([
  ['an object without statusCode', { hello: 1 }, '{"hello":1}'],
  ['a text', 'hello', 'hello'],
  ['nothing', null, 'null'],
])('%s becomes the body of a 200', async (_, returned, body) => {
  const response = await fetch(`${await apiWith(['GET /v1/things'], answering(returned))}/v1/things`);

  expect(await ownWords(response)).toEqual([200, body]);
  expect(response.headers.get('content-type')).toBe('application/json');
});

test.each([
  [
    'fails',
    (): Outcome => ({ ok: false, errorType: 'Error', errorMessage: 'secret detail' }),
    500,
    'Internal Server Error',
  ],
  [
    'times out',
    (): Outcome => ({ ok: false, errorType: 'Sandbox.Timedout', errorMessage: 'x' }),
    500,
    'Internal Server Error',
  ],
  ['answers no status', answering({ statusCode: 'what' }), 500, 'Internal Server Error'],
  ['answers a body that is no text', answering({ statusCode: 200, body: { a: 1 } }), 500, 'Internal Server Error'],
  [
    'is throttled by Lambda',
    (): Throttled => ({ ok: false, errorType: 'TooManyRequestsException', errorMessage: 'x' }),
    503,
    'Service Unavailable',
  ],
])('a function that %s gets the gateway’s error', async (_, respond, status, message) => {
  const url = await apiWith(['GET /v1/things'], respond);

  expect(await ownWords(await fetch(`${url}/v1/things`))).toEqual([status, JSON.stringify({ message })]);
});

test('a function slower than the integration’s timeout gets the gateway’s 503', async () => {
  const slow = () => new Promise<Outcome>(resolve => setTimeout(resolve, 500, { ok: true, payload: '1' }));
  const url = await apiWith(['GET /v1/things'], slow, { timeoutMs: 50 });

  expect(await ownWords(await fetch(`${url}/v1/things`))).toEqual([503, '{"message":"Service Unavailable"}']);
});

test('an integration’s timeout of more than 30 seconds is refused, as API Gateway refuses it', async () => {
  await expect(apiWith(['GET /v1/things'], undefined, { timeoutMs: 30_001 })).rejects.toThrow(
    'GET /v1/things has a timeout of 30001 ms; API Gateway allows at most 30000',
  );
});

/** What the gateway answers to request line and headers of this many bytes; `x` is filled up to the size. */
async function answerToHead(url: string, size: number, headOf: (x: string) => string): Promise<string> {
  const head = headOf('x'.repeat(size - Buffer.byteLength(headOf(''))));
  const socket = connect(Number(new URL(url).port), '127.0.0.1').end(`${head}\r\n`);
  return (await readAll(socket)).toString();
}

test.each([
  ['a token', (x: string) => `GET /v1/things HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${x}\r\n`],
  ['a query', (x: string) => `GET /v1/things?a=${x} HTTP/1.1\r\nHost: a\r\n`],
  ['a header’s name', (x: string) => `GET /v1/things HTTP/1.1\r\nHost: a\r\nA${x}: b\r\n`],
  ['many headers', (x: string) => `GET /v1/things HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(900)}C: ${x}\r\n`],
])('request line and headers may have 10,240 bytes in all: %s', async (_, headOf) => {
  const url = await apiWith(['GET /v1/things']);

  expect(await answerToHead(url, 10_240, headOf)).toMatch(/^HTTP\/1.1 200 .*fine$/s);
  expect(await answerToHead(url, 10_241, headOf)).toMatch(
    /^HTTP\/1.1 431 .*{"message":"Request Header Fields Too Large"}$/s,
  );
  // What Node itself does not take never reaches the gateway.
  expect(await answerToHead(url, 20_000, headOf)).toMatch(/^HTTP\/1.1 431 /);
  expect(events).toHaveLength(1);
});

test('too large headers are refused before route, token and preflight are checked', async () => {
  const url = await apiWith(['GET /v1/things'], undefined, { cors });
  const headers = { origin: 'https://app.example.com', 'x-large': 'x'.repeat(10_240) };

  const statuses = await Promise.all(
    ['/v1/things', '/v1/missing'].flatMap(path =>
      ['GET', 'OPTIONS'].map(async method => (await fetch(url + path, { method, headers })).status),
    ),
  );

  expect(statuses).toEqual([431, 431, 431, 431]);
});

test.each([
  ['above 10 MB', 10 * 1024 * 1024 + 1, 'text/plain', 413],
  ['whose event is above 6 MB', 6 * 1024 * 1024, 'text/plain', 413],
  ['whose base64 is above 6 MB', 4.8 * 1024 * 1024, 'application/octet-stream', 413],
  ['that just fits', 5.9 * 1024 * 1024, 'text/plain', 200],
])('a body %s', async (_, size, contentType, status) => {
  const url = await apiWith(['POST /v1/things']);

  const response = await fetch(`${url}/v1/things`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: Buffer.alloc(Math.floor(size), 'x'),
  });

  expect(await ownWords(response)).toEqual([
    status,
    status === 413 ? '{"message":"Request Entity Too Large"}' : 'fine',
  ]);
  expect(events).toHaveLength(status === 413 ? 0 : 1);
});

test('a huge body of undeclared length is refused too', async () => {
  const url = await apiWith(['POST /v1/things']);
  const chunks = Array.from({ length: 11 }, () => Buffer.alloc(1024 * 1024, 'x'));

  const response = await fetch(`${url}/v1/things`, {
    method: 'POST',
    body: ReadableStream.from(chunks),
    duplex: 'half',
  });

  expect(response.status).toBe(413);
});

test('a route’s throttle allows its burst, then refuses, then recovers; other routes are not affected', async () => {
  const url = await apiWith(['POST /v1/tokens', 'GET /v1/things'], undefined, {
    stage: {
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
      RouteSettings: { 'POST /v1/tokens': { ThrottlingRateLimit: 0.5, ThrottlingBurstLimit: 3 } },
    },
  });
  const mint = () => fetch(`${url}/v1/tokens`, { method: 'POST' });

  const statuses = (await Promise.all([mint(), mint(), mint(), mint(), mint()])).map(({ status }) => status);

  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 200, 429, 429]);
  expect(await ownWords(await mint())).toEqual([429, '{"message":"Too Many Requests"}']);
  expect((await fetch(`${url}/v1/things`)).status).toBe(200);
  await new Promise(done => setTimeout(done, 2100));
  expect((await mint()).status).toBe(200);
});

const cors = {
  AllowOrigins: ['https://app.example.com'],
  AllowMethods: ['GET', 'POST', 'DELETE'],
  AllowHeaders: ['authorization', 'content-type'],
  ExposeHeaders: ['retry-after', 'location'],
  AllowCredentials: false,
  MaxAge: 600,
};
const corsOf = (response: Response) =>
  Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('access-control-')));

test('the gateway answers a preflight for any path, without a token', async () => {
  const url = await apiWith(['POST /v1/sessions'], undefined, { cors });
  const preflight = (origin: string) =>
    fetch(`${url}/v1/sessions`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });

  const known = await preflight('https://app.example.com');
  const unknown = await preflight('https://evil.example.com');

  expect([known.status, unknown.status]).toEqual([204, 204]);
  expect(corsOf(known)).toEqual({
    'access-control-allow-origin': 'https://app.example.com',
    'access-control-allow-methods': 'GET,POST,DELETE',
    'access-control-allow-headers': 'authorization,content-type',
    'access-control-expose-headers': 'retry-after,location',
    'access-control-max-age': '600',
  });
  expect(corsOf(unknown)).toEqual({});
  expect(events).toEqual([]);
});

test('the gateway sets CORS headers on every answer; the function’s are ignored', async () => {
  const headers = { 'Access-Control-Allow-Origin': '*', 'access-control-allow-credentials': 'true' };
  const url = await apiWith(['GET /v1/things'], answering({ statusCode: 200, headers, body: '' }), { cors });
  const get = (path: string, origin?: string) => fetch(url + path, origin ? { headers: { origin } } : {});

  const ours = {
    'access-control-allow-origin': 'https://app.example.com',
    'access-control-expose-headers': 'retry-after,location',
  };
  expect(corsOf(await get('/v1/things', 'https://app.example.com'))).toEqual(ours);
  expect(corsOf(await get('/v1/missing', 'https://app.example.com'))).toEqual(ours);
  expect(corsOf(await get('/v1/things', 'https://evil.example.com'))).toEqual({});
  expect(corsOf(await get('/v1/things'))).toEqual({});
});

test('without a CORS configuration OPTIONS is routed like other methods', async () => {
  const url = await apiWith(['GET /v1/things']);

  const response = await fetch(`${url}/v1/things`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.com' },
  });

  expect(response.status).toBe(404);
  expect(corsOf(response)).toEqual({});
});

test('each request writes one access log line', async () => {
  const url = await apiWith(['GET /v1/sessions/{id}']);

  await fetch(`${url}/v1/sessions/secret-id`);

  const [access] = accesses;
  expect(access).toMatchObject({ method: 'GET', routeKey: 'GET /v1/sessions/{id}', status: 200, cold: false });
  expect(access?.ms).toBeGreaterThan(0);
  expect(JSON.stringify(access)).not.toContain('secret-id');
});
