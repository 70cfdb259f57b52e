import { HOUR, isoTime, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { CODE_LIFE, RETURN_LOOKUP_LIMIT } from '../../functions/core/state/session';
import { itemKey } from '../../functions/core/store/table';
import { codeSecret, readStateToken, writeStateToken } from '../../functions/core/state/state-token';
import { browserNamed, journey, terraEvent, type VisitingBrowser } from '../support/journey';
import { codeOf, referenceIdOf, terraUser, world as newWorld, type World } from '../support/world';

type Flow = 'direct' | 'widget';
const flows: readonly Flow[] = ['direct', 'widget'];
const away = new Problem('terra_unavailable', 'away');

const linkUser = { direct: terraUser(1001), widget: terraUser(1) };

/** A link that Mallory opened, and the Terra user that Terra made for it five seconds later. */
async function attempt(flow: Flow, options: Parameters<typeof newWorld>[0] = {}) {
  const world = newWorld(options);
  const go = journey(world);
  const session = await go.open('mallory', flow === 'direct' ? { provider: 'GARMIN' } : {});
  world.wait(5 * SECOND);
  const madeAt = world.clock();
  const user = linkUser[flow];
  const named = flow === 'widget' ? { session: 'terra-session-1' } : {};
  const about = { sub: 'mallory', createdAt: isoTime(madeAt), ...named };
  const terraHas = (authenticated: boolean, id = user, createdAt: number | undefined = madeAt) =>
    world.terra.users.set(id, {
      terraUserId: id,
      provider: 'GARMIN',
      referenceId: referenceIdOf('mallory'),
      authenticated,
      createdAt,
      scopes: [],
    });
  terraHas(false);
  world.wait(5 * SECOND);
  const { deliver } = go;

  return {
    world,
    go,
    session,
    user,
    madeAt,
    terraHas,
    auth: terraEvent.auth(user, about),
    authError: terraEvent.authError(user, about),
    cancelled: terraEvent.cancelled(referenceIdOf('mallory')),
    /** Somebody approves at the provider; Terra's event of it is delivered, or kept for later. */
    approve: async ({ told = true, hasTime = true } = {}) => {
      terraHas(true);
      const at = world.clock();
      const tell = () => deliver(terraEvent.auth(user, about), { ordering: hasTime ? at : 0 });
      if (told) await tell();
      return { at, tell };
    },
    visit: (browser?: Partial<VisitingBrowser>, id = user) => go.visit(session.state, { user_id: id }, browser),
    confirm: (code: string | undefined, who = 'mallory') => codeOf(go.confirm(who, session.id, code)),
    stateOf: async () => (await go.session('mallory', session.id)).status,
    statuses: async () => (await go.connections('mallory')).map(({ status }) => status),
    row: () =>
      structuredClone(world.store.items.get(JSON.stringify([referenceIdOf('mallory'), itemKey.session(session.id)]))),
  };
}

type Attempt = Awaited<ReturnType<typeof attempt>>;

/** An attempt that was approved, returned from and confirmed, each a second after the other. */
async function connected(flow: Flow, options: Parameters<typeof newWorld>[0] = {}) {
  const made = await attempt(flow, options);
  const first = await made.approve();
  made.world.wait(SECOND);
  const { code, cookie } = await made.visit();
  made.world.wait(SECOND);
  await made.confirm(code);
  expect(await made.statuses()).toEqual(['connected']);
  made.world.notes.length = 0;
  return { ...made, first, code, cookie };
}

const alarms = ({ notes }: World) => notes.flatMap(({ alarm }) => alarm ?? []);
const secretsOf = (world: World) => JSON.stringify([...world.store.items]);
/** Sweeps once a minute. */
async function sweepFor({ world, go }: Pick<Attempt, 'world' | 'go'>, minutes: number) {
  for (let minute = 0; minute < minutes; minute++) {
    world.wait(MINUTE);
    await go.sweep();
  }
}

/** The Terra user is not connected, and was deauthenticated. */
async function expectEnded({ world, go, user, statuses }: Attempt) {
  expect(await statuses()).not.toContain('connected');
  await sweepFor({ world, go }, 3 * 60);
  expect(await statuses()).toEqual(['disconnected']);
  expect(world.terra.asked('deauthenticate')).toContain(user);
}

describe('a denied link that a different user approves connects no one', () => {
  const redirects = ['loaded with the Terra user', 'loaded without it', 'not loaded'] as const;
  const forms = ['names the Terra user', 'names no Terra user'] as const;
  const orders = ['before the forged return', 'after the forged return', 'after the approval'] as const;
  const answers = ['answers', 'is away'] as const;
  const stories = flows.flatMap(flow =>
    redirects.flatMap(redirect =>
      forms.flatMap(form =>
        orders.flatMap(order => answers.map(terra => [flow, redirect, form, order, terra] as const)),
      ),
    ),
  );

  test.each(stories)(
    '%s link, redirect %s, event %s and comes %s, while Terra %s',
    async (flow, redirect, form, order, terra) => {
      const made = await attempt(flow);
      const { go, world, session, user, visit, confirm } = made;
      const deniedAt = world.clock();
      const refuse = () =>
        go.deliver(form === 'names the Terra user' ? made.authError : made.cancelled, { ordering: deniedAt });
      if (redirect !== 'not loaded')
        await go.fail(session.state, redirect === 'loaded without it' ? {} : { user_id: user });
      world.wait(2 * SECOND);
      if (order === 'before the forged return') await refuse();
      const forged = terra === 'answers' ? await visit() : await go.comeBackUnasked(session.state, { user_id: user });
      if (terra === 'answers') expect(forged.code).toBeUndefined();
      if (forged.code !== undefined) await confirm(forged.code);
      world.wait(2 * SECOND);
      if (order === 'after the forged return') await refuse();
      world.wait(20 * SECOND);
      await made.approve();
      world.wait(SECOND);
      const polled = await visit();
      await confirm(polled.code ?? forged.code);
      if (order === 'after the approval') await refuse();

      await expectEnded(made);
    },
  );

  test.each(flows)('even if only the redirect with the Terra user reports the denial of a %s link', async flow => {
    const made = await attempt(flow);
    await made.go.fail(made.session.state, { user_id: made.user });
    made.world.wait(SECOND);
    await made.approve();
    const { code } = await made.visit();
    await made.confirm(code);

    await expectEnded(made);
  });

  test.each(flows.flatMap(flow => forms.map(form => [flow, form] as const)))(
    'even if the denial is later than the forged return: %s link, event %s',
    async (flow, form) => {
      const made = await attempt(flow);
      const { go, world, session, user } = made;
      const { code } = await go.comeBackUnasked(session.state, { user_id: user });
      await made.confirm(code);
      world.wait(10 * SECOND);
      await go.deliver(form === 'names the Terra user' ? made.authError : made.cancelled);
      world.wait(10 * SECOND);
      await made.approve();

      await expectEnded(made);
    },
  );

  test('even if Terra’s clock is behind and the denial seems older than the link', async () => {
    const made = await attempt('direct');
    made.world.wait(SECOND);
    await made.go.deliver(made.authError, { ordering: made.madeAt - 6 * SECOND });
    await made.approve();
    const { code } = await made.visit();
    await made.confirm(code);

    await expectEnded(made);
  });
});

describe('a denial', () => {
  test.each(['names the Terra user', 'names no Terra user'])(
    'in a widget does not affect another provider that is chosen afterwards: event %s',
    async form => {
      const made = await attempt('widget');
      const { go, world, session } = made;
      await go.deliver(form === 'names the Terra user' ? made.authError : made.cancelled);
      await go.fail(session.state, form === 'names the Terra user' ? { user_id: made.user } : {});
      world.wait(10 * SECOND);
      const second = terraUser(2);
      const createdAt = world.clock();
      made.terraHas(true, second, createdAt);
      world.wait(10 * SECOND);
      const about = { sub: 'mallory', provider: 'OURA', session: 'terra-session-1', createdAt: isoTime(createdAt) };
      await go.deliver(terraEvent.auth(second, about));
      world.wait(SECOND);
      const { code } = await made.visit({}, second);
      expect(await made.confirm(code)).toMatchObject({ status: 200 });

      await made.approve();
      expect(await go.connections('mallory')).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ provider: 'OURA', status: 'connected', terraUserId: second }),
          expect.objectContaining({ provider: 'GARMIN', status: 'unconfirmed' }),
        ]),
      );
    },
  );

  test.each(flows)('of a %s link is followed by a successful new link', async flow => {
    const made = await attempt(flow);
    const { go, world } = made;
    await go.deliver(made.cancelled);
    world.wait(10 * SECOND);
    const again = await go.open('mallory', flow === 'direct' ? { provider: 'GARMIN' } : {});
    world.wait(10 * SECOND);
    const second = flow === 'direct' ? terraUser(1002) : terraUser(2);
    made.terraHas(true, second, world.clock());
    world.wait(10 * SECOND);
    const named = flow === 'direct' ? {} : { session: 'terra-session-2' };
    await go.deliver(terraEvent.auth(second, { sub: 'mallory', createdAt: isoTime(world.clock() - 10_000), ...named }));
    const { code } = await go.visit(again.state, { user_id: second });

    expect(await go.confirm('mallory', again.id, code)).toMatchObject({ status: 200 });
    expect(await go.session('mallory', made.session.id)).not.toMatchObject({ status: 'completed' });
  });

  test('that names another Terra user leaves an open direct link as it is', async () => {
    const made = await attempt('direct');
    await made.go.deliver(terraEvent.authError(terraUser(77), { sub: 'mallory', session: 'elsewhere' }));
    await made.go.deliver(terraEvent.authError(terraUser(78), { sub: 'mallory' }));
    expect(await made.stateOf()).toBe('pending');
    await made.approve();
    const { code } = await made.visit();

    expect(await made.confirm(code)).toMatchObject({ status: 200, body: { status: 'completed' } });
  });

  test('by a different user after the return keeps the connection of the user who connected', async () => {
    const { go, world, cancelled, statuses } = await connected('widget');
    world.wait(MINUTE);
    await go.deliver(cancelled);
    for (let n = 0; n < 10; n++) {
      world.wait(SECOND);
      await go.deliver(terraEvent.authError(terraUser(50 + n), { sub: 'mallory', session: 'terra-session-1' }));
    }

    expect(await statuses()).toContain('connected');
  });
});

