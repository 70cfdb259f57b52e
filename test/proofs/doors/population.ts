import { journey, terraEvent } from '../../support/journey';
import { referenceIdOf, terraUser } from '../../support/world';
import { type DoorOptions, openDoors } from './doors';
import { strictStore } from './strict-store';

/** People with something of every kind behind the doors: what an attacker would be after. */
export async function populated(options: DoorOptions = {}) {
  const store = strictStore();
  const doors = openDoors({ ...options, with: { store, limit: Number.MAX_SAFE_INTEGER, ...options.with } });
  const { world } = doors;
  const go = journey(world);

  async function projectConnections(sub: string, first: number) {
    const pending = await go.open(sub);
    const app = await go.open(sub, { returnTo: 'app' });
    const direct = await go.open(sub, { provider: 'GARMIN' });

    const returned = await go.open(sub);
    const returnedCode = (await go.comeBackUnasked(returned.state, { user_id: terraUser(first) })).code ?? '';

    const unconfirmed = await go.open(sub);
    await go.deliver(terraEvent.auth(terraUser(first + 1), { sub, session: widgetOf(unconfirmed.url) }));
    const unconfirmedCode = (await go.comeBack(unconfirmed.state, { user_id: terraUser(first + 1) })).code ?? '';

    const completed = await go.open(sub);
    await go.deliver(
      terraEvent.auth(terraUser(first + 2), { sub, session: widgetOf(completed.url), provider: 'OURA' }),
    );
    const completedCode = (await go.comeBack(completed.state, { user_id: terraUser(first + 2) })).code ?? '';
    await go.confirm(sub, completed.id, completedCode);

    await go.mint(sub);
    await go.deliver(terraEvent.auth(terraUser(first + 3), { sub, provider: 'APPLE' }));
    await go.mint(sub, 'APPLE');

    const sessions = { pending, app, direct, returned, unconfirmed, completed };
    const codes = { returned: returnedCode, unconfirmed: unconfirmedCode, completed: completedCode };
    const connections = await go.connections(sub);
    const users = [0, 1, 2, 3].map(n => terraUser(first + n));
    const secrets = [...Object.values(sessions).map(({ state }) => state), ...Object.values(codes)];
    const ids = [...Object.values(sessions), ...connections].map(({ id }) => id);
    return {
      sub,
      sessions,
      codes,
      connections,
      users,
      /** All that lies about and might be tried as an id, a state or a code. */
      known: [sub, referenceIdOf(sub), ...ids, ...secrets, ...users],
    };
  }

  const alice = await projectConnections('alice', 10);
  const mallory = await projectConnections('mallory', 20);
  return {
    doors,
    world,
    go,
    alice,
    mallory,
    known: [...alice.known, ...mallory.known],
    written: store.written,
    items: new Map(structuredClone([...world.store.items])),
  };
}

export type Population = Awaited<ReturnType<typeof populated>>;

/** The fake Terra names widget sessions after its links. */
const widgetOf = (url: string | undefined) => `terra-session-${url?.split('/').at(-1)}`;
