import * as fc from 'fast-check';
import { Problem } from '../../functions/core/http/errors';
import type { LogFields } from '../../functions/core/platform/log';
import { type Behaviour, type GatewayEvent, on, serve } from '../../functions/core/http/serve';
import { createSession, readConnection, receiveWebhook } from '../../functions/routes';
import { check } from '../proofs/effort';
import { authorizerOf, tokenOf, tokenWith } from '../support/token';

const ALICE = { sub: 'alice', iss: 'https://issuer.example' };

type Said = { level: string; facts: LogFields };

function serving(behaviour: Behaviour<typeof createSession, unknown>) {
  const said: Said[] = [];
  const wire = () => ({
    serve: {
      issuer: 'https://issuer.example',
      clock: () => 0,
      log: (level: string, _message: string, facts: LogFields) => void said.push({ level, facts: { ...facts } }),
    },
  });
  return { said, handler: serve([on(createSession, behaviour)], wire) };
}

type Changes = Partial<GatewayEvent> & { claims?: Record<string, unknown> };

/** An event of a signed-in user. `claims` is the payload of the token; the event has them as API Gateway passes them. */
function event({ claims = ALICE, ...rest }: Changes = {}): GatewayEvent {
  return {
    version: '2.0',
    routeKey: 'POST /v1/sessions',
    rawPath: '/v1/sessions',
    rawQueryString: '',
    headers: { authorization: `Bearer ${tokenOf(claims)}` },
    isBase64Encoded: false,
    body: '{"returnTo":"web"}',
    requestContext: { requestId: 'request-1', authorizer: authorizerOf(claims) },
    ...rest,
  } as unknown as GatewayEvent;
}

const pending: Behaviour<typeof createSession, unknown> = async () => ({
  status: 201,
  body: { id: 'id', flow: 'widget', status: 'pending', expiresAt: '2026-11-22T12:00:00.000Z' },
});
const bodyOf = ({ body = '' }: { body?: string | undefined }) => JSON.parse(body) as Record<string, unknown>;

