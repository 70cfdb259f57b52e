import { DAY, HOUR, type Instant } from './clock';
import { type ConnectionRow, connectionState } from './connection';
import { findReportedEnds } from './find-reported-ends';
import type { Log } from './log';
import { newsOf, type RecordDeps, record } from './record';
import type { Terra } from './terra';

export type ReconcileDeps = RecordDeps & {
  terra: Pick<Terra, 'findUsers'>;
  log: Log;
  /** How long a run may go on taking up new pages. */
  budget: Instant;
  /** Asks and counts, and writes nothing down. */
  dryRun: boolean;
};

/** What a run did: how many users Terra was asked for, how many it missed, how many are gone for it, whether it went too far. */
export type Reconciled = { asked: number; missed: number; absent: number; stopped: boolean };

const EVERY = DAY;
/** A connection heard of more recently needs no check. */
const QUIET_FOR = DAY;
const MISSED_TWICE_WITHIN_NO_LESS_THAN = HOUR;
/** Terra takes as many in one request. */
const BATCH = 100;
/** A run that finds more than both of these absent has found a fault of Terra's or ours, not the truth. */
const MOST_ABSENT = 20;
const MOST_ABSENT_SHARE = 0.02;

/**
 * Applies ends that Terra reported without saying of which owner. Then checks, once a day and page by page over several runs, that Terra still has the users we hold for connected and have not
 * heard of. Some providers never tell of a revocation. A user missed twice, an hour or more apart, is gone. An answer
 * without any of the asked users, a failed one, or a run that would end too many, ends nobody.
 */
export async function reconcileConnections(deps: ReconcileDeps): Promise<Reconciled> {
  const { store, clock } = deps;
  // Both parts share the run's budget.
  const begunAt = clock();
  const sum: Reconciled = { asked: 0, missed: 0, absent: 0, stopped: false };
  if (!deps.dryRun) await findReportedEnds(deps);
  const last = await store.reconcileProgress();
  if (last?.isDone && begunAt - last.startedAt < EVERY) return sum;

  let place = !last || last.isDone ? { startedAt: begunAt, cursor: undefined as string | undefined } : last;
  const gone: { row: ConnectionRow; askedAt: Instant }[] = [];
  do {
    const page = await store.scanConnections(place.cursor);
    const quiet = page.rows.filter(row => isLive(row) && lastHeardAt(row) <= clock() - QUIET_FOR);
    for (let from = 0; from < quiet.length; from += BATCH) {
      const batch = quiet.slice(from, from + BATCH);
      gone.push(...(await checkBatch(batch, sum, deps)));
    }
    place = { ...place, cursor: page.cursor };
    if (!deps.dryRun) await store.saveReconcileProgress({ ...place, isDone: page.cursor === undefined });
  } while (place.cursor !== undefined && clock() - begunAt < deps.budget);

  if (gone.length > MOST_ABSENT && gone.length > sum.asked * MOST_ABSENT_SHARE) {
    deps.log('error', 'reconcile stopped', { alarm: 'reconcile_breaker', due: gone.length });
    return { ...sum, stopped: true };
  }
  for (const { row, askedAt } of gone) {
    if (await noteGone(row, askedAt, deps)) sum.absent++;
  }
  return sum;
}

/** Asks Terra for the users of these rows, writes down who was missed or found again, and says who was missed twice. */
async function checkBatch(rows: readonly ConnectionRow[], sum: Reconciled, deps: ReconcileDeps) {
  const askedAt = deps.clock();
  const found = await deps.terra.findUsers(rows.map(row => row.terraUserId));
  if (!rows.some(row => found.has(row.terraUserId))) return [];
  sum.asked += rows.length;

  const missedTwice: { row: ConnectionRow; askedAt: Instant }[] = [];
  for (const row of rows) {
    const missedAt = row.facts.missed?.at ?? 0;
    const isMissed = missedAt > lastHeardAt(row);
    if (found.has(row.terraUserId)) {
      if (isMissed) await note(row, { seen: { at: askedAt } }, deps);
    } else if (!isMissed) {
      sum.missed++;
      await note(row, { missed: { at: askedAt } }, deps);
    } else if (askedAt - missedAt >= MISSED_TWICE_WITHIN_NO_LESS_THAN) {
      missedTwice.push({ row, askedAt });
    }
  }
  return missedTwice;
}

/** Ends the row unless it was heard of since; Terra's clock may be ahead of ours, and then nothing ends today. */
async function noteGone(row: ConnectionRow, askedAt: Instant, deps: ReconcileDeps): Promise<boolean> {
  if (deps.dryRun) return false;
  const { changed } = await record(
    await deps.store.load(row.owner),
    ({ connections }) => {
      const now = connections.find(({ terraUserId }) => terraUserId === row.terraUserId);
      const isUnheard = now !== undefined && isLive(now) && lastHeardAt(now) < askedAt;
      return isUnheard ? newsOf(row.terraUserId, { gone: { at: askedAt, reason: 'absent' } }) : new Map();
    },
    deps,
  );
  return changed;
}

async function note(row: ConnectionRow, facts: Pick<ConnectionRow['facts'], 'missed' | 'seen'>, deps: ReconcileDeps) {
  if (deps.dryRun) return;
  await record(await deps.store.load(row.owner), () => newsOf(row.terraUserId, facts), deps);
}

/** The newest sign of life of the Terra user, of whatever kind. */
function lastHeardAt({ facts: { auth, data, error, scopes, seen } }: ConnectionRow): Instant {
  return Math.max(...[auth, data, error, scopes, seen].map(fact => fact?.at ?? 0));
}

const isLive = ({ facts }: ConnectionRow): boolean => ['connected', 'error'].includes(connectionState(facts).status);
