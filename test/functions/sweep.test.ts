import { MINUTE, SECOND } from '../../functions/core/platform/clock';
import { referenceIdOf, terraUser } from '../support/world';
import { slowWorld } from '../support/slow-world';

const owner = (name: string, n: number) => referenceIdOf(`${name}-${n}`);
const times = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** So many owners with a connection each that waits for its disconnect at Terra; `from` numbers their Terra users. */
function endingIn(world: ReturnType<typeof slowWorld>, name: string, count: number, from: number): string[] {
  const users = times(count).map(n => terraUser(from + n));
  for (const [n, user] of users.entries()) world.putEnding(owner(name, n), user);
  return users;
}

const stillEnding = (world: ReturnType<typeof slowWorld>) => world.ending().map(row => row.terraUserId);

test('five owners with slow records do not delay the disconnects of 300 others', async () => {
  const world = slowWorld();
  const users = endingIn(world, 'heavy', 5, 0);
  for (const n of times(5)) world.heavy.set(owner('heavy', n), 8 * SECOND);
  world.pass(1);
  endingIn(world, 'healthy', 300, 100);
  const sum = await world.sweep();

  // Those who take long are served as well, after all others.
  expect(stillEnding(world)).toEqual([]);
  expect(sum).toMatchObject({ disconnected: 305, left: false });
  const order = world.asked.map(({ about }) => about);
  expect(order.slice(-5).toSorted()).toEqual(users);
});

test('ten owners with many due rows do not delay 300 others, and progress in every run', async () => {
  const world = slowWorld();
  for (const n of times(10)) {
    for (const user of times(90).map(at => terraUser(1_000 + n * 90 + at))) {
      world.putEnding(owner('busy', n), user);
      world.behaviour.set(user, 'answers late');
    }
  }
  world.pass(1);
  const healthy = endingIn(world, 'healthy', 300, 0);
  const startedAt = world.clock();
  expect(await world.sweep()).toMatchObject({ left: true });

  const left = stillEnding(world);
  expect(left.filter(user => healthy.includes(user))).toEqual([]);
  expect(world.clock() - startedAt).toBeLessThan(60 * SECOND);
  for (const _ of times(3)) {
    world.pass(10 * SECOND);
    await world.sweep();
  }
  expect(stillEnding(world)).toEqual([]);
});

test('five Terra users for which Terra never answers do not delay 300 others, and are retried less and less often', async () => {
  const world = slowWorld();
  const hanging = endingIn(world, 'hanging', 5, 0);
  for (const user of hanging) world.behaviour.set(user, 'hangs');
  world.pass(1);
  endingIn(world, 'healthy', 300, 100);
  const startedAt = world.clock();
  await world.sweep();

  expect(stillEnding(world)).toEqual(hanging);
  expect(world.alarms).toEqual([]);
  for (let minute = 0; minute < 60; minute++) {
    world.pass(MINUTE);
    await world.sweep();
  }
  const tries = world.asked
    .filter(({ about }) => about === hanging[0])
    .map(({ at }) => Math.round((at - startedAt) / MINUTE));
  // Each pause is as long as it has been tried.
  expect(tries.length).toBeLessThan(9);
});

test('while Terra does not answer, the first run closes 300 sessions that need no call to Terra', async () => {
  const world = slowWorld();
  world.setAway(true);
  endingIn(world, 'ending', 300, 0);
  world.pass(1);
  for (const n of times(300)) world.putExpired(owner('expired', n), `${n}`);

  expect(await world.sweep()).toMatchObject({ closed: 300, disconnected: 0, left: true });
  expect(world.open()).toEqual([]);
  expect(world.alarms).toEqual(['sweep_breaker']);
  // Five failures, what was under way, and the question that concerns no user.
  expect(world.asked.length).toBeLessThanOrEqual(5 + 7 + 1);
});

test('after an hour without Terra two runs complete all work', async () => {
  const world = slowWorld();
  world.setAway(true);
  endingIn(world, 'ending', 300, 0);
  for (let minute = 0; minute < 60; minute++) {
    await world.sweep();
    world.pass(MINUTE);
  }
  world.setAway(false);
  await world.sweep();
  world.pass(MINUTE);
  await world.sweep();

  expect(stillEnding(world)).toEqual([]);
});

test('40 Terra users that Terra refuses do not delay 200 others, and do not count as an outage', async () => {
  const world = slowWorld();
  const refused = endingIn(world, 'refused', 40, 0);
  for (const user of refused) world.behaviour.set(user, 'refuses');
  world.pass(1);
  endingIn(world, 'healthy', 200, 100);
  const sum = await world.sweep();

  expect(sum).toMatchObject({ disconnected: 200, refused: 40, left: false });
  expect(stillEnding(world)).toEqual(refused);
  expect(world.alarms).toEqual([]);
});

test('twenty Terra users of one owner for which Terra never answers delay no other owner', async () => {
  const world = slowWorld();
  const users = times(20).map(n => terraUser(n));
  for (const user of users) {
    world.putEnding(owner('hanging', 0), user);
    world.behaviour.set(user, 'hangs');
  }
  world.pass(1);
  endingIn(world, 'healthy', 300, 100);
  const startedAt = world.clock();
  await world.sweep();

  expect(stillEnding(world)).toEqual(users);
  expect(world.clock() - startedAt).toBeLessThan(20 * SECOND);
  expect(world.alarms).toEqual([]);
});

test('an owner whose records cannot be read is postponed, and costs the next runs nothing', async () => {
  const world = slowWorld();
  endingIn(world, 'broken', 1, 0);
  endingIn(world, 'healthy', 3, 100);
  world.broken.add(owner('broken', 0));
  expect(await world.sweep()).toMatchObject({ failed: 1, disconnected: 3 });
  world.pass(MINUTE);

  expect(await world.sweep()).toMatchObject({ due: 0, failed: 0 });
  world.pass(15 * MINUTE);
  expect(await world.sweep()).toMatchObject({ failed: 1 });
});

test('a due row that is missing from its owner’s records is postponed', async () => {
  const world = slowWorld();
  const [odd, item] = [owner('odd', 0), 'session#of-a-later-version'];
  world.store.items.set(JSON.stringify([odd, item]), { owner: odd, item, dueAt: world.clock() });
  await world.sweep();

  expect(await world.sweep()).toMatchObject({ due: 0 });
});
