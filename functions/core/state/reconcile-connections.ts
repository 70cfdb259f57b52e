import { DAY, HOUR, type Instant } from '../platform/clock';
import { type ConnectionRow, isLive } from './connection';
import type { Problem } from '../http/errors';
import { findReportedEnds } from './find-reported-ends';
import type { Log } from '../platform/log';
import { connectionOf } from './owner-records';
import { factUpdateOf, NO_FACT_UPDATES, type RecordDeps, record } from './record';
import { itemKey, scanCursor } from '../store/table';
import type { Terra } from '../terra/terra';
import { isOfTerra, newRun } from './turn';

export type ReconcileDeps = RecordDeps & {
  terra: Pick<Terra, 'findUsers'>;
  log: Log;
  /** The run starts nothing new after this time. */
  until: Instant;
  /** Asks Terra and counts, but stores nothing. */
  dryRun: boolean;
};

/**
 * The counts of a run: `asked` (Terra users that Terra answered about), `missed` (not found for the first time), `absent` (ended),
 * `skipped` (no answer that counts), `failed` (not stored). `stopped`: too many were absent, so none was ended.
 */
export type Reconciled = {
  asked: number;
  missed: number;
  absent: number;
  skipped: number;
  failed: number;
  stopped: boolean;
};

const EVERY = DAY;
/** A connection with a more recent event needs no check. */
const QUIET_FOR = DAY;
const MIN_MISSED_INTERVAL = HOUR;
/** Terra accepts 100 users in one request: these and `knownUser`. */
const BATCH = 99;
/** A failed batch is split into this many parts, so that three failures isolate a single user. */
const PARTS = 10;
/** If more users than both limits are absent, the cause is a fault of Terra or of this code, so nothing is ended. */
const ABSENT_LIMIT = 20;
const ABSENT_SHARE_LIMIT = 0.02;

type Missed = { row: ConnectionRow; askedAt: Instant };

/**
 * Applies the ends that Terra reported without a reference id. Then checks once a day, page by page over several runs, whether
 * Terra still has each live user that sent no event for a day: some providers never report a revocation. A user that is
 * missing twice, at least an hour apart, is `absent`. An answer counts only if it contains a user, so each request includes one
 * that Terra should have. If a request fails, it is repeated in smaller parts, and a user that fails alone is skipped. If Terra is
 * unavailable, the run throws Terra's error, and the next run continues after the last answer. If too many users are absent, none
 * is ended.
 */
export async function reconcileConnections(deps: ReconcileDeps): Promise<Reconciled> {
  const { store, clock } = deps;
  const begunAt = clock();
  const sum: Reconciled = { asked: 0, missed: 0, absent: 0, skipped: 0, failed: 0, stopped: false };
  if (!deps.dryRun) await findReportedEnds(deps);
  const last = await store.reconcileProgress();
  if (last?.isDone && begunAt - last.startedAt < EVERY) return sum;

  const run = newRun(deps.until, clock);
  const gone: Missed[] = [];
  const unverified: ConnectionRow[][] = [];
  let failure: Problem | undefined;
  /** A Terra user that Terra should have. */
  let knownUser: string | undefined;
  /** Users for which Terra failed since its last answer. */
  let unanswered = 0;
  let progress = !last || last.isDone ? { startedAt: begunAt, cursor: undefined as string | undefined } : last;
  const save = async (cursor: string | undefined, isDone: boolean) => {
    progress = { startedAt: progress.startedAt, cursor };
    if (!deps.dryRun) await store.saveReconcileProgress({ ...progress, isDone });
  };

  /** Returns false if the run has no time left or Terra is unavailable. */
  async function check(rows: readonly ConnectionRow[]): Promise<boolean> {
    if (!run.mayAsk()) return false;
    const askedAt = clock();
    const asked = rows.map(row => row.terraUserId);
    let found: ReadonlySet<string>;
    try {
      found = await run.ask(() => deps.terra.findUsers(knownUser === undefined ? asked : [...asked, knownUser]));
    } catch (error) {
      if (!isOfTerra(error)) throw error;
      failure = error;
      // The request may have failed because of `knownUser`.
      const wasKnownUserAsked = knownUser !== undefined && rows.length === 1;
      knownUser = undefined;
      if (wasKnownUserAsked) return check(rows);
      if (rows.length === 1) unanswered++;
      return rows.length === 1 || checkEach(inParts(rows));
    }
    sum.skipped += unanswered;
    unanswered = 0;
    const isVerified = [...asked, knownUser].some(id => id !== undefined && found.has(id));
    knownUser = [knownUser, ...asked].find(id => id !== undefined && found.has(id));
    if (isVerified) {
      sum.asked += rows.length;
      gone.push(...(await compareWithTerra(rows, found, askedAt, sum, deps)));
    } else unverified.push([...rows]);
    return true;
  }

  async function checkEach(batches: readonly (readonly ConnectionRow[])[]): Promise<boolean> {
    for (const [at, batch] of batches.entries()) {
      if (!(await check(batch))) return false;
      // Empty answers can be verified now that Terra is known to have a user.
      for (const rows of knownUser === undefined ? [] : unverified.splice(0)) await check(rows);
      const end = batch.at(-1);
      // The caller saves the progress of the last batch. A failed user is passed only after Terra answered for another one.
      if (!end || at === batches.length - 1 || unanswered > 0) continue;
      await save(scanCursor(end.owner, itemKey.connection(end.terraUserId)), false);
    }
    return true;
  }

  let isComplete = true;
  do {
    const page = await store.scanConnections(progress.cursor);
    const live = page.rows.filter(({ facts }) => isLive(facts));
    knownUser ??= live.find(row => !needsCheck(row, clock()))?.terraUserId;
    isComplete = await checkEach(inBatches(live.filter(row => needsCheck(row, clock()))));
    if (isComplete && !run.isUnanswered()) await save(page.cursor, page.cursor === undefined);
  } while (isComplete && progress.cursor !== undefined && run.hasTime());

  sum.skipped += unverified.flat().length + unanswered;
  if (sum.skipped > 0) deps.log('warn', 'users skipped', { alarm: 'reconcile_skipped', skipped: sum.skipped });

  if (gone.length > ABSENT_LIMIT && gone.length > sum.asked * ABSENT_SHARE_LIMIT) {
    deps.log('error', 'reconcile stopped', { alarm: 'reconcile_breaker', due: gone.length });
    return { ...sum, stopped: true };
  }
  for (const { row, askedAt } of gone) {
    if (await tryWrite(() => recordAbsence(row, askedAt, deps), sum, deps)) sum.absent++;
  }
  if (run.isUnanswered() && failure) throw failure;
  return sum;
}

