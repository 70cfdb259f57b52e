import * as fc from 'fast-check';
import { type ConnectionRow, connectionState } from '../../../functions/core/connection';
import { Problem } from '../../../functions/core/errors';
import { journey, terraEvent, told } from '../../support/journey';
import { referenceIdOf, terraUser, world as newWorld } from '../../support/world';
import { scheduled } from './faulty-store';
import { holds } from './proof';

/*
 * Two people against each other. Who sat at the browser or held the phone that finished is known here and to nobody else;
 * no connection may ever be live for anybody but him.
 *
 * What cannot be closed from here is kept out: a direct link that Terra lets two people use; somebody who finishes
 * another's link and then hands him his own return URL; a token handed to another's phone.
 */

type Person = 'victor' | 'mallory';
const person = fc.constantFrom<Person>('victor', 'mallory');
const other = (who: Person): Person => (who === 'victor' ? 'mallory' : 'victor');
const provider = fc.constantFrom('GARMIN', 'OURA');
const which = fc.nat(7);

type Move =
  | { does: 'open'; who: Person; direct: boolean }
  | { does: 'finish'; who: Person; session: number; provider: string; named: boolean; looksUp: boolean }
  | { does: 'come back'; who: Person; visit: number }
  | { does: 'forge'; session: number; user: number }
  | { does: 'pick sdk'; session: number }
  | { does: 'redeem'; who: Person; code: number }
  | { does: 'deliver'; event: number; again: boolean }
  | { does: 'phone'; who: Person; mints: boolean }
  | { does: 'disconnect'; who: Person; connection: number }
  | { does: 'renew' | 'end'; user: number }
  | { does: 'wait'; minutes: number }
  | { does: 'sweep' };

const is = <const D extends string>(does: D) => fc.constant(does);
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: is('open'), who: person, direct: fc.boolean() }) },
  {
    weight: 7,
    arbitrary: fc.record({
      does: is('finish'),
      who: person,
      session: which,
      provider,
      named: fc.boolean(),
      looksUp: fc.boolean(),
    }),
  },
  { weight: 7, arbitrary: fc.record({ does: is('come back'), who: person, visit: which }) },
  { weight: 2, arbitrary: fc.record({ does: is('forge'), session: which, user: which }) },
  { weight: 1, arbitrary: fc.record({ does: is('pick sdk'), session: which }) },
  { weight: 7, arbitrary: fc.record({ does: is('redeem'), who: person, code: which }) },
  { weight: 8, arbitrary: fc.record({ does: is('deliver'), event: which, again: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ does: is('phone'), who: person, mints: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: is('disconnect'), who: person, connection: which }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('renew', 'end'), user: which }) },
  { weight: 2, arbitrary: fc.record({ does: is('wait'), minutes: fc.constantFrom(1, 9, 30, 90) }) },
  { weight: 2, arbitrary: fc.record({ does: is('sweep') }) },
);

type Opened = { by: Person; id: string; state: string; index: number; direct: boolean; finished: boolean };

