import type { Clock, Instant } from '../platform/clock';
import type { ConnectionFacts } from './connection';
import { Problem } from '../http/errors';
import { isUnreadable, type FactUpdates, type OwnerRecords, type RowChange, withChanges } from './owner-records';
import { projectConnections } from './project-connections';
import type { Rules } from './rules';
import type { Store } from '../store/store';

/** How often a write is tried if other writers change the row in between. */
export const WRITE_TRIES = 5;
/** Returns the longest pause before the next try, in ms. */
export const pauseAfter = (tries: number): Instant => 25 * 2 ** tries;

export type RecordDeps = { store: Store; clock: Clock; rules: Rules; pause: (most: Instant) => Promise<void> };

/** The records after all writes, and whether there was any. */
type Recorded = { records: OwnerRecords; changed: boolean };

/**
 * Stores the connection rows that the records and the facts from `decide` imply. `decide` is called again, with the new records,
 * if another writer changed a row. Throws `unavailable` after five such collisions, and also, once everything else is stored, if
 * `decide` returns facts about a Terra user whose row cannot be read.
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
    if (tries === WRITE_TRIES) throw conflict();
    await deps.pause(pauseAfter(tries));
    records = await deps.store.load(records.owner);
  }
}

export const conflict = () => new Problem('unavailable', 'Another request is changing the same record. Try again.');

export const unreadable = () => new Problem('unavailable', 'A record of this user cannot be read. Try again later.');

export const factUpdateOf = (terraUserId: string, facts: ConnectionFacts) => new Map([[terraUserId, facts]]);

export const NO_FACT_UPDATES: FactUpdates = new Map();

/** Stores rows until another writer has changed one. Returns how many were stored. */
async function storeEach(changes: readonly RowChange[], store: Store): Promise<number> {
  for (const [index, { row, before }] of changes.entries()) {
    if (!(await store.putConnection(row, before))) return index;
  }
  return changes.length;
}