describe('a link that is used a second time', () => {
  const second = [
    ['within the time of its session', 5 * MINUTE],
    ['after the time of its session', 3 * HOUR],
  ] as const;

  test.each(flows.flatMap(flow => second.map(([when, later]) => [flow, when, later] as const)))(
    'is no longer proved: %s link, %s',
    async (flow, _when, later) => {
      const made = await connected(flow);
      const { world, approve, statuses } = made;
      world.wait(later);
      const { at } = await approve();

      expect(await statuses()).toEqual(['unconfirmed']);
      expect(alarms(world)).toEqual(['link_reused']);
      await made.confirm(made.code);
      expect(await statuses()).toEqual(['unconfirmed']);
      const over = Math.max(
        at + world.rules.confirmWithin,
        made.session ? Date.parse(made.session.expiresAt) + HOUR : 0,
      );
      world.wait(over - world.clock());
      await made.go.sweep();
      expect(await statuses()).toEqual(['unconfirmed']);
      world.wait(MINUTE);
      await made.go.sweep();
      expect(await made.go.connections('mallory')).toMatchObject([{ status: 'disconnected', reason: 'not_confirmed' }]);
      expect(world.terra.asked('deauthenticate')).toEqual([made.user]);
    },
  );

  test.each(flows.flatMap(flow => second.map(([when, later]) => [flow, when, later] as const)))(
    'after its connection was disconnected stays unproved and raises an alarm: %s link, %s',
    async (flow, _when, later) => {
      const made = await connected(flow);
      const { world, go, statuses } = made;
      const [connection] = await go.connections('mallory');
      await go.disconnect('mallory', connection?.id ?? '');
      world.wait(later);
      await made.approve();

      expect(await statuses()).toEqual(['unconfirmed']);
      expect(alarms(world)).toEqual(['link_reused']);
      await expectEnded(made);
    },
  );

  test.each(flows)('is not proved if Terra reports the second use first: %s link', async flow => {
    const made = await attempt(flow);
    const { world } = made;
    const first = await made.approve({ told: false });
    world.wait(SECOND);
    const { code } = await made.visit();
    expect(await made.confirm(code)).toMatchObject({ status: 200 });
    world.wait(5 * MINUTE);
    await made.approve();
    expect(await made.statuses()).toEqual(['unconfirmed']);
    await first.tell();

    expect(alarms(world)).toContain('link_reused');
    await expectEnded(made);
  });

  test.each(flows)('before its code was redeemed cannot be confirmed: %s link', async flow => {
    const made = await attempt(flow);
    await made.approve();
    made.world.wait(SECOND);
    const { code } = await made.visit();
    made.world.wait(MINUTE);
    await made.approve();

    expect(await made.confirm(code)).toBe('session_closed');
    expect(await made.stateOf()).toBe('rejected');
    await expectEnded(made);
  });

  test.each(flows)('before the browser returned cannot be confirmed: %s link', async flow => {
    const made = await attempt(flow);
    await made.approve();
    made.world.wait(20 * SECOND);
    await made.approve();
    made.world.wait(SECOND);
    const { code } = await made.visit();

    expect(code).toBeUndefined();
    await expectEnded(made);
  });

  test('is proved again by a new session in which the same Terra user authenticates', async () => {
    const made = await connected('widget');
    const { world, go } = made;
    world.wait(10 * MINUTE);
    await made.approve();
    expect(await made.statuses()).toEqual(['unconfirmed']);
    world.wait(MINUTE);
    const again = await go.open('mallory');
    world.wait(MINUTE);
    await go.deliver(terraEvent.auth(made.user, { sub: 'mallory', session: 'terra-session-2' }));
    const { code } = await go.visit(again.state, { user_id: made.user });
    await go.confirm('mallory', again.id, code);
    await sweepFor(made, 180);

    expect(await made.statuses()).toEqual(['connected']);
  });

  test.each([
    ['five minutes later', 5 * MINUTE],
    ['three hours later', 3 * HOUR],
  ])('is not assumed for an event that Terra repeats %s without an event time', async (_when, later) => {
    for (const flow of flows) {
      const made = await attempt(flow);
      made.terraHas(true);
      const withoutTime = { ordering: 0 };
      await made.go.deliver(made.auth, withoutTime);
      made.world.wait(SECOND);
      const { code } = await made.visit();
      await made.confirm(code);
      made.world.wait(later);
      await made.go.deliver(made.auth, withoutTime);

      expect([flow, await made.statuses(), alarms(made.world)]).toEqual([flow, ['connected'], []]);
    }
  });

  test('is not assumed for an event that Terra repeats without an event time and widget session', async () => {
    for (const repeated of ['before the return', 'after the confirmation', 'three hours later']) {
      const made = await attempt('widget');
      const { go, world } = made;
      await go.open('mallory');
      made.terraHas(true);
      const event = terraEvent.auth(made.user, { sub: 'mallory', createdAt: isoTime(world.clock()) });
      const tell = () => go.deliver(event, { ordering: 0 });
      await tell();
      world.wait(30 * SECOND);
      if (repeated === 'before the return') await tell();
      const { code } = await go.comeBackUnasked(made.session.state, { user_id: made.user });
      await made.confirm(code);
      world.wait(repeated === 'three hours later' ? 3 * HOUR : MINUTE);
      if (repeated !== 'before the return') await tell();

      expect([repeated, await made.statuses(), alarms(world)]).toEqual([repeated, ['connected'], []]);
    }
  });

  test('is not assumed for a user_reauth that follows an auth', async () => {
    for (const order of ['before the confirmation', 'after the confirmation', 'a day later']) {
      const made = await attempt('widget');
      const { world, go } = made;
      const old = { ...made.auth.user, user_id: terraUser(9) };
      const { at } = await made.approve();
      const reauth = () => go.deliver(terraEvent.reauth(old, made.auth.user), { ordering: at + SECOND });
      world.wait(2 * SECOND);
      if (order === 'before the confirmation') await reauth();
      const { code } = await made.visit();
      await made.confirm(code);
      world.wait(order === 'a day later' ? 24 * HOUR : SECOND);
      if (order !== 'before the confirmation') await reauth();

      expect([order, await made.statuses(), alarms(world)]).toEqual([order, ['connected'], []]);
    }
  });
});

