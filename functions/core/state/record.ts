import type { Clock, Instant } from '../platform/clock';
import type { ConnectionFacts } from './connection';
import { Problem } from '../http/errors';
import { isUnreadable, type FactUpdates, type OwnerRecords, type RowChange, withChanges } from './owner-records';
import { projectConnections } from './project-connections';
import type { Rules } from './rules';
import type { Store } from '../store/store';

const TRIES = 5;
const PAUSE = 25;

export type RecordDeps = { store: Store; clock: Clock; rules: Rules; pause: (most: Instant) => Promise<void> };

/** The partition after everything was stored, and whether anything had to be. */
export type Recorded = { records: OwnerRecords; changed: boolean };

/**
 * Stores what the partition and the news amount to. `decide` sees the partition as it is now and says the news, each time
 * anew when somebody else wrote in between; after five tries the caller hears `unavailable` and may come again. So it does
 * at once, after the rest is stored, if there is news of a Terra user whose row cannot be read.
 */
export async function record(
  loaded: OwnerRecords,
  decide: (records: OwnerRecords) => FactUpdates,
  deps: RecordDeps,
): Promise<Recorded> {
  let records = loaded;
  let changed = false;
  for (let tries = 1; ; tries++) {
    const updates = decide(records);
    const changes = projectConnections(records, updates, deps.clock(), deps.rules);
    const stored = await storeEach(changes, deps.store);
    changed ||= stored > 0;
    if (stored === changes.length) {
      if ([...updates.keys()].some(terraUserId => isUnreadable(records, terraUserId))) throw unreadable();
      return { records: withChanges(records, changes), changed };
    }
    if (tries === TRIES) throw new Problem('unavailable', 'The record is being changed by others. Try again.');
    await deps.pause(PAUSE * 2 ** tries);
    records = await deps.store.load(records.owner);
  }
}

/** A version that can read the row, or an operator, may see to it meanwhile. */
export const unreadable = () =>
  new Problem('unavailable', 'A record of this user cannot be read now. Try again later.');

/** News of one Terra user. */
export const factUpdateOf = (terraUserId: string, facts: ConnectionFacts) => new Map([[terraUserId, facts]]);

export const NO_FACT_UPDATES: FactUpdates = new Map();

/** How many were stored before one had to give way. */
async function storeEach(changes: readonly RowChange[], store: Store): Promise<number> {
  for (const [index, { row, before }] of changes.entries()) {
    if (!(await store.putConnection(row, before))) return index;
  }
  return changes.length;
}
