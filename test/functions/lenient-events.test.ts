import { HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { reconcileConnections } from '../../functions/core/state/reconcile-connections';
import { REPORTED_ENDS_LIMIT } from '../../functions/core/state/reported-ends';
import { journey, terraEvent, told } from '../support/journey';
import { authenticated, referenceIdOf, terraUser, world as newWorld, type World } from '../support/world';

/*
 * Terra's events as they come, and not only as its specification shows them.
 */

const A = terraUser(1);
const B = terraUser(2);

function setting(options: Parameters<typeof newWorld>[0] = {}) {
  const world = newWorld(options);
  return { world, go: journey(world) };
}

/** A user who connected one Terra user. */
async function connected(options: Parameters<typeof newWorld>[0] = {}) {
  const made = setting(options);
  const { world, go } = made;
  const session = await go.open('alice');
  await go.deliver(terraEvent.auth(A, { session: 'terra-session-1' }));
  const { code } = await go.comeBack(session.state, { user_id: A });
  await go.confirm('alice', session.id, code);
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: A }]);
  world.wait(10 * MINUTE);
  world.notes.length = 0;
  return made;
}

const reconcile = (world: World) =>
  reconcileConnections({ ...world, until: world.clock() + MINUTE, log: () => {}, dryRun: false });
const alarms = ({ notes }: World) => notes.flatMap(({ alarm }) => alarm ?? []);
const counted = ({ notes }: World) =>
  notes.flatMap(({ eventType, unread }) => (unread === undefined ? [] : [`${eventType}: ${unread}`]));
const rows = (world: World) => JSON.stringify([...world.store.items]);

/** The user without some of its fields. */
function without(user: object, ...fields: string[]) {
  return Object.fromEntries(Object.entries(user).filter(([name]) => !fields.includes(name)));
}
const about = (type: string, user: object, more: object = {}) => ({ type, status: 'warning', user, ...more });

describe('user_reauth without a provider', () => {
  const reauth = (old: object, next: object) => terraEvent.reauth(without(old, 'provider'), without(next, 'provider'));

  test('is accepted: the new Terra user has the provider of the old one, and the connection keeps its id', async () => {
    const { world, go } = await connected();
    const [before] = await go.connections('alice');
    const session = await go.open('alice');
    await go.deliver(terraEvent.auth(B, { session: 'terra-session-2' }));
    expect(await go.deliver(reauth(told(A), told(B)))).toBe('applied');
    const { code } = await go.comeBack(session.state, { user_id: B });
    await go.confirm('alice', session.id, code);

    expect(await go.connections('alice')).toMatchObject([
      { id: before?.id, status: 'connected', terraUserId: B, provider: 'GARMIN' },
    ]);
    expect(counted(world)).toContain('user_reauth: new_user.provider,new_user.created_at,old_user.provider');
  });

  test('gives the new Terra user the provider of the old one, if no other event names it', async () => {
    const { go } = await connected();
    await go.deliver(reauth(told(A), told(B)));

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', provider: 'GARMIN' }]);
  });

  test('about unknown Terra users is recorded, and Terra is asked for the provider', async () => {
    const { world, go } = setting();
    await go.open('alice');
    await go.deliver(reauth(told(A), told(B)));
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', provider: 'UNKNOWN' }]);
    world.terra.users.set(B, authenticated(B, world));
    world.wait(MINUTE);
    await go.sweep();

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', provider: 'GARMIN' }]);
  });
});

