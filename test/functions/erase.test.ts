import { DAY, HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { SCHEMA } from '../../functions/core/store/table';
import { journey, terraEvent, told } from '../support/journey';
import { codeOf, referenceIdOf, terraUser, type World, world as newWorld } from '../support/world';

const USER = terraUser(1);
const LATE = terraUser(2);
const RENEWED = terraUser(3);
const away = new Problem('terra_unavailable', 'away');

const eraseFor = (world: World, sub = 'alice') => journey(world).erase(sub);
/** All rows but the counters of uses, which outlive an erasure for two hours. */
const itemsOf = (world: World, sub = 'alice') =>
  [...world.store.items.values()]
    .filter(({ owner, item }) => owner === referenceIdOf(sub) && !item.startsWith('quota#'))
    .map(({ item }) => item);

async function connected(options = {}) {
  const world = newWorld(options);
  const go = journey(world);
  const session = await go.open('alice');
  await go.mint('alice');
  await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));
  const { code } = await go.comeBack(session.state, { user_id: USER });
  await go.confirm('alice', session.id, code);
  world.wait(HOUR);
  return { world, go, session };
}

test('erasing deletes all records of the owner, here and at Terra, except a tombstone kept for 35 days', async () => {
  const { world, go } = await connected();

  expect(await eraseFor(world)).toEqual({ status: 202, body: { status: 'erasing' } });

  expect(itemsOf(world)).toEqual(['erasure']);
  expect(world.terra.asked('deauthenticate')).toEqual([USER]);
  expect(await go.connections('alice')).toEqual([]);
  expect(world.store.items.get(JSON.stringify([referenceIdOf('alice'), 'erasure']))).toEqual({
    owner: referenceIdOf('alice'),
    item: 'erasure',
    schema: SCHEMA,
    requestedAt: world.clock(),
    version: world.clock(),
    dueAt: world.clock() + MINUTE,
    purgeAt: (world.clock() + 35 * DAY) / 1000,
  });
});

test('a connection is erased whose event Terra dates a few seconds after the erasure, because its clock is ahead', async () => {
  const world = newWorld();
  const go = journey(world);
  const session = await go.open('alice');
  await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }), { ordering: world.clock() + 4 * SECOND });
  const { code } = await go.comeBack(session.state, { user_id: USER });
  await go.confirm('alice', session.id, code);
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);

  await eraseFor(world);

  expect(itemsOf(world)).toEqual(['erasure']);
  expect(world.terra.asked('deauthenticate')).toEqual([USER]);
});

test('records of other owners are not touched', async () => {
  const { world, go } = await connected();
  await go.open('bob');
  const before = itemsOf(world, 'bob');
  await eraseFor(world);

  expect(itemsOf(world, 'bob')).toEqual(before);
});

test('while Terra does not answer everything ends at once, nothing new can begin, and the sweep retries until Terra agrees', async () => {
  const { world, go } = await connected();
  world.terra.failWith(away);
  await eraseFor(world);

  expect(await go.connections('alice')).toMatchObject([{ status: 'disconnecting', reason: 'erased' }]);
  expect(await codeOf(go.open('alice'))).toBe('erasing');
  expect(await codeOf(go.mint('alice'))).toBe('erasing');

  world.wait(HOUR);
  await go.sweep();
  expect(itemsOf(world)).toContain(`connection#${USER}`);
  world.terra.failWith(undefined);
  world.wait(HOUR);
  await go.sweep();
  world.wait(MINUTE);
  await go.sweep();
  expect(itemsOf(world)).toEqual(['erasure']);
  expect(await codeOf(go.open('alice'))).toMatchObject({ status: 'pending' });
});

test('the sweep completes an erasure that crashed', async () => {
  for (const verb of ['beginErasure', 'putConnection', 'remove', 'load'] as const) {
    const { world, go } = await connected();
    const real = world.store[verb] as (...args: unknown[]) => Promise<unknown>;
    let calls = 0;
    jest.spyOn(world.store, verb).mockImplementation(((...args: unknown[]) => {
      if (++calls === 2) throw new Error('crashed');
      return real(...args);
    }) as never);
    await eraseFor(world).catch(() => undefined);
    jest.restoreAllMocks();
    for (let minute = 0; minute < 20; minute++) {
      world.wait(MINUTE);
      await go.sweep();
    }
    expect([verb, itemsOf(world)]).toEqual([verb, ['erasure']]);
  }
});

test('a Terra user that is reported late is ended without being shown, and leaves no row', async () => {
  const { world, go } = await connected();
  await eraseFor(world);
  world.wait(MINUTE);

  expect(await go.deliver(terraEvent.auth(LATE, { session: 'terra-session-1' }))).toBe('applied');
  expect(await go.connections('alice')).toEqual([]);
  expect(await codeOf(go.open('alice'))).toMatchObject({ status: 'pending' });
  await go.sweep();

  expect(world.terra.asked('deauthenticate')).toEqual([USER, LATE]);
  expect(itemsOf(world)).not.toContain(`connection#${LATE}`);
});

