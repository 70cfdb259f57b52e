import * as fc from 'fast-check';
import { HOUR, MINUTE } from '../../../functions/core/platform/clock';
import {
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  needsLookup,
} from '../../../functions/core/state/connection';
import { Problem } from '../../../functions/core/http/errors';
import type { TokenRecord } from '../../../functions/core/state/token-record';
import { NO_FACT_UPDATES, record } from '../../../functions/core/state/record';
import type { Rules } from '../../../functions/core/state/rules';
import type { SessionRow } from '../../../functions/core/state/session';
import { itemKey, SCHEMA } from '../../../functions/core/store/table';
import { journey, terraEvent } from '../../support/journey';
import { NOON, referenceIdOf, terraUser, type World, world as newWorld } from '../../support/world';
import { anyFacts } from './facts';
import { faulty, scheduled } from './faulty-store';
import { holds, same } from './proof';

const OWNERS = ['alice', 'bob', 'carol'].map(referenceIdOf);

/** Some quarter of an hour in the last hours. */
const ago = (hours: number) => fc.integer({ min: 0, max: hours * 4 }).map(quarters => NOON - quarters * 15 * MINUTE);
const user = fc.integer({ min: 1, max: 3 });

type Attempt = {
  createdAt: number;
  returned: { user: number; after: number } | null;
  redeemed: boolean;
  rejected: boolean;
  closed: boolean;
  authorised: number[];
};
const oneIn = (n: number) => fc.nat(n - 1).map(drawn => drawn === 0);
const session: fc.Arbitrary<Attempt> = fc.record({
  createdAt: ago(30),
  returned: fc.option(fc.record({ user, after: fc.integer({ min: 0, max: 74 }) })),
  redeemed: fc.boolean(),
  rejected: oneIn(6),
  closed: oneIn(4),
  authorised: fc.array(user, { maxLength: 2 }),
});

function sessionOf(attempt: Attempt, id: string, owner: string): SessionRow {
  const { createdAt, returned, redeemed, rejected, closed, authorised } = attempt;
  const at = createdAt + (returned?.after ?? 0) * MINUTE;
  return {
    owner,
    id,
    sub: 'somebody',
    flow: 'widget',
    returnTo: 'web',
    createdAt,
    expiresAt: createdAt + 15 * MINUTE,
    finishBy: createdAt + 75 * MINUTE,
    stateHash: 'hash',
    terraSessionId: `terra-${id}`,
    ...(returned && { returned: { at, terraUserId: terraUser(returned.user), codeHash: 'hash' } }),
    ...(returned && redeemed && { redeemed: { at: at + MINUTE } }),
    ...(returned && rejected && { wrongOwner: { at: at + 2 * MINUTE } }),
    ...(closed && { closed: { at: createdAt + 90 * MINUTE } }),
    authorised: Object.fromEntries(authorised.map(n => [terraUser(n), { at, provider: 'GARMIN' }])),
    purgeAt: createdAt / 1_000 + 48 * 3_600,
    version: 3,
  };
}

type Token = { createdAt: number; usedBy: number | null };
const tokenRecord: fc.Arbitrary<Token> = fc.record({ createdAt: ago(30), usedBy: fc.option(user) });

function mintOf({ createdAt, usedBy }: Token, id: string, owner: string): TokenRecord {
  const use = { at: createdAt + MINUTE, provider: 'APPLE' };
  return {
    owner,
    id,
    sub: 'somebody',
    createdAt,
    expiresAt: createdAt + 3 * MINUTE,
    ...(usedBy !== null && { usedBy: { ...use, terraUserId: terraUser(usedBy + 6) } }),
    purgeAt: createdAt / 1_000 + 48 * 3_600,
    version: 1,
  };
}

/** Facts of the last 28 hours: the abstract times of `anyFacts`, four hours each; some authentications are an hour old. */
const connection: fc.Arbitrary<ConnectionFacts> = fc
  .tuple(anyFacts, oneIn(5))
  .map(([{ supersededBy: _, ...known }, isFresh]) => {
    const inHours = (at: number) => NOON - (8 - at) * 4 * HOUR + 5 * MINUTE;
    const dated = JSON.parse(JSON.stringify(known), (key, value: unknown) =>
      (key === 'at' || key === 'firstAuthAt') && typeof value === 'number' ? inHours(value) : value,
    ) as ConnectionFacts;
    return dated.auth && isFresh ? { ...dated, auth: { ...dated.auth, at: NOON - 59 * MINUTE } } : dated;
  });

