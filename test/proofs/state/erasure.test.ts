import * as fc from 'fast-check';
import { HOUR, MINUTE, SECOND } from '../../../functions/core/platform/clock';
import { Problem } from '../../../functions/core/http/errors';
import { journey, terraEvent } from '../../support/journey';
import { codeOf, referenceIdOf, terraUser, world as newWorld } from '../../support/world';
import { holds } from './proof';

const OLD = terraUser(1);
const NEW = terraUser(2);

function stage() {
  const world = newWorld();
  const go = journey(world);
  const alice = referenceIdOf('alice');
  return {
    world,
    go,
    /** All rows but the counters of uses, which outlive an erasure for two hours. */
    itemsOf: () =>
      [...world.store.items.values()]
        .filter(({ owner, item }) => owner === alice && !item.startsWith('quota#'))
        .map(({ item }) => item),
    /** What DynamoDB's TTL does, sooner or later. */
    purge: () => {
      for (const [key, { purgeAt }] of world.store.items) {
        if (Number(purgeAt) * SECOND < world.clock()) world.store.items.delete(key);
      }
    },
    connect: async (user: string) => {
      const { id, state } = await go.open('alice');
      await go.deliver(terraEvent.auth(user, { session: `terra-session-${world.terra.links.length}` }));
      const { code } = await go.comeBack(state, { user_id: user });
      await go.confirm('alice', id, code);
    },
    rounds: async (hours: number) => {
      for (let minute = 0; minute < 20; minute++) {
        world.wait(MINUTE);
        await go.sweep();
      }
      for (let hour = 0; hour < hours; hour++) {
        world.wait(HOUR);
        await go.sweep();
      }
    },
  };
}

test('an owner who comes back after an erasure is treated like any other', async () => {
  const { world, go, connect, rounds, purge } = stage();
  await connect(OLD);
  world.wait(HOUR);
  await go.erase('alice');
  world.wait(HOUR);
  await go.sweep();
  await connect(NEW);
  await rounds(72);
  purge();

  expect(await codeOf(go.open('alice'))).toMatchObject({ status: 'pending' });
  await rounds(24);
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: NEW }]);
});

test.each([
  ['data', terraEvent.data(NEW)],
  ['a permission change', terraEvent.permissions(NEW, 'BODY')],
])('%s that arrives before the new authentication of such an owner does not end it', async (_what, early) => {
  const { world, go, connect, rounds } = stage();
  await connect(OLD);
  world.wait(HOUR);
  await go.erase('alice');
  world.wait(HOUR);
  await go.sweep();
  const { id, state } = await go.open('alice');
  const at = world.clock() + SECOND;
  world.wait(2 * SECOND);
  await go.deliver(early);
  await go.sweep();
  await go.deliver(terraEvent.auth(NEW, { session: 'terra-session-2' }), { ordering: at });
  const { code } = await go.comeBack(state, { user_id: NEW });
  await go.confirm('alice', id, code);
  await go.sweep();
  await go.deliver(terraEvent.data(NEW));
  await rounds(3);

  expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  expect(world.terra.asked('deauthenticate')).toEqual([OLD]);
});

test('a Terra user that the erasure ended can be connected again', async () => {
  const { world, go, connect, rounds } = stage();
  await connect(OLD);
  world.terra.failWith(new Problem('terra_unavailable', 'away'));
  world.wait(HOUR);
  await go.erase('alice');
  world.wait(20 * MINUTE);
  world.terra.failWith(undefined);
  await go.sweep();
  await go.sweep();
  await go.deliver(terraEvent.auth(NEW, { session: 'elsewhere' }));
  world.terra.failWith(new Problem('terra_unavailable', 'away'));
  await go.sweep();
  world.wait(MINUTE);
  world.terra.failWith(undefined);
  await connect(NEW);
  world.wait(MINUTE);
  await go.deliver(terraEvent.data(NEW));
  await rounds(3);
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: NEW }]);

  await go.deliver(terraEvent.revoked(NEW));
  await rounds(3);
  expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'revoked' }]);
});

const late = fc.constantFrom<((user: string) => object)[]>(
  user => terraEvent.auth(user, { session: 'terra-session-1' }),
  user => terraEvent.auth(user),
  user => terraEvent.auth(user, { session: 'elsewhere' }),
  user => terraEvent.deauth(user),
  user => terraEvent.error(user),
  user => terraEvent.data(user),
  user => terraEvent.permissions(user, 'BODY'),
  user => terraEvent.authError(user),
  user => terraEvent.reauth(terraEvent.auth(OLD).user, terraEvent.auth(user).user),
);

test('whatever Terra reports about an erased owner, only the tombstone remains, and no user at Terra', async () => {
  await holds(
    fc.asyncProperty(
      fc.array(fc.record({ late, user: fc.integer({ min: 1, max: 3 }), minutes: fc.constantFrom(0, 1, 7, 30) }), {
        maxLength: 6,
      }),
      fc.nat(3),
      fc.boolean(),
      async (told, before, isAway) => {
        const { world, go, connect, rounds, itemsOf } = stage();
        await connect(OLD);
        await go.mint('alice');
        for (const each of told.slice(0, before)) await go.deliver(each.late(terraUser(each.user)));
        world.wait(MINUTE);
        if (isAway) world.terra.failWith(new Problem('terra_unavailable', 'away'));
        await go.erase('alice');
        const atTerra = new Set<string>();
        for (const each of told.slice(before)) {
          world.wait(each.minutes * MINUTE + SECOND);
          const event = each.late(terraUser(each.user));
          await go.deliver(event);
          const { type, status } = event as { type: string; status?: string };
          if (type === 'auth' && status === 'success') atTerra.add(terraUser(each.user));
          else if (type === 'auth' || type === 'deauth') atTerra.delete(terraUser(each.user));
          if (each.minutes === 7) await go.sweep();
          const shown = await go.connections('alice');
          expect(shown.filter(({ reason }) => reason !== 'erased')).toEqual([]);
        }
        world.terra.failWith(undefined);
        await rounds(12);

        expect(itemsOf()).toEqual(['erasure']);
        expect(world.terra.asked('deauthenticate')).toEqual(expect.arrayContaining([...atTerra]));
      },
    ),
    250,
    5_000,
  );
});
