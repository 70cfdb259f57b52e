import * as fc from 'fast-check';
import { MINUTE } from '../../../functions/core/platform/clock';
import { authenticated, terraUser } from '../../support/world';
import { type Asked, routes, signedInAs, type Told } from './doors';
import { drawing } from './draw';
import { check, size } from '../effort';
import { populated, type Population } from './population';

const calls = size(3_000, 100_000);
const userRoutes = [...routes.values()].filter(({ caller }) => caller === 'user');
const withId = userRoutes.filter(({ path }) => path.includes('{id}'));

/** As a stranger sees it: all of the answer but the route it came by. */
const seen = (told: Told | undefined) => told && JSON.stringify([told.statusCode, told.headers, told.body]);

function asStranger({ method, path }: { method: string; path: string }, id: string, body?: string): Asked {
  return {
    method,
    path: path.replace('{id}', encodeURIComponent(id)),
    claims: signedInAs('mallory'),
    headers: [['content-type', 'application/json']],
    ...(body !== undefined && { body }),
  };
}

const idsOf = ({ sessions, connections, users }: Population['alice']) => [
  ...Object.values(sessions).map(({ id }) => id),
  ...connections.map(({ id }) => id),
  ...users,
];

test(`in ${calls} calls a different user’s id gets the same answer as an id that does not exist`, async () => {
  const people = await populated();
  const { doors, alice, mallory, written } = people;
  const ids = idsOf(alice);
  const call = fc.record({ route: fc.constantFrom(...withId), id: fc.constantFrom(...ids), seed: fc.nat() });

  await check(
    call,
    async ({ route, id, seed }) => {
      const draw = drawing(seed);
      const missing = draw.hex(22);
      const secret = Buffer.from(draw.hex(64), 'hex').toString('base64url');
      const own = Object.values(mallory.codes);
      const bodies = [undefined, '{}', '{"code":"x"}', JSON.stringify({ code: draw.pick(own) })];
      const named = (of: string) => JSON.stringify({ code: `${alice.codes.returned.split('.')[0]}.${of}.${secret}` });
      const isNamed = route.method === 'POST' && draw.chance(0.4);
      const same = draw.pick(bodies);
      const writes = written.times;

      const foreign = await doors.ask(asStranger(route, id, isNamed ? named(id) : same));
      const none = await doors.ask(asStranger(route, missing, isNamed ? named(missing) : same));

      expect(seen(foreign)).toBe(seen(none));
      expect(foreign?.statusCode).toBe(route.method === 'POST' ? 400 : 404);
      expect(written.times).toBe(writes);
    },
    calls,
  );
});

test('confirming a different user’s session with its valid code gets the answer of an unknown session', async () => {
  const { doors, alice } = await populated();
  const confirm = routes.get('POST /v1/sessions/{id}/confirm');
  const read = routes.get('GET /v1/sessions/{id}');
  if (!confirm || !read) throw new Error('the routes have other names');

  const code = JSON.stringify({ code: alice.codes.returned });
  const stolen = await doors.ask(asStranger(confirm, alice.sessions.returned.id, code));
  const missing = await doors.ask(asStranger(read, 'A'.repeat(22)));

  expect(stolen?.statusCode).toBe(404);
  expect(seen(stolen)).toBe(seen(missing));
});

