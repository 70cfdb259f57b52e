import { isoTime, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { itemKey } from '../../functions/core/store/table';
import { journey, terraEvent, type VisitingBrowser } from '../support/journey';
import { codeOf, referenceIdOf, terraUser, world as newWorld, type World } from '../support/world';

export type Flow = 'direct' | 'widget';
export const flows: readonly Flow[] = ['direct', 'widget'];
export const away = new Problem('terra_unavailable', 'away');

export const linkUser = { direct: terraUser(1001), widget: terraUser(1) };

/** A link that Mallory opened, and the Terra user that Terra made for it five seconds later. */
export async function attempt(flow: Flow, options: Parameters<typeof newWorld>[0] = {}) {
  const world = newWorld(options);
  const go = journey(world);
  const session = await go.open('mallory', flow === 'direct' ? { provider: 'GARMIN' } : {});
  world.wait(5 * SECOND);
  const madeAt = world.clock();
  const user = linkUser[flow];
  const named = flow === 'widget' ? { session: 'terra-session-1' } : {};
  const about = { sub: 'mallory', createdAt: isoTime(madeAt), ...named };
  const terraHas = (authenticated: boolean, id = user, createdAt: number | undefined = madeAt) =>
    world.terra.users.set(id, {
      terraUserId: id,
      provider: 'GARMIN',
      referenceId: referenceIdOf('mallory'),
      authenticated,
      createdAt,
      scopes: [],
    });
  terraHas(false);
  world.wait(5 * SECOND);
  const { deliver } = go;

  return {
    world,
    go,
    session,
    user,
    madeAt,
    terraHas,
    auth: terraEvent.auth(user, about),
    authError: terraEvent.authError(user, about),
    cancelled: terraEvent.cancelled(referenceIdOf('mallory')),
    /** Somebody approves at the provider; Terra's event of it is delivered, or kept for later. */
    approve: async ({ told = true, hasTime = true } = {}) => {
      terraHas(true);
      const at = world.clock();
      const tell = () => deliver(terraEvent.auth(user, about), { ordering: hasTime ? at : 0 });
      if (told) await tell();
      return { at, tell };
    },
    visit: (browser?: Partial<VisitingBrowser>, id = user) => go.visit(session.state, { user_id: id }, browser),
    confirm: (code: string | undefined, who = 'mallory') => codeOf(go.confirm(who, session.id, code)),
    stateOf: async () => (await go.session('mallory', session.id)).status,
    statuses: async () => (await go.connections('mallory')).map(({ status }) => status),
    row: () =>
      structuredClone(world.store.items.get(JSON.stringify([referenceIdOf('mallory'), itemKey.session(session.id)]))),
  };
}

export type Attempt = Awaited<ReturnType<typeof attempt>>;

/** An attempt that was approved, returned from and confirmed, each a second after the other. */
export async function connected(flow: Flow, options: Parameters<typeof newWorld>[0] = {}) {
  const made = await attempt(flow, options);
  const first = await made.approve();
  made.world.wait(SECOND);
  const { code, cookie } = await made.visit();
  made.world.wait(SECOND);
  await made.confirm(code);
  expect(await made.statuses()).toEqual(['connected']);
  made.world.notes.length = 0;
  return { ...made, first, code, cookie };
}

export const alarms = ({ notes }: World) => notes.flatMap(({ alarm }) => alarm ?? []);
export const secretsOf = (world: World) => JSON.stringify([...world.store.items]);
/** Sweeps once a minute. */
export async function sweepFor({ world, go }: Pick<Attempt, 'world' | 'go'>, minutes: number) {
  for (let minute = 0; minute < minutes; minute++) {
    world.wait(MINUTE);
    await go.sweep();
  }
}

/** The Terra user is not connected, and was deauthenticated. */
export async function expectEnded({ world, go, user, statuses }: Attempt) {
  expect(await statuses()).not.toContain('connected');
  await sweepFor({ world, go }, 3 * 60);
  expect(await statuses()).toEqual(['disconnected']);
  expect(world.terra.asked('deauthenticate')).toContain(user);
}
