import { DAY, HOUR, MINUTE } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { sweep } from '../../functions/sweep-stale';
import { journey, terraEvent } from '../support/journey';
import { codeOf, terraUser, world as newWorld } from '../support/world';

const USER = terraUser(1);
const away = new Problem('terra_unavailable', 'away');

async function connected() {
  const world = newWorld();
  const go = journey(world);
  const session = await go.open('alice');
  await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));
  const { code } = await go.comeBack(session.state, { user_id: USER });
  await go.confirm('alice', session.id, code);
  const [connection] = await go.connections('alice');
  const disconnect = (sub = 'alice', id = connection?.id ?? '') => go.disconnect(sub, id);
  return { world, go, session, disconnect };
}

describe('disconnecting', () => {
  test('ends the connection here and at Terra', async () => {
    const { disconnect, world } = await connected();

    expect(await disconnect()).toMatchObject({ status: 'disconnected', reason: 'owner' });
    expect(world.terra.asked('deauthenticate')).toEqual([USER]);
  });

  test('takes effect at once while Terra does not answer, and is retried until Terra agrees', async () => {
    const { disconnect, world, go } = await connected();
    world.terra.failWith(away);
    expect(await disconnect()).toMatchObject({ status: 'disconnecting', reason: 'owner' });

    for (let n = 0; n < 8; n++) {
      world.wait(HOUR);
      await go.sweep();
    }
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnecting' }]);
    expect(world.alarms).toContain('disconnect_overdue');
    world.terra.failWith(undefined);
    world.wait(6 * HOUR);
    await go.sweep();
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'owner' }]);
  });

  test('is retried with growing delays of at most six hours', async () => {
    const { disconnect, world, go } = await connected();
    world.terra.failWith(away);
    await disconnect();
    for (let minute = 0; minute < 3 * 24 * 60; minute++) {
      world.wait(MINUTE);
      await go.sweep();
    }
    const attempts = world.terra.asked('deauthenticate').length;
    expect(attempts).toBeGreaterThan(12);
    expect(attempts).toBeLessThan(30);
  });

  test('can be repeated', async () => {
    const { disconnect, world } = await connected();
    const first = await disconnect();

    expect(await disconnect()).toEqual(first);
    expect(world.terra.asked('deauthenticate')).toHaveLength(1);
  });

  test('of a different user’s or an unknown connection returns 404 and changes nothing', async () => {
    const { disconnect, world } = await connected();

    expect(await codeOf(disconnect('mallory'))).toBe('not_found');
    expect(await codeOf(disconnect('alice', 'no-such-id'))).toBe('not_found');
    expect(world.terra.asked('deauthenticate')).toEqual([]);
  });

  test('wins over an older proof, but not over a new session with a new proof', async () => {
    const { disconnect, go, world } = await connected();
    await disconnect();
    world.wait(MINUTE);
    await go.deliver(terraEvent.auth(USER, { session: 'unknown' }));
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);

    const again = await go.open('alice');
    world.wait(1000);
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-2' }));
    const { code } = await go.comeBack(again.state, { user_id: USER });
    await go.confirm('alice', again.id, code);
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test('stays pending if Terra’s agreement is older than a new authentication', async () => {
    const { disconnect, go, world } = await connected();
    const attempt = jest.spyOn(world.terra, 'deauthenticate').mockImplementation(async () => {
      world.wait(1000);
      await go.deliver(terraEvent.auth(USER, { session: 'unknown' }));
    });
    await disconnect();
    attempt.mockRestore();

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);
  });
});

