import * as fc from 'fast-check';
import { MINUTE, SECOND } from '../../../functions/core/platform/clock';
import { reconcileConnections } from '../../../functions/core/state/reconcile-connections';
import { journey, terraEvent, told } from '../../support/journey';
import { referenceIdOf, terraUser, world as newWorld, type World } from '../../support/world';
import { holds, same } from './proof';

/*
 * Any of Terra's events with fields missing, null or of another type has the effect of the full event, or is counted by its type
 * and the fields. It never proves more than the full one.
 */

const CONNECTED = terraUser(1);
const NEXT = terraUser(2);
/** The Terra user that the direct link is made for. */
const LINKED = terraUser(1002);
const made = { createdAt: '2026-11-22T12:10:00Z' };

type Body = { readonly [field: string]: unknown };

/** Each of Terra's documented events about the owner's users. */
const full: Readonly<Record<string, Body>> = {
  'auth of a widget session': terraEvent.auth(NEXT, { ...made, session: 'terra-session-3' }),
  'auth of a direct link': terraEvent.auth(LINKED, made),
  'auth of a phone': terraEvent.auth(NEXT, { ...made, provider: 'APPLE' }),
  'auth of the same user again': terraEvent.auth(CONNECTED, { ...made, session: 'terra-session-3' }),
  'auth that failed': terraEvent.authError(LINKED, made),
  auth_cancelled: terraEvent.cancelled(referenceIdOf('alice')),
  user_reauth: terraEvent.reauth(told(CONNECTED), told(NEXT, made)),
  'user_reauth that moves a link': terraEvent.reauth(told(CONNECTED), told(NEXT, { ...made, sub: 'bob' })),
  deauth: terraEvent.deauth(CONNECTED),
  access_revoked: terraEvent.revoked(CONNECTED),
  connection_error: terraEvent.error(CONNECTED),
  permission_change: terraEvent.permissions(CONNECTED, 'BODY'),
  daily: terraEvent.data(CONNECTED),
};

/** Paths of all fields of a body, those inside a user included. */
function pathsOf(body: Body): string[] {
  return Object.entries(body).flatMap(([field, value]) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? [field, ...Object.keys(value).map(inner => `${field}.${inner}`)] : [field];
  });
}

const MISSING = Symbol('missing');
const otherValue = fc.constantFrom<unknown>(MISSING, MISSING, null, null, 7, true, {}, [7], 1.5);

const spoiled = fc
  .record({
    name: fc.constantFrom(...Object.keys(full)),
    referenceId: fc.constantFrom('opaque' as const, 'subject' as const),
    confirmation: fc.constantFrom('required' as const, 'off' as const),
  })
  .chain(setting => {
    const changes = fc.uniqueArray(
      fc.record({ path: fc.constantFrom(...pathsOf(full[setting.name] ?? {})), value: otherValue }),
      { minLength: 1, maxLength: 3, selector: ({ path }) => path },
    );
    return changes.map(each => ({ ...setting, changes: each }));
  });

type Spoiled = typeof spoiled extends fc.Arbitrary<infer Case> ? Case : never;

function changed(body: Body, path: string, value: unknown): Body {
  const [field = '', inner] = path.split('.');
  const of = body[field];
  if (inner === undefined) {
    const { [field]: _, ...rest } = body;
    return value === MISSING ? rest : { ...rest, [field]: value };
  }
  // The object itself may be spoiled already.
  if (typeof of !== 'object' || of === null) return body;
  return { ...body, [field]: changed(of as Body, inner, value) };
}

/** The same records each time: a connected user, an open widget session, an open direct link, and an unused token of a phone. */
async function stage({ referenceId, confirmation }: Pick<Spoiled, 'referenceId' | 'confirmation'>) {
  const world = newWorld({ referenceId, confirmation });
  const go = journey(world);
  const first = await go.open('alice');
  await go.deliver(terraEvent.auth(CONNECTED, { session: 'terra-session-1', createdAt: '2026-11-22T12:00:00Z' }));
  const { code } = await go.comeBack(first.state, { user_id: CONNECTED });
  await go.confirm('alice', first.id, code);
  world.wait(9 * MINUTE);
  const link = await go.open('alice', { provider: 'GARMIN' });
  const widget = await go.open('alice');
  await go.open('bob');
  await go.mint('alice', 'APPLE');
  world.wait(MINUTE + SECOND);
  world.notes.length = 0;
  return { world, go, link, widget };
}

