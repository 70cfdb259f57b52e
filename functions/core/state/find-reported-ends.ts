import { applyEvent } from './apply-event';
import { HOUR, type Instant } from '../platform/clock';
import type { Log } from '../platform/log';
import type { RecordDeps } from './record';
import { type ReportedEnd, reportedEndsPurgeAt } from './reported-ends';

type FindDeps = RecordDeps & {
  log: Log;
  /** The run starts nothing new after this time. */
  until: Instant;
};

/** A search reads every connection, so it starts at most once in this time. */
const SEARCH_EVERY = HOUR;

/**
 * Searches all connections, over several runs, for the Terra users whose end Terra reported without a reference id, and applies
 * each end as if its event had named the owner. A user that a complete search does not find is not ours, and its end is
 * dropped. Returns how many ends were applied.
 */
export async function findReportedEnds(deps: FindDeps): Promise<number> {
  const { store, clock } = deps;
  const begunAt = clock();
  const known = await store.reportedEnds();
  if (!known || known.ends.length === 0) return 0;
  const isDone = known.search?.cursor === undefined;
  if (known.search && isDone && begunAt - known.search.startedAt < SEARCH_EVERY) return 0;

  const startedAt = known.search && !isDone ? known.search.startedAt : begunAt;
  let cursor = known.search?.cursor;
  let left: readonly ReportedEnd[] = known.ends;
  do {
    const page = await store.scanConnections(cursor);
    const found = new Map(page.rows.map(({ terraUserId, owner }) => [terraUserId, owner]));
    const applied = await applyEach(left, found, deps);
    left = left.filter(end => !applied.has(end));
    cursor = page.cursor;
  } while (cursor !== undefined && left.length > 0 && clock() < deps.until);

  const isWhole = cursor === undefined;
  const kept = isWhole ? left.filter(({ notedAt }) => notedAt > startedAt) : left;
  const search = { startedAt, ...(kept.length > 0 && cursor !== undefined && { cursor }) };
  const next = { ends: [...kept], search, purgeAt: reportedEndsPurgeAt(clock()), version: known.version + 1 };
  // If another end was stored meanwhile, this write fails and the next run applies the same ends again, which changes nothing.
  await store.saveReportedEnds(next, known.version);
  return known.ends.length - left.length;
}

/** Applies the ends of the users that were found. One that fails is logged and tried again in the next search. */
async function applyEach(
  ends: readonly ReportedEnd[],
  owners: ReadonlyMap<string, string>,
  deps: FindDeps,
): Promise<ReadonlySet<ReportedEnd>> {
  const applied = new Set<ReportedEnd>();
  for (const end of ends) {
    const referenceId = owners.get(end.terraUserId);
    if (referenceId === undefined) continue;
    const { terraUserId, reason, at } = end;
    const user = { terraUserId, referenceId, provider: undefined, createdAt: undefined, scopes: undefined };
    const event =
      reason === 'error' ? ({ kind: 'degraded', user } as const) : ({ kind: 'gone', user, reason } as const);
    try {
      await applyEvent(event, at, { ...deps, dataEvents: 'ignore', alarm: () => undefined });
      applied.add(end);
    } catch (error) {
      deps.log('error', 'reported end not applied', { error: error instanceof Error ? error.name : typeof error });
    }
  }
  return applied;
}
