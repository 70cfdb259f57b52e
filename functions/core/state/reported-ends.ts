import * as z from 'zod/mini';
import { DAY, type Instant, SECOND } from '../platform/clock';
import { Problem } from '../http/errors';
import type { RecordDeps } from './record';

/**
 * An end that Terra reported of a Terra user without a reference id, so that it is not known whose user that is. `error`: its
 * connection fails, and has not ended.
 */
export const ReportedEnd = z.object({
  terraUserId: z.string(),
  reason: z.enum(['deauthorised', 'revoked', 'error']),
  /** Terra's time. */
  at: z.number(),
  /** Ours. */
  notedAt: z.number(),
});
export type ReportedEnd = z.infer<typeof ReportedEnd>;

/** The one row of all ends whose owner is still looked for, and how far the newest search of all connections has come. */
export const ReportedEnds = z.object({
  ends: z.array(ReportedEnd),
  search: z.optional(z.object({ startedAt: z.number(), cursor: z.optional(z.string()) })),
  purgeAt: z.number(),
  version: z.number(),
});
export type ReportedEnds = z.infer<typeof ReportedEnds>;

/** More are not kept: the daily check finds what is left out. */
export const REPORTED_ENDS_LIMIT = 100;
const KEEP = 2 * DAY;
const TRIES = 5;
const PAUSE_MS = 25;

/** When the row may be deleted: by then the daily check has found every end. */
export const reportedEndsPurgeAt = (now: Instant): number => Math.ceil((now + KEEP) / SECOND);

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