/** All rows, without the hash of the body that they came from. */
const stored = ({ store }: World): string =>
  JSON.stringify([...store.items.values()], (key, value: unknown) => (key === 'bodyHash' ? undefined : value));

/** The effect of the event: at once, after the next check of all connections, and if browsers return while Terra does not answer. */
async function effectOf(event: Body, setting: Spoiled) {
  const { world, go, link, widget } = await stage(setting);
  const before = stored(world);
  const outcome = await go.deliver(event);
  const at = { before, once: stored(world) };
  const { eventType, unread = '', alarm } = Object.assign({}, ...world.notes) as Record<string, string | undefined>;
  await reconcileConnections({ ...world, until: world.clock() + MINUTE, log: () => {}, dryRun: false });
  const shown = await go.connections('alice');
  for (const [session, user] of [
    [link, LINKED],
    [widget, NEXT],
  ] as const) {
    const { code } = await go.comeBackUnasked(session.state, { user_id: user });
    if (code !== undefined) await go.confirm('alice', session.id, code).catch(() => undefined);
  }
  const all = [...(await go.connections('alice')), ...(await go.connections('bob'))];
  const live = all.filter(({ status }) => status === 'connected' || status === 'error').map(each => each.terraUserId);
  return { outcome, ...at, eventType, unread: unread === '' ? [] : unread.split(','), alarm, shown, live };
}

/** Returns whether the counted fields name the changed one: itself, or the first one inside it that the event is read for. */
const isCounted = (path: string, unread: readonly string[]) =>
  unread.some(field => field === path || field.startsWith(`${path}.`));

const tried = new Map<string, { same: number; counted: number }>();

test('an event with missing, null or mistyped fields has the effect of the full one, or is counted', async () => {
  await holds(
    fc.asyncProperty(spoiled, async setting => {
      const body = full[setting.name] ?? {};
      const spoiledBody = setting.changes.reduce<Body>((sum, { path, value }) => changed(sum, path, value), body);
      const whole = await effectOf(body, setting);
      const lenient = await effectOf(spoiledBody, setting);
      const tally = tried.get(setting.name) ?? { same: 0, counted: 0 };
      tried.set(setting.name, tally);

      same(whole.unread, []);
      const isExplained = setting.changes.some(({ path }) => isCounted(path, lenient.unread));
      // An event that names no widget session is one that Terra documents, not one with a field missing.
      const isNamingNone = setting.changes.some(
        ({ path, value }) => path === 'widget_session_id' && (value === MISSING || value === null),
      );
      if (lenient.once === whole.once && lenient.outcome === whole.outcome) tally.same++;
      else if (isExplained) {
        tally.counted++;
        if (lenient.eventType === undefined) throw new Error('counted without a type');
      } else if (isNamingNone) {
        if (lenient.alarm === undefined) same(lenient.shown, whole.shown);
      } else throw new Error(`${lenient.outcome} in silence, not ${whole.outcome}`);

      if (/auth/.test(String(body.type)) && body.type !== 'deauth') {
        const more = lenient.live.filter(user => !whole.live.includes(user) && user !== CONNECTED);
        same(more, []);
      }
      return true;
    }),
    400,
    20_000,
  );
  // So that neither half of the claim is empty.
  for (const [name, { same: alike, counted }] of tried)
    expect([name, alike > 0, counted > 0]).toEqual([name, true, true]);
  expect(tried.size).toBe(Object.keys(full).length);
});

test('an event without a readable reference id writes nothing under an owner, and nothing at all if reference ids are subjects', async () => {
  const names = Object.keys(full).filter(name => !name.startsWith('user_reauth'));
  for (const name of names) {
    for (const referenceId of ['opaque', 'subject'] as const) {
      for (const value of [MISSING, null, 7, {}, ['r'], '', 'r'.repeat(256)]) {
        const setting = { name, referenceId, confirmation: 'required' as const, changes: [] };
        const body = ['user.reference_id', 'reference_id'].reduce<Body>(
          (sum, path) => (pathsOf(full[name] ?? {}).includes(path) ? changed(sum, path, value) : sum),
          full[name] ?? {},
        );
        const { before, once } = await effectOf(body, setting);
        const owned = (rows: string) =>
          (JSON.parse(rows) as { owner: string }[]).filter(
            ({ owner }) => referenceId === 'subject' || owner !== '#reconcile',
          );
        expect(owned(once)).toEqual(owned(before));
      }
    }
  }
});
