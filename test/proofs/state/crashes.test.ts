import { HOUR, MINUTE, SECOND } from '../../../functions/core/platform/clock';
import { connectionState } from '../../../functions/core/state/connection';
import { Problem } from '../../../functions/core/http/errors';
import { sessionStatus } from '../../../functions/core/state/session';
import { journey, terraEvent, told } from '../../support/journey';
import { referenceIdOf, terraUser, type World, world as newWorld } from '../../support/world';
import { Crash, type CrashPoint, crashSwitch } from './faulty-store';

/*
 * A process can crash at every call that its handler awaits. Each story is played once for each of these calls:
 * the process crashes there, the caller retries (or does not), the sweep runs, and all must be as if
 * nothing had happened (or, without the caller, at rest).
 */

const USER = terraUser(1);
const NEXT = terraUser(2);
const PHONE = terraUser(7);

type Teller = ReturnType<typeof teller>;
type Step = (on: Teller) => Promise<unknown>;

function teller(world: World, store: World['store'], terra: World['terra']) {
  const go = journey({ ...world, store, terra });
  const held = { id: '', state: '', code: '', connection: '', emittedAt: world.clock() };
  // A retry bears the time at which Terra emitted the event.
  const deliver = (event: object) => go.deliver(event, { ordering: held.emittedAt });
  return {
    ...go,
    deliver,
    world,
    held,
    /** Opens under an idempotency key, as a client does that means to repeat itself. */
    begin: async (wish: Parameters<typeof go.open>[1] = {}, key = 'a-key') => {
      Object.assign(held, await go.open('alice', wish, { 'idempotency-key': key }));
    },
    finish: async (user = USER) => {
      held.code = (await go.comeBack(held.state, { user_id: user })).code ?? '';
    },
    redeem: (by = 'alice') => go.confirm(by, held.id, held.code),
    authenticate: (user = USER, more = {}) =>
      deliver(terraEvent.auth(user, { session: `terra-session-${world.terra.links.length}`, ...more })),
    terraKnows: (user = USER) => {
      const known = { terraUserId: user, provider: 'GARMIN', referenceId: referenceIdOf('alice'), authenticated: true };
      world.terra.users.set(user, { ...known, createdAt: world.clock(), scopes: [] });
    },
  };
}

const connect: Step[] = [on => on.begin(), on => on.authenticate(), on => on.finish(), on => on.redeem()];
const connection = async (on: Teller) => (await on.connections('alice'))[0]?.id ?? '';
const later =
  (time: number): Step =>
  async on =>
    on.world.wait(time);

const stories: [string, Step[]][] = [
  ['a link is finished and confirmed', connect],
  ['the webhook comes last', [on => on.begin(), on => on.finish(), on => on.redeem(), on => on.authenticate()]],
  [
    'the webhook is lost and Terra is asked',
    [on => on.begin(), async on => on.terraKnows(), on => on.finish(), on => on.redeem()],
  ],
  [
    'a direct link fails',
    [
      on => on.begin({ provider: 'GARMIN' }),
      on => on.fail(on.held.state, { reason: 'access_denied' }),
      on => on.deliver(terraEvent.authError(terraUser(1001))),
    ],
  ],
  ['somebody else confirms', [on => on.begin(), on => on.authenticate(), on => on.finish(), on => on.redeem('bob')]],
  [
    'somebody else confirms before Terra’s word',
    [on => on.begin(), on => on.finish(), on => on.redeem('bob'), later(SECOND), on => on.authenticate()],
  ],
  [
    'a phone connects by a token',
    [on => on.mint('alice', 'APPLE'), on => on.authenticate(PHONE, { provider: 'APPLE', session: undefined })],
  ],
  [
    'a link is reauthenticated under a new user',
    [
      ...connect,
      later(HOUR),
      on => on.begin({}, 'another-key'),
      on => on.deliver(terraEvent.reauth(told(USER), told(NEXT))),
      on => on.authenticate(NEXT),
      on => on.finish(NEXT),
      on => on.redeem(),
    ],
  ],
  [
    'Terra tells of trouble, data and the end',
    [
      ...connect,
      later(MINUTE),
      on => on.deliver(terraEvent.error(USER)),
      later(MINUTE),
      on => on.deliver(terraEvent.data(USER)),
      on => on.deliver(terraEvent.permissions(USER, 'BODY')),
      later(MINUTE),
      on => on.deliver(terraEvent.revoked(USER)),
    ],
  ],
  ['the owner disconnects', [...connect, async on => on.disconnect('alice', await connection(on))]],
  ['nobody confirms', [on => on.begin(), on => on.authenticate(), later(2 * HOUR), on => on.sweep()]],
  [
    'Terra’s word is missing until the sweep asks',
    [
      on => on.begin(),
      on => on.finish(),
      on => on.redeem(),
      async on => on.terraKnows(),
      later(MINUTE),
      on => on.sweep(),
    ],
  ],
  ['the owner is erased', [...connect, on => on.mint('alice'), later(MINUTE), on => on.erase('alice')]],
  [
    'the owner is erased while Terra is away',
    [
      ...connect,
      later(MINUTE),
      async on => on.world.terra.failWith(new Problem('terra_unavailable', 'away')),
      on => on.erase('alice'),
      later(MINUTE),
      on => on.sweep(),
      async on => on.world.terra.failWith(undefined),
      later(HOUR),
      on => on.sweep(),
    ],
  ],
];