test('a behaviour gets the signed-in user and the parsed body', async () => {
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

/** The event of a token whose claims API Gateway passed otherwise than the token has them. */
const passed = (claims: Record<string, unknown>, token: string): Changes => ({
  headers: { authorization: `Bearer ${token}` },
  requestContext: { requestId: 'request-1', authorizer: { jwt: { claims } } } as never,
});

const token = tokenOf(ALICE);

test.each([
  ['no claims at all', { requestContext: { requestId: 'request-1' } as never }],
  ['no sub', { claims: { iss: ALICE.iss } }],
  ['an empty sub', { claims: { ...ALICE, sub: '' } }],
  ['a sub that is a number', { claims: { ...ALICE, sub: 7 } }],
  ['a sub that is a boolean', { claims: { ...ALICE, sub: true } }],
  ['a sub that is null', { claims: { ...ALICE, sub: null } }],
  ['a sub that is a list', { claims: { ...ALICE, sub: ['alice'] } }],
  ['a sub that is an object', { claims: { ...ALICE, sub: { a: 1 } } }],
  ['a sub of 256 bytes', { claims: { ...ALICE, sub: 'x'.repeat(256) } }],
  ['a sub of 128 characters and 256 bytes', { claims: { ...ALICE, sub: 'é'.repeat(128) } }],
  ['a sub with a lone surrogate', { claims: { ...ALICE, sub: 'alice\ud800' } }],
  ['another issuer', { claims: { ...ALICE, iss: 'https://issuer.example/' } }],
  ['no issuer', { claims: { sub: 'alice' } }],
  ['an issuer in a list', passed(ALICE, tokenOf({ ...ALICE, iss: [ALICE.iss] }))],
  ['another issuer in the token than in the claims', passed(ALICE, tokenOf({ ...ALICE, iss: 'https://evil.example' }))],
  ['another issuer in the claims than in the token', passed({ ...ALICE, iss: 'https://evil.example' }, token)],
  ['another sub in the claims than in the token', passed({ ...ALICE, sub: 'bob' }, token)],
  [
    'a number in the claims that the token has as a string',
    passed({ ...ALICE, sub: 7 }, tokenOf({ ...ALICE, sub: '7' })),
  ],
  ['a sub that API Gateway left out', passed({ iss: ALICE.iss }, token)],
  [
    'two subs, of which API Gateway took the first',
    passed(ALICE, tokenOf(`{"sub":"alice","sub":"bob","iss":"${ALICE.iss}"}`)),
  ],
  ['a SUB that API Gateway took for sub', passed({ ...ALICE, sub: 'bob' }, tokenOf({ ...ALICE, SUB: 'bob' }))],
  ['a sub in the prototype', passed(ALICE, tokenOf(`{"__proto__":{"sub":"alice"},"iss":"${ALICE.iss}"}`))],
  [
    'a sub that is not UTF-8',
    passed({ ...ALICE, sub: '\ufffd' }, tokenWith(Buffer.from(`{"sub":"\xff","iss":"${ALICE.iss}"}`, 'latin1'))),
  ],
  ['a payload that is null', passed(ALICE, tokenOf('null'))],
  ['a payload that is a list', passed(ALICE, tokenOf('[]'))],
  ['a payload that is no JSON', passed(ALICE, tokenOf('{'))],
  ['an empty payload', passed(ALICE, tokenOf(''))],
  ['a payload in base64 with padding', passed(ALICE, token.replace(/\.(.+)\./, '.$1==.'))],
  ['a payload in base64url that is not canonical', passed(ALICE, token.replace(/Q(?=\.[^.]+$)/, 'R'))],
])('with %s no user is signed in', async (_what, more: Changes) => {
  const { handler, said } = serving(pending);

  const answer = await handler(event(more));

  expect([answer.statusCode, bodyOf(answer).code]).toEqual([401, 'unauthenticated']);
  expect(said).toMatchObject([{ level: 'info', facts: { reason: expect.stringMatching(/claim|JWT/) } }]);
  expect(JSON.stringify(said)).not.toMatch(/alice|bob|evil|issuer\.example/);
});

test.each([
  ['the token after Bearer', `Bearer ${token}`],
  ['the token alone', token],
  ['bearer in lower case', `bearer ${token}`],
  ['several spaces', `  Bearer   ${token} `],
])('%s in the authorization header signs the user in', async (_what, authorization) => {
  expect(await serving(pending).handler(event({ headers: { authorization } }))).toMatchObject({ statusCode: 201 });
});

test.each([
  ['no token', {}],
  ['an empty header', { authorization: '' }],
  ['Bearer alone', { authorization: 'Bearer ' }],
  ['another scheme', { authorization: `Basic ${token}` }],
  ['two tokens in one header', { authorization: `Bearer ${token} ${token}` }],
  ['two headers, joined as API Gateway joins them', { authorization: `Bearer ${token},Bearer ${token}` }],
  ['a token of two parts', { authorization: `Bearer ${token.replace(/\.[^.]+$/, '')}` }],
  ['a token of five parts', { authorization: `Bearer ${token}.a.b` }],
  ['a line break', { authorization: `Bearer ${token}\n${token}` }],
])('%s in the authorization header signs no user in', async (_what, headers: Record<string, string>) => {
  expect(await serving(pending).handler(event({ headers }))).toMatchObject({ statusCode: 401 });
});

describe('a token’s sub', () => {
  type Json = ReturnType<typeof JSON.parse>;

  /** How a claim may reach the function: as the local gateway renders it, and as other reports and guesses have it. */
  const renderings: readonly ((sub: Json) => unknown)[] = [
    sub => authorizerOf({ sub }).jwt.claims.sub,
    sub => (sub === null ? undefined : typeof sub === 'object' ? JSON.stringify(sub) : String(sub)),
    sub => (typeof sub === 'string' ? sub : Array.isArray(sub) ? 'list' : typeof sub),
    sub => sub,
    sub => (typeof sub === 'string' ? Buffer.from(sub).toString() : JSON.stringify(sub)),
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom('\ud800', '\udfff', '\ufffd', '<nil>', '', 'null', '[]', 'map[]', 'list', 'object', '7', 'true'),
  );
  const json = fc.oneof(
    text,
    fc.jsonValue({ maxDepth: 2 }),
    fc.array(text, { maxLength: 2 }),
    fc.dictionary(text, text),
  );
  const rendering = fc.constantFrom(...renderings);
  /** Two values, often such that the one is the text of the other. */
  const pair = fc
    .tuple(json, json, rendering, fc.boolean())
    .map(([a, b, render, isText]): [Json, Json] => [a, isText ? (render(a) ?? b) : b]);

  async function signedIn(sub: Json, render: (sub: Json) => unknown): Promise<string | undefined> {
    let caller: string | undefined;
    const { handler } = serving(async request => {
      caller = request.caller.sub;
      return pending(request, {});
    });
    const { headers } = event({ claims: { ...ALICE, sub } });
    const claims = { ...ALICE, sub: render(sub) };
    // Lambda receives the event as JSON, and DynamoDB the subject as UTF-8.
    const request = { requestId: 'r', authorizer: { jwt: { claims } } };
    await handler(JSON.parse(JSON.stringify(event({ headers, requestContext: request as never }))));
    return caller === undefined ? undefined : Buffer.from(caller).toString();
  }

  test('that differs from another is never the same user, in whatever form API Gateway passes it', async () => {
    let accepted = 0;
    await check(
      fc.tuple(pair, rendering, rendering),
      async ([[a, b], renderA, renderB]) => {
        const [first, second] = [await signedIn(a, renderA), await signedIn(b, renderB)];
        if (first !== undefined) accepted++;
        if (first !== undefined && first === second) expect(a).toBe(b);
      },
      2_000,
    );
    expect(accepted).toBeGreaterThan(300);
  });

  test('that is a string of 1 to 255 bytes signs in exactly that user', async () => {
    await check(
      text.filter(sub => sub !== '' && !/\p{Cs}/u.test(sub)),
      async sub => {
        for (const render of renderings) expect(await signedIn(sub, render)).toBe(sub);
      },
      200,
    );
    expect(await signedIn('x'.repeat(255), sub => sub)).toBe('x'.repeat(255));
  });
});

test.each([
  ['an unknown field', '{"returnTo":"web","extra":1}', 'Invalid: unknown field "extra".'],
  ['a field of the wrong kind', '{"returnTo":7}', 'Invalid: returnTo.'],
  ['no JSON', '{', 'The body must be JSON.'],
  ['no object', '[]', 'The body must be a JSON object.'],
  ['a polluted prototype', '{"returnTo":"web","__proto__":{"x":1}}', 'Invalid: unknown field "__proto__".'],
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

test('a base64 body is decoded', async () => {
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

test('a problem is returned as it is; its reason is only logged', async () => {
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

test('an unexpected error returns 500 without details, and is logged once', async () => {
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

test('a route of another function returns 404', async () => {
  const { handler } = serving(pending);

  expect(bodyOf(await handler(event({ routeKey: 'GET /v1/elsewhere' })))).toMatchObject({ code: 'not_found' });
});

test('routes of other callers need no signed-in user', async () => {
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

test('path parameters are passed by name', async () => {
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