describe('before Terra confirms that the Terra user is authenticated', () => {
  test.each(flows)('a return writes only the number of lookups: %s link', async flow => {
    const made = await attempt(flow);
    const before = made.row();
    const { reply, code, cookie } = await made.visit();

    expect([reply.status, code, cookie, reply.headers.location]).toEqual([200, undefined, undefined, undefined]);
    expect(made.row()).toEqual({ ...before, asked: 1, version: 2 });
    expect(await made.statuses()).toEqual([]);
    expect(await made.stateOf()).toBe('pending');
  });

  test('the page reloads itself with growing pauses, each time with the next try number', async () => {
    const made = await attempt('direct');
    const pauses: number[] = [];
    let query: Record<string, string> = { user_id: made.user };
    for (let hit = 1; hit <= 8; hit++) {
      const { reply } = await made.go.visit(made.session.state, query);
      const [, pause, target] = /http-equiv="refresh" content="(\d+);url=([^"]+)"/.exec(reply.page) ?? [];
      const link = target ?? /<a href="([^"]+)"/.exec(reply.page)?.[1] ?? '';
      if (pause !== undefined) pauses.push(Number(pause));
      const next = new URL(
        link.replaceAll('&amp;', '&'),
        `https://api.example/v1/callback/${made.session.state}/success`,
      );
      expect(next.pathname).toBe(`/v1/callback/${made.session.state}/success`);
      query = Object.fromEntries(next.searchParams);
      expect(query.user_id).toBe(made.user);
      expect(reply.page).not.toContain('<script');
    }

    expect(pauses).toEqual([2, 4, 8, 15, 30]);
  });

  test.each(flows)(
    'Terra is asked at most eight times for any number of requests, in sequence or at once: %s link',
    async flow => {
      const made = await attempt(flow);
      for (let hit = 0; hit < 50; hit++) await made.visit(browserNamed(`browser-${hit % 3}`));
      await Promise.all(Array.from({ length: 50 }, () => made.visit()));
      await Promise.all(
        Array.from({ length: 20 }, (_, n) => made.visit({}, flow === 'widget' ? terraUser(100 + n) : made.user)),
      );

      expect(made.world.terra.asked('findUser')).toHaveLength(RETURN_LOOKUP_LIMIT);
      expect(await made.stateOf()).toBe('pending');
    },
  );

  test.each(flows)(
    'a webhook that arrives while the browser waits lets the next try through, even if Terra is not asked any more: %s link',
    async flow => {
      const made = await attempt(flow);
      for (let hit = 0; hit < RETURN_LOOKUP_LIMIT + 2; hit++) expect((await made.visit()).code).toBeUndefined();
      await made.approve();
      made.world.wait(SECOND);
      const { code } = await made.visit();

      expect(await made.confirm(code)).toMatchObject({ status: 200, body: { status: 'completed' } });
      expect(made.world.terra.asked('findUser')).toHaveLength(RETURN_LOOKUP_LIMIT);
    },
  );

  test('Terra is not asked about a Terra user of another link', async () => {
    const made = await attempt('direct');
    const { reply, code } = await made.visit({}, terraUser(5));

    expect([reply.status, code]).toEqual([200, undefined]);
    expect(made.world.terra.asked('findUser')).toEqual([]);
  });

  test.each([
    ['is under another reference id', { referenceId: 'somebody-else' }],
    ['did not authenticate', { authenticated: false }],
    ['was made before the session', { createdAt: 0 }],
  ])('a Terra user that %s is accepted for no return', async (_what, flaw) => {
    const made = await attempt('widget');
    made.terraHas(true);
    const known = made.world.terra.users.get(made.user);
    if (known) made.world.terra.users.set(made.user, { ...known, ...flaw });

    expect((await made.visit()).code).toBeUndefined();
    expect(await made.stateOf()).toBe('pending');
  });

  test.each(['terra_unavailable', 'terra_timeout', 'terra_credentials', 'terra_rejected'] as const)(
    'a return counts even if Terra does not answer: %s',
    async code => {
      for (const flow of flows) {
        const made = await attempt(flow);
        made.world.terra.failWith(new Problem(code, 'away'));
        const back = await made.visit();
        expect(back.code).toBeDefined();
        expect(await made.confirm(back.code)).toEqual({
          status: 202,
          body: { id: made.session.id, status: 'returned' },
        });
      }
    },
  );

  test.each([
    ['a minute after it counts', 60 * SECOND, 'connected'],
    ['later than that does not', 60 * SECOND + 1, 'unconfirmed'],
  ])('after a return without a lookup, an authentication up to %s', async (_what, later, status) => {
    for (const flow of flows) {
      const made = await attempt(flow);
      const { code } = await made.go.comeBackUnasked(made.session.state, { user_id: made.user });
      await made.confirm(code);
      made.world.wait(later);
      await made.approve();

      expect([flow, await made.statuses()]).toEqual([flow, [status]]);
      await sweepFor(made, 27 * 60);
      expect([flow, await made.statuses()]).toEqual([flow, [status === 'connected' ? 'connected' : 'disconnected']]);
    }
  });

  test('a failure of the table is not taken for a failure of Terra', async () => {
    const made = await attempt('direct');
    jest.spyOn(made.world.terra, 'findUser').mockRejectedValue(new Error('bug'));

    await expect(made.visit()).rejects.toThrow('bug');
    expect(made.row()?.returned).toBeUndefined();
  });
});