test('lists, erasure and idempotency keys never reach records of a different user', async () => {
  const { doors, alice, world } = await populated();
  const key = [['idempotency-key', 'shared'] as const, ['content-type', 'application/json'] as const];
  const open = (sub: string) =>
    doors.ask({
      method: 'POST',
      path: '/v1/sessions',
      claims: signedInAs(sub),
      headers: key,
      body: '{"returnTo":"web"}',
    });
  const first = await open('alice');
  const aliceBefore = JSON.stringify((await world.store.load(ownerOf('alice'))).connections);

  const second = await open('mallory');
  const listed = await doors.ask({ method: 'GET', path: '/v1/connections', claims: signedInAs('mallory') });
  const erased = await doors.ask({ method: 'DELETE', path: '/v1/me', claims: signedInAs('mallory') });

  expect(JSON.parse(second?.body ?? '').id).not.toBe(JSON.parse(first?.body ?? '').id);
  for (const secret of [...idsOf(alice), ...alice.connections.map(({ id }) => id)]) {
    expect(listed?.body).not.toContain(secret);
  }
  expect(erased?.statusCode).toBe(202);
  expect(JSON.stringify((await world.store.load(ownerOf('alice'))).connections)).toBe(aliceBefore);
  expect(world.terra.asked('deauthenticate').filter(id => alice.users.includes(id))).toEqual([]);

  function ownerOf(sub: string) {
    const session = [...world.store.items.values()].find(item => item.sub === sub);
    return session?.owner ?? '';
  }
});

test.each(userRoutes.map(({ method, path }) => [method, path] as const))(
  '%s %s refuses requests without a signed-in user',
  async (method, path) => {
    const { doors, alice, written } = await populated();
    const writes = written.times;
    const nobody: (Record<string, unknown> | undefined)[] = [
      undefined,
      {},
      { ...signedInAs('alice'), iss: 'https://evil.example' },
      { ...signedInAs('alice'), iss: 'https://issuer.example/' },
      { ...signedInAs('alice'), iss: 'HTTPS://ISSUER.EXAMPLE' },
      { ...signedInAs('alice'), iss: ['https://issuer.example'] },
      { ...signedInAs('alice'), iss: undefined },
      { iss: 'https://issuer.example' },
      { iss: 'https://issuer.example', sub: '' },
      { iss: 'https://issuer.example', sub: null },
      { iss: 'https://issuer.example', sub: 7 },
      { iss: 'https://issuer.example', sub: { toString: 'alice' } },
      { iss: 'https://issuer.example', sub: ['alice'] },
      { iss: 'https://issuer.example', sub: 'é'.repeat(128) },
      { iss: 'https://issuer.example', username: 'alice', email: 'alice@app.example' },
    ];
    for (const claims of nobody) {
      const told = await doors.ask({ method, path: path.replace('{id}', alice.connections[0]?.id ?? ''), claims });
      expect(told?.statusCode).toBe(401);
    }
    expect(written.times).toBe(writes);
  },
);

test('in 1,000 simultaneous visits with one state those of one Terra user get one code, at the latest after a reload', async () => {
  const { doors, world, alice, items } = await populated();
  const path = `/v1/callback/${alice.sessions.pending.state}/success`;
  const users = [terraUser(51), terraUser(52), terraUser(53)];
  for (const terraUserId of users) world.terra.users.set(terraUserId, authenticated(terraUserId, world));

  const codes: string[] = [];
  for (const _ of ['at once', 'again']) {
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_each, n) => doors.ask({ method: 'GET', path, query: `user_id=${users[n % 3]}` })),
    );
    const sent = answers.map(told =>
      new URL(told?.headers.location ?? 'https://none.example').searchParams.get('code'),
    );
    codes.splice(0, codes.length, ...sent.filter(code => code !== null));
  }

  expect(new Set(codes).size).toBe(1);
  expect([333, 334]).toContain(codes.length);
  doors.restore(items);
});

test('a code is refused without its owner’s token, and after ten minutes', async () => {
  const { doors, alice, world } = await populated();
  const { id } = alice.sessions.unconfirmed;
  const path = `/v1/sessions/${id}/confirm`;
  const body = JSON.stringify({ code: alice.codes.unconfirmed });

  expect(
    (await doors.ask({ method: 'POST', path, body, headers: [['content-type', 'application/json']] }))?.statusCode,
  ).toBe(401);
  world.wait(10 * MINUTE + 1);
  const late = await doors.ask({ method: 'POST', path, body, claims: signedInAs('alice') });
  expect(JSON.parse(late?.body ?? '')).toMatchObject({ code: 'code_invalid' });
});
