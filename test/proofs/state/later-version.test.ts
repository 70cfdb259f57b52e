import * as fc from 'fast-check';
import { connectionAnswer } from '../../../functions/core/http/answer';
import { HOUR, MINUTE } from '../../../functions/core/platform/clock';
import { connectionState, publicId } from '../../../functions/core/state/connection';
import { Problem } from '../../../functions/core/http/errors';
import { connectionEvent } from '../../../functions/core/events/published-event';
import { reconcileConnections } from '../../../functions/core/state/reconcile-connections';
import { NO_FACT_UPDATES, record } from '../../../functions/core/state/record';
import { itemKey } from '../../../functions/core/store/table';
import { Connection, Session } from '../../../functions/routes';
import { journey, type Setting, terraEvent } from '../../support/journey';
import { NOON, referenceIdOf, terraUser, world as newWorld } from '../../support/world';
import { asLater, LATER, laterParts, mixedStore } from './later-version';
import { holds, same } from './proof';
import { outcome, play, type Played, scenarios } from './scenario';

/** What the later version makes of it in the end. */
async function settled(played: Played) {
  for (const sub of ['alice', 'bob']) {
    const records = await played.store.load(referenceIdOf(sub));
    await record(records, () => NO_FACT_UPDATES, { ...played.world, store: played.store });
  }
  return outcome(played);
}

test('two versions that write in turn keep everything of the later one, and reach the state of one version', async () => {
  let withLater = 0;
  await holds(
    fc.asyncProperty(
      scenarios(),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      async (scenario, versions) => {
        const one = await settled(await play(scenario, 'shuffled'));
        let calls = 0;
        let isOver = false;
        const { store, items } = mixedStore(() => isOver || versions[calls++ % versions.length] === true);
        const played = await play(scenario, 'shuffled', store);
        isOver = true;
        expect(same(await settled(played), one)).toBe(true);
        withLater += [...items.values()].filter(row => laterParts(row).length > 0).length;
      },
    ),
    300,
    10_000,
  );
  expect(withLater).toBeGreaterThan(100);
});

/** A row of a connection as a later version may have left it. */
const enumValue = (...known: string[]) =>
  fc.constantFrom(...known, ...known.map(value => value + LATER), 'of_tomorrow');