/** The world of the two, and what only we know of it. */
function stage(wrap: (store: ReturnType<typeof newWorld>['store']) => ReturnType<typeof newWorld>['store'] = s => s) {
  const world = newWorld();
  const go = journey({ ...world, limit: 100, store: wrap(world.store) });
  const sessions: Opened[] = [];
  const events: object[] = [];
  const visits: { who: Person; session: Opened; user: string }[] = [];
  const codes: { inHandsOf: Person; session: Opened; code: string }[] = [];
  /** Who sat there, and under whom Terra keeps it, by Terra user. */
  const finished = new Map<string, { who: Person; under: Person; provider: string }>();
  let users = 0;

  function atTerra(user: string, who: Person, under: Person, by: string, session?: string): void {
    const before = [...finished].filter(([, known]) => known.under === under && known.provider === by).at(-1);
    finished.set(user, { who, under, provider: by });
    events.push(terraEvent.auth(user, { sub: under, provider: by, ...(session !== undefined && { session }) }));
    // Terra keeps one user of a provider for each reference id.
    if (before && before[0] !== user) {
      const more = { sub: under, provider: by };
      events.push(terraEvent.reauth(told(before[0], more), told(user, more)));
    }
  }

  const take = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(list.length, 1)];
  const tolerant = (work: Promise<unknown>) =>
    work.catch(error => {
      if (!(error instanceof Problem)) throw error;
    });

  async function visit(who: Person, session: Opened, user: string): Promise<void> {
    const { code } = await go.comeBack(session.state, { user_id: user, resource: 'GARMIN' });
    if (code !== undefined) codes.push({ inHandsOf: who, session, code });
  }

  async function make(one: Move): Promise<void> {
    switch (one.does) {
      case 'open': {
        const { id, state } = await go.open(one.who, one.direct ? { provider: 'GARMIN' } : {});
        const index = sessions.length + 1;
        sessions.push({ by: one.who, id, state, index, direct: one.direct, finished: false });
        return;
      }
      case 'finish': {
        const session = take(sessions, one.session);
        if (!session || (session.direct && session.finished)) return;
        session.finished = true;
        const user = terraUser(session.direct ? 1000 + session.index : ++users);
        const name = one.named && !session.direct ? `terra-session-${session.index}` : undefined;
        const by = session.direct ? 'GARMIN' : one.provider;
        atTerra(user, one.who, session.by, by, name);
        const known = { terraUserId: user, provider: by, referenceId: referenceIdOf(session.by), authenticated: true };
        if (one.looksUp) world.terra.users.set(user, { ...known, createdAt: world.clock(), scopes: [] });
        visits.push({ who: one.who, session, user });
        return;
      }
      case 'come back': {
        const own = take(
          visits.filter(({ who }) => who === one.who),
          one.visit,
        );
        if (own) await visit(one.who, own.session, own.user);
        return;
      }
      case 'forge': {
        // Mallory knows the state of his own links and of those he went through, and the Terra users he was shown.
        const through = visits.filter(({ who }) => who === 'mallory').map(({ session }) => session);
        const known = sessions.filter(session => session.by === 'mallory' || through.includes(session));
        const shown = (await go.connections('mallory')).flatMap(({ terraUserId }) => terraUserId ?? []);
        const own = visits.filter(({ who }) => who === 'mallory').map(({ user }) => user);
        const session = take(known, one.session);
        const user = take([...shown, ...own, terraUser(99)], one.user);
        if (session && user !== undefined) await visit('mallory', session, user);
        return;
      }
      case 'pick sdk': {
        const session = take(sessions, one.session);
        if (session) expect((await go.comeBack(session.state, { resource: 'APPLE' })).code).toBeUndefined();
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
        const event = take(events, one.event);
        if (event && !one.again) events.splice(events.indexOf(event), 1);
        if (event) await go.deliver(event);
        return;
      }
      case 'phone':
        if (one.mints) await tolerant(go.mint(one.who, 'APPLE'));
        atTerra(terraUser(500 + ++users), one.who, one.who, 'APPLE');
        return;
      case 'disconnect': {
        const connection = take(await go.connections(one.who), one.connection);
        if (connection) await tolerant(go.disconnect(one.who, connection.id));
        return;
      }
      case 'renew': {
        // The same person at the same account, as whom Terra now has another user.
        const known = take([...finished], one.user);
        if (known) atTerra(terraUser(++users), known[1].who, known[1].under, known[1].provider);
        return;
      }
      case 'end': {
        const known = take([...finished], one.user);
        if (known) events.push(terraEvent.deauth(known[0], { sub: known[1].under, provider: known[1].provider }));
        return;
      }
      case 'wait':
        world.wait(one.minutes * 60_000);
        return;
      case 'sweep':
        await go.sweep();
        return;
      default:
        one satisfies never;
    }
  }

  /** How many connections are live; throws where one is of somebody who did not finish it. */
  function look(): number {
    let live = 0;
    for (const item of world.store.items.values()) {
      if (!('facts' in item)) continue;
      const row = item as unknown as ConnectionRow;
      const { status } = connectionState(row.facts);
      if (status !== 'connected' && status !== 'error') continue;
      live++;
      const who = finished.get(row.terraUserId)?.who;
      if (who === undefined || referenceIdOf(who) !== row.owner) {
        throw new Error(`${row.terraUserId}, finished by ${who ?? 'nobody'}, is ${status} under somebody else`);
      }
    }
    return live;
  }

  return { world, go, make, look, visits, codes, events, sessions };
}

