import * as z from 'zod/mini';
import { DAY, type Instant, MINUTE, SECOND } from '../platform/clock';

/** The tombstone of an owner: all that stays, for 35 days, so that what comes late is not mistaken for a new user's. */
export const ErasureRow = z.object({
  owner: z.string(),
  requestedAt: z.number(),
  dueAt: z.optional(z.number()),
  purgeAt: z.number(),
  version: z.number(),
  /** Only if a later version wrote the row. */
  schema: z.optional(z.number()),
});
export type ErasureRow = z.infer<typeof ErasureRow>;

const KEEP_TOMBSTONE = 35 * DAY;

export function newErasure(owner: string, now: Instant): ErasureRow {
  return {
    owner,
    requestedAt: now,
    dueAt: now + MINUTE,
    purgeAt: Math.ceil((now + KEEP_TOMBSTONE) / SECOND),
    version: now,
  };
}
