import * as z from 'zod/mini';
import { DAY, type Instant, SECOND } from '../platform/clock';

/** An end, or with `error` a connection error, that Terra reported without a reference id, so that its owner is not known. */
export const ReportedEnd = z.object({
  terraUserId: z.string(),
  reason: z.enum(['deauthorised', 'revoked', 'error']),
  /** Terra's time. */
  at: z.number(),
  /** Ours. */
  notedAt: z.number(),
});
export type ReportedEnd = z.infer<typeof ReportedEnd>;

/** The row that stores all reported ends and the progress of the search for their owners. */
export const ReportedEnds = z.object({
  ends: z.array(ReportedEnd),
  search: z.optional(z.object({ startedAt: z.number(), cursor: z.optional(z.string()) })),
  purgeAt: z.number(),
  version: z.number(),
});
export type ReportedEnds = z.infer<typeof ReportedEnds>;

/** Further ends are dropped; the daily check finds them. */
export const REPORTED_ENDS_LIMIT = 100;
const KEEP = 2 * DAY;

/** Returns when the row may be deleted, in seconds since 1970. By then the daily check has found every end. */
export const reportedEndsPurgeAt = (now: Instant): number => Math.ceil((now + KEEP) / SECOND);
