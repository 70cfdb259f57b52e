import * as fc from 'fast-check';
import { errorStatus, errorTitle, type ErrorCode } from '../../../functions/core/http/errors';
import { readStateToken } from '../../../functions/core/state/state-token';
import type { Route } from '../../../functions/routes';
import { sign } from '../../../functions/core/terra/signature';
import { terraEvent, told as user, WEBHOOK_SECRET } from '../../support/journey';
import { NOON, referenceIdOf, terraUser } from '../../support/world';
import { routes, type Told } from './doors';
import { check, size } from '../effort';
import { hostileRequest, MARK, routeKeys, words } from './hostile';
import { populated, type Population } from './population';

const runs = size(8_000, 200_000);

/** Codes that `serve` can return on any route, in addition to those the route declares. */
const always: ErrorCode[] = ['internal', 'unavailable', 'payload_too_large'];

function expectProblem({ route, statusCode, headers, body }: Told): void {
  const problem = JSON.parse(body) as Record<string, unknown>;
  const code = problem.code as ErrorCode;
  expect(Object.keys(problem)).toEqual(['type', 'title', 'status', 'detail', 'code', 'requestId']);
  expect(problem).toMatchObject({
    type: `urn:terra-connect:problem:${code}`,
    title: errorTitle[code],
    status: statusCode,
    requestId: 'request-1',
  });
  expect(errorStatus[code]).toBe(statusCode);
  expect([...always, ...route.errors]).toContain(code);
  expect(headers['content-type']).toBe('application/problem+json');
}

const targets = ['https://app.example/connected?from=terra', 'exampleapp://connected?'];
const vocabulary: Record<string, RegExp> = {
  from: /^terra$/,
  session_id: /^[\w-]{22}$/,
  status: /^(returned|failed|sdk_required)$/,
  code: /^[\w-]+\.[\w-]{22}\.[\w-]{43}$/,
  error: /^(cancelled|denied|provider_error|unknown)$/,
  provider: /^(APPLE|APPLE_HEALTH|SAMSUNG|HEALTH_CONNECT|GOOGLEFIT|GOOGLE_FIT|FREESTYLELIBRESDK)$/,
};

function expectTarget(location: string): void {
  expect(targets.some(target => location.startsWith(target))).toBe(true);
  for (const [name, value] of new URL(location).searchParams) {
    expect(Object.keys(vocabulary)).toContain(name);
    expect(value).toMatch(vocabulary[name] ?? /^$/);
  }
}

function expectPage({ statusCode, headers, body }: Told): void {
  expect(body).not.toContain(MARK);
  if (statusCode === 303) {
    expect(body).toBe('');
    expectTarget(headers.location ?? '');
    return;
  }
  expect(headers).not.toHaveProperty('location');
  if (!body.includes('<a ')) return expect(body).toContain('<h1>You can close this page</h1>');
  const href = /<a href="([^"]*)">/.exec(body)?.[1]?.replaceAll('&amp;', '&') ?? '';
  // The page that waits for Terra loads itself again, with the Terra user in its one form.
  if (!/^success\?user_id=[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}&try=[2-6]$/.test(href)) expectTarget(href);
}

function expectAnswer(route: Route, told: Told): void {
  expect(told.statusCode).toBeLessThan(500);
  if (told.statusCode >= 400) return expectProblem(told);
  const reply = route.replies[told.statusCode];
  if (reply === undefined) throw new Error(`${told.statusCode} is not declared`);
  if (reply === 'page') return expectPage(told);
  expect(reply.safeParse(JSON.parse(told.body))).toMatchObject({ success: true });
}

/** All a browser may cause: the one session that its state names records a return, a failure, or that Terra was asked. */
function expectNoteOnly({ world, items }: Population, path: string): void {
  const stateToken = readStateToken(decodeURIComponent(path.split('/')[3] ?? ''));
  const changed = [...world.store.items].filter(
    ([key, item]) => JSON.stringify(items.get(key)) !== JSON.stringify(item),
  );
  expect(world.store.items.size).toBe(items.size);
  expect(changed.length).toBeLessThanOrEqual(1);
  for (const [key, item] of changed) {
    expect(item).toMatchObject({ owner: stateToken?.referenceId, item: `session#${stateToken?.sessionId}` });
    const { returned, failed, asked, authorised, refusedUsers, url, version, ...rest } = item;
    const was: Record<string, unknown> = items.get(key) ?? {};
    expect(was).toMatchObject(rest);
    expect([version, was.returned ?? was.wrongOwner ?? was.closed]).toEqual([Number(was.version) + 1, undefined]);
    expect([returned, failed, asked].filter(fact => fact !== undefined).length).toBeGreaterThan(0);
    if (!returned) expect(authorised).toEqual(was.authorised);
    if (!failed) expect(refusedUsers).toEqual(was.refusedUsers);
    expect(returned === undefined ? was.url : undefined).toBe(url);
  }
}

