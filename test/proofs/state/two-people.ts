import * as fc from 'fast-check';
import { type ConnectionRow, connectionState } from '../../../functions/core/state/connection';
import { Problem } from '../../../functions/core/http/errors';
import { withChanges } from '../../../functions/core/state/owner-records';
import { projectConnections } from '../../../functions/core/state/project-connections';
import { NO_FACT_UPDATES } from '../../../functions/core/state/record';
import type { Rules } from '../../../functions/core/state/rules';
import { browserNamed, journey, terraEvent, told } from '../../support/journey';
import { referenceIdOf, terraUser, world as newWorld } from '../../support/world';

/*
 * Two people against each other. Who approved at a provider is known here and to nobody else; no connection may ever be live
 * for anybody but that person.
 *
 * Mallory is a real attacker. He has two browsers. He knows every Terra user that any redirect of his named, a failure's
 * included, and every state of his own links and of those he followed. He keeps and forwards links and consent pages, which
 * here survive a denial and can be used twice. He loads a redirect or does not, polls the callback while Victor consents,
 * and has sessions and tokens of his own. Terra tells events in any order, late, twice or not at all; its answers lag; it is
 * away at times; it names the widget session or does not, and says when it made a user, gives the time of the authentication
 * instead, or says neither.
 *
 * What nobody can know is excused, and only that (docs/security.md): another person's authentication that Terra has not told
 * of yet, if it came after the owner's own or after the return; and whatever depends on a refusal of the same Terra user, or on
 * an earlier authentication, that Terra has not told of yet. In the end everything is told, and then there is no excuse.
 */

export type Person = 'victor' | 'mallory';
export type BrowserName = Person | 'mallory2';
const personOf = (browser: BrowserName): Person => (browser === 'victor' ? 'victor' : 'mallory');
const person = fc.constantFrom<Person>('victor', 'mallory');
const browser = fc.constantFrom<BrowserName>('victor', 'mallory', 'mallory2');
const other = (who: Person): Person => (who === 'victor' ? 'mallory' : 'victor');
const provider = fc.constantFrom('GARMIN', 'OURA');
const which = fc.nat(7);

export type Move =
  | { does: 'open'; who: Person; direct: boolean }
  | { does: 'pick'; session: number; provider: string }
  | { does: 'deny'; by: BrowserName; flow: number; loads: 'named' | 'unnamed' | 'nothing'; legacy: boolean }
  | { does: 'approve'; by: BrowserName; flow: number; named: boolean; returns: boolean }
  | { does: 'come back'; visit: number }
  | { does: 'forge'; by: 'mallory' | 'mallory2'; session: number; user: number; prefetch: boolean }
  | { does: 'redeem'; who: Person; code: number }
  | { does: 'deliver'; event: number; again: boolean }
  | { does: 'phone'; who: Person; tokenRecords: boolean }
  | { does: 'disconnect'; who: Person; connection: number }
  | { does: 'erase'; who: Person }
  | { does: 'renew' | 'end'; user: number }
  | { does: 'foreign'; under: Person; then: 'deauth' | 'error' | 'permissions' | 'data' | 'nothing' }
  | { does: 'wait'; minutes: number }
  | { does: 'Terra'; is: 'away' | 'back' }
  | { does: 'sweep' };

const is = <const D extends string>(does: D) => fc.constant(does);
export const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: is('open'), who: person, direct: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ does: is('pick'), session: which, provider }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: is('deny'),
      by: browser,
      flow: which,
      loads: fc.constantFrom('named', 'unnamed', 'nothing'),
      legacy: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ does: is('approve'), by: browser, flow: which, named: fc.boolean(), returns: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ does: is('come back'), visit: which }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: is('forge'),
      by: fc.constantFrom('mallory', 'mallory2'),
      session: which,
      user: which,
      prefetch: fc.nat(7).map(n => n === 0),
    }),
  },
  { weight: 7, arbitrary: fc.record({ does: is('redeem'), who: person, code: which }) },
  { weight: 9, arbitrary: fc.record({ does: is('deliver'), event: which, again: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ does: is('phone'), who: person, tokenRecords: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: is('disconnect'), who: person, connection: which }) },
  { weight: 1, arbitrary: fc.record({ does: is('erase'), who: person }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('renew', 'end'), user: which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: is('foreign'),
      under: person,
      then: fc.constantFrom('deauth', 'error', 'permissions', 'data', 'nothing'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: is('wait'), minutes: fc.constantFrom(0.01, 0.5, 1, 9, 30, 90) }) },
  { weight: 1, arbitrary: fc.record({ does: is('Terra'), is: fc.constantFrom('away', 'back') }) },
  { weight: 2, arbitrary: fc.record({ does: is('sweep') }) },
);

