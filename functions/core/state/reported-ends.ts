import * as z from 'zod/mini';
import { DAY, type Instant, SECOND } from '../platform/clock';

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

/** When the row may be deleted: by then the daily check has found every end. */
export const reportedEndsPurgeAt = (now: Instant): number => Math.ceil((now + KEEP) / SECOND);
