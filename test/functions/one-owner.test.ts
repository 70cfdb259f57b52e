import crypto from 'node:crypto';
import { DAY, HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { type ConnectionFacts, type ConnectionRow, publicId } from '../../functions/core/state/connection';
import { type FactUpdates, OWNER_ROWS, type OwnerRecords, withChanges } from '../../functions/core/state/owner-records';
import { projectConnections } from '../../functions/core/state/project-connections';
import type { Rules } from '../../functions/core/state/rules';
import { journey, terraEvent, told } from '../support/journey';
import { codeOf, NOON, referenceIdOf, terraUser, type World, world as newWorld } from '../support/world';

const OWNER = referenceIdOf('alice');
const times = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const rowsOf = ({ store }: World) => store.load(OWNER);

/** DynamoDB's TTL, as soon as it may delete. */
function purge({ store, clock }: World): void {
  for (const [key, { purgeAt }] of store.items) if (Number(purgeAt) * SECOND < clock()) store.items.delete(key);
}

/** Waits, while the sweep runs as often as it must to find what is due. */
async function pass(world: World, time: number, each = 10 * MINUTE): Promise<void> {
  for (const until = world.clock() + time; world.clock() < until; ) {
    world.wait(each);
    await journey(world).sweep();
    purge(world);
  }
}

async function connect(world: World, n: number, sub = 'alice') {
  const go = journey(world);
  const { id, state } = await go.open(sub);
  await go.deliver(terraEvent.auth(terraUser(n), { sub, session: `terra-session-${world.terra.links.length}` }));
  const { code } = await go.comeBack(state, { user_id: terraUser(n) });
  const confirm = () => go.confirm(sub, id, code);
  await confirm();
  return { confirm };
}

describe('what is kept of an owner', () => {
  test('a session without a return shows its end for six hours and is then deleted', async () => {
    const world = newWorld();
    const { id } = await journey(world).open('alice');
    await pass(world, 2 * HOUR);
    expect(await journey(world).session('alice', id)).toMatchObject({ status: 'expired' });
    await pass(world, 6 * HOUR);

    expect((await rowsOf(world)).sessions).toEqual([]);
  });

  test('a session with a Terra user or a refusal is kept for two days, because later sessions are judged by it', async () => {
    const world = newWorld();
    const go = journey(world);
    await go.open('alice', { provider: 'GARMIN' });
    const refused = await go.open('alice');
    await go.fail(refused.state, { user_id: terraUser(1) });
    await pass(world, 47 * HOUR, HOUR);
    expect((await rowsOf(world)).sessions).toHaveLength(2);
    await pass(world, 2 * HOUR, HOUR);

    expect((await rowsOf(world)).sessions).toEqual([]);
  });

  test('a used token record is deleted after six hours and its connection stays; an unused one is kept until Terra’s last retry', async () => {
    const world = newWorld();
    const go = journey(world);
    await go.mint('alice', 'APPLE');
    await go.deliver(terraEvent.auth(terraUser(1), { provider: 'APPLE' }));
    await go.mint('alice', 'APPLE');
    const authenticatedAt = world.clock() + MINUTE;
    await pass(world, 7 * HOUR);
    expect((await rowsOf(world)).tokenRecords).toMatchObject([{ version: 1 }]);

    await pass(world, 18 * HOUR, HOUR);
    await go.deliver(terraEvent.auth(terraUser(2), { provider: 'APPLE' }), { ordering: authenticatedAt });
    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }, { status: 'connected' }]);
  });
});

