import { DAY, HOUR, type Instant } from '../platform/clock';
import { type ConnectionRow, connectionState } from './connection';
import type { Problem } from '../http/errors';
import { findReportedEnds } from './find-reported-ends';
import type { Log } from '../platform/log';
import { factUpdateOf, type RecordDeps, record } from './record';
import { itemKey, scanCursor } from '../store/table';
import type { Terra } from '../terra/terra';
import { isOfTerra, newRun } from './turn';

export type ReconcileDeps = RecordDeps & {
  terra: Pick<Terra, 'findUsers'>;
  log: Log;
  /** When the run begins nothing more. */
  until: Instant;
  /** Asks and counts, and writes nothing down. */
  dryRun: boolean;
};

/**
 * What a run did: how many users Terra was asked for, how many it missed, how many are gone for it, how many it gave no answer
 * about that counts, how many could not be written down, and whether it went too far.
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
/** A connection heard of more recently needs no check. */
const QUIET_FOR = DAY;
const MIN_MISSED_INTERVAL = HOUR;
/** Terra takes a hundred in one request: these and one that it has. */
const BATCH = 99;
/** Into so many parts a batch is divided that Terra fails to answer for: a single user is found by three failures. */
const PARTS = 10;
/** A run that finds more than both of these absent has found a fault of Terra's or ours, not the truth. */
const ABSENT_LIMIT = 20;
const ABSENT_SHARE_LIMIT = 0.02;

type Missed = { row: ConnectionRow; askedAt: Instant };

/**
 * Applies ends that Terra reported without saying of which owner. Then checks, once a day and page by page over several runs,
 * that Terra still has the users we hold for connected and have not heard of. Some providers never tell of a revocation. A user
 * missed twice, an hour or more apart, is gone. An answer counts only if Terra has one of the users in it, so each question
 * carries one that was heard of today or that Terra had just now. If a question fails, it is asked in parts, and a user that fails
 * alone is skipped; if Terra is away, the next run goes on from the last answer. A run that would end too many ends nobody.
 * Throws Terra's failure if it was away.
 */
export async function reconcileConnections(deps: ReconcileDeps): Promise<Reconciled> {
  const { store, clock } = deps;
  // Both parts share the run's budget.
  const begunAt = clock();
  const sum: Reconciled = { asked: 0, missed: 0, absent: 0, skipped: 0, failed: 0, stopped: false };
  if (!deps.dryRun) await findReportedEnds(deps);
  const last = await store.reconcileProgress();
  if (last?.isDone && begunAt - last.startedAt < EVERY) return sum;

  const run = newRun(deps.until, clock);
  const gone: Missed[] = [];
  const unverified: ConnectionRow[][] = [];
  let failure: Problem | undefined;
  /** A user that Terra should have. */
  let knownUser: string | undefined;
  /** Users that Terra failed to answer for since its last answer. */
  let unanswered = 0;
  let progress = !last || last.isDone ? { startedAt: begunAt, cursor: undefined as string | undefined } : last;
  const save = async (cursor: string | undefined, isDone: boolean) => {
    progress = { startedAt: progress.startedAt, cursor };
    if (!deps.dryRun) await store.saveReconcileProgress({ ...progress, isDone });
  };

  /** Says whether everything was asked that can be. */
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
      // It may have failed because of that one.
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
      // Now that a user is known that Terra has, an answer without any can be asked for again.
      for (const rows of knownUser === undefined ? [] : unverified.splice(0)) await check(rows);
      const end = batch.at(-1);
      // The caller saves the end of the last. A user that failed alone is passed only once Terra answers for another: it may be away.
      if (!end || at === batches.length - 1 || unanswered > 0) continue;
      await save(scanCursor(end.owner, itemKey.connection(end.terraUserId)), false);
    }
    return true;
  }

  let isComplete = true;
  do {
    const page = await store.scanConnections(progress.cursor);
    const live = page.rows.filter(isLive);
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

/** Writes down who was missed or found again, and returns who was missed twice. */
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

/** Writes about one row. What its owner's records throw stops no other's. */
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

/** Ends the row unless it was heard of since; Terra's clock may be ahead of ours, and then nothing ends today. */
async function recordAbsence(row: ConnectionRow, askedAt: Instant, deps: ReconcileDeps): Promise<boolean> {
  if (deps.dryRun) return false;
  const { changed } = await record(
    await deps.store.load(row.owner),
    ({ connections }) => {
      const now = connections.find(({ terraUserId }) => terraUserId === row.terraUserId);
      const isUnheard = now !== undefined && isLive(now) && lastHeardAt(now) < askedAt;
      return isUnheard ? factUpdateOf(row.terraUserId, { gone: { at: askedAt, reason: 'absent' } }) : new Map();
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

/** The newest sign of life of the Terra user, of whatever kind. */
function lastHeardAt({ facts: { auth, data, error, scopes, seen } }: ConnectionRow): Instant {
  return Math.max(...[auth, data, error, scopes, seen].map(fact => fact?.at ?? 0));
}

const isLive = ({ facts }: ConnectionRow): boolean => ['connected', 'error'].includes(connectionState(facts).status);
