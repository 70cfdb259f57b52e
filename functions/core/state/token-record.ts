import * as z from 'zod/mini';
import { type Instant, MINUTE } from '../platform/clock';
import { providerId } from '../terra/providers';

const BEFORE = MINUTE;
const AFTER = 2 * MINUTE;

/** One issued SDK token, without the token itself. `usedBy` is written once: one token proves one Terra user. */
export const TokenRecord = z.object({
  owner: z.string(),
  id: z.string(),
  sub: z.string(),
  provider: z.optional(z.string()),
  createdAt: z.number(),
  expiresAt: z.number(),
  usedBy: z.optional(z.object({ terraUserId: z.string(), at: z.number(), provider: z.string() })),
  dueAt: z.optional(z.number()),
  purgeAt: z.number(),
  version: z.number(),
  /** Only if a later version wrote the row. */
  schema: z.optional(z.number()),
});
export type TokenRecord = z.infer<typeof TokenRecord>;

/** Returns whether an authentication at one of these times can come from the token. False without a known provider. */
export function fits(tokenRecord: TokenRecord, provider: string | undefined, times: readonly Instant[]): boolean {
  if (provider === undefined) return false;
  if (tokenRecord.provider !== undefined && tokenRecord.provider !== providerId(provider)) return false;
  return times.some(at => at >= tokenRecord.createdAt - BEFORE && at <= tokenRecord.expiresAt + AFTER);
}

/** Returns the token record that proves this Terra user: the one it already used, else the fitting unused one that expires first. */
export function tokenRecordFor(
  tokenRecords: readonly TokenRecord[],
  terraUserId: string,
  provider: string,
  times: readonly Instant[],
): TokenRecord | undefined {
  const fitting = tokenRecords.filter(tokenRecord => fits(tokenRecord, provider, times));
  const used = fitting.find(tokenRecord => tokenRecord.usedBy?.terraUserId === terraUserId);
  const unused = fitting
    .filter(tokenRecord => !tokenRecord.usedBy)
    .toSorted((a, b) => a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1));
  return used ?? unused[0];
}
