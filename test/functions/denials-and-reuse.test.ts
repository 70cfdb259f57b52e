import { HOUR, isoTime, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { terraEvent } from '../support/journey';
import { terraUser } from '../support/world';
import { flows, attempt, connected, alarms, sweepFor, expectEnded } from './attempt';

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