describe('user_reauth in which one user has no reference id', () => {
  test.each([null, undefined, 7])(
    'the old one (%p) is found by its id among the rows of the owner',
    async reference => {
      const { world, go } = await connected();
      const [before] = await go.connections('alice');
      await go.deliver(terraEvent.reauth({ ...told(A), reference_id: reference }, told(B)));

      expect(await go.connections('alice')).toMatchObject([{ id: before?.id, status: 'unconfirmed' }]);
      expect(alarms(world)).toEqual([]);
      expect(counted(world)).toEqual(['user_reauth: new_user.created_at,old_user.reference_id']);
    },
  );

  test('an old one that is not among them has ended for its owner, once the check finds that owner', async () => {
    const { world, go } = await connected();
    await go.open('bob');
    const event = terraEvent.reauth({ ...told(A), reference_id: null }, told(B, { sub: 'bob' }));

    expect(await go.deliver(event)).toBe('applied');
    expect(alarms(world)).toEqual(['end_without_reference']);
    await reconcile(world);
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'deauthorised' }]);
    expect(await go.connections('bob')).toMatchObject([{ status: 'unconfirmed' }]);
  });

  test('the new one is attributed to the owner of the old one only if that owner has it already', async () => {
    const { go } = await connected();
    const session = await go.open('alice');
    await go.deliver(terraEvent.auth(B, { session: 'terra-session-2' }));
    await go.deliver(terraEvent.reauth(told(A), { ...told(B), reference_id: null }));
    const { code } = await go.comeBack(session.state, { user_id: B });
    await go.confirm('alice', session.id, code);
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: B }]);
  });

  test.each(['required', 'off'] as const)(
    'otherwise the old one has ended, and the new one is not recorded (confirmation %s)',
    async confirmation => {
      const { world, go } = await connected({ confirmation });
      await go.deliver(terraEvent.reauth(told(A), { ...told(B), reference_id: null }));

      expect(await go.connections('alice')).toMatchObject([
        { terraUserId: A, status: 'disconnected', reason: 'deauthorised' },
      ]);
      expect(rows(world)).not.toContain(B);
    },
  );
});

test.each([
  ['deauth', 'deauthorised'],
  ['access_revoked', 'revoked'],
])('%s without a provider ends the connection', async (type, reason) => {
  const { go } = await connected();

  expect(await go.deliver(about(type, { user_id: A, reference_id: referenceIdOf('alice') }))).toBe('applied');
  expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason, provider: 'GARMIN' }]);
});

test.each([
  ['seconds', (now: number) => now / 1000],
  ['milliseconds', (now: number) => now],
  ['an object', () => ({})],
])(
  'a phone whose created_at is a number of %s or anything else is connected by its token',
  async (_what, createdAt) => {
    const { world, go } = setting();
    await go.mint('alice', 'APPLE');
    world.wait(10 * SECOND);
    const event = terraEvent.auth(A, { provider: 'APPLE' });
    const user = {
      ...event.user,
      created_at: createdAt(world.clock()),
      scopes: ['DAILY'],
      active: 1,
      last_webhook_update: 7,
    };

    expect(await go.deliver({ ...event, user })).toBe('applied');
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: A, scopes: ['DAILY'] }]);
  },
);

test('a permission_change without readable scopes is counted and takes no permission away', async () => {
  const { world, go } = await connected();
  const [before] = await go.connections('alice');
  for (const scopes of [null, undefined, 7])
    expect(await go.deliver(about('permission_change', { ...told(A), scopes }))).toBe('ignored');

  expect(await go.connections('alice')).toEqual([before]);
  expect(counted(world)).toEqual(Array(3).fill('permission_change: user.scopes'));
});

describe('an auth without a provider', () => {
  const auth = (more: object = {}) => ({ ...terraEvent.auth(A), ...more, user: without(told(A), 'provider') });

  test('from a direct link gets the provider of the link', async () => {
    const { go } = setting();
    const session = await go.open('alice', { provider: 'OURA' });
    const user = without(told(terraUser(1001)), 'provider');
    await go.deliver({ ...auth(), user });
    const { code } = await go.comeBack(session.state, { user_id: terraUser(1001), resource: 'OURA' });
    await go.confirm('alice', session.id, code);

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', provider: 'OURA' }]);
  });

  test('from a widget session with one provider gets that provider', async () => {
    const { go } = setting();
    await go.open('alice', { providers: ['FITBIT'] });
    await go.deliver(auth({ widget_session_id: 'terra-session-1' }));

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', provider: 'FITBIT' }]);
  });

  test('from any other widget session connects, and Terra is asked for the provider once', async () => {
    const { world, go } = setting();
    const session = await go.open('alice');
    await go.deliver(auth({ widget_session_id: 'terra-session-1' }));
    const { code } = await go.comeBack(session.state, { user_id: A });
    await go.confirm('alice', session.id, code);
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', provider: 'UNKNOWN' }]);
    for (let minute = 0; minute < 5; minute++) {
      world.wait(MINUTE);
      await go.sweep();
    }

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', provider: 'GARMIN' }]);
    expect(world.terra.asked('findUser')).toEqual([A]);
  });

  test('uses no token record until Terra answers that the provider is an SDK provider', async () => {
    const { world, go } = setting();
    await go.mint('alice', 'APPLE');
    world.wait(10 * SECOND);
    await go.deliver(auth());
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', provider: 'UNKNOWN' }]);
    world.terra.users.set(A, authenticated(A, world, { provider: 'APPLE' }));
    world.wait(MINUTE);
    await go.sweep();

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', provider: 'APPLE' }]);
  });

  test('that names no session matches no session, even if one is open', async () => {
    const { world, go } = setting();
    await go.open('alice');
    world.wait(SECOND);
    await go.deliver(auth());

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', reason: 'unsolicited' }]);
  });
});

