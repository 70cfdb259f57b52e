import { Problem } from '../http/errors';
import type { RecordDeps } from './record';
import { REPORTED_ENDS_LIMIT, type ReportedEnd, reportedEndsPurgeAt } from './reported-ends';

const TRIES = 5;
const PAUSE_MS = 25;

/**
 * Notes an end for the next search. Returns whether it is noted: not if there are too many. Throws `unavailable` after five
 * collisions with other writers, so that Terra repeats the event.
 */
export async function noteEnd(
  end: Omit<ReportedEnd, 'notedAt'>,
  { store, clock, pause }: Pick<RecordDeps, 'store' | 'clock' | 'pause'>,
): Promise<boolean> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const known = await store.reportedEnds();
    const ends = known?.ends ?? [];
    const isNoted = ends.some(
      ({ terraUserId, reason, at }) => terraUserId === end.terraUserId && reason === end.reason && at >= end.at,
    );
    if (isNoted) return true;
    if (ends.length >= REPORTED_ENDS_LIMIT) return false;
    const now = clock();
    const next = { ...known, ends: [...ends, { ...end, notedAt: now }], purgeAt: reportedEndsPurgeAt(now) };
    const version = known?.version ?? 0;
    if (await store.saveReportedEnds({ ...next, version: version + 1 }, version)) return true;
    await pause(PAUSE_MS * 2 ** tries);
  }
  throw new Problem('unavailable', 'The record is being changed by others. Try again.');
}
