import { DAY, HOUR, type Instant, MINUTE } from '../../functions/core/platform/clock';
import { reconcileConnections } from '../../functions/core/state/reconcile-connections';
import { journey, terraEvent } from '../support/journey';
import { referenceIdOf, terraUser, world } from '../support/world';
import { type CountedTable, startCountedTable } from './counted-table';
import type { CleanupCount, ListingCount, ReconcileCount, ScaleCount, Stale } from './flow-counts';

type Here = ReturnType<typeof worldOn>;

/** What is left of an owner, and after what times the sweep has work with it. */
const staleFlows: Record<Stale, { leave: (sub: string, here: Here) => Promise<unknown>; waits: readonly Instant[] }> = {
  'completed session': { leave: connect, waits: [2 * MINUTE] },
  'used token': { leave: useToken, waits: [2 * MINUTE] },
  'abandoned session': { leave: (sub, { steps }) => steps.open(sub), waits: [2 * HOUR] },
  'unconfirmed connection': { leave: leaveUnconfirmed, waits: [2 * MINUTE, 2 * HOUR] },
};

/** What work on a table of about this size needs: the cleanup of each kind, a list, and the daily check. */
export async function countScale(tableRows: number, staleOwners: number): Promise<ScaleCount> {
  return onTable(tableRows, async on => {
    const listing = await countListing(on, 10);
    const reconcile = await countReconcile(on);
    const cleanups: CleanupCount[] = [];
    for (const stale of Object.keys(staleFlows) as Stale[]) cleanups.push(await countSweeps(on, staleOwners, stale));
    return { cleanups, listing, reconcile };
  });
}

/** What the sweep needs where so many owners left this, in a table of about this size. */
export async function countCleanup(tableRows: number, staleOwners: number, stale: Stale): Promise<CleanupCount> {
  return onTable(tableRows, on => countSweeps(on, staleOwners, stale));
}

async function countSweeps(
  { tableRows, counted, here }: Table,
  staleOwners: number,
  stale: Stale,
): Promise<CleanupCount> {
  const { leave, waits } = staleFlows[stale];
  await leave(stale, here);
  await counted.copy(await counted.itemsOf(referenceIdOf(stale)), stale.slice(0, 2), staleOwners - 1);

  const sum = { due: 0, indexReadUnits: 0, readUnits: 0, writeUnits: 0, roundTrips: 0 };
  const asked = here.world.terra.calls.length;
  for (const wait of waits) {
    here.world.wait(wait);
    const { done, ...count } = await counted.count(() => here.steps.sweep());
    if (done.due < staleOwners) throw new Error(`${stale}: the sweep found ${done.due} of ${staleOwners}`);
    sum.due += done.due;
    sum.indexReadUnits += count.indexReadUnits;
    sum.readUnits += count.readUnits;
    sum.writeUnits += count.writeUnits;
    sum.roundTrips += count.roundTrips;
  }
  const { due } = await here.steps.sweep();
  if (due > 0) throw new Error(`${stale}: ${due} rows are still due`);
  return {
    stale,
    tableRows,
    staleOwners,
    dueRows: sum.due / staleOwners,
    findUnits: sum.indexReadUnits / staleOwners,
    judgeUnits: sum.readUnits / staleOwners,
    writeUnits: sum.writeUnits / staleOwners,
    roundTrips: sum.roundTrips / staleOwners,
    terraCalls: (here.world.terra.calls.length - asked) / staleOwners,
  };
}

async function countListing({ tableRows, counted, here }: Table, connections: number): Promise<ListingCount> {
  for (let made = 0; made < connections; made++) await connect('lia', here);
  const { done, readUnits, roundTrips } = await counted.count(() => here.steps.connections('lia'));
  if (done.length !== connections) throw new Error(`${done.length} of ${connections} connections are listed`);
  here.world.wait(2 * MINUTE);
  await here.steps.sweep();
  return { tableRows, connections, readUnits, roundTrips };
}

/** The daily check, when the last event of every connection was the day before. */
async function countReconcile({ tableRows, counted, here }: Table): Promise<ReconcileCount> {
  const { terra, wait } = here.world;
  wait(2 * DAY);
  const deps = { ...here.world, store: counted.store, log: () => {}, until: here.world.clock() + HOUR, dryRun: false };
  const before = terra.calls.length;
  const { done, readUnits, writeUnits, roundTrips } = await counted.count(() => reconcileConnections(deps));
  const of100 = (count: number) => (count * 100) / done.asked;
  return {
    tableRows,
    connections: done.asked,
    readUnits: of100(readUnits),
    writeUnits: of100(writeUnits),
    roundTrips: of100(roundTrips),
    terraCalls: of100(terra.calls.length - before),
  };
}

/** Later than anything here; the shard is each owner's own. */
const DUE_ONE_DAY = { dueAt: { N: '4102444800000' }, dueShard: { S: '' } };

type Table = { tableRows: number; counted: CountedTable; here: Here };

/**
 * A table in which most users have been connected for a while, with a session, a connection and a counter each, and of
 * whose rows a tenth are sessions that the sweep must look at one day, but not yet.
 */
async function onTable<T>(tableRows: number, use: (on: Table) => Promise<T>): Promise<T> {
  const counted = await startCountedTable();
  try {
    const here = worldOn(counted);
    await connect('old', here);
    here.world.wait(2 * MINUTE);
    await here.steps.sweep();
    const items = await counted.itemsOf(referenceIdOf('old'));
    const waiting = items
      .filter(item => item.item?.S?.startsWith('session#'))
      .map(item => ({ ...item, ...DUE_ONE_DAY }));
    await counted.copy(waiting, 'later', Math.floor(tableRows / 10));
    await counted.copy(items, 'old', Math.floor((tableRows * 0.9) / items.length) - 1);
    return await use({ tableRows, counted, here });
  } finally {
    await counted.close();
  }
}

function worldOn({ store }: CountedTable) {
  const here = world();
  return { world: here, steps: journey({ ...here, store }) };
}

/** Connects by a direct link, with a Terra user that Terra has. */
async function connect(sub: string, here: Here): Promise<void> {
  const { id, state, user } = await authenticate(sub, here);
  const { code } = await here.steps.comeBack(state, { user_id: user });
  await here.steps.confirm(sub, id, code);
}

async function leaveUnconfirmed(sub: string, here: Here): Promise<void> {
  await authenticate(sub, here);
}

async function authenticate(sub: string, { steps, world: { terra } }: Here) {
  const { id, state } = await steps.open(sub, { provider: 'GARMIN' });
  const user = terraUser(1000 + terra.links.length);
  await steps.deliver(terraEvent.auth(user, { sub }));
  terra.users.set(user, {
    terraUserId: user,
    referenceId: referenceIdOf(sub),
    provider: 'GARMIN',
    authenticated: true,
    createdAt: undefined,
    scopes: undefined,
  });
  return { id, state, user };
}

async function useToken(sub: string, { steps }: Here): Promise<void> {
  await steps.mint(sub, 'APPLE');
  await steps.deliver(terraEvent.auth(terraUser(1), { sub, provider: 'APPLE' }));
}
