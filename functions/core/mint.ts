import * as z from 'zod/mini';
import { type Instant, MINUTE } from './clock';
import { providerId } from './providers';

const BEFORE = MINUTE;
const AFTER = 2 * MINUTE;

/** One issued SDK token (never the token itself). `usedBy` is written once: one mint proves one Terra user. */
export const MintRow = z.object({
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
export type MintRow = z.infer<typeof MintRow>;

/** Returns whether a connection made at one of these times can come from the mint's token; not without a known provider. */
export function fits(mint: MintRow, provider: string | undefined, times: readonly Instant[]): boolean {
  if (provider === undefined) return false;
  if (mint.provider !== undefined && mint.provider !== providerId(provider)) return false;
  return times.some(at => at >= mint.createdAt - BEFORE && at <= mint.expiresAt + AFTER);
}

/** The mint that proves this Terra user: the one it used already, else the fitting unused one that ends first. */
export function mintFor(
  mints: readonly MintRow[],
  terraUserId: string,
  provider: string,
  times: readonly Instant[],
): MintRow | undefined {
  const fitting = mints.filter(mint => fits(mint, provider, times));
  const used = fitting.find(mint => mint.usedBy?.terraUserId === terraUserId);
  const unused = fitting
    .filter(mint => !mint.usedBy)
    .toSorted((a, b) => a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1));
  return used ?? unused[0];
}
