import { HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { journey, terraEvent, told } from '../support/journey';
import { codeOf, referenceIdOf, terraUser, world as newWorld } from '../support/world';

const USER = terraUser(1);

async function opened(options: Parameters<typeof newWorld>[0] = {}) {
  const world = newWorld(options);
  const go = journey(world);
  const session = await go.open('alice');
  return { world, go, session };
}

test('opening a session sends Terra the fields it needs and an opaque reference id', async () => {
  const { world, session } = await opened();

  expect(session).toMatchObject({ flow: 'widget', status: 'pending', url: 'https://terra.example/1' });
  expect(world.terra.links[0]?.referenceId).toBe(referenceIdOf('alice'));
  expect(world.terra.links[0]?.referenceId).not.toContain('alice');
  expect(world.terra.links[0]?.successUrl).toBe(`https://api.example/v1/callback/${session.state}/success`);
});

test('webhook, return and confirm complete the session in any order, once the last of them arrives', async () => {
  const orders = [
    ['webhook', 'return', 'confirm'],
    ['return', 'webhook', 'confirm'],
    ['return', 'confirm', 'webhook'],
  ];
  for (const order of orders) {
    const { go, session, world } = await opened();
    let code: string | undefined;
    const steps: Record<string, () => Promise<unknown>> = {
      webhook: () => go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' })),
      return: async () => {
        ({ code } = await go.comeBack(session.state, {
          user_id: USER,
          reference_id: referenceIdOf('alice'),
          resource: 'GARMIN',
        }));
      },
      confirm: () => go.confirm('alice', session.id, code),
    };
    for (const step of order) {
      world.wait(1000);
      await steps[step]?.();
    }

    expect(await go.session('alice', session.id)).toMatchObject({ status: 'completed', provider: 'GARMIN' });
    expect(await go.connections('alice')).toMatchObject([
      { status: 'connected', provider: 'GARMIN', terraUserId: USER, scopes: ['ACTIVITY', 'DAILY'] },
    ]);
  }
});

test('with every webhook lost a user still connects, because the callback looks the Terra user up', async () => {
  for (const provider of [undefined, 'GARMIN']) {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice', provider === undefined ? {} : { provider });
    const user = provider === undefined ? USER : terraUser(1001);
    world.terra.users.set(user, {
      terraUserId: user,
      provider: 'GARMIN',
      referenceId: referenceIdOf('alice'),
      authenticated: true,
      createdAt: world.clock() + 5,
      scopes: ['DAILY'],
    });
    const { code } = await go.comeBack(session.state, { user_id: user, resource: 'GARMIN' });

    expect(await go.confirm('alice', session.id, code)).toMatchObject({
      status: 200,
      body: { status: 'completed', connection: { status: 'connected', provider: 'GARMIN' } },
    });
  }
});

test.each([
  ['has another owner', { referenceId: 'somebody-else' }],
  ['never finished', { authenticated: false }],
  ['is older than the session', { createdAt: 0 }],
])('a looked-up Terra user that %s proves nothing, neither at the return nor at confirm', async (_what, flaw) => {
  const { go, session, world } = await opened();
  world.terra.users.set(USER, {
    terraUserId: USER,
    provider: 'GARMIN',
    referenceId: referenceIdOf('alice'),
    authenticated: true,
    createdAt: world.clock(),
    scopes: [],
    ...flaw,
  });
  expect((await go.visit(session.state, { user_id: USER })).code).toBeUndefined();
  expect(await go.session('alice', session.id)).toMatchObject({ status: 'pending' });
  const { code } = await go.comeBackUnasked(session.state, { user_id: USER });

  expect(await go.confirm('alice', session.id, code)).toEqual({
    status: 202,
    body: { id: session.id, status: 'returned' },
  });
  expect(await go.connections('alice')).toEqual([]);
});

describe('while Terra does not answer', () => {
  test('the return counts, and an event dated before it completes the session however late it arrives', async () => {
    const { go, session, world } = await opened();
    const authenticatedAt = world.clock();
    world.wait(SECOND);
    const { code } = await go.comeBackUnasked(session.state, { user_id: USER });
    world.terra.failWith(new Problem('terra_unavailable', 'away'));
    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 202 });

    world.wait(HOUR);
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }), { ordering: authenticatedAt });

    expect(await go.session('alice', session.id)).toMatchObject({ status: 'completed' });
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test.each([
    ['within a minute of it counts', 60 * SECOND, 'connected'],
    ['later than a minute after it does not', 60 * SECOND + 1, 'unconfirmed'],
  ])('an authentication after the return that Terra dates %s', async (_what, later, status) => {
    const { go, session, world } = await opened();
    const { code } = await go.comeBackUnasked(session.state, { user_id: USER });
    await go.confirm('alice', session.id, code);
    world.wait(later);
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));

    expect(await go.connections('alice')).toMatchObject([{ status }]);
  });

  test('a lookup at confirm completes the session', async () => {
    const { go, session, world } = await opened();
    const { code } = await go.comeBackUnasked(session.state, { user_id: USER });
    world.wait(30 * SECOND);
    world.terra.users.set(USER, {
      terraUserId: USER,
      provider: 'GARMIN',
      referenceId: referenceIdOf('alice'),
      authenticated: true,
      createdAt: world.clock(),
      scopes: [],
    });

    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 200 });
  });
});

