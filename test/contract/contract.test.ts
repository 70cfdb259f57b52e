import { problemDocument } from '../../functions/core/http/serve';
import { connection, ids } from '../../infra/openapi/examples';
import { type Answered, checkAnswer } from './contract';

const noStore = { 'content-type': 'application/json', 'cache-control': 'no-store' };
const problem = { ...noStore, 'content-type': 'application/problem+json' };

const answer = (
  [method, path]: readonly [string, string],
  status: number,
  body: unknown,
  headers: Record<string, string> = noStore,
): Answered => ({
  method,
  path,
  status,
  headers: new Headers(headers),
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const list = ['GET', '/v1/connections'] as const;
const create = ['POST', '/v1/sessions'] as const;
const success = ['GET', `/v1/callback/${ids.state}/success`] as const;
const webhook = ['POST', '/v1/webhooks/terra'] as const;
const opened = { id: ids.session, flow: 'widget', status: 'pending', expiresAt: '2026-11-22T09:15:00.000Z' };
const limited = problemDocument('rate_limited', 'Later.', 'r');
const { scopes: _, ...withoutScopes } = connection.connected;
const message = { message: 'Service Unavailable' };

test.each<[string, Answered, RegExp]>([
  [
    'a field too many',
    answer(list, 200, { connections: [{ ...connection.connected, owner: 'x' }] }),
    /additional properties/,
  ],
  ['a field too few', answer(list, 200, { connections: [withoutScopes] }), /required property 'scopes'/],
  [
    'an unknown word',
    answer(list, 200, { connections: [{ ...connection.connected, status: 'fine' }] }),
    /allowed values/,
  ],
  [
    'a time that is not in UTC',
    answer(create, 201, { ...opened, expiresAt: '2026-11-22T09:15:00+01:00' }, { ...noStore, location: '/' }),
    /pattern/,
  ],
  ['no JSON', answer(list, 200, '{'), /body must be object/],
  ['an undeclared status', answer(list, 204, ''), /status is not declared/],
  [
    'an undeclared content type',
    answer(list, 200, '<p>', { ...noStore, 'content-type': 'text/html' }),
    /content type text\/html/,
  ],
  ['no Location', answer(create, 201, opened), /header Location is missing/],
  [
    'an answer that may be kept',
    answer(list, 200, { connections: [] }, { ...noStore, 'cache-control': 'public' }),
    /Cache-Control is public/,
  ],
  [
    'a problem that may be kept',
    answer(list, 500, problemDocument('internal', '', 'r'), { 'content-type': 'application/problem+json' }),
    /may be cached/,
  ],
  [
    'a code that the route does not answer',
    answer(list, 404, problemDocument('not_found', '', 'r'), problem),
    /content type/,
  ],
  [
    'a code of another status',
    answer(list, 401, problemDocument('not_found', '', 'r'), problem),
    /constant|allowed values/,
  ],
  ['rate_limited without Retry-After', answer(create, 429, limited, problem), /Retry-After is missing/],
  [
    'a Retry-After that is no number',
    answer(create, 429, limited, { ...problem, 'retry-after': 'soon' }),
    /Retry-After is soon/,
  ],
  [
    'a Retry-After nobody declared',
    answer(create, 503, problemDocument('unavailable', '', 'r'), { ...problem, 'retry-after': '1' }),
    /not declared with unavailable/,
  ],
  [
    'a redirect with a body',
    answer(success, 303, 'x', { location: '/', 'cache-control': 'no-store' }),
    /there is a body/,
  ],
  ['a gateway that says more', answer(list, 503, { ...message, code: 'x' }), /additional properties/],
  ['an outcome nobody knows', answer(webhook, 200, { outcome: 'lost' }), /allowed values/],
  ['an answer where there is no route', answer(['GET', '/v1/none'], 200, {}), /no such operation/],
])('%s fails', (_what, answered, why) => {
  expect(() => checkAnswer(answered)).toThrow(why);
});

test('a reported difference does not contain the state of a callback', () => {
  expect(() => checkAnswer(answer(success, 204, ''))).toThrow(/callback\/…\/success/);
});