const rowOf = (facts: ConnectionFacts, n: number, owner: string): ConnectionRow => ({
  owner,
  terraUserId: terraUser(n),
  facts,
  ids: [`id-${n}`],
  history: [],
  updatedAt: NOON - HOUR,
  version: NOON - HOUR,
});

const tables = fc.array(
  fc.record({
    sessions: fc.array(session, { maxLength: 2 }),
    tokenRecords: fc.array(tokenRecord, { maxLength: 2 }),
    connections: fc.array(connection, { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 3 },
);
const rules: fc.Arbitrary<Partial<Rules>> = fc.record({
  confirmation: fc.constantFrom('required', 'required', 'off'),
  referenceId: fc.constantFrom('opaque', 'subject'),
});

type Tables = typeof tables extends fc.Arbitrary<infer T> ? T : never;

/** A world with these tables, in which everything that follows from them was written down, and all of it is due. */
async function laid(made: Tables, chosen: Partial<Rules>) {
  const world = newWorld(chosen);
  const { items } = world.store;
  const put = (row: { owner: string }, item: string) =>
    items.set(JSON.stringify([row.owner, item]), { ...structuredClone(row), item, schema: SCHEMA });
  for (const [index, { sessions, tokenRecords, connections }] of made.entries()) {
    const owner = OWNERS[index] ?? '';
    for (const [n, each] of sessions.entries()) put(sessionOf(each, `${n + 1}`, owner), itemKey.session(`${n + 1}`));
    for (const [n, each] of tokenRecords.entries()) put(mintOf(each, `${n + 1}`, owner), itemKey.mint(`${n + 1}`));
    for (const [n, each] of connections.entries()) {
      // An erasure deletes what asked for its users before it ends them.
      const isErased = each.disconnect?.reason === 'erased' && sessions.length + tokenRecords.length === 0;
      const disconnect = each.disconnect && ({ ...each.disconnect, reason: isErased ? 'erased' : 'owner' } as const);
      put(rowOf({ ...each, ...(disconnect && { disconnect }) }, n + 1, owner), itemKey.connection(terraUser(n + 1)));
    }
    for (let changed = true; changed; ) {
      ({ changed } = await record(await world.store.load(owner), () => NO_FACT_UPDATES, world));
    }
  }
  for (const item of items.values()) item.dueAt = NOON;
  return world;
}

const rowsOf = (world: World) =>
  [...world.store.items.values()].filter(item => 'facts' in item) as unknown as (ConnectionRow & { item: string })[];
const undue = ({ dueAt: _, ...row }: ConnectionRow) => row;
/** A row of a Terra user that only a data event named and that Terra does not have. */
const withoutMissed = ({ facts: { missed: _, ...facts }, owner, terraUserId, ids, history }: ConnectionRow) => ({
  ...{ facts, owner, terraUserId, ids, history },
});

/** An open session whose browser came back with this user, which waits for it whatever its event named. */
function sessionReturnedWith(row: ConnectionRow, world: World): SessionRow | undefined {
  const rows = [...world.store.items.values()].filter(item => 'stateHash' in item && item.owner === row.owner);
  return (rows as unknown as SessionRow[]).find(each => {
    const isProved = each.redeemed && each.returned && each.authorised[each.returned.terraUserId];
    const isOpen = !each.closed && !each.wrongOwner && !isProved && world.rules.confirmation === 'required';
    return isOpen && each.returned?.terraUserId === row.terraUserId;
  });
}

/** Said again and otherwise than in the code: whether an unconfirmed row may be ended now. */
function isOver(row: ConnectionRow, world: World): boolean {
  const { at = 0, via = '' } = row.facts.auth ?? {};
  const { confirmation, referenceId } = world.rules;
  if (via === '' && referenceId === 'subject') return false;
  const now = world.clock();
  const asked = world.store.items.get(JSON.stringify([row.owner, via])) as unknown as SessionRow | undefined;
  const itself = asked && 'stateHash' in asked ? asked : sessionReturnedWith(row, world);
  if (now <= Math.max(at + HOUR, itself?.finishBy ?? 0)) return false;
  if (!itself || itself.closed || itself.wrongOwner) return true;
  const proved = itself.returned && itself.redeemed && itself.authorised[itself.returned.terraUserId];
  if (proved || confirmation === 'off') return true;
  if (itself.redeemed) return now > itself.redeemed.at + 26 * HOUR;
  return now > (itself.returned?.at ?? 0) + 10 * MINUTE;
}

test('the sweep ends only what has expired: it never touches what is live, foreign or awaited, even if it is due', async () => {
  let ended = 0;
  await holds(
    fc.asyncProperty(tables, rules, fc.constantFrom(0, 5, 65, 600), async (made, chosen, minutes) => {
      const world = await laid(made, chosen);
      world.wait(minutes * MINUTE);
      const before = rowsOf(world).map(row => ({ row: structuredClone(row), over: isOver(row, world) }));
      await journey(world).sweep();

      const after = new Map(rowsOf(world).map(row => [`${row.owner} ${row.terraUserId}`, row]));
      const asked = new Set(world.terra.asked('deauthenticate'));
      const mayBeEnded = new Set<string>();
      for (const { row, over } of before) {
        const { status } = connectionState(row.facts);
        const due = ['disconnecting', 'unwanted'].includes(status) || (status === 'unconfirmed' && over);
        if (due) mayBeEnded.add(row.terraUserId);
        const next = after.get(`${row.owner} ${row.terraUserId}`);
        if (!due && next && needsLookup(row.facts)) same(withoutMissed(next), withoutMissed(row));
        else if (!due && next) same(undue(next), undue(row));
        if (due) expect(next && connectionState(next.facts).status).not.toBe('unconfirmed');
      }
      for (const each of asked) if (!mayBeEnded.has(each)) throw new Error(`${each} was ended`);
      ended += asked.size;
    }),
    600,
    20_000,
  );

  expect(ended).toBeGreaterThan(500);
});

test('a second sweep changes nothing, and no row stays due', async () => {
  await holds(
    fc.asyncProperty(tables, rules, fc.constantFrom(0, 65, 600), async (made, chosen, minutes) => {
      const world = await laid(made, chosen);
      world.wait(minutes * MINUTE);
      await journey(world).sweep();
      const settled = JSON.stringify([...world.store.items]);
      const calls = world.terra.asked('deauthenticate').length;
      expect([...world.store.items.values()].filter(({ dueAt }) => Number(dueAt) <= world.clock())).toEqual([]);

      await Promise.all([journey(world).sweep(), journey(world).sweep()]);
      expect(JSON.stringify([...world.store.items])).toBe(settled);
      expect(world.terra.asked('deauthenticate')).toHaveLength(calls);
    }),
    250,
    8_000,
  );
});

test('after three days nothing is awaited, being ended or due', async () => {
  await holds(
    fc.asyncProperty(tables, rules, fc.boolean(), async (made, chosen, isAway) => {
      const world = await laid(made, chosen);
      const go = journey(world);
      if (isAway) world.terra.failWith(new Problem('terra_unavailable', 'away'));
      for (let round = 0; round < 8; round++) {
        world.wait(15 * MINUTE);
        await go.sweep();
      }
      world.terra.failWith(undefined);
      for (let round = 0; round < 36; round++) {
        world.wait(2 * HOUR);
        await go.sweep();
      }
      const isForeign = (row: ConnectionRow) => chosen.referenceId === 'subject' && row.facts.auth?.via === '';
      const restless = rowsOf(world).filter(row => {
        const { status } = connectionState(row.facts);
        return ['disconnecting', 'unwanted'].includes(status) || (status === 'unconfirmed' && !isForeign(row));
      });
      expect(restless).toEqual([]);
      expect([...world.store.items.values()].filter(({ dueAt }) => dueAt !== undefined)).toEqual([]);
    }),
    100,
    2_000,
  );
});

/** What may happen between any two calls of the sweep about a link whose browser came back late. */
test('if the sweep and a confirmation run at once, either the connection ends or confirm reports it connected, never both', async () => {
  const outcomes = { connected: 0, ended: 0 };
  await holds(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 14 }),
      fc.constantFrom('before', 'meanwhile', 'after'),
      fc.integer({ min: 0, max: 14 }),
      fc.integer({ min: 64, max: 75 }),
      fc.integer({ min: 74, max: 87 }),
      async (confirmsAt, told, toldAt, returnsAt, sweepsAt) => {
        const world = newWorld();
        const go = journey(world);
        const { id, state } = await go.open('alice');
        const event = terraEvent.auth(terraUser(1), { session: 'terra-session-1' });
        const ordering = world.clock() + MINUTE;
        world.wait(returnsAt * MINUTE);
        if (told === 'before') await go.deliver(event, { ordering });
        const { code } = await go.comeBack(state, { user_id: terraUser(1) });
        world.wait(Math.max(0, sweepsAt - returnsAt) * MINUTE);

        let calls = 0;
        let answer: unknown;
        const between = async (): Promise<void> => {
          const call = calls++;
          if (told === 'meanwhile' && call === toldAt) await go.deliver(event, { ordering });
          if (call === confirmsAt) answer = await go.confirm('alice', id, code).catch((error: Problem) => error.code);
        };
        const store = { ...world.store, ...interrupted(world.store, between) };
        await journey({ ...world, store }).sweep();
        while (calls < 15) await between();
        if (told === 'after') await go.deliver(event, { ordering });
        for (let round = 0; round < 18; round++) {
          world.wait(2 * HOUR);
          await go.sweep();
        }

        const [row] = await go.connections('alice');
        const isPromised = typeof answer === 'object';
        expect(row?.status).toBe(isPromised ? 'connected' : 'disconnected');
        expect(world.terra.asked('deauthenticate')).toHaveLength(isPromised ? 0 : 1);
        outcomes[isPromised ? 'connected' : 'ended']++;
      },
    ),
    500,
    10_000,
  );

  expect(Math.min(outcomes.connected, outcomes.ended)).toBeGreaterThan(50);
});

