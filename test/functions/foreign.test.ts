import { HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { fingerprintKey, itemKey, reconcileKey } from '../../functions/core/store/table';
import { journey, terraEvent, told } from '../support/journey';
import { referenceIdOf, terraUser, world as newWorld, type World } from '../support/world';

/*
 * With `referenceId: "subject"` another program of the same team can have Terra users under the same reference ids.
 */

const FOREIGN = terraUser(70);
const OURS = terraUser(1);

function setting() {
  const world = newWorld({ referenceId: 'subject' });
  return { world, go: journey(world) };
}
type Setting = ReturnType<typeof setting>;

const rows = (world: World) => JSON.stringify([...world.store.items]);
const alarms = ({ notes }: World) => notes.flatMap(({ alarm }) => alarm ?? []);

async function sweepFor({ world, go }: Setting, minutes: number) {
  for (let minute = 0; minute < minutes; minute++) {
    world.wait(MINUTE);
    await go.sweep();
  }
}

/** A user who connected one Terra user here. */
async function connected() {
  const made = setting();
  const { world, go } = made;
  const session = await go.open('alice');
  await go.deliver(terraEvent.auth(OURS, { session: 'terra-session-1' }));
  const { code } = await go.comeBack(session.state, { user_id: OURS });
  await go.confirm('alice', session.id, code);
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: OURS }]);
  world.wait(10 * MINUTE);
  world.notes.length = 0;
  return made;
}

describe('a success of another program', () => {
  const open: [string, (go: Setting['go']) => Promise<unknown>][] = [
    ['an unfinished widget link', go => go.open('alice')],
    ['an unfinished widget link for the same provider', go => go.open('alice', { providers: ['GARMIN'] })],
    ['an unfinished direct link for the same provider', go => go.open('alice', { provider: 'GARMIN' })],
    ['two unfinished links', async go => [await go.open('alice'), await go.open('alice')]],
    ['an unused token for any provider', go => go.mint('alice')],
    [
      'a link whose browser returned with another Terra user',
      async go => {
        const { state } = await go.open('alice');
        await go.comeBack(state, { user_id: OURS });
      },
    ],
  ];

  test.each(open)('writes nothing and is not deauthenticated while there is %s', async (_what, begin) => {
    for (const named of [undefined, 'a-session-of-the-other-program']) {
      const made = setting();
      const { world, go } = made;
      await begin(go);
      world.wait(30 * SECOND);
      world.notes.length = 0;
      const before = rows(world);
      const event = terraEvent.auth(FOREIGN, named === undefined ? {} : { session: named });

      expect(await go.deliver(event)).toBe('foreign');
      expect([rows(world), alarms(world)]).toEqual([before, ['unsolicited_foreign']]);
      await sweepFor(made, 27 * 60);
      expect(world.terra.asked('deauthenticate')).not.toContain(FOREIGN);
    }
  });

  test('does not change an open direct link, which then connects its own Terra user', async () => {
    const { world, go } = setting();
    const session = await go.open('alice');
    await go.deliver(terraEvent.auth(FOREIGN));
    world.wait(SECOND);
    await go.deliver(terraEvent.auth(OURS, { session: 'terra-session-1' }));
    const { code } = await go.comeBack(session.state, { user_id: OURS });

    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 200 });
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: OURS }]);
  });
});

describe('a success belongs to the deployment', () => {
  test('if it names our widget session, our direct link’s Terra user or a Terra user that a browser returned with', async () => {
    for (const how of ['widget session', 'direct link', 'returned']) {
      const { world, go } = setting();
      const session = await go.open('alice', how === 'direct link' ? { provider: 'GARMIN' } : {});
      const user = how === 'direct link' ? terraUser(1001) : OURS;
      world.wait(SECOND);
      const event = terraEvent.auth(user, how === 'widget session' ? { session: 'terra-session-1' } : {});
      const early = how === 'returned' ? undefined : await go.deliver(event);
      world.wait(SECOND);
      const { code } = await go.comeBack(session.state, { user_id: user });
      await go.confirm('alice', session.id, code);
      const late = how === 'returned' ? await go.deliver(event) : undefined;

      expect([how, early ?? late]).toEqual([how, 'applied']);
      expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: user }]);
    }
  });

  test('if a token record matches', async () => {
    const { go } = setting();
    await go.mint('alice', 'APPLE');

    expect(await go.deliver(terraEvent.auth(OURS, { provider: 'APPLE' }))).toBe('applied');
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });
});

const later: [string, object][] = [
  ['permission_change', terraEvent.permissions(FOREIGN, 'BODY')],
  ['connection_error', terraEvent.error(FOREIGN)],
  ['deauth', terraEvent.deauth(FOREIGN)],
  ['access_revoked', terraEvent.revoked(FOREIGN)],
  ['daily', terraEvent.data(FOREIGN)],
  ['user_reauth', terraEvent.reauth(told(FOREIGN), told(terraUser(71)))],
  ['user_reauth without the old user', terraEvent.reauth(null, told(FOREIGN))],
];