test('a connection is deleted although Terra’s own event of its end changes the row before', async () => {
  const { world, go } = await connected();
  let isChanged = false;
  const store = {
    ...world.store,
    async remove(owner: string, item: string, version: number | undefined) {
      if (item.startsWith('connection#') && !isChanged) {
        isChanged = true;
        await go.deliver(terraEvent.deauth(USER), { ordering: world.clock() + 1 });
      }
      return world.store.remove(owner, item, version);
    },
  };

  await journey({ ...world, store }).erase('alice');

  expect(isChanged).toBe(true);
  expect(itemsOf(world)).toEqual(['erasure']);
  expect(await codeOf(go.open('alice'))).toMatchObject({ status: 'pending' });
});

test('a row that a concurrent run deleted is not recreated', async () => {
  const { world, go } = await connected();
  const attempt = jest.spyOn(world.terra, 'deauthenticate').mockImplementationOnce(async () => {
    world.terra.users.delete(USER);
    await eraseFor(world);
  });
  await eraseFor(world);
  attempt.mockRestore();

  expect(itemsOf(world)).toEqual(['erasure']);
  expect(await go.connections('alice')).toEqual([]);
});

test('a late event that a Terra user ended leaves no row', async () => {
  const { world, go } = await connected();
  await eraseFor(world);

  expect(await go.deliver(terraEvent.deauth(USER))).toBe('unchanged');
  expect(itemsOf(world)).toEqual(['erasure']);
});

test('an erased owner can connect again and stays connected', async () => {
  const { world, go } = await connected();
  await eraseFor(world);
  world.wait(MINUTE);
  const session = await go.open('alice');
  await go.deliver(terraEvent.auth(LATE, { session: 'terra-session-2' }));
  const { code } = await go.comeBack(session.state, { user_id: LATE });
  await go.confirm('alice', session.id, code);

  for (let hour = 0; hour < 72; hour++) {
    world.wait(HOUR);
    await go.sweep();
  }
  await go.deliver(terraEvent.data(LATE));
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: LATE }]);
  expect(world.terra.asked('deauthenticate')).toEqual([USER]);
});

test('after an erasure and a new start, a replaced Terra user is superseded as for any other owner', async () => {
  const replaced = async (isErasedBefore: boolean) => {
    const world = newWorld();
    const go = journey(world);
    if (isErasedBefore) await eraseFor(world);
    world.wait(MINUTE);
    const session = await go.open('alice');
    await go.deliver(terraEvent.auth(LATE, { session: 'terra-session-1' }));
    const { code } = await go.comeBack(session.state, { user_id: LATE });
    await go.confirm('alice', session.id, code);
    world.wait(DAY);
    await go.deliver(terraEvent.reauth(told(LATE), told(RENEWED)));
    const atOnce = await go.connections('alice');
    world.wait(2 * HOUR);
    await go.sweep();
    return { atOnce, later: await go.connections('alice'), ended: world.terra.asked('deauthenticate') };
  };

  const { atOnce, ended } = await replaced(true);
  expect(atOnce).toMatchObject([{ status: 'unconfirmed', needsAction: 'reconnect' }]);
  expect(ended).toEqual([RENEWED]);
  expect(await replaced(true)).toEqual(await replaced(false));
});

test('after an erasure a widget’s Terra user without created_at is proved only if Terra names the session', async () => {
  const { world, go } = await connected();
  await eraseFor(world);
  world.wait(MINUTE);
  const finish = async (terraUserId: string, named?: string) => {
    const session = await go.open('alice');
    world.wait(SECOND);
    await go.deliver(terraEvent.auth(terraUserId, named === undefined ? {} : { session: named }));
    const { code } = await go.visit(session.state, { user_id: terraUserId });
    return codeOf(go.confirm('alice', session.id, code));
  };

  expect(await finish(LATE)).toBe('session_closed');
  expect(await finish(RENEWED, 'terra-session-3')).toMatchObject({ status: 200 });
});

test('no row stays due', async () => {
  const { world, go } = await connected();
  await eraseFor(world);
  world.wait(20 * MINUTE);
  await go.sweep();
  world.wait(DAY);

  expect(await go.sweep()).toMatchObject({ due: 0 });
});

test('with reference ids that are subjects an unrequested Terra user is left alone even then', async () => {
  const { world, go } = await connected({ referenceId: 'subject' });
  await eraseFor(world);

  expect(await go.deliver(terraEvent.auth(LATE, { session: 'another-system' }))).toBe('foreign');
  world.wait(DAY);
  await go.sweep();
  expect(world.terra.asked('deauthenticate')).toEqual([USER]);
});

test('the limits hold across an erasure, and erasures have their own limit', async () => {
  const { world, go } = await connected();
  for (let n = 0; n < world.limit; n++) await go.open('alice');
  for (let n = 0; n < 10; n++) await eraseFor(world);

  expect(await codeOf(go.open('alice'))).toBe('rate_limited');
  expect(await codeOf(eraseFor(world))).toBe('rate_limited');
  world.wait(10 * MINUTE);
  expect(await codeOf(eraseFor(world))).toMatchObject({ status: 202 });
});
