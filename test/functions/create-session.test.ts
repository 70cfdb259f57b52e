import { MINUTE } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { journey } from '../support/journey';
import { codeOf, world as newWorld } from '../support/world';

const setting = () => {
  const world = newWorld();
  return {
    world,
    go: journey(world),
    rows: () => [...world.store.items.values()].filter(row => row.item.startsWith('session#')),
  };
};

test('a provider makes a direct link, in Terra’s spelling', async () => {
  const { go, world } = setting();

  expect(await go.open('alice', { provider: 'garmin' })).toMatchObject({ flow: 'direct' });
  expect(world.terra.calls).toEqual([{ what: 'openDirect', about: 'GARMIN' }]);
});

test.each([
  ['both provider and providers', { provider: 'GARMIN', providers: ['OURA'] }, 'invalid_request'],
  ['an unknown return target', { returnTo: 'https://evil.example' }, 'invalid_request'],
  ['a provider of the mobile SDK', { provider: 'APPLE' }, 'provider_unavailable'],
])('%s is refused before Terra is asked', async (_what, wish, code) => {
  const { go, world, rows } = setting();

  expect(await codeOf(go.open('alice', wish))).toBe(code);
  expect(world.terra.calls).toEqual([]);
  expect(rows()).toEqual([]);
});

test('the stored row keeps no secret, only hashes', async () => {
  const { go, rows } = setting();
  const { state } = await go.open('alice');

  expect(JSON.stringify(rows())).not.toContain(state.split('.')[2]);
});

test('a user cannot open more sessions in ten minutes than the limit', async () => {
  const { go, world } = setting();
  for (let n = 0; n < 10; n++) await go.open('alice');

  await expect(go.open('alice')).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 600 });
  expect(await codeOf(go.open('bob'))).toMatchObject({ status: 'pending' });
  world.wait(10 * MINUTE);
  expect(await codeOf(go.open('alice'))).toMatchObject({ status: 'pending' });
});

test('a refusal by Terra leaves no session behind', async () => {
  const { go, world, rows } = setting();
  world.terra.failWith(new Problem('terra_rejected', 'no'));

  expect(await codeOf(go.open('alice'))).toBe('terra_rejected');
  expect(rows()).toEqual([]);
});

describe('an idempotency key', () => {
  const key = { 'idempotency-key': 'attempt-1' };

  test('gives the same session again, asking Terra once', async () => {
    const { go, world } = setting();
    const { state: _first, ...first } = await go.open('alice', {}, key);
    const { state: _second, ...second } = await go.open('alice', {}, key);

    expect(second).toEqual(first);
    expect(world.terra.calls).toHaveLength(1);
  });

  test('belongs to one user', async () => {
    const { go } = setting();

    expect((await go.open('bob', {}, key)).id).not.toBe((await go.open('alice', {}, key)).id);
  });

  test('conflicts with a different body, but not with an equivalent one', async () => {
    const { go } = setting();
    const { id } = await go.open('alice', { provider: 'garmin' }, key);

    expect(await codeOf(go.open('alice', { provider: 'OURA' }, key))).toBe('idempotency_conflict');
    expect((await go.open('alice', { provider: 'GARMIN' }, key)).id).toBe(id);
  });

  test('lets one of two simultaneous requests pass', async () => {
    const { go, world } = setting();
    const both = await Promise.all([codeOf(go.open('alice', {}, key)), codeOf(go.open('alice', {}, key))]);

    expect(both.filter(answer => answer === 'in_progress')).toHaveLength(1);
    expect(world.terra.calls).toHaveLength(1);
  });

  test('over the limit leaves no row behind', async () => {
    const { go, rows } = setting();
    for (let n = 0; n < 30; n++) await codeOf(go.open('alice', {}, { 'idempotency-key': `attempt-${n}` }));

    expect(rows()).toHaveLength(10);
  });

  test('can be used again at once after a failure', async () => {
    const { go, world } = setting();
    world.terra.failWith(new Problem('terra_unavailable', 'away'));
    expect(await codeOf(go.open('alice', {}, key))).toBe('terra_unavailable');
    world.terra.failWith(undefined);

    expect(await codeOf(go.open('alice', {}, key))).toMatchObject({ status: 'pending' });
  });

  test('is taken over from a request that crashed, after fifteen seconds', async () => {
    const { go, world } = setting();
    const die = jest.spyOn(world.terra, 'openWidget').mockImplementation(() => new Promise(() => {}));
    void go.open('alice', {}, key);
    await new Promise(setImmediate);
    die.mockRestore();

    world.wait(14_999);
    expect(await codeOf(go.open('alice', {}, key))).toBe('in_progress');
    world.wait(1);
    expect(await codeOf(go.open('alice', {}, key))).toMatchObject({ status: 'pending' });
  });

  test.each(['', 'with space', 'x'.repeat(65), 'é'])('%p is refused', async bad => {
    expect(await codeOf(setting().go.open('alice', {}, { 'idempotency-key': bad }))).toBe('invalid_request');
  });
});