test('without the code the connection stays unconfirmed and shows no Terra user id', async () => {
  const { go, session } = await opened();
  await go.comeBack(session.state, { user_id: USER });
  await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));

  const [connection] = await go.connections('alice');

  expect(connection).toMatchObject({ status: 'unconfirmed', reason: 'awaiting_confirmation', needsAction: 'confirm' });
  expect(connection).not.toHaveProperty('terraUserId');
  expect(await go.session('alice', session.id)).not.toHaveProperty('connectionId');
});

describe('the code', () => {
  async function returned() {
    const flow = await opened();
    await flow.go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));
    const { code = '' } = await flow.go.comeBack(flow.session.state, { user_id: USER });
    return { ...flow, code };
  }

  test('is refused when it is wrong, malformed, missing or of another session', async () => {
    const { go, session, code } = await returned();
    const other = await go.open('alice');
    const wrong = code.replace(/.$/, last => (last === 'A' ? 'E' : 'A'));

    for (const bad of [undefined, '', 'nonsense', `${code}x`, wrong, session.state]) {
      expect(await codeOf(go.confirm('alice', session.id, bad))).toBe('code_invalid');
    }
    expect(await codeOf(go.confirm('alice', other.id, code))).toBe('code_invalid');
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);
  });

  test('expires after ten minutes', async () => {
    const { go, session, code, world } = await returned();
    world.wait(10 * MINUTE + 1);

    expect(await codeOf(go.confirm('alice', session.id, code))).toBe('code_invalid');
  });

  test('can be sent again at any time after its redemption', async () => {
    const { go, session, code, world } = await returned();
    await go.confirm('alice', session.id, code);
    world.wait(3 * HOUR);

    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 200, body: { status: 'completed' } });
  });

  test('redeemed by a different user ends the connection, here and at Terra, and that user gets 404', async () => {
    const { go, session, code, world } = await returned();

    expect(await codeOf(go.confirm('mallory', session.id, code))).toBe('not_found');

    expect(await go.session('alice', session.id)).toMatchObject({ status: 'rejected', failure: 'wrong_owner' });
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
    expect(await go.connections('mallory')).toEqual([]);
    expect(world.terra.asked('deauthenticate')).toEqual([USER]);
    expect(world.notes).toContainEqual({ alarm: 'owner_mismatch' });
    expect(await codeOf(go.confirm('alice', session.id, code))).toBe('session_closed');
  });

  test('redeemed by a different user after it expired changes nothing', async () => {
    const { go, session, code, world } = await returned();
    world.wait(10 * MINUTE + 1);

    expect(await codeOf(go.confirm('mallory', session.id, code))).toBe('not_found');
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'returned' });
    expect(world.terra.asked('deauthenticate')).toEqual([]);
  });

  test('stays the same for the returning browser for ten minutes, and no second code is ever issued', async () => {
    const { go, session, code, world } = await returned();

    expect((await go.comeBack(session.state, { user_id: USER })).code).toBe(code);
    expect((await go.comeBack(session.state, { user_id: terraUser(2) })).sent).toBeUndefined();
    await go.confirm('alice', session.id, code);
    expect((await go.comeBack(session.state, { user_id: USER })).code).toBe(code);
    world.wait(10 * MINUTE + 1);
    expect((await go.comeBack(session.state, { user_id: USER })).sent).toBeUndefined();
  });

  test('a proof that a wrong user spoiled is not repaired by a later webhook', async () => {
    const { go, session, world } = await opened();
    const { code } = await go.comeBackUnasked(session.state, { user_id: USER });
    await codeOf(go.confirm('mallory', session.id, code));
    expect(world.terra.asked('deauthenticate')).toEqual([]);

    world.wait(1000);
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnecting', reason: 'wrong_owner' }]);
    world.wait(MINUTE);
    await go.sweep();
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
  });
});