describe('an auth whose status is neither success nor error', () => {
  const auth = (status: unknown, more: Parameters<typeof terraEvent.auth>[1] = {}) => ({
    ...terraEvent.auth(A, more),
    status,
  });

  test.each(['warning', null, undefined, 1])(
    '(%p) fails no session: the return asks Terra, and the user is connected',
    async status => {
      const { world, go } = setting();
      const session = await go.open('alice');
      await go.deliver(auth(status, { session: 'terra-session-1' }));
      expect(await go.session('alice', session.id)).toMatchObject({ status: 'pending' });
      const { code } = await go.comeBack(session.state, { user_id: A });
      await go.confirm('alice', session.id, code);

      expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: A }]);
      expect(alarms(world)).toEqual(['unknown_event']);
      expect(counted(world)).toEqual(['auth: user.created_at,status']);
    },
  );

  test('is recorded only once Terra confirms it; a phone is then connected by its token', async () => {
    const { world, go } = setting();
    await go.mint('alice', 'APPLE');
    world.wait(10 * SECOND);
    expect(await go.deliver(auth('warning', { provider: 'APPLE' }))).toBe('applied');
    expect(await go.connections('alice')).toEqual([]);
    world.terra.users.set(A, authenticated(A, world, { provider: 'APPLE' }));
    world.wait(MINUTE);
    await go.sweep();

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: A }]);
  });

  test.each([
    ['has no such user', undefined],
    ['has not authenticated it', { authenticated: false }],
    ['has it under another reference id', { referenceId: referenceIdOf('bob') }],
  ])('is not recorded if Terra %s', async (_what, more) => {
    const { world, go } = setting();
    await go.mint('alice', 'APPLE');
    await go.deliver(auth('warning', { provider: 'APPLE' }));
    if (more) world.terra.users.set(A, authenticated(A, world, { provider: 'APPLE', ...more }));
    for (let minute = 0; minute < 5; minute++) {
      world.wait(MINUTE);
      await go.sweep();
    }

    expect(await go.connections('alice')).toEqual([]);
    expect(world.terra.asked('findUser')).toEqual([A]);
  });

  test('of a phone that names a widget session uses no token', async () => {
    const { world, go } = setting();
    await go.mint('alice', 'APPLE');
    world.wait(10 * SECOND);
    await go.deliver(auth('warning', { provider: 'APPLE', session: 'elsewhere' }));
    world.terra.users.set(A, authenticated(A, world, { provider: 'APPLE' }));
    world.wait(MINUTE);
    await go.sweep();

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', reason: 'unsolicited' }]);
  });

  test('does not prove a return during which Terra did not answer, even if Terra confirms it later', async () => {
    const { world, go } = setting();
    const session = await go.open('alice', { provider: 'GARMIN' });
    const user = terraUser(1001);
    await go.deliver({ ...auth('warning'), user: told(user) });
    const { code } = await go.comeBackUnasked(session.state, { user_id: user });
    await go.confirm('alice', session.id, code);
    world.wait(2 * MINUTE);
    world.terra.users.set(user, authenticated(user, world));
    for (let minute = 0; minute < 10; minute++) {
      world.wait(MINUTE);
      await go.sweep();
    }

    expect((await go.connections('alice')).map(({ status }) => status)).not.toContain('connected');
  });

  test('is dated by the lookup, not by the Terra user’s creation, so it proves no earlier return', async () => {
    const { world, go } = setting();
    const session = await go.open('alice', { provider: 'GARMIN' });
    const user = terraUser(1001);
    const createdAt = world.clock();
    await go.deliver({ ...auth('warning'), user: told(user) });
    const { code } = await go.comeBackUnasked(session.state, { user_id: user });
    world.wait(2 * MINUTE);
    world.terra.users.set(user, authenticated(user, world, { createdAt }));
    await go.sweep();
    await go.confirm('alice', session.id, code).catch(() => undefined);

    expect((await go.connections('alice')).map(({ status }) => status)).toEqual(['unconfirmed']);
  });

  test('about a connected Terra user changes nothing', async () => {
    const { world, go } = await connected();
    const before = rows(world);

    expect(await go.deliver(auth('warning'))).toBe('ignored');
    expect([rows(world), alarms(world)]).toEqual([before, ['unknown_event']]);
  });
});

