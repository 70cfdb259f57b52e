import { journey, terraEvent } from '../support/journey';
import { codeOf, terraUser, world as newWorld } from '../support/world';

async function phones(count: number) {
  const world = newWorld();
  const go = journey(world);
  for (let n = 0; n < count; n++) {
    await go.mint('alice');
    world.wait(1000);
    await go.deliver(terraEvent.auth(terraUser(n), { provider: 'APPLE' }));
  }
  return { world, go };
}

test('only its owner can read a session by its id', async () => {
  const world = newWorld();
  const go = journey(world);
  const first = await go.open('alice');
  const second = await go.open('alice', { provider: 'OURA' });
  await go.open('mallory');

  expect(await go.session('alice', first.id)).toMatchObject({ id: first.id, flow: 'widget', url: first.url });
  expect(await go.session('alice', second.id)).toMatchObject({ id: second.id, flow: 'direct', provider: 'OURA' });
  expect(await codeOf(go.session('mallory', first.id))).toBe('not_found');
  expect(await codeOf(go.session('alice', 'no-such-session'))).toBe('not_found');
});

test('the link is returned while it can be opened', async () => {
  const world = newWorld();
  const go = journey(world);
  const { id } = await go.open('alice');
  world.wait(900_000);

  const session = await go.session('alice', id);

  expect(session.status).toBe('pending');
  expect(session).not.toHaveProperty('url');
});

test('connections are listed by their first authentication, newest first', async () => {
  const { go, world } = await phones(3);
  world.wait(1000);
  await go.deliver(terraEvent.auth(terraUser(0), { provider: 'APPLE' }));

  expect((await go.connections('alice')).map(({ terraUserId }) => terraUserId)).toEqual([
    terraUser(2),
    terraUser(1),
    terraUser(0),
  ]);
});

test('only its owner can read a connection by its id', async () => {
  const { go } = await phones(2);
  const [newer, older] = await go.connections('alice');

  expect(await go.connection('alice', older?.id ?? '')).toEqual(older);
  expect(await go.connection('alice', newer?.id ?? '')).toEqual(newer);
  expect(await codeOf(go.connection('mallory', newer?.id ?? ''))).toBe('not_found');
  expect(await codeOf(go.connection('alice', terraUser(0)))).toBe('not_found');
});