/** How Terra behaves in one run. */
export type Habits = {
  /** What `created_at` says: when Terra made the user, when the user authenticated, or nothing. */
  creation: 'made' | 'authenticated' | 'untold';
  lagMs: number;
  referenceId: Rules['referenceId'];
};
export const habits: fc.Arbitrary<Habits> = fc.record({
  creation: fc.constantFrom('made', 'authenticated', 'untold'),
  lagMs: fc.constantFrom(0, 0, 5, 40_000),
  referenceId: fc.constantFrom('opaque', 'opaque', 'subject'),
});
export const plain: Habits = { creation: 'made', lagMs: 0, referenceId: 'opaque' };

type Opened = { by: Person; id: string; state: string; index: number; direct: boolean };
/** One attempt at a provider. Whoever has its page may decide, as often as they like. */
type Flow = { session: Opened; user: string; provider: string; createdAt: number };
/** Something about a Terra user that Terra tells by an event. */
type Fact = { user: string; at: number; event: object; isTold: boolean; isRefusal: boolean; order: number };

const isLive = ({ facts }: ConnectionRow) => ['connected', 'error'].includes(connectionState(facts).status);

/** The world of the two, and what only we know of it. */
export function stage(
  how: Habits = plain,
  wrap: (store: ReturnType<typeof newWorld>['store']) => ReturnType<typeof newWorld>['store'] = s => s,
) {
  const world = newWorld({ referenceId: how.referenceId, parses: false });
  const referenceId = how.referenceId === 'subject' ? (sub: string) => sub : referenceIdOf;
  const ownerOf = async ({ sub }: { sub: string }) => ({ sub, referenceId: referenceId(sub) });
  const go = journey({ ...world, ownerOf, limit: 100, store: wrap(world.store) });
  const sessions: Opened[] = [];
  const flows: Flow[] = [];
  const facts: Fact[] = [];
  const visits: { by: BrowserName; session: Opened; user: string }[] = [];
  const codes: { inHandsOf: Person; session: Opened; code: string }[] = [];
  const cookies = new Map<BrowserName, string[]>([
    ['victor', []],
    ['mallory', []],
    ['mallory2', []],
  ]);
  /** Who authenticated each Terra user, in order, and what it is kept under. */
  const approvals = new Map<string, { who: Person; at: number; order: number }[]>();
  const accounts = new Map<string, { under: Person; provider: string }>();
  const known = { states: new Set<Opened>(), users: new Set<string>([terraUser(99)]) };
  const foreign = new Set<string>();
  let users = 0;
  let steps = 0;

  const visibleAt = new Map<string, number>();
  const { findUser } = world.terra;
  world.terra.findUser = async id => {
    const user = await findUser(id);
    return user && (visibleAt.get(id) ?? 0) <= world.clock() ? user : undefined;
  };

  const sub = (who: Person) => ({ sub: who, referenceId: referenceId(who) });
  const creation = (made: number) => ({ made, authenticated: world.clock(), untold: undefined })[how.creation];

  function tell(user: string, event: object, isRefusal = false): void {
    facts.push({ user, at: world.clock(), event, isTold: false, isRefusal, order: steps });
  }

  function authenticate(user: string, who: Person, under: Person, by: string, made: number, session?: string): void {
    const before = [...accounts].filter(([, of]) => of.under === under && of.provider === by).at(-1)?.[0];
    accounts.set(user, { under, provider: by });
    approvals.set(user, [...(approvals.get(user) ?? []), { who, at: world.clock(), order: steps }]);
    const createdAt = creation(made);
    const about = {
      ...sub(under),
      provider: by,
      ...(createdAt !== undefined && { createdAt: new Date(createdAt).toISOString() }),
      ...(session !== undefined && { session }),
    };
    // Terra's id of the attempt; without it the events of two approvals in one second can be the same bytes.
    tell(user, { ...terraEvent.auth(user, about), flow_id: `flow-${steps}` });
    const isHere = world.terra.users.has(user);
    const at = { provider: by, referenceId: referenceId(under), authenticated: true, scopes: [] };
    world.terra.users.set(user, { terraUserId: user, ...at, createdAt });
    if (!isHere) visibleAt.set(user, world.clock() + how.lagMs);
    // Terra keeps one user of a provider for each reference id.
    if (before !== undefined && before !== user) {
      tell(
        user,
        terraEvent.reauth(told(before, { ...sub(under), provider: by }), told(user, { ...sub(under), provider: by })),
      );
      world.terra.users.delete(before);
    }
  }

  const take = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(list.length, 1)];
  const tolerant = (work: Promise<unknown>) =>
    work.catch(error => {
      if (!(error instanceof Problem)) throw error;
    });

  async function visit(
    by: BrowserName,
    session: Opened,
    user: string,
    more: Record<string, string> = {},
  ): Promise<void> {
    const jar = cookies.get(by) ?? [];
    const { headers, ...at } = browserNamed(by);
    const back = await go.visit(
      session.state,
      { user_id: user, resource: 'GARMIN' },
      {
        ...at,
        cookies: jar,
        headers: { ...headers, ...more },
      },
    );
    if (back.cookie !== undefined) jar.push(back.cookie);
    if (back.code !== undefined) codes.push({ inHandsOf: personOf(by), session, code: back.code });
  }

  async function make(one: Move): Promise<void> {
    steps++;
    world.wait(1);
    switch (one.does) {
      case 'open': {
        await tolerant(
          (async () => {
            const { id, state } = await go.open(one.who, one.direct ? { provider: 'GARMIN' } : {});
            const index = world.terra.links.length;
            const session = { by: one.who, id, state, index, direct: one.direct };
            sessions.push(session);
            if (one.who === 'mallory') known.states.add(session);
            const flow = { session, user: terraUser(1000 + index), provider: 'GARMIN', createdAt: world.clock() };
            if (one.direct) flows.push(flow);
          })(),
        );
        return;
      }
      case 'pick': {
        const session = take(
          sessions.filter(({ direct }) => !direct),
          one.session,
        );
        if (!session) return;
        flows.push({ session, user: terraUser(++users), provider: one.provider, createdAt: world.clock() });
        return;
      }
      case 'deny': {
        const flow = take(flows, one.flow);
        if (!flow) return;
        if (personOf(one.by) === 'mallory') {
          known.users.add(flow.user);
          known.states.add(flow.session);
        }
        const under = flow.session.by;
        const event = one.legacy
          ? terraEvent.authError(flow.user, { ...sub(under), provider: flow.provider })
          : terraEvent.cancelled(referenceId(under));
        tell(flow.user, event, true);
        if (one.loads === 'nothing') return;
        await go.fail(flow.session.state, one.loads === 'named' ? { user_id: flow.user } : {});
        return;
      }
      case 'approve': {
        const flow = take(flows, one.flow);
        if (!flow) return;
        const { session, user } = flow;
        const name = one.named && !session.direct ? `terra-session-${session.index}` : undefined;
        authenticate(user, personOf(one.by), session.by, flow.provider, flow.createdAt, name);
        if (personOf(one.by) === 'mallory') {
          known.users.add(user);
          known.states.add(session);
        }
        if (one.returns) visits.push({ by: one.by, session, user });
        return;
      }
      case 'come back': {
        const own = take(visits, one.visit);
        if (own) await visit(own.by, own.session, own.user);
        return;
      }
      case 'forge': {
        for (const { terraUserId } of await go.connections('mallory')) if (terraUserId) known.users.add(terraUserId);
        const session = take([...known.states], one.session);
        const user = take([...known.users], one.user);
        const more: Record<string, string> = one.prefetch ? { 'sec-purpose': 'prefetch' } : {};
        if (session && user !== undefined) await visit(one.by, session, user, more);
        return;
      }
      case 'redeem': {
        // What the own browser got; and whatever return link of somebody else's session one is made to open.
        const held = codes.filter(
          ({ inHandsOf, session }) => inHandsOf === one.who || (session.by !== one.who && inHandsOf === other(one.who)),
        );
        const code = take(held, one.code);
        if (code) await tolerant(go.confirm(one.who, code.session.id, code.code));
        return;
      }
      case 'deliver': {
        const fact = one.again
          ? take(facts, one.event)
          : take(
              facts.filter(({ isTold }) => !isTold),
              one.event,
            );
        if (!fact) return;
        fact.isTold = true;
        await go.deliver(fact.event, { ordering: fact.at });
        return;
      }
      case 'phone': {
        if (one.tokenRecords) await tolerant(go.mint(one.who, 'APPLE'));
        authenticate(terraUser(500 + ++users), one.who, one.who, 'APPLE', world.clock());
        return;
      }
      case 'disconnect': {
        const connection = take(await go.connections(one.who), one.connection);
        if (connection) await tolerant(go.disconnect(one.who, connection.id));
        return;
      }
      case 'erase':
        await tolerant(go.erase(one.who));
        return;
      case 'renew': {
        // The same person at the same account, for which Terra now has another user.
        const [user, of] = take([...accounts], one.user) ?? [];
        const who = user === undefined ? undefined : approvals.get(user)?.at(-1)?.who;
        if (of && who) authenticate(terraUser(++users), who, of.under, of.provider, world.clock());
        return;
      }
      case 'end': {
        const [user, of] = take([...accounts], one.user) ?? [];
        if (user === undefined || !of) return;
        tell(user, terraEvent.deauth(user, { ...sub(of.under), provider: of.provider }));
        return;
      }
      case 'foreign': {
        if (how.referenceId !== 'subject') return;
        const user = terraUser(5000 + ++users);
        const about = { ...sub(one.under), provider: 'GARMIN' };
        foreign.add(user);
        tell(user, terraEvent.auth(user, about));
        if (one.then === 'permissions') tell(user, terraEvent.permissions(user, 'BODY', about));
        else if (one.then !== 'nothing') tell(user, terraEvent[one.then](user, about));
        return;
      }
      case 'wait':
        world.wait(one.minutes * 60_000);
        return;
      case 'Terra':
        world.terra.failWith(one.is === 'away' ? new Problem('terra_unavailable', 'away') : undefined);
        return;
      case 'sweep':
        await go.sweep();
        return;
      default:
        one satisfies never;
    }
  }

  /** The row as the next look of the sweep will have it, with the return that proves it. */
  async function projected(row: ConnectionRow): Promise<{ isLive: boolean; returnedAt: number }> {
    const stored = await world.store.load(row.owner);
    const records = withChanges(stored, projectConnections(stored, NO_FACT_UPDATES, world.clock(), world.rules));
    const now = records.connections.find(({ terraUserId }) => terraUserId === row.terraUserId);
    const returns = records.sessions.filter(({ returned }) => returned?.terraUserId === row.terraUserId);
    return {
      isLive: now !== undefined && isLive(now),
      returnedAt: Math.max(0, ...returns.map(({ returned }) => returned?.at ?? 0)),
    };
  }

  /** How many connections are live; throws if one is somebody's who did not approve it, and that could be known. */
  async function look({ excuses = true } = {}): Promise<number> {
    let live = 0;
    for (const item of world.store.items.values()) {
      if (!('facts' in item)) continue;
      const row = item as unknown as ConnectionRow;
      if (!isLive(row)) continue;
      live++;
      const last = approvals.get(row.terraUserId)?.at(-1);
      if (last && referenceId(last.who) === row.owner) continue;
      const next = await projected(row);
      if (!next.isLive) continue;
      const of = facts.filter(({ user }) => user === row.terraUserId);
      const isEarlierUntold = of.some(fact => !fact.isTold && (fact.isRefusal || fact.order < (last?.order ?? 0)));
      const isLastUntold = of.some(fact => !fact.isTold && fact.order === last?.order);
      const isProvedBefore =
        next.returnedAt <= (last?.at ?? 0) ||
        (approvals.get(row.terraUserId) ?? []).some(({ who }) => referenceId(who) === row.owner);
      if (excuses && (isEarlierUntold || (isLastUntold && isProvedBefore))) continue;
      throw new Error(`${row.terraUserId}, approved by ${last?.who ?? 'nobody'}, is live for somebody else`);
    }
    return live;
  }

  /** Terra comes back and tells all that it has not told; then the sweep looks at what is due, at once and in three hours. */
  async function settleDown(): Promise<void> {
    world.terra.failWith(undefined);
    for (const fact of facts.filter(({ isTold }) => !isTold)) {
      fact.isTold = true;
      await go.deliver(fact.event, { ordering: fact.at });
    }
    await go.sweep();
    await look({ excuses: false });
    world.wait(3 * 60 * 60_000);
    await go.sweep();
  }

  return { world, go, make, look, settleDown, visits, codes, facts, flows, sessions, foreign };
}
