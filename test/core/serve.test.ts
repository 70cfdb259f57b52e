import { Problem } from '../../functions/core/errors';
import type { Facts } from '../../functions/core/log';
import { type Behaviour, type GatewayEvent, on, serve } from '../../functions/core/serve';
import { createSession, readConnection, receiveWebhook } from '../../functions/routes';

type Said = { level: string; facts: Facts };

function serving(behaviour: Behaviour<typeof createSession, unknown>) {
  const said: Said[] = [];
  const wire = () => ({
    serve: {
      issuer: 'https://issuer.example',
      clock: () => 0,
      log: (level: string, _message: string, facts: Facts) => void said.push({ level, facts: { ...facts } }),
    },
  });
  return { said, handler: serve([on(createSession, behaviour)], wire) };
}

function event(more: Partial<GatewayEvent> & { claims?: Record<string, unknown> } = {}): GatewayEvent {
  const { claims = { sub: 'alice', iss: 'https://issuer.example' }, ...rest } = more;
  return {
    version: '2.0',
    routeKey: 'POST /v1/sessions',
    rawPath: '/v1/sessions',
    rawQueryString: '',
    headers: {},
    isBase64Encoded: false,
    body: '{"returnTo":"web"}',
    requestContext: { requestId: 'request-1', authorizer: { jwt: { claims } } },
    ...rest,
  } as unknown as GatewayEvent;
}

const pending: Behaviour<typeof createSession, unknown> = async () => ({
  status: 201,
  body: { id: 'id', flow: 'widget', status: 'pending', expiresAt: '2026-11-22T12:00:00.000Z' },
});
const bodyOf = ({ body = '' }: { body?: string | undefined }) => JSON.parse(body) as Record<string, unknown>;

test('a behaviour is given the signed-in user and the parsed body', async () => {
  const seen = jest.fn();
  const { handler } = serving(async request => {
    seen(request.caller, request.body);
    return pending(request, {});
  });

  const answer = await handler(event());

  expect(seen).toHaveBeenCalledWith({ sub: 'alice' }, { returnTo: 'web' });
  expect(answer).toMatchObject({
    statusCode: 201,
    headers: { 'cache-control': 'no-store', 'content-type': 'application/json' },
  });
});

test.each([
  ['no claims at all', { requestContext: { requestId: 'request-1' } as never }],
  ['no sub', { claims: { iss: 'https://issuer.example' } }],
  ['an empty sub', { claims: { sub: '', iss: 'https://issuer.example' } }],
  ['a sub that is no text', { claims: { sub: 7, iss: 'https://issuer.example' } }],
  ['a sub of 256 bytes', { claims: { sub: 'x'.repeat(256), iss: 'https://issuer.example' } }],
  ['another issuer', { claims: { sub: 'alice', iss: 'https://issuer.example/' } }],
  ['no issuer', { claims: { sub: 'alice' } }],
])('with %s nobody is signed in', async (_what, more) => {
  const { handler } = serving(pending);

  const answer = await handler(event(more));

  expect([answer.statusCode, bodyOf(answer).code]).toEqual([401, 'unauthenticated']);
});

test.each([
  ['an unknown field', '{"returnTo":"web","extra":1}', 'Check: unknown field "extra".'],
  ['a field of the wrong kind', '{"returnTo":7}', 'Check: returnTo.'],
  ['no JSON', '{', 'The body must be JSON.'],
  ['no object', '[]', 'The body must be a JSON object.'],
  ['a polluted prototype', '{"returnTo":"web","__proto__":{"x":1}}', 'Check: unknown field "__proto__".'],
])('%s is an invalid request', async (_what, body, detail) => {
  const { handler } = serving(pending);

  const answer = await handler(event({ body }));

  expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json' });
  expect(bodyOf(answer)).toEqual({
    type: 'urn:terra-connect:problem:invalid_request',
    title: 'The request is not valid',
    status: 400,
    code: 'invalid_request',
    detail,
    requestId: 'request-1',
  });
});

test('a base64 body is read as the bytes it stands for', async () => {
  const { handler } = serving(pending);

  expect(
    await handler(event({ isBase64Encoded: true, body: Buffer.from('{"returnTo":"web"}').toString('base64') })),
  ).toMatchObject({ statusCode: 201 });
});

test('a body beyond 16 KiB is too large', async () => {
  const { handler } = serving(pending);

  expect(bodyOf(await handler(event({ body: JSON.stringify({ returnTo: 'x'.repeat(17_000) }) })))).toMatchObject({
    code: 'payload_too_large',
  });
});

test('a problem is answered as it is; its reason goes to the log only', async () => {
  const { handler, said } = serving(async () => {
    throw new Problem('terra_unavailable', 'Terra is not available.', {
      reason: 'the inner reason',
      retryAfterSeconds: 5,
    });
  });

  const answer = await handler(event());

  expect(answer).toMatchObject({ statusCode: 503, headers: { 'retry-after': '5' } });
  expect(answer.body).not.toContain('inner reason');
  expect(said).toEqual([
    {
      level: 'info',
      facts: { route: 'POST /v1/sessions', code: 'terra_unavailable', reason: 'the inner reason', status: 503, ms: 0 },
    },
  ]);
});

test('anything unexpected is 500 without a word of it, and one line in the log', async () => {
  const { handler, said } = serving(async () => {
    throw new TypeError('the secret is hunter2');
  });

  const answer = await handler(event());

  expect([answer.statusCode, bodyOf(answer).code]).toEqual([500, 'internal']);
  expect(answer.body).not.toContain('hunter2');
  expect(JSON.stringify(said)).not.toContain('hunter2');
  expect(said).toMatchObject([{ level: 'error', facts: { error: 'TypeError' } }]);
});

test('a failure of the table or the secrets is 503', async () => {
  const { handler } = serving(async () => {
    throw Object.assign(new Error('throttled'), { $metadata: {}, name: 'ProvisionedThroughputExceededException' });
  });

  expect(bodyOf(await handler(event()))).toMatchObject({ code: 'unavailable' });
});

test('a route that is not this function’s is not found', async () => {
  const { handler } = serving(pending);

  expect(bodyOf(await handler(event({ routeKey: 'GET /v1/elsewhere' })))).toMatchObject({ code: 'not_found' });
});

test('routes of other callers need no user', async () => {
  const wire = () => ({ serve: { issuer: undefined, clock: () => 0, log: () => {} } });
  const handler = serve(
    [on(receiveWebhook, async () => ({ status: 200, body: { outcome: 'ignored' } }) as const)],
    wire,
  );

  const answer = await handler(
    event({ routeKey: 'POST /v1/webhooks/terra', requestContext: { requestId: 'r' } as never }),
  );

  expect(answer).toMatchObject({ statusCode: 200, body: '{"outcome":"ignored"}' });
  expect(answer.headers).not.toHaveProperty('cache-control');
});

test('path parameters arrive by their names', async () => {
  const seen = jest.fn();
  const wire = () => ({ serve: { issuer: 'https://issuer.example', clock: () => 0, log: () => {} } });
  const handler = serve(
    [
      on(readConnection, async ({ path }) => {
        seen(path.id);
        throw new Problem('not_found', 'There is nothing here.');
      }),
    ],
    wire,
  );
  await handler(
    event({ routeKey: 'GET /v1/connections/{id}', pathParameters: { id: 'abc' }, body: undefined as never }),
  );

  expect(seen).toHaveBeenCalledWith('abc');
});
