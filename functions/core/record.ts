import type { Clock, Instant } from './clock';
import type { ConnectionFacts } from './connection';
import { Problem } from './errors';
import { isUnreadable, type News, type Partition, type RowChange, settle, withChanges } from './partition';
import type { Rules } from './rules';
import type { Store } from './store';

const TRIES = 5;
const PAUSE = 25;

export type RecordDeps = { store: Store; clock: Clock; rules: Rules; pause: (most: Instant) => Promise<void> };

/** The partition after everything was stored, and whether anything had to be. */
export type Recorded = { partition: Partition; changed: boolean };

/**
 * Stores what the partition and the news amount to. `decide` sees the partition as it is now and says the news, each time
 * anew when somebody else wrote in between; after five tries the caller hears `unavailable` and may come again. So it does
 * at once, after the rest is stored, if there is news of a Terra user whose row cannot be read.
 */
export async function record(
  seen: Partition,
  decide: (partition: Partition) => News,
  deps: RecordDeps,
): Promise<Recorded> {
  let partition = seen;
  let changed = false;
  for (let tries = 1; ; tries++) {
    const news = decide(partition);
    const changes = settle(partition, news, deps.clock(), deps.rules);
    const stored = await storeEach(changes, deps.store);
    changed ||= stored > 0;
    if (stored === changes.length) {
      if ([...news.keys()].some(terraUserId => isUnreadable(partition, terraUserId))) throw unreadable();
      return { partition: withChanges(partition, changes), changed };
    }
    if (tries === TRIES) throw new Problem('unavailable', 'The record is being changed by others. Try again.');
    await deps.pause(PAUSE * 2 ** tries);
    partition = await deps.store.load(partition.owner);
  }
}

/** A version that can read the row, or an operator, may see to it meanwhile. */
export const unreadable = () =>
  new Problem('unavailable', 'A record of this user cannot be read now. Try again later.');

/** News of one Terra user. */
export const newsOf = (terraUserId: string, facts: ConnectionFacts) => new Map([[terraUserId, facts]]);

export const NO_NEWS: News = new Map();

/** How many were stored before one had to give way. */
async function storeEach(changes: readonly RowChange[], store: Store): Promise<number> {
  for (const [index, { row, before }] of changes.entries()) {
    if (!(await store.putConnection(row, before))) return index;
  }
  return changes.length;
}
