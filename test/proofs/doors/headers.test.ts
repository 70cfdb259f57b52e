import { createHash } from 'node:crypto';
import { HOUR, MINUTE } from '../../../functions/core/platform/clock';
import { authenticated, terraUser } from '../../support/world';
import { signedInAs } from './doors';
import { populated } from './population';

/** Spelled out, so that a weaker header fails. */
const strict = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
};
const html = { 'content-type': 'text/html; charset=utf-8' };

/** The strict headers, with no other style allowed than the one on the page, where there is a page. */
function strictFor(body: string) {
  const [, style] = /<style>(.*?)<\/style>/s.exec(body) ?? [];
  if (style === undefined) return strict;
  const digest = createHash('sha256').update(style).digest('base64');
  const policy = `${strict['content-security-policy']}; style-src 'sha256-${digest}'`;
  return { ...strict, 'content-security-policy': policy };
}

const user = `user_id=${terraUser(77)}`;

/** Every kind of answer the callback has, with what leads to it. */
const visits: [string, string, string, string, number, number][] = [
  ['a return to a site', 'pending', 'success', user, 0, 303],
  ['a return to an app', 'app', 'success', user, 0, 200],
  ['a failure, to a site', 'pending', 'failure', 'reason=access_denied', 0, 303],
  ['a failure, to an app', 'app', 'failure', 'reason=<b>', 0, 200],
  ['an SDK provider, to a site', 'pending', 'success', 'user_id=null&resource=APPLE', 0, 303],
  ['an SDK provider, to an app', 'app', 'success', 'resource=samsung', 0, 200],
  ['a return that Terra does not confirm yet', 'pending', 'success', `user_id=${terraUser(78)}`, 0, 200],
  ['another browser on a used state', 'returned', 'success', `user_id=${terraUser(10)}`, 0, 200],
  ['somebody else on a used state', 'returned', 'success', user, 0, 200],
  ['the same return too late', 'returned', 'success', `user_id=${terraUser(10)}`, 11 * MINUTE, 200],
  ['a state that is over', 'pending', 'success', user, 3 * HOUR, 200],
  ['a failure of a state that is over', 'pending', 'failure', '', 3 * HOUR, 200],
  ['a success without a user', 'pending', 'success', 'resource=GARMIN', 0, 200],
  ['a failure after a return', 'returned', 'failure', 'reason=x', 0, 200],
];

const setting = async (
  query: string,
  which: string,
  end: string,
  headers: readonly (readonly [string, string])[] = [],
) => {
  const people = await populated();
  const { state } = people.alice.sessions[which as 'pending'];
  const terraUserId = new URLSearchParams(query).get('user_id');
  if (terraUserId && query === user)
    people.world.terra.users.set(terraUserId, authenticated(terraUserId, people.world));
  return {
    ...people,
    ask: (path = `/v1/callback/${state}/${end}`) => people.doors.ask({ method: 'GET', path, query, headers }),
  };
};

test('a repeated return has exactly the strict headers, and sets no second cookie', async () => {
  const { ask } = await setting(user, 'pending', 'success');
  const first = await ask();
  const again = await ask();

  expect(again?.headers).toEqual(first?.headers);
  expect(again?.statusCode).toBe(303);
});

test.each(visits)('%s has exactly the strict headers', async (_what, which, end, query, wait, status) => {
  const { ask, world } = await setting(query, which, end);
  world.wait(wait);

  const told = await ask();

  const { location, ...headers } = told?.headers ?? {};
  expect(headers).toEqual({ ...html, ...strictFor(told?.body ?? '') });
  expect(told?.body.match(/<style>|style=/g)?.length).toBe(status === 303 ? undefined : 1);
  expect([told?.statusCode, location !== undefined]).toEqual([status, status === 303]);
});

const nowhereTitles = [
  ['no language', undefined, 'You can close this page'],
  ['German', 'de-AT,en;q=0.5', 'Sie können diese Seite schließen'],
] as const;

test.each(
  [
    ['a user', user],
    ['an SDK provider', 'resource=APPLE'],
    ['nothing', ''],
  ].flatMap(([what = '', query = '']) => nowhereTitles.map(title => [what, ...title, query] as const)),
)(
  'every invalid callback gets the same bytes, even if it names %s, for a browser that asks for %s',
  async (...visit) => {
    const [, , language, title, query] = visit;
    const accepts = language === undefined ? [] : [['accept-language', language] as const];
    const { ask, world, alice } = await setting(query, 'pending', 'success', accepts);
    const { state } = alice.sessions.pending;
    const [owner = '', id = '', secret = ''] = state.split('.');
    const nowhere = [
      'x',
      'a'.repeat(513),
      `${owner}.${id}.${'A'.repeat(43)}`,
      `${owner}.${'A'.repeat(22)}.${secret}`,
      `${Buffer.from('nobody').toString('base64url')}.${id}.${secret}`,
      `${state}=`,
      `${state}.`,
      alice.sessions.returned.state,
      alice.sessions.completed.state,
      alice.codes.returned,
    ];
    const pages = [];
    for (const each of nowhere) {
      for (const end of ['success', 'failure'])
        pages.push(await ask(`/v1/callback/${encodeURIComponent(each)}/${end}`));
    }
    world.wait(3 * HOUR);
    pages.push(await ask());

    const told = pages.map(page => JSON.stringify([page?.statusCode, page?.headers, page?.body]));
    expect(new Set(told).size).toBe(1);
    expect(pages[0]?.body).toContain(`<h1>${title}</h1>`);
  },
);

test('if the table does not answer the browser gets a problem with the strict headers', async () => {
  const { doors, world, alice } = await populated();
  world.store.addSessionFact = async () => {
    throw Object.assign(new Error('throttled'), { $metadata: {} });
  };
  const path = `/v1/callback/${alice.sessions.pending.state}/success`;

  const told = await doors.ask({ method: 'GET', path, query: user });

  expect(told?.statusCode).toBe(503);
  expect(told?.headers).toEqual({ ...strict, 'content-type': 'application/problem+json' });
  expect(told?.body).not.toContain(alice.sessions.pending.state);
});

const paths = ['sessions', 'connections', 'providers', 'tokens', 'me', 'connections/x', 'sessions/x'];

test.each(paths)('no answer to a signed-in user can be cached: /v1/%s', async path => {
  const { doors } = await populated();
  const answers = [];
  for (const method of ['GET', 'POST', 'DELETE']) {
    for (const claims of [signedInAs('alice'), undefined]) {
      const headers = [['content-type', 'application/json']] as const;
      answers.push(await doors.ask({ method, path: `/v1/${path}`, claims, headers, body: '{"returnTo":"web"}' }));
    }
  }
  const reached = answers.filter(told => told !== undefined);
  expect(reached.length).toBeGreaterThan(0);
  expect(new Set(reached.map(({ headers }) => headers['cache-control']))).toEqual(new Set(['no-store']));
});
