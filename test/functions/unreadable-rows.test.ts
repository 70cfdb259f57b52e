import { DAY, HOUR, MINUTE } from '../../functions/core/platform/clock';
import { reconcileConnections } from '../../functions/core/state/reconcile-connections';
import { itemKey, SCHEMA } from '../../functions/core/store/table';
import { redrive } from '../../functions/publish-changes';
import { journey, terraEvent } from '../support/journey';
import { authenticated, codeOf, referenceIdOf, terraUser, type World, world as newWorld } from '../support/world';

const ALICE = referenceIdOf('alice');
const [GOOD, BAD, BEHIND] = [terraUser(1), terraUser(2), terraUser(3)];

type Row = Record<string, unknown> & { item: string };
const put = (world: World, row: Row, owner = ALICE) =>
  world.store.items.set(JSON.stringify([owner, row.item]), { owner, ...row });
const stored = (world: World, item: string, owner = ALICE) => world.store.items.get(JSON.stringify([owner, item]));
const itemsOf = (world: World) =>
  [...world.store.items.values()]
    .filter(({ owner, item }) => owner === ALICE && !item.startsWith('quota#'))
    .map(({ item }) => item);

const poison: Row = { item: itemKey.connection(BAD), terraUserId: BAD, facts: 'poison', dueAt: 1 };

/** Alice has a connected link; Terra also has the user of a row that cannot be read. */
async function given(options = {}) {
  const world = newWorld(options);
  const go = journey(world);
  const session = await go.open('alice');
  await go.deliver(terraEvent.auth(GOOD, { session: 'terra-session-1' }));
  const { code } = await go.comeBack(session.state, { user_id: GOOD });
  await go.confirm('alice', session.id, code);
  world.terra.users.set(GOOD, authenticated(GOOD, world));
  world.terra.users.set(BAD, authenticated(BAD, world));
  return { world, go, session };
}

describe('with one row that cannot be read', () => {
  test('the owner can list, read, open, connect and disconnect', async () => {
    const { world, go, session } = await given();
    put(world, poison);

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected', terraUserId: GOOD }]);
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'completed' });
    await go.open('alice');
    await go.mint('alice', 'APPLE');
    expect(await go.deliver(terraEvent.auth(BEHIND, { session: 'terra-session-2' }))).toBe('applied');
    const [first] = await go.connections('alice');
    expect(await go.disconnect('alice', first?.id ?? '')).toMatchObject({ status: 'disconnected' });
    expect(stored(world, poison.item)).toMatchObject(poison);
    expect(world.alarms).toContain('unreadable_row');
  });

  test('an event about its Terra user is answered 503 until it can be read; data events are dropped', async () => {
    for (const referenceId of ['opaque', 'subject'] as const) {
      const { world, go } = await given({ referenceId });
      put(world, poison);

      for (const event of [terraEvent.deauth(BAD), terraEvent.auth(BAD), terraEvent.error(BAD)])
        expect(await codeOf(go.deliver(event))).toBe('unavailable');
      expect(await go.deliver(terraEvent.data(BAD))).toBe('unchanged');
      expect(stored(world, poison.item)).toMatchObject(poison);
      expect(world.terra.asked('deauthenticate')).toEqual([]);
    }
  });

  test('the code for its Terra user is redeemed, and confirm succeeds once it can be read', async () => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    put(world, poison);
    await go.comeBack(session.state, { user_id: BAD });
    const { code } = await go.visit(session.state, { user_id: BAD });

    expect(await codeOf(go.confirm('alice', session.id, code))).toBe('unavailable');
    world.store.items.delete(JSON.stringify([ALICE, poison.item]));
    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 200 });
  });

  test('the sweep completes due work and looks at the row again ten minutes later', async () => {
    const { world, go } = await given();
    await go.deliver(terraEvent.auth(BEHIND, { session: 'elsewhere' }));
    put(world, poison);
    put(world, { item: 'invitation#1', dueAt: 5 });
    world.wait(2 * HOUR);

    expect(await go.sweep()).toMatchObject({ failed: 0, disconnected: 1 });

    for (const item of [poison.item, 'invitation#1'])
      expect(stored(world, item)).toHaveProperty('dueAt', world.clock() + 10 * MINUTE);
    expect(world.terra.asked('deauthenticate')).toEqual([BEHIND]);
  });

  test('the daily check asks Terra about all other connections of every owner', async () => {
    const { world } = await given();
    put(world, poison);
    put(world, poison, 'somebody');
    world.wait(2 * DAY);

    const done = await reconcileConnections({ ...world, log: () => {}, until: world.clock() + MINUTE, dryRun: false });

    expect(done).toMatchObject({ asked: 1, stopped: false });
  });

  test('a chain with that row in the middle shows its last Terra user under the first id', async () => {
    const { world, go } = await given({ confirmation: 'off' });
    const [before] = await go.connections('alice');
    for (const [n, [old, next]] of [[GOOD, BAD] as const, [BAD, BEHIND] as const].entries()) {
      world.wait(3 * HOUR);
      const [from, to] = [terraEvent.auth(old).user, terraEvent.auth(next).user];
      await go.deliver(terraEvent.reauth(from, to), { ordering: world.clock() + n });
    }
    put(world, { ...stored(world, itemKey.connection(BAD)), ...poison });

    expect(await go.deliver(terraEvent.data(BEHIND))).toBe('applied');
    expect(await go.connections('alice')).toMatchObject([{ id: before?.id, terraUserId: BEHIND, status: 'connected' }]);
    expect(await go.connection('alice', before?.id ?? '')).toMatchObject({ terraUserId: BEHIND });
  });

  test('its dead letter stays until the row can be read', async () => {
    const { world } = await given();
    put(world, poison);
    const bus = { put: async () => ['accepted' as const] };
    const letter = { row: { owner: ALICE, item: poison.item }, reason: 'unreadable' as const, at: 1 };

    await expect(redrive(letter, { store: world.store, bus, confirmation: 'required' })).rejects.toThrow(
      'cannot be read',
    );
    world.store.items.delete(JSON.stringify([ALICE, poison.item]));
    expect(await redrive(letter, { store: world.store, bus, confirmation: 'required' })).toBe('nothing');
  });
});