describe('the callback', () => {
  test('trusts nothing in the query: a forged Terra user gets no code', async () => {
    const { go, session } = await opened();
    const forged = terraUser(66);
    expect((await go.visit(session.state, { user_id: forged, reference_id: 'victim' })).code).toBeUndefined();
    const { code } = await go.comeBackUnasked(session.state, { user_id: forged, reference_id: 'victim' });
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));

    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 202 });
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);
  });

  test.each(['', 'nonsense', 'YQ.session.secret', 'a'.repeat(600)])(
    'answers the state %p with the neutral page',
    async state => {
      const { go } = await opened();

      const { reply, sent } = await go.comeBack(state, { user_id: USER });

      expect([reply.status, sent]).toEqual([200, undefined]);
      expect(reply.page).toContain('You can close this page');
    },
  );

  test('sends an SDK provider back to the app without a code, and the state stays usable', async () => {
    const { go, session } = await opened();

    const { sent } = await go.comeBack(session.state, { user_id: 'null', resource: 'APPLE' });

    expect(sent).toEqual({ from: 'terra', session_id: session.id, status: 'sdk_required', provider: 'APPLE' });
    expect((await go.comeBack(session.state, { user_id: USER })).code).toBeDefined();
  });

  test('keeps the target as configured and adds to its query before the fragment', async () => {
    const { go, session } = await opened();
    const { reply } = await go.comeBack(session.state, { user_id: USER });

    expect(reply.status).toBe(303);
    expect(reply.headers.location).toMatch(
      /^https:\/\/app\.example\/connected\?from=terra&session_id=[\w-]{22}&status=returned&code=[\w.-]+#top$/,
    );
  });

  test('opens an app with a page, since browsers block scripted jumps', async () => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice', { returnTo: 'app' });

    const { reply, sent } = await go.comeBack(session.state, { user_id: USER });

    expect(reply.status).toBe(200);
    expect(reply.page).toContain('http-equiv="refresh"');
    expect(sent).toMatchObject({ status: 'returned', session_id: session.id });
  });

  test('shows a failure in fixed texts only, and a success may still follow', async () => {
    const { go, session, world } = await opened();

    const reply = await go.fail(session.state, { reason: '<script>access_denied</script>' });

    expect(new URL(reply.headers.location ?? '').searchParams.get('error')).toBe('denied');
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'failed', failure: 'denied' });
    world.wait(SECOND);
    const createdAt = new Date(world.clock()).toISOString();
    world.wait(3 * SECOND);
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1', createdAt }));
    await go.visit(session.state, { user_id: USER });
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'returned' });
  });

  test('is accepted until an hour after the link expired, and not later', async () => {
    const { go, session, world } = await opened();
    world.wait(75 * MINUTE + 1);

    expect((await go.comeBack(session.state, { user_id: USER })).sent).toBeUndefined();
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'expired', failure: 'expired' });
  });
});

