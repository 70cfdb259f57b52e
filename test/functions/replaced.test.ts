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

test.each([
  ['before', [0, 1, 2]],
  ['after', [0, 2, 1]],
] as const)(
  'a second authentication that no session explains stays unproved if Terra reports it %s a replacement by the same user',
  async (_when, order) => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    await go.deliver(terraEvent.auth(terraUser(1), { session: 'terra-session-1' }));
    const { code } = await go.comeBack(session.state, { user_id: terraUser(1) });
    await go.confirm('alice', session.id, code);
    world.wait(90 * MINUTE);
    const at = world.clock();
    const events = [
      terraEvent.reauth(told(terraUser(1)), told(terraUser(2))),
      { ...terraEvent.auth(terraUser(1)), flow_id: 'second' },
      terraEvent.reauth(told(terraUser(2)), told(terraUser(1))),
    ];
    for (const index of order) await go.deliver(events[index] ?? {}, { ordering: at + index });

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', needsAction: 'reconnect' }]);
  },
);
