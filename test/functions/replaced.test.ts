import { MINUTE } from '../../functions/core/platform/clock';
import { journey, terraEvent, told } from '../support/journey';
import { terraUser, world as newWorld } from '../support/world';

/* A user that Terra replaces by another, again and again, until it goes back to the first. */

const users = [1, 2, 3].map(terraUser);
const CIRCLE = users.map((user, at) => terraEvent.reauth(told(user), told(users[(at + 1) % users.length] ?? user)));
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

async function afterEvents(order: readonly number[]) {
  const world = newWorld();
  const go = journey(world);
  const session = await go.open('alice');
  await go.deliver(terraEvent.auth(terraUser(1), { session: 'terra-session-1' }));
  const { code } = await go.comeBack(session.state, { user_id: terraUser(1) });
  await go.confirm('alice', session.id, code);
  const [first] = await go.connections('alice');
  const at = world.clock();
  world.wait(10 * MINUTE);
  for (const index of order) await go.deliver(CIRCLE[index] ?? {}, { ordering: at + (index + 1) * MINUTE });
  return { first, now: await go.connections('alice') };
}

test.each(ORDERS)('a cycle of replacements leaves one connection with its first id (%i, %i, %i)', async (...order) => {
  const { first, now } = await afterEvents(order);

  expect(now).toMatchObject([{ id: first?.id }]);
  expect(now).toHaveLength(1);
});