describe('a denied session', () => {
  test('ends a direct session, and only records a failure on a widget session', async () => {
    for (const [wish, status] of [
      [{ provider: 'GARMIN' }, 'failed'],
      [{}, 'pending'],
    ] as const) {
      const world = newWorld();
      const go = journey(world);
      const session = await go.open('alice', wish);
      expect(await go.deliver(terraEvent.cancelled(referenceIdOf('alice')))).toBe('applied');
      expect(await go.session('alice', session.id)).toMatchObject({ status });
    }
  });

  test('publishes a second denial as new, and a repeated first one not again', async () => {
    const world = newWorld();
    const go = journey(world);
    const first = terraEvent.cancelled(referenceIdOf('alice'));
    const firstAt = world.clock() + MINUTE / 2;
    await go.open('alice', { provider: 'GARMIN' });
    world.wait(MINUTE / 2);
    await go.deliver(first, { ordering: firstAt });
    world.wait(SECOND);
    const again = await go.open('alice', { provider: 'GARMIN' });

    expect(await go.deliver(first, { ordering: firstAt })).toBe('unchanged');
    expect(await go.session('alice', again.id)).toMatchObject({ status: 'pending' });

    world.wait(MINUTE / 2);
    expect(await go.deliver(terraEvent.cancelled(referenceIdOf('alice')))).toBe('applied');
    expect(await go.session('alice', again.id)).toMatchObject({ status: 'failed', failure: 'denied' });
  });

  test('publishes Terra’s cause if the browser brings none', async () => {
    const { go, session } = await opened();
    await go.deliver(terraEvent.cancelled(referenceIdOf('alice')));
    await go.fail(session.state);

    expect(await go.session('alice', session.id)).toMatchObject({ status: 'failed', failure: 'denied' });
  });

  test('reported in the older event form leaves no connection', async () => {
    const { go, world } = await opened();
    await go.deliver(terraEvent.authError(USER, { session: 'terra-session-1' }));

    expect(await go.connections('alice')).toEqual([]);
    world.wait(2 * HOUR);
    await go.sweep();
    expect(world.terra.asked('deauthenticate')).toEqual([]);
  });

  test('shows as failed, with its cause, once the session is closed', async () => {
    const { go, session, world } = await opened();
    await go.deliver(terraEvent.cancelled(referenceIdOf('alice')));
    world.wait(76 * MINUTE);
    await go.sweep();

    expect(await go.session('alice', session.id)).toMatchObject({ status: 'failed', failure: 'denied' });
  });
});

describe('with confirmation off', () => {
  test('every Terra user that the session authorised is connected, and the return URL has no code', async () => {
    const { go, session } = await opened({ confirmation: 'off' });
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));
    const { sent } = await go.comeBack(session.state, { user_id: USER });

    expect(sent).not.toHaveProperty('code');
    expect(await go.confirm('alice', session.id)).toMatchObject({ status: 200 });
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test('a visit to the failure URL does not report a failure if Terra reported a connection', async () => {
    const { go, session } = await opened({ confirmation: 'off' });
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));

    const reply = await go.fail(session.state, { reason: 'access_denied' });

    expect([reply.status, reply.headers.location]).toEqual([200, undefined]);
    expect(reply.page).toBe((await go.fail('no.such.state')).page);
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'completed' });
  });

  test('confirm looks the returned Terra user up', async () => {
    const { go, session, world } = await opened({ confirmation: 'off' });
    expect(await go.confirm('alice', session.id)).toMatchObject({ status: 202, body: { status: 'pending' } });
    world.terra.users.set(USER, {
      terraUserId: USER,
      provider: 'OURA',
      referenceId: referenceIdOf('alice'),
      authenticated: true,
      createdAt: world.clock(),
      scopes: [],
    });
    await go.comeBack(session.state, { user_id: USER });

    expect(await go.confirm('alice', session.id)).toMatchObject({
      status: 200,
      body: { connection: { provider: 'OURA' } },
    });
    expect(await codeOf(go.confirm('mallory', session.id))).toBe('not_found');
  });
});