describe('the browser that returned', () => {
  async function returned(flow: Flow = 'widget') {
    const made = await attempt(flow);
    await made.approve();
    made.world.wait(SECOND);
    const back = await made.visit(browserNamed('own'));
    return { ...made, code: back.code, cookie: back.cookie ?? '', reply: back.reply };
  }

  test('gets a cookie for the callback only, with HttpOnly and Secure', async () => {
    const { reply, cookie, world } = await returned();

    const [pair, ...attributes] = reply.cookies?.[0]?.split('; ') ?? [];
    expect(reply.cookies).toHaveLength(1);
    expect(pair).toMatch(/^[\w-]+=[\w-]{43}$/);
    expect(attributes).toEqual(expect.arrayContaining(['Path=/v1/callback', 'HttpOnly', 'Secure', 'SameSite=Lax']));
    expect(attributes.filter(attribute => !attribute.startsWith('Max-Age='))).toHaveLength(4);
    expect(secretsOf(world)).not.toContain(cookie.split('=')[1]);
  });

  test('does not leave its address or user agent in the table', async () => {
    const { world } = await returned();
    const { sourceIp, headers } = browserNamed('own');

    expect(secretsOf(world)).not.toContain(sourceIp);
    expect(secretsOf(world)).not.toContain(`"${headers['user-agent']}"`);
  });

  const elsewhere = { sourceIp: '198.51.100.9', headers: { 'user-agent': 'own', 'sec-fetch-mode': 'navigate' } };

  test.each(['before the redemption', 'after the redemption'])(
    'gets the same code again by its cookie from another address, %s',
    async when => {
      const { go, session, visit, code, cookie, confirm, stateOf } = await returned();
      if (when === 'after the redemption') await confirm(code);

      expect((await visit({ ...elsewhere, cookies: ['other=1', cookie] })).code).toBe(code);
      expect(await confirm(code)).toMatchObject({ status: 200 });
      expect(await stateOf()).toBe('completed');
      expect(await go.session('mallory', session.id)).toMatchObject({ status: 'completed' });
    },
  );

  test.each(['before the redemption', 'after the redemption'])(
    'gets the same code again without a cookie from the same address, %s',
    async when => {
      const { visit, code, confirm, stateOf } = await returned();
      if (when === 'after the redemption') await confirm(code);

      expect((await visit(browserNamed('own'))).code).toBe(code);
      expect(await confirm(code)).toMatchObject({ status: 200 });
      expect(await stateOf()).toBe('completed');
    },
  );

  test('gets no second cookie', async () => {
    const { visit, cookie } = await returned();

    expect((await visit({ ...browserNamed('own'), cookies: [cookie] })).reply.cookies).toBeUndefined();
    expect((await visit(browserNamed('own'))).reply.cookies).toBeUndefined();
  });

  test('gets the neutral page once the code has expired, and the session stays as it is', async () => {
    const { visit, code, cookie, confirm, world, stateOf, statuses } = await returned();
    await confirm(code);
    world.wait(CODE_LIFE - SECOND);
    expect((await visit({ ...elsewhere, cookies: [cookie] })).code).toBe(code);
    world.wait(SECOND + 1);
    const late = await visit({ ...elsewhere, cookies: [cookie] });

    expect([late.reply.status, late.sent]).toEqual([200, undefined]);
    expect([await stateOf(), await statuses(), alarms(world)]).toEqual(['completed', ['connected'], []]);
  });

  test('changes nothing if it loads the address again a day later from another network', async () => {
    const made = await returned();
    const { visit, code, confirm, world, reply } = made;
    await confirm(code);
    const [pair = '', ...attributes] = reply.cookies?.[0]?.split('; ') ?? [];
    const seconds = Number(attributes.find(attribute => attribute.startsWith('Max-Age='))?.slice(8) ?? 0);
    const later = 20 * HOUR;
    world.wait(later);
    await visit({ ...elsewhere, cookies: later <= seconds * SECOND ? [pair] : [] });
    await sweepFor(made, 2);

    expect([await made.stateOf(), await made.statuses(), alarms(world)]).toEqual(['completed', ['connected'], []]);
  });

  test('is not recognized by the cookie of another session', async () => {
    const made = await returned();
    const { go, world, visit } = made;
    const other = await go.open('mallory');
    world.wait(SECOND);
    made.terraHas(true, terraUser(2), world.clock());
    const { cookie = '' } = await go.visit(other.state, { user_id: terraUser(2) }, browserNamed('stranger'));
    const back = await visit({ ...browserNamed('stranger'), cookies: [cookie] });

    expect([back.code, await made.stateOf()]).toEqual([undefined, 'rejected']);
  });

  test('is not recognized with a wrong cookie, even from the same address', async () => {
    const { visit, cookie, stateOf } = await returned();
    const wrong = cookie.replace(/.$/, last => (last === 'A' ? 'B' : 'A'));
    const back = await visit({ ...browserNamed('own'), cookies: [wrong] });

    expect([back.code, await stateOf()]).toEqual([undefined, 'rejected']);
  });

  test.each([
    ['address', { sourceIp: '198.51.100.9' }],
    ['user agent', { headers: { ...browserNamed('own').headers, 'user-agent': 'another' } }],
    ['languages', { headers: { ...browserNamed('own').headers, 'accept-language': 'fr' } }],
  ])('is not recognized without its cookie if its %s differs', async (_what, differing) => {
    const { visit, stateOf } = await returned();
    const back = await visit({ ...browserNamed('own'), ...differing });

    expect([back.code, await stateOf()]).toEqual([undefined, 'rejected']);
  });
});