test('the same holds for every interleaving of their calls', async () => {
  const outcomes = { connected: 0, ended: 0 };
  await holds(
    fc.asyncProperty(
      fc.scheduler(),
      fc.boolean(),
      fc.integer({ min: 66, max: 75 }),
      async (scheduler, isTold, returnsAt) => {
        const world = newWorld();
        let isRacing = true;
        const go = journey(world);
        const racing = journey({ ...world, store: scheduled(world.store, scheduler, () => isRacing) });
        const { id, state } = await go.open('alice');
        const event = terraEvent.auth(terraUser(1), { session: 'terra-session-1' });
        const ordering = world.clock() + MINUTE;
        if (isTold) await go.deliver(event, { ordering });
        world.wait(returnsAt * MINUTE);
        const { code } = await go.comeBack(state, { user_id: terraUser(1) });
        // The code ends somewhere in the race, and then the sweep runs.
        world.wait(9 * MINUTE);
        const confirmed = racing.confirm('alice', id, code).catch((error: Problem) => error.code);
        const swept = scheduler.schedule(Promise.resolve(), 'time').then(() => {
          world.wait(2 * MINUTE);
          return racing.sweep();
        });
        const others = [swept, ...(isTold ? [] : [racing.deliver(event, { ordering })])];
        await scheduler.waitFor(Promise.all([confirmed, ...others]));
        isRacing = false;
        for (let round = 0; round < 18; round++) {
          world.wait(2 * HOUR);
          await go.sweep();
        }

        const [row] = await go.connections('alice');
        const isPromised = typeof (await confirmed) === 'object';
        expect(row?.status).toBe(isPromised ? 'connected' : 'disconnected');
        expect(world.terra.asked('deauthenticate')).toHaveLength(isPromised ? 0 : 1);
        outcomes[isPromised ? 'connected' : 'ended']++;
      },
    ),
    400,
    8_000,
  );

  expect(Math.min(outcomes.connected, outcomes.ended)).toBeGreaterThan(20);
});

/** The same store, with something else happening before each call. */
function interrupted<T extends object>(store: T, between: () => Promise<void>): T {
  return new Proxy(store, {
    get(target, verb) {
      const method: unknown = Reflect.get(target, verb);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        await between();
        return method.apply(target, args);
      };
    },
  });
}

test('a table that does not answer stops a sweep without harm: the next one completes its work', async () => {
  await holds(
    fc.asyncProperty(tables, fc.integer({ min: 1, max: 40 }), async (made, dies) => {
      const [harmed, unharmed] = [await laid(made, {}), await laid(made, {})];
      let calls = 0;
      const store = { ...harmed.store, ...faulty(harmed.store, () => (++calls === dies ? 'answer lost' : 'succeeds')) };
      await journey({ ...harmed, store })
        .sweep()
        .catch(() => undefined);
      for (const world of [harmed, unharmed]) {
        for (let round = 0; round < 40; round++) {
          world.wait(HOUR);
          await journey(world).sweep();
        }
      }
      const statuses = (world: World) => rowsOf(world).map(row => [row.terraUserId, connectionState(row.facts)]);
      expect(same(statuses(harmed), statuses(unharmed))).toBe(true);
    }),
    40,
    1_000,
  );
});