type Telling = { point?: CrashPoint; step?: number; calledAgain?: boolean };

async function tell(steps: readonly Step[], { point, step, calledAgain = true }: Telling) {
  const world = newWorld();
  const crash = crashSwitch();
  const { openWidget, openDirect, mintToken, findUser, deauthenticate } = world.terra;
  const asked = crash.through({ openWidget, openDirect, mintToken, findUser, deauthenticate });
  const on = teller(world, crash.through(world.store), { ...world.terra, ...asked });
  const calls: number[] = [];

  for (const [index, each] of steps.entries()) {
    crash.arm(index === step ? point : undefined);
    on.held.emittedAt = world.clock();
    const died = await each(on).then(
      () => false,
      error => {
        if (error instanceof Crash) return true;
        if (error instanceof Problem) return false;
        throw error;
      },
    );
    calls.push(crash.calls());
    crash.arm(undefined);
    if (!died) continue;
    if (!calledAgain) break;
    // An attempt that died holds its place for 15 seconds.
    world.wait(16 * SECOND);
    await each(on).catch(error => {
      if (!(error instanceof Problem)) throw error;
    });
  }
  world.terra.failWith(undefined);
  await settleDown(on);
  return { world, calls };
}

/** The rounds of the sweep over three days: each minute, then less often. */
async function settleDown(on: Teller): Promise<void> {
  for (const minutes of [1, 1, 1, 2, 5, 15, 30, 30, 60, ...Array.from({ length: 36 }, () => 120)]) {
    on.world.wait(minutes * MINUTE);
    await on.sweep();
  }
}

async function endOf({ world }: { world: World }) {
  const { connections, sessions, erasure, claims } = await world.store.load(referenceIdOf('alice'));
  return {
    connections: connections
      .map(row => ({ user: row.terraUserId, ids: row.ids, ...connectionState(row.facts) }))
      .toSorted((a, b) => (a.user < b.user ? -1 : 1)),
    sessions: sessions.map(session => sessionStatus(session, world.clock(), 'required')).toSorted(),
    claims: claims.length,
    erased: erasure !== undefined,
    endedAtTerra: [...new Set(world.terra.asked('deauthenticate'))].toSorted(),
  };
}

function stillDue(world: World): unknown[] {
  return [...world.store.items.values()].filter(({ dueAt }) => dueAt !== undefined);
}

const fatal = ['fails before', 'answer lost'] as const;

async function* crashesOf(steps: readonly Step[]) {
  const { calls } = await tell(steps, {});
  for (const [step, count] of calls.entries()) {
    for (let call = 1; call <= count; call++) {
      for (const fate of fatal) yield { step, point: { call, fate } };
    }
  }
}

let points = 0;

describe.each(stories)('when %s, a crash at any call', (_what, steps) => {
  test('is repaired by repeated calls and the sweep', async () => {
    const unharmed = await tell(steps, {});
    for await (const at of crashesOf(steps)) {
      points++;
      const harmed = await tell(steps, at);
      expect({ at, end: await endOf(harmed) }).toEqual({ at, end: await endOf(unharmed) });
    }
  });

  test('leaves nothing incomplete or due forever, even without repeated calls', async () => {
    for await (const at of crashesOf(steps)) {
      const { world } = await tell(steps, { ...at, calledAgain: false });
      const { connections, sessions } = await endOf({ world });
      const restless = connections.filter(({ status }) =>
        ['unconfirmed', 'disconnecting', 'unwanted'].includes(status),
      );
      expect({ at, restless, due: stillDue(world) }).toEqual({ at, restless: [], due: [] });
      expect(sessions.filter(status => status === 'pending' || status === 'returned')).toEqual([]);
    }
  });
});

test.each<[string, Step[], object]>([
  ['that Terra authenticated the user', [on => on.begin(), on => on.authenticate()], { status: 'unconfirmed' }],
  [
    'that a token was used',
    [on => on.mint('alice'), on => on.authenticate(PHONE, { provider: 'APPLE', session: undefined })],
    { status: 'connected' },
  ],
  ['that the owner confirmed', connect, { status: 'connected' }],
  [
    'that somebody else confirmed',
    [on => on.begin(), on => on.authenticate(), on => on.finish(), on => on.redeem('bob')],
    { status: 'disconnected', reason: 'wrong_owner' },
  ],
])(
  'a crash after %s was written and before the connection was is repaired a minute later',
  async (_what, steps, end) => {
    const world = newWorld();
    const crash = crashSwitch();
    const on = teller(world, crash.through(world.store), world.terra);
    for (const step of steps.slice(0, -1)) await step(on);
    // The read and the one fact get through, then the process is gone.
    crash.arm({ call: 3, fate: 'fails before' });
    await expect(steps.at(-1)?.(on)).rejects.toThrow(Crash);
    crash.arm(undefined);
    world.wait(MINUTE);
    await on.sweep();

    expect(await on.connections('alice')).toMatchObject([end]);
  },
);

test('more than 300 crash points were tried', () => {
  expect(points).toBeGreaterThan(300);
});