describe('an event of an unknown type', () => {
  test('with a user and data counts as activity, and is counted by its name', async () => {
    const { world, go } = await connected();

    expect(await go.deliver({ ...terraEvent.data(A), type: 'processed_activity' })).toBe('applied');
    expect(await go.connections('alice')).toMatchObject([{ lastDataAt: new Date(world.clock()).toISOString() }]);
    expect([counted(world), alarms(world)]).toEqual([['processed_activity: type'], []]);
  });

  test.each(['unified_api.auth.success', 'connection_updated', 'user_removed', 'Deauthorized'])(
    'called %s raises an alarm',
    async type => {
      const { world, go } = await connected();

      expect(await go.deliver({ type, user: told(A) })).toBe('ignored');
      expect([counted(world), alarms(world)]).toEqual([[`${type}: type`], ['unknown_event']]);
    },
  );
});

test('an event that cannot be read raises an alarm, and is counted by its type and missing field', async () => {
  const { world, go } = await connected();

  expect(await go.deliver({ type: 'deauth', user: { provider: 'GARMIN' } })).toBe('poison');
  expect([counted(world), alarms(world)]).toEqual([['deauth: user.user_id'], ['poison_event']]);
});

describe('an end without a reference id', () => {
  const ends = [
    ['deauth', { status: 'disconnected', reason: 'deauthorised' }],
    ['access_revoked', { status: 'disconnected', reason: 'revoked' }],
    ['connection_error', { status: 'error', reason: 'provider_rejected' }],
  ] as const;

  test.each(ends)('%s raises an alarm and ends nothing, until the next check finds the owner', async (type, shown) => {
    for (const reference of [null, undefined, '', 7]) {
      const { world, go } = await connected();

      expect(await go.deliver(about(type, { ...told(A), reference_id: reference }))).toBe('noted');
      expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
      expect([alarms(world), counted(world)]).toEqual([['end_without_reference'], [`${type}: user.reference_id`]]);
      await reconcile(world);
      expect(await go.connections('alice')).toMatchObject([shown]);
      expect((await world.store.reportedEnds())?.ends).toEqual([]);
    }
  });

  test.each(ends)('%s has the same effect as with a reference id', async type => {
    const [full, bare] = [await connected(), await connected()];
    await full.go.deliver(about(type, told(A)));
    await bare.go.deliver(about(type, { ...told(A), reference_id: null }));
    await reconcile(bare.world);

    expect(await bare.go.connections('alice')).toEqual(await full.go.connections('alice'));
  });

  test('a reference id at the top level of the body is enough', async () => {
    const { world, go } = await connected();
    const event = about('deauth', without(told(A), 'reference_id'), { reference_id: referenceIdOf('alice') });

    expect(await go.deliver(event)).toBe('applied');
    expect(alarms(world)).toEqual([]);
  });

  test('counts from the time of the event: a Terra user that authenticated after it stays connected', async () => {
    const { world, go } = await connected();
    await go.deliver(about('deauth', { ...told(A), reference_id: null }));
    world.wait(MINUTE);
    const session = await go.open('alice');
    await go.deliver(terraEvent.auth(A, { session: 'terra-session-2' }));
    const { code } = await go.comeBack(session.state, { user_id: A });
    await go.confirm('alice', session.id, code);
    await reconcile(world);

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test('of a Terra user without an owner here is dropped after one search', async () => {
    const { world, go } = await connected();
    const search = jest.spyOn(world.store, 'scanConnections');
    await go.deliver(about('deauth', { ...told(B), reference_id: null }));
    await reconcile(world);
    const searches = search.mock.calls.length;
    expect((await world.store.reportedEnds())?.ends).toEqual([]);
    world.wait(2 * HOUR);
    await reconcile(world);

    expect(search.mock.calls.length).toBe(searches);
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test('causes at most one search in an hour', async () => {
    const { world, go } = await connected();
    await reconcile(world);
    const search = jest.spyOn(world.store, 'scanConnections');
    for (let minute = 0; minute < 120; minute += 10) {
      await go.deliver(about('deauth', { ...told(terraUser(50 + minute)), reference_id: null }));
      await reconcile(world);
      world.wait(10 * MINUTE);
    }

    expect(search).toHaveBeenCalledTimes(2);
  });

  test('is matched on a later page, in a later run', async () => {
    const { world, go } = await connected();
    for (let n = 0; n < 60; n++) await go.mint(`user-${n}`);
    for (let n = 0; n < 60; n++)
      await go.deliver(terraEvent.auth(terraUser(100 + n), { sub: `user-${n}`, provider: 'APPLE' }));
    const last = { ...told(terraUser(159), { sub: 'user-59' }), reference_id: null };
    await go.deliver(about('deauth', last));
    const runs = { ...world, until: world.clock(), log: () => {}, dryRun: false };
    await reconcileConnections(runs);
    expect((await go.connections('user-59'))[0]?.status).toBe('connected');
    await reconcileConnections(runs);

    expect((await go.connections('user-59'))[0]?.status).toBe('disconnected');
    expect((await go.connections('user-58'))[0]?.status).toBe('connected');
  });

  test('is noted once if repeated; at most a hundred are noted, and each raises the alarm', async () => {
    const { world, go } = await connected();
    const end = (n: number) => about('deauth', { ...told(terraUser(200 + n)), reference_id: null });
    for (let n = 0; n < REPORTED_ENDS_LIMIT; n++) {
      expect(await go.deliver(end(n))).toBe('noted');
      await go.deliver(end(n));
    }

    expect(await go.deliver(end(REPORTED_ENDS_LIMIT))).toBe('foreign');
    expect((await world.store.reportedEnds())?.ends).toHaveLength(REPORTED_ENDS_LIMIT);
    expect(alarms(world)).toHaveLength(2 * REPORTED_ENDS_LIMIT + 1);
  });

  test.each(ends)(
    'with reference ids that are subjects %s writes nothing, because it may be about another program’s user',
    async type => {
      const { world, go } = await connected({ referenceId: 'subject' });
      const before = rows(world);

      expect(await go.deliver(about(type, { ...told(B), reference_id: null }))).toBe('foreign');
      expect([rows(world), alarms(world)]).toEqual([before, ['end_without_reference']]);
    },
  );

  test('a dry run of the check applies none of them', async () => {
    const { world, go } = await connected();
    await go.deliver(about('deauth', { ...told(A), reference_id: null }));
    await reconcileConnections({ ...world, until: world.clock() + MINUTE, log: () => {}, dryRun: true });

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });
});

test('a deauth of one Terra user and an auth of another, without user_reauth, are two connections', async () => {
  const { go } = await connected();
  const [before] = await go.connections('alice');
  await go.deliver(terraEvent.deauth(A));
  const session = await go.open('alice');
  await go.deliver(terraEvent.auth(B, { session: 'terra-session-2' }));
  const { code } = await go.comeBack(session.state, { user_id: B });
  await go.confirm('alice', session.id, code);

  const [ended, begun] = (await go.connections('alice')).toSorted((a, b) => (a.status < b.status ? 1 : -1));
  expect([ended, begun]).toMatchObject([{ id: before?.id, status: 'disconnected' }, { status: 'connected' }]);
  expect(begun?.id).not.toBe(before?.id);
});