describe('another browser that navigates to the callback with the same Terra user', () => {
  const moments = ['before the redemption', 'after the redemption', 'an hour after the redemption'] as const;

  test.each(flows.flatMap(flow => moments.map(moment => [flow, moment] as const)))(
    'rejects the session and ends the connection: %s link, %s',
    async (flow, moment) => {
      const made = await attempt(flow);
      const { world, visit, confirm } = made;
      await made.approve();
      world.wait(SECOND);
      const { code } = await visit(browserNamed('mallory'));
      if (moment !== 'before the redemption') await confirm(code);
      if (moment === 'an hour after the redemption') world.wait(HOUR);
      const other = await visit(browserNamed('victor'));

      expect([other.code, other.sent, other.cookie]).toEqual([undefined, undefined, undefined]);
      expect(alarms(world)).toEqual(['link_reused']);
      expect(await made.go.session('mallory', made.session.id)).toMatchObject({
        status: 'rejected',
        failure: 'wrong_owner',
      });
      expect(await confirm(code)).toBe('session_closed');
      world.wait(MINUTE);
      await made.go.sweep();
      expect(await made.go.connections('mallory')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
      expect(world.terra.asked('deauthenticate')).toEqual([made.user]);
    },
  );

  test.each(flows)('rejects the session even if the user’s own browser comes second: %s link', async flow => {
    const made = await attempt(flow);
    await made.approve();
    await made.visit(browserNamed('victor'));
    const { code } = await made.visit(browserNamed('mallory'));

    expect([code, await made.stateOf()]).toEqual([undefined, 'rejected']);
  });

  test.each(flows)('ends the connection even if Terra’s event arrives later: %s link', async flow => {
    const made = await attempt(flow);
    const { code } = await made.go.comeBackUnasked(made.session.state, { user_id: made.user }, browserNamed('mallory'));
    await made.confirm(code);
    await made.visit(browserNamed('victor'));
    await made.approve();
    expect(await made.statuses()).toEqual(['disconnecting']);
    await sweepFor(made, 2);

    expect(await made.go.connections('mallory')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
  });

  test('raises one alarm, even if it comes again', async () => {
    const made = await connected('direct');
    for (let n = 0; n < 5; n++) await made.visit(browserNamed(`other-${n}`));

    expect(alarms(made.world)).toEqual(['link_reused']);
  });

  test('with another Terra user changes nothing', async () => {
    const made = await connected('widget');
    const before = secretsOf(made.world);
    await made.visit(browserNamed('victor'), terraUser(3));

    expect(secretsOf(made.world)).toBe(before);
    expect(alarms(made.world)).toEqual([]);
  });
});

describe('a repeated request that is not a navigation', () => {
  const other = browserNamed('scanner');
  const { 'sec-fetch-mode': _mode, ...plain } = other.headers;
  const kinds: [string, Record<string, string>][] = [
    ['a scanner without Fetch Metadata', plain],
    ['a script’s request', { ...plain, 'sec-fetch-mode': 'cors' }],
    ['an image', { ...plain, 'sec-fetch-mode': 'no-cors' }],
    ['a prefetch', { ...other.headers, 'sec-purpose': 'prefetch' }],
    ['a prerender', { ...other.headers, 'sec-purpose': 'prefetch;prerender' }],
    ['an older prefetch', { ...other.headers, purpose: 'prefetch' }],
    ['Firefox’s older prefetch', { ...other.headers, 'x-moz': 'prefetch' }],
    ['Safari’s preview', { ...other.headers, purpose: 'preview' }],
  ];

  test.each(kinds)('gets the neutral page and changes nothing: %s', async (_what, headers) => {
    for (const redeemed of [false, true]) {
      const made = await attempt('widget');
      await made.approve();
      made.world.wait(SECOND);
      const { code } = await made.visit(browserNamed('own'));
      if (redeemed) await made.confirm(code);
      made.world.notes.length = 0;
      const before = secretsOf(made.world);
      const { reply, sent } = await made.visit({ ...other, headers });

      expect([reply.status, sent, reply.cookies, alarms(made.world)]).toEqual([200, undefined, undefined, []]);
      expect(secretsOf(made.world)).toBe(before);
      expect((await made.visit(browserNamed('own'))).code).toBe(code);
    }
  });

  test.each(
    kinds
      .filter(
        ([, headers]) =>
          !('sec-fetch-mode' in headers) || 'purpose' in headers || 'sec-purpose' in headers || 'x-moz' in headers,
      )
      .slice(1),
  )('before the return does not count as a return: %s', async (_what, headers) => {
    const made = await attempt('widget');
    await made.approve();
    const before = secretsOf(made.world);
    expect((await made.visit({ ...other, headers })).code).toBeUndefined();

    expect(secretsOf(made.world)).toBe(before);
    expect((await made.visit(browserNamed('own'))).code).toBeDefined();
  });
});

describe('the code', () => {
  test.each(flows)('cannot be computed from the state and the Terra user: %s link', async flow => {
    const made = await attempt(flow);
    await made.approve();
    await made.visit(browserNamed('victor'));
    const state = readStateToken(made.session.state);
    if (!state) throw new Error('the state cannot be read');
    const forged = writeStateToken({ ...state, secret: codeSecret(state.secret, made.user, undefined) });

    expect(await made.confirm(forged)).toBe('code_invalid');
    expect(await made.statuses()).toEqual(['unconfirmed']);
  });

  test('that a different user sends after its redemption raises an alarm and keeps the connection', async () => {
    for (const flow of flows) {
      const made = await connected(flow);
      expect(await made.confirm(made.code, 'victor')).toBe('not_found');

      expect(alarms(made.world)).toEqual(['owner_mismatch']);
      expect(await made.stateOf()).toBe('completed');
      await sweepFor(made, 3);
      expect(await made.statuses()).toEqual(['connected']);
      expect(await made.go.connections('victor')).toEqual([]);
      expect(await made.confirm(made.code)).toMatchObject({ status: 200 });
    }
  });

  test('that a different user sends after it expired raises no alarm', async () => {
    const made = await connected('widget');
    made.world.wait(CODE_LIFE);
    expect(await made.confirm(made.code, 'victor')).toBe('not_found');

    expect([alarms(made.world), await made.statuses()]).toEqual([[], ['connected']]);
  });

  test('that a different user sends before its redemption ends the link permanently', async () => {
    const made = await attempt('widget');
    await made.approve();
    const { code } = await made.visit();
    expect(await made.confirm(code, 'victor')).toBe('not_found');
    expect(await made.confirm(code)).toBe('session_closed');

    expect(await made.go.connections('mallory')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
  });
});

describe('two links of one user', () => {
  /** A Terra user that was made and approved while both links were open. */
  async function twoLinks(options: { isDated?: boolean } = {}) {
    const made = await attempt('widget');
    const second = await made.go.open('mallory');
    made.world.wait(5 * SECOND);
    const user = terraUser(2);
    const createdAt = made.world.clock();
    const dated = options.isDated ?? true;
    made.world.wait(5 * SECOND);
    const event = terraEvent.auth(user, { sub: 'mallory', ...(dated && { createdAt: isoTime(createdAt) }) });
    const approve = async () => {
      made.world.terra.users.set(user, {
        terraUserId: user,
        provider: 'GARMIN',
        referenceId: referenceIdOf('mallory'),
        authenticated: true,
        createdAt: dated ? createdAt : undefined,
        scopes: [],
      });
    };
    return { ...made, links: [made.session, second], user, event, approve };
  }

  test.each([
    [0, 1],
    [1, 0],
  ])(
    'to which different browsers return with the same Terra user connect no one: link %p, then %p',
    async (own, theirs) => {
      const { go, links, user, approve, world, event, statuses } = await twoLinks();
      await approve();
      const [mine, victims] = [links[own], links[theirs]];
      if (!mine || !victims) throw new Error('there are two links');
      const { code } = await go.visit(mine.state, { user_id: user }, browserNamed('mallory'));
      await go.visit(victims.state, { user_id: user }, browserNamed('victor'));
      await codeOf(go.confirm('mallory', mine.id, code));
      await go.deliver(event);
      await sweepFor({ world, go }, 2);

      expect(await statuses()).toEqual(['unconfirmed']);
    },
  );

  test.each([true, false])(
    'connect the one whose browser returned, if Terra names no session: created_at %p',
    async isDated => {
      for (const order of ['webhook first', 'webhook before the confirmation', 'webhook last']) {
        for (const link of [0, 1]) {
          const { go, links, user, approve, world, event, statuses } = await twoLinks({ isDated });
          const session = links[link];
          if (!session) throw new Error('there are two links');
          await approve();
          const authenticatedAt = world.clock();
          const tell = () => go.deliver(event, { ordering: authenticatedAt });
          if (order === 'webhook first') await tell();
          world.wait(SECOND);
          const { code } = await go.visit(session.state, { user_id: user });
          if (order === 'webhook before the confirmation') await tell();
          world.wait(SECOND);
          // Terra's answer alone does not say of which link an undated user is.
          const isKnown = isDated || order !== 'webhook last';
          expect(await codeOf(go.confirm('mallory', session.id, code))).toMatchObject(
            isKnown ? { status: 200, body: { connection: { status: 'connected' } } } : { status: 202 },
          );
          if (order === 'webhook last') await tell();
          await sweepFor({ world, go }, 180);

          expect([order, link, await statuses()]).toEqual([order, link, ['connected']]);
          expect(world.terra.asked('deauthenticate')).toEqual([]);
        }
      }
    },
  );

  test('connect the one whose browser returned after a crash between the redemption and what follows from it', async () => {
    const { go, links, user, approve, world, event, statuses } = await twoLinks();
    const [session] = links;
    if (!session) throw new Error('there are two links');
    await approve();
    await go.deliver(event);
    world.wait(SECOND);
    const { code } = await go.visit(session.state, { user_id: user });
    const write = world.store.addSessionFact;
    const crash = jest.spyOn(world.store, 'addSessionFact').mockImplementation(async (owner, id, fact, ...due) => {
      const stored = await write(owner, id, fact, ...due);
      if (fact.kind === 'redeemed') throw new Error('crashed');
      return stored;
    });
    await expect(go.confirm('mallory', session.id, code)).rejects.toThrow('crashed');
    crash.mockRestore();
    await sweepFor({ world, go }, 180);

    expect(await statuses()).toEqual(['connected']);
  });
});

describe('a recorded authentication without a session', () => {
  /** Two open links, and Terra's question away from the return on. */
  async function stored() {
    const made = await attempt('widget');
    const second = await made.go.open('mallory');
    made.world.wait(10 * SECOND);
    const event = terraEvent.auth(made.user, { sub: 'mallory' });
    return { ...made, second, event };
  }

  test.each(['before the return', 'between return and redemption', 'after the redemption'])(
    'confirms the returned Terra user while Terra does not answer for a day: it came %s',
    async moment => {
      const { go, world, session, user, event, statuses } = await stored();
      if (moment === 'before the return') await go.deliver(event);
      world.terra.failWith(away);
      world.wait(SECOND);
      const { code } = await go.visit(session.state, { user_id: user });
      world.wait(SECOND);
      if (moment === 'between return and redemption') await go.deliver(event);
      await codeOf(go.confirm('mallory', session.id, code));
      world.wait(SECOND);
      if (moment === 'after the redemption') await go.deliver(event);
      await sweepFor({ world, go }, 61);
      expect(await statuses()).toEqual(['connected']);
      await sweepFor({ world, go }, 27 * 60);
      world.terra.failWith(undefined);
      await sweepFor({ world, go }, 10);

      expect(await statuses()).toEqual(['connected']);
      expect(world.terra.asked('deauthenticate')).toEqual([]);
    },
  );

  test('is not ended while a redeemed session waits for it', async () => {
    const { go, world, session, user, event, statuses } = await stored();
    const authenticatedAt = world.clock();
    world.terra.failWith(away);
    world.wait(SECOND);
    const { code } = await go.visit(session.state, { user_id: user });
    await codeOf(go.confirm('mallory', session.id, code));
    await sweepFor({ world, go }, 61);
    await go.deliver(event, { ordering: authenticatedAt });
    await sweepFor({ world, go }, 1);

    expect(await statuses()).toEqual(['connected']);
  });

  test('does not confirm a return to a link that was opened after the Terra user first authenticated', async () => {
    const made = await connected('widget');
    const { go, world, user } = made;
    world.store.items.delete(JSON.stringify([referenceIdOf('mallory'), itemKey.session(made.session.id)]));
    world.wait(HOUR);
    const third = await go.open('mallory');
    await go.open('mallory');
    world.wait(10 * SECOND);
    await go.deliver(terraEvent.auth(user, { sub: 'mallory', createdAt: isoTime(made.madeAt) }));
    expect(await made.statuses()).toEqual(['unconfirmed']);
    world.terra.failWith(away);
    const { code } = await go.visit(third.state, { user_id: user });
    await codeOf(go.confirm('mallory', third.id, code));
    world.terra.failWith(undefined);
    expect(await made.statuses()).toEqual(['unconfirmed']);
    await sweepFor(made, 27 * 60);

    expect(await made.statuses()).toEqual(['disconnected']);
  });
});

describe('a Terra user whose event was lost', () => {
  test.each(flows)(
    'after a return whose code was not redeemed is looked up when its session closes, and ended: %s link',
    async flow => {
      const made = await attempt(flow);
      await made.go.comeBackUnasked(made.session.state, { user_id: made.user });
      made.terraHas(true);
      made.world.terra.calls.length = 0;
      await sweepFor(made, 3 * 60);

      expect(made.world.terra.asked('findUser')).toContain(made.user);
      expect(made.world.terra.asked('deauthenticate')).toEqual([made.user]);
      expect(await made.go.connections('mallory')).toMatchObject([{ status: 'disconnected', reason: 'not_confirmed' }]);
    },
  );

  test('is looked up when its session closes even if Terra answers only hours later', async () => {
    const made = await attempt('widget');
    await made.go.comeBackUnasked(made.session.state, { user_id: made.user });
    made.terraHas(true);
    made.world.terra.failWith(away);
    await sweepFor(made, 5 * 60);
    made.world.terra.failWith(undefined);
    await sweepFor(made, 7 * 60);

    expect(made.world.terra.asked('deauthenticate')).toContain(made.user);
    expect(await made.statuses()).toEqual(['disconnected']);
  });

  test('of a direct link whose browser gave up waiting is looked up when the session closes, and ended', async () => {
    const made = await attempt('direct');
    await made.visit();
    made.terraHas(true);
    await sweepFor(made, 3 * 60);

    expect(made.world.terra.asked('deauthenticate')).toEqual([made.user]);
    expect(await made.statuses()).toEqual(['disconnected']);
  });

  test.each(flows)('is looked up when its data arrives, and ended as unconfirmed: %s link', async flow => {
    const made = await attempt(flow);
    made.terraHas(true);
    await made.go.deliver(terraEvent.data(made.user, { sub: 'mallory' }));
    expect(await made.statuses()).toEqual([]);
    await sweepFor(made, 2);
    expect(await made.statuses()).toEqual(['unconfirmed']);
    await sweepFor(made, 3 * 60);

    expect(made.world.terra.asked('deauthenticate')).toEqual([made.user]);
  });

  test.each(flows)('is looked up when its user is erased, and ended: %s link', async flow => {
    for (const terra of ['answers', 'is away at first']) {
      const made = await attempt(flow);
      await made.go.comeBackUnasked(made.session.state, { user_id: made.user });
      made.terraHas(true);
      if (terra === 'is away at first') made.world.terra.failWith(away);
      await made.go.erase('mallory');
      made.world.wait(5 * MINUTE);
      made.world.terra.failWith(undefined);
      await sweepFor(made, 5);

      expect([terra, made.world.terra.asked('deauthenticate')]).toEqual([terra, [made.user]]);
    }
  });

  test('of a direct link whose browser gave up waiting is looked up when its user is erased, and ended', async () => {
    const made = await attempt('direct');
    await made.visit();
    made.terraHas(true);
    await made.go.erase('mallory');
    await sweepFor(made, 5);

    expect(made.world.terra.asked('deauthenticate')).toEqual([made.user]);
  });

  test('of a forged return under another reference id is left alone', async () => {
    const made = await attempt('widget');
    const foreign = terraUser(44);
    made.terraHas(true, foreign);
    const user = made.world.terra.users.get(foreign);
    if (user) made.world.terra.users.set(foreign, { ...user, referenceId: referenceIdOf('victor') });
    await made.go.comeBackUnasked(made.session.state, { user_id: foreign });
    await sweepFor(made, 3 * 60);
    await made.go.erase('mallory');
    await sweepFor(made, 20);

    expect(made.world.terra.asked('deauthenticate')).toEqual([]);
  });
});

describe('nine Terra users in one session', () => {
  test.each(['webhooks first', 'the ninth webhook after the return', 'Terra away at the return'])(
    'the ninth completes it if it is the returned one: %s',
    async order => {
      const made = await attempt('widget');
      const { go, world, session } = made;
      const about = (createdAt: number) => ({
        sub: 'mallory',
        session: 'terra-session-1',
        createdAt: isoTime(createdAt),
      });
      let tellNinth = async (): Promise<unknown> => undefined;
      for (let n = 1; n <= 9; n++) {
        const createdAt = world.clock();
        world.wait(5 * SECOND);
        made.terraHas(true, terraUser(n), createdAt);
        const at = world.clock();
        const tell = () => go.deliver(terraEvent.auth(terraUser(n), about(createdAt)), { ordering: at });
        if (n === 9 && order !== 'webhooks first') tellNinth = tell;
        else await tell();
      }
      world.wait(SECOND);
      const query = { user_id: terraUser(9) };
      const back =
        order === 'Terra away at the return'
          ? await go.comeBackUnasked(session.state, query)
          : await go.visit(session.state, query);
      await tellNinth();
      await made.confirm(back.code);
      await sweepFor(made, 2);

      expect(await made.stateOf()).toBe('completed');
      const connections = await go.connections('mallory');
      expect(connections.filter(({ status }) => status === 'connected')).toMatchObject([{ terraUserId: terraUser(9) }]);
      await sweepFor(made, 180);
      expect((await made.statuses()).toSorted()).toEqual([
        'connected',
        ...Array.from({ length: 8 }, () => 'disconnected'),
      ]);
    },
  );

  test('the ninth is not proved if it authenticated twice before the return', async () => {
    const made = await attempt('widget');
    const { go, world } = made;
    for (let n = 1; n <= 9; n++) {
      world.wait(5 * SECOND);
      made.terraHas(true, terraUser(n), made.madeAt);
      const about = { sub: 'mallory', session: 'terra-session-1', createdAt: isoTime(made.madeAt) };
      await go.deliver(terraEvent.auth(terraUser(n), about));
      world.wait(5 * SECOND);
      if (n === 9) await go.deliver(terraEvent.auth(terraUser(n), about));
    }
    const { code } = await made.visit({}, terraUser(9));
    await made.confirm(code);
    await sweepFor(made, 2);

    expect(await made.statuses()).not.toContain('connected');
  });
});

describe('an unused token and a forwarded widget link', () => {
  test.each([
    ['a token for any provider', undefined, 'SAMSUNG'],
    ['a token for this provider', 'SAMSUNG', 'SAMSUNG'],
    ['a token for any provider, and one that Terra’s catalogue counts as a phone’s', undefined, 'BOTH_WAYS'],
  ])('connect no one without a code: %s', async (_what, minted, provider) => {
    const made = await attempt('widget');
    const { go, world } = made;
    world.terra.listProviders = async () => [{ id: 'BOTH_WAYS', name: 'Both', kind: 'sdk' }];
    await go.mint('mallory', minted);
    world.wait(SECOND);
    await go.deliver(terraEvent.auth(made.user, { sub: 'mallory', session: 'terra-session-1', provider }));

    expect(await made.go.connections('mallory')).toMatchObject([
      { status: 'unconfirmed', reason: 'awaiting_confirmation' },
    ]);
    await expectEnded(made);
  });

  test('connect no one if the widget session has ended or is unknown', async () => {
    for (const named of ['terra-session-1', 'none-of-ours']) {
      const made = await attempt('widget');
      made.world.wait(2 * HOUR);
      await made.go.sweep();
      await made.go.mint('mallory');
      await made.go.deliver(terraEvent.auth(made.user, { sub: 'mallory', session: named, provider: 'SAMSUNG' }));

      expect([named, await made.statuses()]).toEqual([named, ['unconfirmed']]);
      await expectEnded(made);
    }
  });
});

describe('with confirmation off', () => {
  test('a link that a different user completes is connected at once, without code or cookie', async () => {
    for (const flow of flows) {
      const made = await attempt(flow, { confirmation: 'off' });
      await made.approve();
      expect(await made.statuses()).toEqual(['connected']);
      const { sent, reply } = await made.visit(browserNamed('victor'));

      expect(sent).toMatchObject({ status: 'returned' });
      expect(sent).not.toHaveProperty('code');
      expect(reply.cookies).toBeUndefined();
    }
  });

  test('a return does not wait, and every browser gets the same answer', async () => {
    const made = await attempt('direct', { confirmation: 'off' });
    const first = await made.visit(browserNamed('one'));
    const second = await made.visit(browserNamed('two'));

    expect([first.sent, second.sent]).toEqual([first.sent, first.sent]);
    expect(made.world.terra.asked('findUser')).toEqual([]);
    expect(alarms(made.world)).toEqual([]);
  });
});

describe('the user is connected', () => {
  const webhooks = [
    'first',
    'between return and confirmation',
    'after the confirmation',
    'a day later',
    'never',
  ] as const;
  const habits = [
    'as usual',
    'browser returns twice',
    'no cookie is kept',
    'confirms twice',
    'returns slowly',
  ] as const;

  const stories = flows.flatMap(flow =>
    webhooks.flatMap(webhook =>
      habits.flatMap(habit => [true, false].map(hasTime => [flow, webhook, habit, hasTime] as const)),
    ),
  );

  test.each(stories)('%s link, webhook %s, %s, event with an event time: %p', async (flow, webhook, habit, hasTime) => {
    const made = await attempt(flow);
    const { world, visit, confirm } = made;
    const { tell } = await made.approve({ told: webhook === 'first', hasTime });
    world.wait(habit === 'returns slowly' ? 5 * MINUTE : SECOND);
    const own = browserNamed('own');
    const { code, cookie = '' } = await visit(own);
    if (habit === 'browser returns twice') {
      world.wait(SECOND);
      expect((await visit({ ...own, cookies: [cookie] })).code).toBe(code);
    }
    if (habit === 'no cookie is kept') {
      world.wait(SECOND);
      expect((await visit(own)).code).toBe(code);
    }
    if (webhook === 'between return and confirmation') await tell();
    world.wait(SECOND);
    expect(await confirm(code)).toMatchObject({ status: 200, body: { connection: { status: 'connected' } } });
    if (habit === 'confirms twice') {
      world.wait(CODE_LIFE);
      expect(await confirm(code)).toMatchObject({ status: 200, body: { connection: { status: 'connected' } } });
    }
    if (webhook === 'after the confirmation') await tell();
    await sweepFor(made, 180);
    if (webhook === 'a day later') {
      world.wait(22 * HOUR);
      await tell();
    }
    await sweepFor(made, 90);

    expect(await made.statuses()).toEqual(['connected']);
    expect(await made.stateOf()).toBe('completed');
    expect(alarms(world)).toEqual([]);
    expect(world.terra.asked('deauthenticate')).toEqual([]);
  });

  test.each(['first', 'between return and confirmation', 'after the confirmation'])(
    'even if Terra names no widget session and no created_at, with one link open: webhook %s',
    async webhook => {
      const made = await attempt('widget');
      const { go, world } = made;
      const event = terraEvent.auth(made.user, { sub: 'mallory' });
      const authenticatedAt = world.clock();
      const tell = () => go.deliver(event, { ordering: authenticatedAt });
      if (webhook === 'first') await tell();
      else made.terraHas(true, made.user);
      world.wait(SECOND);
      const { code } = await made.visit();
      if (webhook === 'between return and confirmation') await tell();
      expect(await made.confirm(code)).toMatchObject({ status: 200 });
      if (webhook === 'after the confirmation') await tell();
      await sweepFor(made, 180);

      expect([await made.statuses(), alarms(world)]).toEqual([['connected'], []]);
    },
  );

  test('if the browser waited for Terra’s answer', async () => {
    const made = await attempt('widget');
    const own = browserNamed('own');
    expect((await made.visit(own)).code).toBeUndefined();
    made.world.wait(2 * SECOND);
    expect((await made.visit(own)).code).toBeUndefined();
    await made.approve({ told: false });
    made.world.wait(4 * SECOND);
    const { code } = await made.visit(own);

    expect(await made.confirm(code)).toMatchObject({ status: 200, body: { connection: { status: 'connected' } } });
  });

  test('even if Terra did not answer at the return and reports it hours later', async () => {
    for (const flow of flows) {
      const made = await attempt(flow);
      const { tell } = await made.approve({ told: false });
      made.world.wait(SECOND);
      made.world.terra.failWith(away);
      const { code } = await made.visit();
      await made.confirm(code);
      await sweepFor(made, 5 * 60);
      made.world.terra.failWith(undefined);
      await sweepFor(made, 10);
      await tell();

      expect([flow, await made.statuses()]).toEqual([flow, ['connected']]);
    }
  });
});