describe('the sweep', () => {
  test('never touches a confirmed connection', async () => {
    const { go, world } = await connected();
    for (let day = 0; day < 30; day++) {
      world.wait(DAY);
      await go.sweep();
    }
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
    expect(world.terra.asked('deauthenticate')).toEqual([]);
  });

  test('finds nothing to do once every row is complete', async () => {
    const { go, world } = await connected();
    world.wait(2 * HOUR);
    await go.sweep();

    expect(await go.sweep()).toMatchObject({ due: 0 });
  });

  test('closes a session that was not finished, and not before its time', async () => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    world.wait(75 * MINUTE);
    expect(await go.sweep()).toMatchObject({ closed: 0 });
    world.wait(MINUTE);

    expect(await go.sweep()).toMatchObject({ closed: 1 });
    expect(await go.sweep()).toMatchObject({ due: 0, closed: 0 });
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'expired' });
  });

  test('ends an unconfirmed connection after an hour or at its session’s end, whichever is later', async () => {
    const world = newWorld();
    const go = journey(world);
    await go.open('alice');
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));
    world.wait(74 * MINUTE);
    await go.sweep();
    expect(world.terra.asked('deauthenticate')).toEqual([]);
    world.wait(2 * MINUTE);
    await go.sweep();

    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'not_confirmed' }]);
    expect(world.terra.asked('deauthenticate')).toEqual([USER]);
  });

  test('ends nothing of a session that changed while it was being closed', async () => {
    const world = newWorld();
    const go = journey(world);
    await go.open('alice');
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }));
    world.wait(2 * HOUR);
    const write = world.store.addSessionFact;
    const race = jest.spyOn(world.store, 'addSessionFact').mockImplementation(async (owner, id, fact, dueAt) => {
      if (fact.kind === 'closed') {
        const refused = { kind: 'refused', at: world.clock(), terraUserId: undefined, cause: 'denied' } as const;
        await write(owner, id, refused, undefined);
      }
      return write(owner, id, fact, dueAt);
    });
    await go.sweep();
    expect(world.terra.asked('deauthenticate')).toEqual([]);
    race.mockRestore();

    world.wait(MINUTE);
    await go.sweep();
    expect(world.terra.asked('deauthenticate')).toEqual([USER]);
  });

  test('waits 26 hours for Terra’s event of a redeemed session, and asks Terra four times', async () => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    const { code } = await go.comeBackUnasked(session.state, { user_id: USER });
    await go.confirm('alice', session.id, code);
    world.terra.calls.length = 0;
    for (let minute = 0; minute < 25 * 60; minute++) {
      world.wait(MINUTE);
      await go.sweep();
    }
    expect(world.terra.asked('findUser')).toHaveLength(4);
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'returned' });
    world.wait(61 * MINUTE);
    await go.sweep();
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'expired' });
  });

  test('completes the work that a crash between two writes interrupted', async () => {
    const world = newWorld();
    const go = journey(world);
    const session = await go.open('alice');
    const crash = jest.spyOn(world.store, 'putConnection').mockRejectedValue(new Error('crashed'));
    await expect(go.deliver(terraEvent.auth(USER, { session: 'terra-session-1' }))).rejects.toThrow('crashed');
    const { code } = await go.comeBack(session.state, { user_id: USER });
    await expect(go.confirm('alice', session.id, code)).rejects.toThrow('crashed');
    crash.mockRestore();
    expect(await go.connections('alice')).toEqual([]);

    world.wait(MINUTE);
    await go.sweep();
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test('only counts in a dry run', async () => {
    const world = newWorld();
    const go = journey(world);
    await go.open('alice');
    world.wait(2 * HOUR);
    const before = JSON.stringify([...world.store.items]);

    expect(await sweep({ ...world, log: () => {}, until: world.clock() + MINUTE, dryRun: true })).toMatchObject({
      due: 1,
      closed: 0,
    });
    expect(JSON.stringify([...world.store.items])).toBe(before);
  });

  test('stops calling Terra after five failures, and leaves the rest to the next run', async () => {
    const world = newWorld();
    const go = journey(world);
    for (let n = 0; n < 30; n++) {
      await go.open(`user-${n}`);
      await go.deliver(terraEvent.auth(terraUser(n), { session: `terra-session-${n + 1}`, sub: `user-${n}` }));
    }
    world.wait(2 * HOUR);
    world.terra.failWith(away);

    expect(await go.sweep()).toMatchObject({ left: true });
    expect(world.terra.asked('deauthenticate').length).toBeLessThan(14);
    world.terra.failWith(undefined);
    world.wait(6 * HOUR);
    await go.sweep();
    expect((await go.connections('user-29')).map(({ status }) => status)).toEqual(['disconnected']);
  });

  test('is not stopped by an owner whose rows fail', async () => {
    const world = newWorld();
    const go = journey(world);
    const healthy = await go.open('alice');
    await go.open('bob');
    world.wait(2 * HOUR);
    const load = world.store.load;
    const alice = (await world.ownerOf({ sub: 'alice' })).referenceId;
    jest
      .spyOn(world.store, 'load')
      .mockImplementation(owner => (owner === alice ? load(owner) : Promise.reject(new Error('broken'))));

    expect(await go.sweep()).toMatchObject({ failed: 1, closed: 1 });
    expect(await go.session('alice', healthy.id)).toMatchObject({ status: 'expired' });
  });
});