describe('a later event about a Terra user of another program', () => {
  test.each(later)('writes nothing: %s', async (_type, event) => {
    for (const begin of [() => connected(), unfinished]) {
      const { world, go } = await begin();
      const before = rows(world);

      expect(await go.deliver(event)).toBe('foreign');
      expect(rows(world)).toBe(before);
    }
  });

  test.each(later)('leads to no deauthentication, not even when its user is erased: %s', async (_type, event) => {
    const made = await connected();
    const { world, go } = made;
    await go.deliver(terraEvent.auth(FOREIGN));
    await go.deliver(event);
    await sweepFor(made, 5);
    await go.erase('alice');
    await go.deliver(event);
    await sweepFor(made, 20);

    expect(world.terra.asked('deauthenticate')).toEqual([OURS]);
  });

  async function unfinished() {
    const made = setting();
    await made.go.open('alice');
    made.world.wait(SECOND);
    return made;
  }
});

test('erasing deletes rows that an earlier version stored about a foreign Terra user, and does not deauthenticate it', async () => {
  const made = await connected();
  const { world, go } = made;
  const owner = referenceIdOf('alice');
  for (const [n, facts] of [
    { error: { at: world.clock() } },
    { gone: { at: world.clock(), reason: 'revoked' } },
    { scopes: { at: world.clock(), list: ['BODY'] } },
    { data: { at: world.clock() } },
    { auth: { at: world.clock(), via: '' }, firstAuthAt: world.clock(), provider: 'GARMIN' },
  ].entries()) {
    const terraUserId = terraUser(80 + n);
    const item = itemKey.connection(terraUserId);
    const row = { owner, terraUserId, facts, ids: [`id-${n}`], history: [], updatedAt: 1, version: 1, item };
    world.store.items.set(JSON.stringify([owner, item]), row);
  }
  await go.erase('alice');
  await sweepFor(made, 20);

  expect(world.terra.asked('deauthenticate')).toEqual([OURS]);
  expect([...world.store.items.values()].map(({ item }) => item).filter(item => !item.startsWith('quota#'))).toEqual([
    'erasure',
  ]);
});

describe('a reference id that equals a key of the table’s internal rows', () => {
  const reserved = [
    [fingerprintKey.owner, fingerprintKey.item],
    [reconcileKey.owner, reconcileKey.item],
  ] as const;
  const about = (referenceId: string) => ({ referenceId });
  const events = (referenceId: string): object[] => [
    terraEvent.auth(FOREIGN, about(referenceId)),
    terraEvent.authError(FOREIGN, about(referenceId)),
    terraEvent.cancelled(referenceId),
    terraEvent.reauth(told(FOREIGN, about(referenceId)), told(terraUser(71), about(referenceId))),
    terraEvent.reauth(null, told(FOREIGN, about(referenceId))),
    terraEvent.deauth(FOREIGN, about(referenceId)),
    terraEvent.revoked(FOREIGN, about(referenceId)),
    terraEvent.error(FOREIGN, about(referenceId)),
    terraEvent.permissions(FOREIGN, 'BODY', about(referenceId)),
    terraEvent.data(FOREIGN, about(referenceId)),
  ];

  test.each(reserved)('belongs to no owner: %s', async (owner, item) => {
    for (const referenceId of ['opaque', 'subject'] as const) {
      const world = newWorld({ referenceId });
      const go = journey(world);
      world.store.items.set(JSON.stringify([owner, item]), { owner, item });
      const before = rows(world);
      for (const event of events(owner)) expect(await go.deliver(event)).toBe('foreign');

      expect(rows(world)).toBe(before);
    }
  });

  test('belongs to no owner in a user_reauth that moves a link away from an owner', async () => {
    for (const [owner, item] of reserved) {
      const { world, go } = await connected();
      world.store.items.set(JSON.stringify([owner, item]), { owner, item });
      await go.deliver(terraEvent.reauth(told(OURS), told(FOREIGN, { referenceId: owner })));

      expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'deauthorised' }]);
      expect([...world.store.items.values()].filter(row => row.owner === owner)).toEqual([{ owner, item }]);
    }
  });
});

test('with opaque reference ids an unrequested success is ended after an hour', async () => {
  const world = newWorld();
  const go = journey(world);
  await go.open('alice');
  await go.deliver(terraEvent.auth(FOREIGN, { session: 'a-session-of-somebody' }));
  world.wait(HOUR + MINUTE);
  await go.sweep();

  expect(world.terra.asked('deauthenticate')).toEqual([FOREIGN]);
});