describe('after connecting', () => {
  async function connected(options: Parameters<typeof newWorld>[0] = {}) {
    const flow = await opened(options);
    await flow.go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));
    const { code } = await flow.go.comeBack(flow.session.state, { user_id: USER });
    await flow.go.confirm('alice', flow.session.id, code);
    flow.world.wait(HOUR);
    return flow;
  }

  test.each([
    ['deauth', terraEvent.deauth(USER), 'disconnected', 'deauthorised'],
    ['access_revoked', terraEvent.revoked(USER), 'disconnected', 'revoked'],
    ['connection_error', terraEvent.error(USER), 'error', 'provider_rejected'],
  ])('%s shows as the right status', async (_type, event, status, reason) => {
    const { go } = await connected();

    expect(await go.deliver(event)).toBe('applied');
    expect(await go.deliver(event)).toBe('unchanged');
    expect(await go.connections('alice')).toMatchObject([{ status, reason }]);
  });

  test('data clears an error at once, and is otherwise recorded once an hour', async () => {
    const { go, world } = await connected();

    expect(await go.deliver(terraEvent.data(USER))).toBe('applied');
    world.wait(MINUTE);
    expect(await go.deliver(terraEvent.data(USER))).toBe('unchanged');
    await go.deliver(terraEvent.error(USER));
    world.wait(MINUTE);
    expect(await go.deliver(terraEvent.data(USER))).toBe('applied');
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test('data never reopens an ended connection', async () => {
    const { go, world } = await connected();
    await go.deliver(terraEvent.revoked(USER));
    world.wait(MINUTE);
    await go.deliver(terraEvent.data(USER));

    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'revoked' }]);
  });

  test('the newest permission change replaces the scopes', async () => {
    const { go, world } = await connected();
    await go.deliver(terraEvent.permissions(USER, 'SLEEP , DAILY,'));
    await go.deliver(terraEvent.permissions(USER, 'BODY'), { ordering: world.clock() - 1000 });

    expect(await go.connections('alice')).toMatchObject([{ scopes: ['DAILY', 'SLEEP'], status: 'connected' }]);
  });

  test('an older authentication that arrives late does not undo a revocation', async () => {
    const { go, world } = await connected();
    await go.deliver(terraEvent.revoked(USER));

    expect(
      await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }), { ordering: world.clock() - 1000 }),
    ).not.toBe('foreign');
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected' }]);
  });

  test('reauthentication keeps the id, needs its own proof, and lists one connection', async () => {
    for (const order of [
      ['auth', 'reauth'],
      ['reauth', 'auth'],
    ]) {
      const { go, world } = await connected();
      const [before] = await go.connections('alice');
      const session = await go.open('alice');
      const next = terraUser(2);
      for (const kind of order) {
        world.wait(1000);
        if (kind === 'auth') await go.deliver(terraEvent.auth(next, { session: 'terra-session-2' }));
        else await go.deliver(terraEvent.reauth(told(USER), told(next)));
      }
      expect(await go.connections('alice')).toMatchObject([{ id: before?.id, status: 'unconfirmed' }]);

      const { code } = await go.comeBack(session.state, { user_id: next });
      expect(await go.confirm('alice', session.id, code)).toMatchObject({
        status: 200,
        body: { connection: { id: before?.id } },
      });
      expect(await go.connections('alice')).toMatchObject([{ id: before?.id, status: 'connected', terraUserId: next }]);
    }
  });

  test('a reauthentication without its old Terra user supersedes nothing', async () => {
    const { go } = await connected();
    await go.deliver(terraEvent.reauth(null, told(terraUser(2))));

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }, { status: 'connected' }]);
  });

  test('a connection that Terra moved to another owner has ended for the first and is unproved for the second', async () => {
    const { go, world } = await connected();
    await go.open('bob');
    await go.deliver(terraEvent.reauth(told(USER), told(terraUser(2), { sub: 'bob' })));

    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'deauthorised' }]);
    expect(await go.connections('bob')).toMatchObject([{ status: 'unconfirmed' }]);
    expect(world.notes).toContainEqual({ alarm: 'owners_differ' });
  });
});

describe('foreign users', () => {
  test.each([
    ['nobody knows the owner', terraEvent.auth(USER, { referenceId: 'somebody-of-another-system' })],
    ['there is no owner at all', terraEvent.auth(USER, { referenceId: null })],
    ['a failure names no owner', terraEvent.cancelled(null)],
  ])('are left alone if %s', async (_what, event) => {
    const { go, world } = await opened();
    const before = JSON.stringify([...world.store.items]);

    expect(await go.deliver(event)).toBe('foreign');
    expect(JSON.stringify([...world.store.items])).toBe(before);
  });

  test('under an opaque reference id an unrequested success is unsolicited, and disconnected later', async () => {
    const { go, world } = await opened();
    await go.deliver(terraEvent.auth(USER, { session: 'a-session-of-somebody' }));
    expect(await go.connections('alice')).toMatchObject([
      { status: 'unconfirmed', reason: 'unsolicited', needsAction: 'reconnect' },
    ]);

    world.wait(61 * MINUTE);
    await go.sweep();
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'not_confirmed' }]);
    expect(world.terra.asked('deauthenticate')).toEqual([USER]);
  });

  test('under a reference id that is the subject it is foreign, raises an alarm and is never deauthenticated', async () => {
    const { go, world } = await opened({ referenceId: 'subject' });

    expect(await go.deliver(terraEvent.auth(USER, { session: 'a-session-of-somebody' }))).toBe('foreign');
    expect(world.notes).toContainEqual({ alarm: 'unsolicited_foreign' });
    world.wait(48 * HOUR);
    await go.sweep();
    expect(await go.connections('alice')).toEqual([]);
    expect(world.terra.asked('deauthenticate')).toEqual([]);
  });
});