/** Stores which users are missing or found again. Returns those that are missing for the second time. */
async function compareWithTerra(
  rows: readonly ConnectionRow[],
  found: ReadonlySet<string>,
  askedAt: Instant,
  sum: Reconciled,
  deps: ReconcileDeps,
): Promise<Missed[]> {
  const missedTwice: Missed[] = [];
  for (const row of rows) {
    const missedAt = row.facts.missed?.at ?? 0;
    const isMissed = missedAt > lastHeardAt(row);
    if (found.has(row.terraUserId)) {
      if (isMissed) await tryWrite(() => recordCheck(row, { seen: { at: askedAt } }, deps), sum, deps);
    } else if (!isMissed) {
      sum.missed++;
      await tryWrite(() => recordCheck(row, { missed: { at: askedAt } }, deps), sum, deps);
    } else if (askedAt - missedAt >= MIN_MISSED_INTERVAL) {
      missedTwice.push({ row, askedAt });
    }
  }
  return missedTwice;
}

/** Runs a write for one row. An error is counted and logged, so that the other rows are still written. */
async function tryWrite<T>(write: () => Promise<T>, sum: Reconciled, { log }: ReconcileDeps) {
  try {
    return await write();
  } catch (error) {
    sum.failed++;
    log('error', 'connection not checked', { error: error instanceof Error ? error.name : typeof error });
    return undefined;
  }
}

const inBatches = (rows: readonly ConnectionRow[], size = BATCH): ConnectionRow[][] =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, at) => rows.slice(at * size, (at + 1) * size));

const inParts = (rows: readonly ConnectionRow[]): ConnectionRow[][] => inBatches(rows, Math.ceil(rows.length / PARTS));

const needsCheck = (row: ConnectionRow, now: Instant): boolean => lastHeardAt(row) <= now - QUIET_FOR;

/** Ends the row unless a newer event came since. If Terra's clock is ahead of ours, this waits for the next check. */
async function recordAbsence(row: ConnectionRow, askedAt: Instant, deps: ReconcileDeps): Promise<boolean> {
  if (deps.dryRun) return false;
  const { changed } = await record(
    await deps.store.load(row.owner),
    current => {
      const now = connectionOf(current, row.terraUserId);
      const isUnheard = now !== undefined && isLive(now.facts) && lastHeardAt(now) < askedAt;
      return isUnheard ? factUpdateOf(row.terraUserId, { gone: { at: askedAt, reason: 'absent' } }) : NO_FACT_UPDATES;
    },
    deps,
  );
  return changed;
}

async function recordCheck(
  row: ConnectionRow,
  facts: Pick<ConnectionRow['facts'], 'missed' | 'seen'>,
  deps: ReconcileDeps,
) {
  if (deps.dryRun) return;
  await record(await deps.store.load(row.owner), () => factUpdateOf(row.terraUserId, facts), deps);
}

/** Returns the time of the newest fact that shows that Terra has the user. */
function lastHeardAt({ facts: { auth, data, error, scopes, seen } }: ConnectionRow): Instant {
  return Math.max(...[auth, data, error, scopes, seen].map(fact => fact?.at ?? 0));
}
