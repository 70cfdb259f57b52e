import { DAY, HOUR, MINUTE } from '../../functions/core/clock';
import { Problem } from '../../functions/core/errors';
import { reconcileConnections } from '../../functions/core/reconcile-connections';
import { journey, terraEvent } from '../support/journey';
import { world as newWorld, terraUser } from '../support/world';

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
  const reconcile = (options = { dryRun: false }) =>
    reconcileConnections({
      ...world,
      ...options,
      budget: MINUTE,
      log: (_level, _message, facts) => void said.push(facts),
    });
  const statusOf = async (n: number) => (await go.connections(`user-${n}`))[0]?.status;
  world.wait(DAY);
  return { world, go, reconcile, statusOf, said };
}

test('a user whom Terra has lost without a word is disconnected at the second check', async () => {
  const { world, reconcile, statusOf } = await connected(3);
  world.terra.users.delete(terraUser(1));

  expect(await reconcile()).toEqual({ asked: 3, missed: 1, absent: 0, stopped: false });
  expect(await statusOf(1)).toBe('connected');
  world.wait(DAY);
  expect(await reconcile()).toMatchObject({ absent: 1 });

  expect([await statusOf(0), await statusOf(1), await statusOf(2)]).toEqual(['connected', 'disconnected', 'connected']);
});

test('a user missed once and found again has to be missed twice anew', async () => {
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

test('a user heard of since he was missed is left alone', async () => {
  const { world, go, reconcile, statusOf } = await connected(2);
  world.terra.users.delete(terraUser(1));
  await reconcile();
  world.wait(DAY);
  await go.deliver(terraEvent.data(terraUser(1), { sub: 'user-1', provider: 'APPLE' }));
  await reconcile();

  expect(await statusOf(1)).toBe('connected');
});

test('an answer that knows none of the asked is believed in nothing', async () => {
  const { world, reconcile, statusOf } = await connected(3);
  world.terra.users.clear();
  for (let day = 0; day < 5; day++) {
    expect(await reconcile()).toEqual({ asked: 0, missed: 0, absent: 0, stopped: false });
    world.wait(DAY);
  }
  expect(await statusOf(0)).toBe('connected');
});

test('a failed answer ends nobody, and the check goes on from where it was', async () => {
  const { world, reconcile, statusOf } = await connected(120);
  world.terra.users.delete(terraUser(110));
  const pages = jest.spyOn(world.store, 'scanConnections');
  world.terra.failWith(new Problem('terra_unavailable', 'away'));
  await expect(reconcile()).rejects.toMatchObject({ code: 'terra_unavailable' });
  world.terra.failWith(undefined);

  expect(await reconcile()).toMatchObject({ asked: 120, missed: 1 });
  expect(pages.mock.calls.map(([cursor]) => cursor)).toEqual([undefined, undefined, '50', '100']);
  expect(await statusOf(110)).toBe('connected');
});

test('a run that would end too many ends none and calls for a person', async () => {
  const { world, reconcile, statusOf, said } = await connected(100);
  for (let n = 0; n < 30; n++) world.terra.users.delete(terraUser(n));
  await reconcile();
  world.wait(DAY);

  expect(await reconcile()).toMatchObject({ absent: 0, stopped: true });
  expect(await statusOf(0)).toBe('connected');
  expect(said).toEqual([{ alarm: 'reconcile_breaker', due: 30 }]);
});

test('up to twenty may go in one run, however few there are', async () => {
  const { world, reconcile, statusOf } = await connected(40);
  for (let n = 0; n < 20; n++) world.terra.users.delete(terraUser(n));
  await reconcile();
  world.wait(DAY);

  expect(await reconcile()).toMatchObject({ absent: 20, stopped: false });
  expect(await statusOf(19)).toBe('disconnected');
});

test('all is checked once a day, whatever the number of runs', async () => {
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

test('a dry run asks and counts, and writes nothing down', async () => {
  const { world, reconcile } = await connected(3);
  world.terra.users.delete(terraUser(1));
  const before = JSON.stringify([...world.store.items]);

  expect(await reconcile({ dryRun: true })).toMatchObject({ asked: 3, missed: 1 });
  expect(JSON.stringify([...world.store.items])).toBe(before);
  expect(await reconcile({ dryRun: true })).toMatchObject({ asked: 3 });
});

test('what was heard of today, is not connected, or is new is not asked about', async () => {
  const { world, go, reconcile } = await connected(3);
  await go.deliver(terraEvent.revoked(terraUser(0), { sub: 'user-0', provider: 'APPLE' }));
  await go.deliver(terraEvent.data(terraUser(1), { sub: 'user-1', provider: 'APPLE' }));
  await reconcile();

  expect(world.terra.asked('findUsers')).toEqual([terraUser(2)]);
});