test('no connection is ever live for anybody but the person who finished it', async () => {
  let connected = 0;
  await holds(
    fc.asyncProperty(fc.array(move, { minLength: 4, maxLength: 24, size: 'max' }), async moves => {
      const { make, look } = stage();
      let live = 0;
      for (const one of [{ does: 'open', who: 'mallory', direct: false } as const, ...moves]) {
        await make(one);
        live = Math.max(live, look());
      }
      connected += live;
    }),
    4_000,
    80_000,
  );

  expect(connected).toBeGreaterThan(100);
});

/** What two people and we do at the same moment about one link that Victor finished. */
const racers = {
  'Mallory confirms his return link': (on: Race) => on.go.confirm('mallory', on.own.session.id, on.own.code),
  'Victor’s app confirms': (on: Race) => on.go.confirm('victor', on.lured.session.id, on.lured.code),
  'Victor’s app opens Mallory’s return link': (on: Race) => on.go.confirm('victor', on.own.session.id, on.own.code),
  'Terra tells of both': async (on: Race) => {
    for (const event of on.events) await on.go.deliver(event);
  },
  'the sweep runs': (on: Race) => on.go.sweep(),
  'Mallory disconnects': async (on: Race) => {
    const [connection] = await on.go.connections('mallory');
    if (connection) await on.go.disconnect('mallory', connection.id);
  },
  'Mallory finishes with Victor’s kept link': (on: Race) =>
    on.go.comeBack(on.lured.session.state, { user_id: on.visits[0]?.user ?? '' }),
} satisfies Record<string, (on: Race) => Promise<unknown>>;
type Racer = keyof typeof racers;
type Stage = ReturnType<typeof stage>;
type Race = Stage & { own: Stage['codes'][number]; lured: Stage['codes'][number] };

test('no interleaving of what two people, Terra and the sweep do at once makes such a connection', async () => {
  let connected = 0;
  const names = Object.keys(racers) as Racer[];
  await holds(
    fc.asyncProperty(
      fc.subarray(names, { minLength: 2 }),
      fc.constantFrom(0, 9, 11, 80),
      fc.constantFrom('GARMIN', 'OURA'),
      fc.scheduler(),
      async (at, minutes, his, scheduler) => {
        let isRacing = false;
        const play = stage(store => scheduled(store, scheduler, () => isRacing));
        const session = (who: Person) => ({ does: 'open', who, direct: false }) as const;
        const finish = (who: Person, of: number, by: string) =>
          ({ does: 'finish', who, session: of, provider: by, named: true, looksUp: false }) as const;
        // Mallory finishes a link of his own and keeps the code; Victor is lured into another one of Mallory's.
        const [first, second] = [finish('mallory', 0, his), finish('victor', 1, 'GARMIN')];
        for (const one of [session('mallory'), session('mallory'), first, second]) await play.make(one);
        await play.make({ does: 'come back', who: 'mallory', visit: 0 });
        await play.make({ does: 'come back', who: 'victor', visit: 0 });
        const [own, lured] = play.codes;
        if (!own || !lured) throw new Error('both came back and so both have codes');
        await play.make({ does: 'wait', minutes });

        isRacing = true;
        const racing = Promise.all(
          at.map(name =>
            racers[name]({ ...play, own, lured }).catch((error: unknown) => {
              if (!(error instanceof Problem)) throw error;
            }),
          ),
        );
        await scheduler.waitFor(racing);
        isRacing = false;
        connected += play.look();
        play.world.wait(2 * 60 * 60_000);
        await play.go.sweep();
        play.look();
      },
    ),
    1_200,
    25_000,
  );

  expect(connected).toBeGreaterThan(10);
});

test('who finishes somebody else’s link connects nothing, whatever he opened before', async () => {
  const { make, look, go } = stage();
  await make({ does: 'open', who: 'mallory', direct: false });
  await make({ does: 'finish', who: 'mallory', session: 0, provider: 'OURA', named: true, looksUp: true });
  await make({ does: 'come back', who: 'mallory', visit: 0 });
  await make({ does: 'finish', who: 'victor', session: 0, provider: 'GARMIN', named: true, looksUp: true });
  await make({ does: 'come back', who: 'victor', visit: 0 });
  for (const _ of ['own', 'victor’s']) await make({ does: 'deliver', event: 0, again: false });
  await make({ does: 'redeem', who: 'mallory', code: 0 });

  expect(look()).toBe(1);
  expect(await go.connections('mallory')).toMatchObject([
    { provider: 'OURA', status: 'connected' },
    { provider: 'GARMIN', status: 'unconfirmed' },
  ]);
});