describe('an owner with as many sessions, tokens or connections as are kept', () => {
  /** Opens one after the other, as often as the limit of ten minutes allows. */
  async function openMany(world: World, count: number, provider?: string): Promise<void> {
    const go = journey(world);
    for (const n of times(count)) {
      await go.open('alice', provider === undefined ? {} : { provider });
      if (n % 9 === 8) world.wait(10 * MINUTE);
    }
  }

  test('gets no further session, can repeat a known one, and can continue once old rows are deleted', async () => {
    const world = newWorld();
    const go = journey(world);
    const first = await go.open('alice', { provider: 'GARMIN' }, { 'idempotency-key': 'first' });
    await openMany(world, OWNER_ROWS - 1, 'GARMIN');
    world.wait(10 * MINUTE);
    const calls = world.terra.calls.length;

    const refused = await go.open('alice').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 3_600 });
    expect(world.terra.calls).toHaveLength(calls);
    expect(world.notes).toContainEqual({ alarm: 'owner_full' });
    expect(await go.open('alice', { provider: 'GARMIN' }, { 'idempotency-key': 'first' })).toMatchObject({
      id: first.id,
    });
    expect(await codeOf(go.open('bob'))).toMatchObject({ flow: 'widget' });
    await pass(world, 2 * DAY, HOUR);
    expect(await codeOf(go.open('alice'))).toMatchObject({ flow: 'widget' });
  });

  test('gets no further token', async () => {
    const world = newWorld();
    const go = journey({ ...world, limit: 20 });
    for (const n of times(OWNER_ROWS)) {
      await go.mint('alice');
      if (n % 20 === 19) world.wait(10 * MINUTE);
    }

    expect(await codeOf(go.mint('alice'))).toBe('rate_limited');
    await pass(world, 27 * HOUR, HOUR);
    expect(await codeOf(go.mint('alice'))).toMatchObject({ status: 201 });
  });

  test('keeps every connection; a new, unproved Terra user is ended at Terra and deleted', async () => {
    const world = newWorld();
    const go = journey({ ...world, limit: 1_000 });
    const kept: string[] = [];
    for (const n of times(OWNER_ROWS)) {
      await go.mint('alice', 'APPLE');
      await go.deliver(terraEvent.auth(terraUser(n), { provider: 'APPLE' }));
      kept.push(terraUser(n));
      if (n % 50 === 49) await pass(world, 7 * HOUR, HOUR);
    }
    for (const n of [500, 501, 502]) await go.deliver(terraEvent.auth(terraUser(n), { session: 'none of ours' }));
    expect((await rowsOf(world)).connections).toHaveLength(OWNER_ROWS + 3);
    world.wait(MINUTE);
    await go.sweep();

    expect(world.terra.asked('deauthenticate').toSorted()).toEqual([500, 501, 502].map(terraUser));
    expect((await rowsOf(world)).connections.map(row => row.terraUserId).toSorted()).toEqual(kept.toSorted());
    expect((await go.connections('alice')).every(({ status }) => status === 'connected')).toBe(true);
    expect(world.alarms).toContain('owner_full');
    expect(await codeOf(go.open('alice'))).toBe('rate_limited');
  });

  test('who reauthenticates in a loop has at most a hundred rows and one connection id', async () => {
    const world = newWorld();
    const { confirm } = await connect(world, 0);
    const go = journey(world);
    const [{ id } = { id: '' }] = await go.connections('alice');
    let most = 0;
    for (const n of times(240)) {
      world.wait(15 * SECOND);
      const [old, next] = [told(terraUser(n)), told(terraUser(n + 1))];
      await go.deliver(terraEvent.reauth(old, next));
      if (n % 4 === 3) await go.sweep();
      most = Math.max(most, (await rowsOf(world)).connections.length);
    }

    expect(most).toBeLessThanOrEqual(OWNER_ROWS + 5);
    expect(await go.connections('alice')).toMatchObject([{ id, status: 'unconfirmed' }]);
    expect(await confirm()).toMatchObject({ body: { connection: { id, status: 'unconfirmed' } } });
    await pass(world, 3 * HOUR);
    expect(await go.connections('alice')).toMatchObject([{ id, status: 'disconnected', reason: 'not_confirmed' }]);
    // What is superseded goes after a week.
    await pass(world, 8 * DAY, 12 * HOUR);
    expect((await rowsOf(world)).connections).toHaveLength(1);
  });
});

test('reading a session reads its own row, and its connection’s row once it has one', async () => {
  const world = newWorld();
  const go = journey(world);
  const { id } = await go.open('alice');
  await connect(world, 1);
  const [pending, completed] = [id, (await rowsOf(world)).sessions.find(session => session.redeemed)?.id ?? ''];
  const calls: string[] = [];
  const store = new Proxy(world.store, {
    get(target, verb) {
      calls.push(String(verb));
      return Reflect.get(target, verb) as unknown;
    },
  });
  const reading = journey({ ...world, store });
  expect(await reading.session('alice', pending)).toMatchObject({ status: 'pending' });
  expect(calls.splice(0)).toEqual(['findSession']);
  expect(await reading.session('alice', completed)).toMatchObject({ connectionId: publicId(terraUser(1)) });
  expect(calls).toEqual(['findSession', 'findConnection']);
});

describe('a chain of reauthentications', () => {
  const rules: Rules = { confirmation: 'required', confirmWithin: HOUR, referenceId: 'opaque' };
  const nobody: OwnerRecords = {
    owner: 'owner',
    known: true,
    sessions: [],
    claims: [],
    tokenRecords: [],
    quotas: [],
    erasure: undefined,
    connections: [],
    unreadable: [],
  };
  const factsOf = (n: number): ConnectionFacts => ({
    provider: 'APPLE',
    firstAuthAt: NOON + n,
    auth: { at: NOON + n, via: 'reauth' },
    supersededBy: { at: NOON + n + 1, terraUserId: terraUser(n + 1) },
  });
  const chain = (links: number): FactUpdates => new Map(times(links).map(n => [terraUser(n), factsOf(n)]));

  /** How often a fact is looked at, or an id computed, to settle one more link of a chain of so many. */
  function workFor(links: number): number {
    let work = 0;
    const counted = <T extends object>(facts: T): T =>
      new Proxy(facts, {
        get(target, name) {
          work++;
          return Reflect.get(target, name) as unknown;
        },
      });
    const stored = withChanges(nobody, projectConnections(nobody, chain(links), NOON, rules)).connections;
    const connections: ConnectionRow[] = stored.map(row => ({ ...row, facts: counted(row.facts) }));
    const hashes = jest.spyOn(crypto, 'createHash');
    const changes = projectConnections(
      { ...nobody, connections },
      new Map([[terraUser(links), factsOf(links)]]),
      NOON,
      rules,
    );
    work += hashes.mock.calls.length;
    hashes.mockRestore();
    expect(changes.map(({ row }) => row.ids[0])).toContain(publicId(terraUser(0)));
    return work;
  }

  test('of 2,000 links takes at most 15 times the work of one of 200', () => {
    const [short, long] = [workFor(200), workFor(2_000)];

    expect(short).toBeGreaterThan(200);
    expect(long / short).toBeLessThanOrEqual(15);
  });
});
