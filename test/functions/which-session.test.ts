import { HOUR, isoTime, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { CODE_LIFE } from '../../functions/core/state/session';
import { itemKey } from '../../functions/core/store/table';
import { browserNamed, terraEvent } from '../support/journey';
import { codeOf, referenceIdOf, terraUser } from '../support/world';
import { flows, away, attempt, connected, alarms, sweepFor, expectEnded } from './attempt';

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