describe('a session that cannot be read', () => {
  test('issues no code, belongs to no user, and is not overwritten', async () => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    const item = itemKey.session(session.id);
    put(world, { ...stored(world, item), item, sub: 7 });

    const { reply, code } = await go.comeBack(session.state, { user_id: GOOD });

    expect([reply.status, code]).toEqual([200, undefined]);
    expect(await codeOf(go.session('alice', session.id))).toBe('not_found');
    expect(stored(world, item)).toMatchObject({ sub: 7 });
  });
});

describe('an erasure', () => {
  test('deletes such rows by their keys, and deauthenticates the Terra users that they name', async () => {
    const { world, go } = await given();
    const [inSession, returned, used] = [terraUser(5), terraUser(6), terraUser(7)];
    for (const user of [inSession, returned, used]) world.terra.users.set(user, authenticated(user, world));
    put(world, poison);
    put(world, { item: 'invitation#1', createdAt: 5 });
    put(world, {
      item: itemKey.session('x'),
      stateHash: 7,
      authorised: { [inSession]: 1 },
      returned: { terraUserId: returned },
    });
    put(world, { item: itemKey.mint('x'), usedBy: { terraUserId: used } });
    world.wait(MINUTE);

    await go.erase('alice');

    expect(itemsOf(world)).toEqual([itemKey.erasure]);
    expect(world.terra.asked('deauthenticate').toSorted()).toEqual([GOOD, BAD, inSession, returned, used]);
  });

  test('does not end another owner’s Terra user that such a row names', async () => {
    const { world, go } = await given();
    world.terra.users.set(BAD, { ...authenticated(BAD, world), referenceId: referenceIdOf('bob') });
    put(world, poison);
    put(world, { item: itemKey.mint('x'), usedBy: { terraUserId: BAD } });

    await go.erase('alice');

    expect(itemsOf(world)).toEqual([itemKey.erasure]);
    expect(world.terra.asked('deauthenticate')).toEqual([GOOD]);
  });

  test('with reference ids that are subjects, ends only Terra users that the row shows to be the deployment’s', async () => {
    for (const [facts, ended] of [
      [{ auth: { at: 1, via: 'session#1' }, gone: 'poison' }, [GOOD, BAD]],
      [{ auth: { at: 1, via: '' }, gone: 'poison' }, [GOOD]],
      ['poison', [GOOD]],
    ] as const) {
      const { world, go } = await given({ referenceId: 'subject' });
      put(world, { ...poison, facts });

      await go.erase('alice');

      expect(itemsOf(world)).toEqual([itemKey.erasure]);
      expect(world.terra.asked('deauthenticate')).toEqual(ended.toReversed());
    }
  });

  test('keeps such rows while Terra does not answer, and the sweep completes it', async () => {
    const { world, go } = await given();
    const { Problem } = await import('../../functions/core/http/errors');
    put(world, poison);
    put(world, { item: itemKey.mint('x'), usedBy: { terraUserId: BEHIND } });
    world.terra.users.set(BEHIND, authenticated(BEHIND, world));
    world.terra.failWith(new Problem('terra_unavailable', 'away'));
    await go.erase('alice');
    expect(itemsOf(world)).toEqual(expect.arrayContaining([poison.item, itemKey.mint('x')]));
    expect(await codeOf(go.open('alice'))).toBe('erasing');

    world.terra.failWith(undefined);
    world.wait(2 * MINUTE);
    await go.sweep();
    world.wait(2 * MINUTE);
    await go.sweep();

    expect(itemsOf(world)).toEqual([itemKey.erasure]);
    expect(world.terra.users.size).toBe(0);
  });

  test('keeps rows that the owner began after the erasure, if they say when', async () => {
    const { world, go } = await given();
    await go.erase('alice');
    world.wait(MINUTE);
    put(world, { item: 'invitation#1', createdAt: world.clock() });
    world.wait(15 * MINUTE);

    await go.sweep();

    expect(itemsOf(world)).toContain('invitation#1');
  });

  test('whose tombstone cannot be read blocks new sessions, ends no Terra user, and is repaired by a second erasure request', async () => {
    const { world, go } = await given();
    put(world, { item: itemKey.erasure, requestedAt: 'noon', dueAt: 1 });
    expect(await codeOf(go.open('alice'))).toBe('erasing');
    expect(await codeOf(go.mint('alice', 'APPLE'))).toBe('erasing');
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
    world.wait(MINUTE);
    await go.sweep();
    expect(world.terra.asked('deauthenticate')).toEqual([]);

    await go.erase('alice');

    expect(itemsOf(world)).toEqual([itemKey.erasure]);
    expect(world.terra.asked('deauthenticate')).toEqual([GOOD]);
  });
});

