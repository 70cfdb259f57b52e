import * as z from 'zod/mini';
import { DAY, type Instant, MINUTE, SECOND } from '../platform/clock';

/** The tombstone of an erased owner. It is kept for 35 days, so that late events are not taken for those of a new user. */
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