const time = fc.integer({ min: 0, max: 6 }).map(n => NOON + n * MINUTE);
const fact = <T extends object>(more: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.option(fc.record({ at: time, ...more }), { nil: undefined });
const connections = fc.record({
  auth: fact({ via: fc.constantFrom('session#1', 'mint#1', '', 'elsewhere', 'reauth', 'import', 'invitation#1') }),
  proof: fact({ via: fc.constantFrom('session#1', 'mint#1', 'invitation#1') }),
  gone: fact({ reason: enumValue('agreed', 'revoked', 'absent', 'deauthorised') }),
  disconnect: fact({ reason: enumValue('owner', 'not_confirmed', 'erased') }),
  error: fact({}),
  data: fact({}),
});
const sessions = fc.record({
  flow: enumValue('widget', 'direct'),
  failed: fact({ cause: enumValue('denied', 'unknown') }),
  cancelled: fact({ cause: enumValue('cancelled', 'provider_error') }),
  isAuthorised: fc.boolean(),
  isRedeemed: fc.boolean(),
});
const deeds = fc.array(
  fc.constantFrom(
    ...(['auth', 'deauth', 'revoked', 'error', 'data', 'permissions', 'denied'] as const),
    ...(['list', 'session', 'open', 'mint', 'sweep', 'check', 'disconnect', 'return', 'fail'] as const),
  ),
  { minLength: 1, maxLength: 6 },
);

test('no operation loses anything of a later version’s rows, and no unknown value connects, ends or is shown', async () => {
  await holds(
    fc.asyncProperty(connections, sessions, deeds, async (facts, made, done) => {
      const { store, items } = mixedStore(() => false);
      const world = { ...newWorld(), store };
      const go = journey(world);
      const owner = referenceIdOf('alice');
      const user = terraUser(1);
      const put = (row: Record<string, unknown> & { item: string }) =>
        items.set(JSON.stringify([owner, row.item]), asLater({ owner, ...row }, { translates: false }));
      put({
        item: itemKey.connection(user),
        terraUserId: user,
        facts: { provider: 'GARMIN', firstAuthAt: NOON, ...facts },
        ids: [publicId(user)],
        history: [{ at: NOON, status: 'dormant' }],
        updatedAt: NOON,
        version: NOON,
        dueAt: NOON,
      });
      const opened = await go.open('alice');
      const item = itemKey.session(opened.id);
      const { isAuthorised, isRedeemed, ...more } = made;
      put({
        ...items.get(JSON.stringify([owner, item])),
        item,
        ...more,
        authorised: isAuthorised
          ? { [user]: { at: NOON, provider: 'GARMIN', firstAuthAt: NOON, lastAuthAt: NOON } }
          : {},
        ...(isRedeemed && { returned: { at: NOON, terraUserId: user, codeHash: 'x' }, redeemed: { at: NOON } }),
      });

      for (const deed of done) {
        world.wait(7 * HOUR);
        const ended = world.terra.asked('deauthenticate').length;
        await doOne(deed, go, world, user, opened).catch((error: unknown) => {
          if (!(error instanceof Problem)) throw error;
        });
        const row = (await store.load(owner)).connections.find(each => each.terraUserId === user);
        if (!row) continue;
        const { disconnect, auth, gone } = row.facts;
        const state = connectionState(row.facts);
        const isHeld =
          (disconnect !== undefined && !knownReason(disconnect.reason) && disconnect.at >= (auth?.at ?? 0)) ||
          (state.status === 'unconfirmed' && auth?.via === 'invitation#1');
        if (isHeld && deed !== 'disconnect') expect(world.terra.asked('deauthenticate')).toHaveLength(ended);
        const isOver = [gone, disconnect].some(end => end !== undefined && end.at >= (auth?.at ?? 0));
        if (isOver) expect(['connected', 'error']).not.toContain(state.status);
        const shown = connectionAnswer(row, await store.load(owner), world.clock());
        if (shown) expect(Connection.safeParse(shown).success).toBe(true);
        const published = connectionEvent(undefined, row);
        expect(JSON.stringify([shown, published])).not.toMatch(/_later|of_tomorrow|dormant|team|"by"|quiet/);
      }
      expect(Session.safeParse(await go.session('alice', opened.id)).success).toBe(true);
    }),
    300,
    20_000,
  );
});

const knownReason = (reason: string | undefined): boolean =>
  ['owner', 'not_confirmed', 'erased'].includes(reason ?? '');

type Go = ReturnType<typeof journey>;
async function doOne(deed: string, go: Go, world: Setting, user: string, opened: { id: string; state: string }) {
  switch (deed) {
    case 'list':
      return go.connections('alice');
    case 'session':
      return go.session('alice', opened.id);
    case 'open':
      return go.open('alice');
    case 'mint':
      return go.mint('alice', 'APPLE');
    case 'sweep':
      return go.sweep();
    case 'check':
      return reconcileConnections({ ...world, log: () => {}, until: world.clock() + MINUTE, dryRun: false });
    case 'disconnect':
      return go.disconnect('alice', publicId(user));
    case 'return':
      return go.comeBack(opened.state, { user_id: user });
    case 'fail':
      return go.fail(opened.state, { reason: 'access_denied' });
    case 'permissions':
      return go.deliver(terraEvent.permissions(user, 'DAILY'));
    case 'denied':
      return go.deliver(terraEvent.authError(user));
    default:
      return go.deliver(terraEvent[deed as 'auth'](user));
  }
}