describe('an unknown value of a later version', () => {
  const goodRow = (world: World) => stored(world, itemKey.connection(GOOD)) as unknown as Row & { facts: object };
  const withFacts = (world: World, facts: object) => {
    const row = goodRow(world);
    put(world, { ...row, facts: { ...row.facts, ...facts }, schema: SCHEMA + 1, dueAt: 1 });
  };

  test('as the reason to disconnect: not connected, not ended at Terra, and left to the later version', async () => {
    const { world, go } = await given();
    withFacts(world, { disconnect: { at: world.clock() + 1, reason: 'moved' } });
    world.wait(3 * DAY);

    expect(await go.sweep()).toMatchObject({ failed: 0, disconnected: 0 });

    const [shown] = await go.connections('alice');
    expect(shown).toMatchObject({ status: 'disconnecting' });
    expect(shown).not.toHaveProperty('reason');
    expect(world.terra.asked('deauthenticate')).toEqual([]);
    expect(goodRow(world)).toMatchObject({
      dueAt: world.clock() + 10 * MINUTE,
      facts: { disconnect: { reason: 'moved' } },
    });
    // The user's own decision is one that every version knows.
    expect(await go.disconnect('alice', shown?.id ?? '')).toMatchObject({ status: 'disconnected', reason: 'owner' });
  });

  test('as the reason of Terra’s: disconnected, and shown as deauthorised', async () => {
    const { world, go } = await given();
    withFacts(world, { gone: { at: world.clock() + 1, reason: 'banned' } });

    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'deauthorised' }]);
  });

  test('as what asked for a newer authentication: not connected, and not ended', async () => {
    const { world, go } = await given();
    withFacts(world, { auth: { at: world.clock() + 1, via: 'invitation#1' } });
    world.wait(3 * DAY);
    await go.sweep();

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);
    expect(world.terra.asked('deauthenticate')).toEqual([]);
  });

  test('as the flow of a session: proves and ends nothing, and is shown as a widget', async () => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    const item = itemKey.session(session.id);
    put(world, { ...stored(world, item), item, flow: 'invitation' });
    await go.deliver(terraEvent.auth(GOOD, { session: 'terra-session-1' }));
    const { code } = await go.comeBack(session.state, { user_id: GOOD });

    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 202, body: { status: 'returned' } });
    expect(await go.session('alice', session.id)).toMatchObject({ flow: 'widget' });
    world.wait(2 * DAY);
    expect(await go.sweep()).toMatchObject({ closed: 0, disconnected: 0 });
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);

    put(world, { ...stored(world, item), item, flow: 'widget' });
    await go.deliver(terraEvent.data(GOOD));
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test('as the cause of a failure: failed, for an unknown cause', async () => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    await go.fail(session.state, { reason: 'access_denied' });
    const item = itemKey.session(session.id);
    put(world, { ...stored(world, item), item, failed: { at: world.clock(), cause: 'rate_limited' } });

    expect(await go.session('alice', session.id)).toMatchObject({ status: 'failed', failure: 'unknown' });
    const { sent } = await go.visit(session.state, { user_id: GOOD });
    expect(sent).toBeUndefined();
  });

  test('a row that a later version marked as due stays due', async () => {
    const { world, go } = await given();
    withFacts(world, {});
    const mine = itemKey.mint('m');
    await go.mint('alice', 'APPLE');
    const minted = [...world.store.items.values()].find(({ item }) => item.startsWith('mint#'));
    put(world, { ...minted, item: minted?.item ?? mine, schema: SCHEMA + 1, dueAt: 1 });

    await go.sweep();

    for (const item of [itemKey.connection(GOOD), minted?.item ?? mine])
      expect(stored(world, item)).toHaveProperty('dueAt', world.clock() + 10 * MINUTE);
    await go.deliver(terraEvent.error(GOOD));
    expect(stored(world, itemKey.connection(GOOD))).toHaveProperty('dueAt', world.clock() + 10 * MINUTE);
  });
});