/** The only refusal that writes: a valid code from a different user ends the connection. */
const isWrongOwner = (route: Route, { statusCode }: Told) => route.path.endsWith('/confirm') && statusCode === 404;

test(`${runs} hostile requests to every route cause no error 500 and only documented answers, and refused ones change nothing`, async () => {
  const people = await populated();
  const { doors } = people;
  const seen = new Map<string, Set<number>>();
  const before = doors.state();
  const request = fc.record({ key: fc.constantFrom(...routeKeys), seed: fc.nat(), words });

  await check(
    request,
    async ({ key, seed, words: typed }) => {
      const route = routes.get(key);
      if (!route) throw new Error(`no route ${key}`);
      const asked = hostileRequest(route, seed, typed, people);
      const writes = people.written.times;

      const told = await doors.ask(asked);

      if (!told) return;
      seen.set(told.route.path, (seen.get(told.route.path) ?? new Set()).add(told.statusCode));
      expectAnswer(told.route, told);
      if (people.written.times === writes) return;
      const after = doors.state();
      if (after === before) return;
      try {
        if (told.statusCode >= 400) expect(isWrongOwner(told.route, told)).toBe(true);
        if (told.route.method === 'GET' && told.route.caller === 'user') expect(after).toBe(before);
        if (told.route.caller === 'browser') expectNoteOnly(people, asked.path);
      } finally {
        doors.restore(people.items);
      }
    },
    runs,
  );

  const reached = [...routes.values()].map(({ path }) => path);
  expect([...seen.keys()].toSorted()).toEqual([...new Set(reached)].toSorted());
  for (const path of reached)
    expect([path, [...(seen.get(path) ?? [])].some(status => status < 400)]).toEqual([path, true]);
});

const long = 'x'.repeat(500_000);
const about = (more: object) => ({ ...user(terraUser(11)), ...more });

test.each<[string, object]>([
  ['a reference id longer than a key', { type: 'deauth', user: about({ reference_id: long }) }],
  [
    'a reference id just longer than a key',
    { type: 'auth', status: 'success', user: about({ reference_id: 'é'.repeat(1025) }) },
  ],
  ['the reference id of a failure longer than a key', terraEvent.cancelled(long)],
  ['a former reference id longer than a key', terraEvent.reauth(about({ reference_id: long }), user(terraUser(11)))],
  ['scopes longer than a row', { type: 'auth', status: 'success', user: about({ scopes: long }) }],
  ['new scopes longer than a row', { type: 'permission_change', user: about({ scopes: 'S,'.repeat(250_000) + long }) }],
  ['a widget session longer than a row', { ...terraEvent.auth(terraUser(11)), widget_session_id: long }],
  ['a reason longer than a row', terraEvent.cancelled(referenceIdOf('alice'), long)],
  ['a type longer than a row', { type: long, user: about({}) }],
  ['a time longer than a row', { type: 'auth', status: 'success', user: about({ created_at: long }) }],
  ['a provider longer than a row', { type: 'auth', status: 'success', user: about({ provider: long }) }],
])('%s in a signed delivery is accepted, so that Terra does not repeat it', async (_what, event) => {
  const { doors } = await populated();
  const body = JSON.stringify(event);
  const headers = [['terra-signature', sign(body, WEBHOOK_SECRET, NOON / 1000)]] as const;

  expect((await doors.ask({ method: 'POST', path: '/v1/webhooks/terra', headers, body }))?.statusCode).toBe(200);
});

test.each(['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'TRACE', 'get'])('%s reaches no function on any path', async method => {
  const { doors, alice } = await populated();
  const before = doors.state();
  const { state } = alice.sessions.pending;

  for (const { path } of routes.values()) {
    const told = await doors.ask({
      method,
      path: path.replace('{state}', state).replace('{id}', 'x'),
      query: 'user_id=',
    });
    expect(told).toBeUndefined();
  }
  expect(doors.state()).toBe(before);
});
