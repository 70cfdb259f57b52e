import { DAY, HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { reconcileConnections } from '../../functions/core/state/reconcile-connections';
import type { Store } from '../../functions/core/store/store';
import { journey, terraEvent } from '../support/journey';
import { world as newWorld, referenceIdOf, terraUser, type World } from '../support/world';

/** So many users with a connected phone each, whom Terra has, a day later. */
async function connected(count: number) {
  const world = newWorld();
  const go = journey(world);
  for (let n = 0; n < count; n++) {
    await go.mint(`user-${n}`);
    await go.deliver(terraEvent.auth(terraUser(n), { sub: `user-${n}`, provider: 'APPLE' }));
    world.terra.users.set(terraUser(n), {
      terraUserId: terraUser(n),
      provider: 'APPLE',
      referenceId: undefined,
      authenticated: true,
      createdAt: undefined,
      scopes: undefined,
    });
  }
  const said: unknown[] = [];
  const reconcile = (options = { dryRun: false }, store: Store = world.store) =>
    reconcileConnections({
      ...world,
      ...options,
      store,
      until: world.clock() + MINUTE,
      log: (_level, _message, facts) => void said.push(facts),
    });
  const statusOf = async (n: number) => (await go.connections(`user-${n}`))[0]?.status;
  world.wait(DAY);
  return { world, go, reconcile, statusOf, said };
}

/** Terra reported that this user ended the connection. */
const endedAt = (world: World, n: number) =>
  journey(world).deliver(terraEvent.revoked(terraUser(n), { sub: `user-${n}`, provider: 'APPLE' }));

test('a Terra user that Terra no longer has is disconnected at the second check', async () => {
  const { world, reconcile, statusOf } = await connected(3);
  world.terra.users.delete(terraUser(1));

  expect(await reconcile()).toMatchObject({ asked: 3, missed: 1, absent: 0, stopped: false });
  expect(await statusOf(1)).toBe('connected');
  world.wait(DAY);
  expect(await reconcile()).toMatchObject({ absent: 1 });

  expect([await statusOf(0), await statusOf(1), await statusOf(2)]).toEqual(['connected', 'disconnected', 'connected']);
});

test('a Terra user that was missed once and then found must be missed twice again', async () => {
  const { world, reconcile, statusOf } = await connected(2);
  const user = world.terra.users.get(terraUser(1));
  for (const isThere of [false, true, false]) {
    if (isThere && user) world.terra.users.set(terraUser(1), user);
    else world.terra.users.delete(terraUser(1));
    await reconcile();
    world.wait(DAY);
  }
  expect(await statusOf(1)).toBe('connected');
});

test('a Terra user with an event since it was missed is left alone', async () => {
  const { world, go, reconcile, statusOf } = await connected(2);
  world.terra.users.delete(terraUser(1));
  await reconcile();
  world.wait(DAY);
  await go.deliver(terraEvent.data(terraUser(1), { sub: 'user-1', provider: 'APPLE' }));
  await reconcile();

  expect(await statusOf(1)).toBe('connected');
});

test('an answer that contains none of the requested Terra users is ignored, and raises an alarm', async () => {
  const { world, reconcile, statusOf, said } = await connected(3);
  world.terra.users.clear();
  for (let day = 0; day < 5; day++) {
    expect(await reconcile()).toEqual({ asked: 0, missed: 0, absent: 0, skipped: 3, failed: 0, stopped: false });
    world.wait(DAY);
  }
  expect(said).toContainEqual({ alarm: 'reconcile_skipped', skipped: 3 });
  expect(await statusOf(0)).toBe('connected');
});

test('a failed request ends no connection, and the check continues from the same place', async () => {
  const { world, reconcile, statusOf } = await connected(120);
  world.terra.users.delete(terraUser(110));
  const pages = jest.spyOn(world.store, 'scanConnections');
  world.terra.failWith(new Problem('terra_unavailable', 'away'));
  await expect(reconcile()).rejects.toMatchObject({ code: 'terra_unavailable' });
  world.terra.failWith(undefined);

  expect(await reconcile()).toMatchObject({ asked: 120, missed: 1 });
  expect(pages.mock.calls.map(([cursor]) => cursor?.slice(-7, -3))).toEqual([undefined, undefined, '0049', '0099']);
  expect(await statusOf(110)).toBe('connected');
});

test('a run that would end too many connections ends none, and raises an alarm', async () => {
  const { world, reconcile, statusOf, said } = await connected(100);
  for (let n = 0; n < 30; n++) world.terra.users.delete(terraUser(n));
  await reconcile();
  world.wait(DAY);

  expect(await reconcile()).toMatchObject({ absent: 0, stopped: true });
  expect(await statusOf(0)).toBe('connected');
  expect(said).toEqual([{ alarm: 'reconcile_breaker', due: 30 }]);
});

test('one run can end up to twenty connections, however few there are', async () => {
  const { world, reconcile, statusOf } = await connected(40);
  for (let n = 0; n < 20; n++) world.terra.users.delete(terraUser(n));
  await reconcile();
  world.wait(DAY);

  expect(await reconcile()).toMatchObject({ absent: 20, stopped: false });
  expect(await statusOf(19)).toBe('disconnected');
});

test('every connection is checked once a day, whatever the number of runs', async () => {
  const { world, reconcile } = await connected(2);
  await reconcile();
  for (let hour = 1; hour < 24; hour++) {
    world.wait(HOUR);
    await reconcile();
  }
  expect(world.terra.asked('findUsers')).toHaveLength(1);
  world.wait(HOUR);
  await reconcile();
  expect(world.terra.asked('findUsers')).toHaveLength(2);
});

test('a dry run asks Terra and counts, but writes nothing', async () => {
  const { world, reconcile } = await connected(3);
  world.terra.users.delete(terraUser(1));
  const before = JSON.stringify([...world.store.items]);

  expect(await reconcile({ dryRun: true })).toMatchObject({ asked: 3, missed: 1 });
  expect(JSON.stringify([...world.store.items])).toBe(before);
  expect(await reconcile({ dryRun: true })).toMatchObject({ asked: 3 });
});

test('connections that are not live are not asked about; those with an event today only help to judge the answer', async () => {
  const { world, go, reconcile } = await connected(3);
  await go.deliver(terraEvent.revoked(terraUser(0), { sub: 'user-0', provider: 'APPLE' }));
  await go.deliver(terraEvent.data(terraUser(1), { sub: 'user-1', provider: 'APPLE' }));
  await reconcile();

  expect(world.terra.asked('findUsers')).toEqual([`${terraUser(2)},${terraUser(1)}`]);
});

test('Terra users that ended without an event are found, even if every other has an event each day', async () => {
  const { world, go, reconcile, statusOf } = await connected(200);
  const departed = [3, 90, 170];
  for (const n of departed) world.terra.users.delete(terraUser(n));
  const sums = [];
  for (let day = 0; day < 2; day++) {
    for (let n = 0; n < 200; n++) {
      const data = terraEvent.data(terraUser(n), { sub: `user-${n}`, provider: 'APPLE' });
      if (!departed.includes(n)) await go.deliver(data);
    }
    sums.push(await reconcile());
    world.wait(DAY);
  }

  expect(sums).toMatchObject([
    { asked: 3, missed: 3, absent: 0, skipped: 0 },
    { asked: 3, absent: 3 },
  ]);
  expect(await Promise.all(departed.map(statusOf))).toEqual(['disconnected', 'disconnected', 'disconnected']);
  expect(await statusOf(4)).toBe('connected');
});

test('Terra users that ended are found by an answer without them, once it contains one that Terra has', async () => {
  const { world, reconcile, statusOf } = await connected(60);
  // The first page of the table holds these alone.
  for (let n = 0; n < 50; n++) if (n > 9) await endedAt(world, n);
  for (let n = 0; n < 10; n++) world.terra.users.delete(terraUser(n));
  await reconcile();
  world.wait(DAY);

  expect(await reconcile()).toMatchObject({ asked: 20, absent: 10, skipped: 0 });
  expect(await statusOf(0)).toBe('disconnected');
});

describe('if Terra refuses a request because of one Terra user in it', () => {
  /** Terra answers 400 to every question about one of these. */
  async function refusing(refused: number[], count = 1_200) {
    const setting = await connected(count);
    const { world } = setting;
    const answer = world.terra.findUsers;
    jest.spyOn(world.terra, 'findUsers').mockImplementation(async ids => {
      const found = await answer(ids);
      if (refused.some(n => ids.includes(terraUser(n)))) throw new Problem('terra_rejected', 'unknown user');
      return found;
    });
    return setting;
  }

  test('all others are asked about in the same run, and an alarm is raised', async () => {
    const { world, reconcile, said } = await refusing([70, 71, 999]);

    expect(await reconcile()).toMatchObject({ asked: 1_197, missed: 0, skipped: 3 });
    expect(said).toContainEqual({ alarm: 'reconcile_skipped', skipped: 3 });
    // 24 pages, and for each of the two that a refused user is in ten parts, the users of a part, and one of them alone.
    expect(world.terra.asked('findUsers').length).toBeLessThanOrEqual(24 + 2 * 16);
    expect((await world.store.reconcileProgress())?.isDone).toBe(true);
  });

  test('a refused Terra user with an event today does not affect the others', async () => {
    const { world, go, reconcile } = await refusing([0], 60);
    await go.deliver(terraEvent.data(terraUser(0), { sub: 'user-0', provider: 'APPLE' }));

    expect(await reconcile()).toMatchObject({ asked: 59, skipped: 0 });
    expect((await world.store.reconcileProgress())?.isDone).toBe(true);
  });
});

test('while Terra does not answer no connection is skipped: the next run continues from the last answer', async () => {
  const { world, reconcile } = await connected(300);
  const answer = world.terra.findUsers;
  let asked = 0;
  const away = jest.spyOn(world.terra, 'findUsers').mockImplementation(async ids => {
    const found = await answer(ids);
    if (++asked > 3) throw new Problem('terra_timeout', 'away');
    return found;
  });
  await expect(reconcile()).rejects.toMatchObject({ code: 'terra_timeout' });
  expect(world.terra.asked('findUsers')).toHaveLength(3 + 5);
  away.mockRestore();

  expect(await reconcile()).toMatchObject({ asked: 150, skipped: 0 });
});

test('a run without time left is continued by the next one from the last batch', async () => {
  const { world, reconcile } = await connected(300);
  const answer = world.terra.findUsers;
  jest.spyOn(world.terra, 'findUsers').mockImplementation(async ids => {
    world.wait(25 * SECOND);
    return answer(ids);
  });
  // All in one page.
  const scanConnections = async (from: string | undefined) => {
    const all = await world.store.scanConnections(from);
    for (let { cursor } = all; cursor !== undefined; ) {
      const next = await world.store.scanConnections(cursor);
      all.rows.push(...next.rows);
      cursor = next.cursor;
    }
    return { ...all, cursor: undefined };
  };
  const store = { ...world.store, scanConnections };
  const sums = [await reconcile({ dryRun: false }, store), await reconcile({ dryRun: false }, store)];

  // Three batches of 99, then the rest.
  expect(sums.map(({ asked }) => asked)).toEqual([297, 3]);
});

test('records of one owner that cannot be written do not stop the check of others', async () => {
  const { world, reconcile, statusOf } = await connected(40);
  const load = world.store.load;
  for (const n of [4, 5]) world.terra.users.delete(terraUser(n));
  const isBroken = (owner: string) => owner === referenceIdOf('user-4');
  const broken = {
    ...world.store,
    load: (owner: string) => (isBroken(owner) ? Promise.reject(new Error()) : load(owner)),
  };
  await reconcile({ dryRun: false }, broken);
  world.wait(DAY);

  expect(await reconcile({ dryRun: false }, broken)).toMatchObject({ absent: 1, failed: 1 });
  expect(await statusOf(5)).toBe('disconnected');
});
