import { type Clock, HOUR, MINUTE, SECOND } from './clock';
import { Problem } from './errors';
import type { Store } from './store';
import type { QuotaKind } from './table';

/** Uses are counted in windows of this length, one counter a window, so that counting is one atomic write. */
const WINDOW = 10 * MINUTE;
const KEEP = 2 * HOUR;

/** Counts one use; throws `rate_limited`, saying when to come again, where the owner had as many as allowed in this window. */
export async function countUse(
  owner: string,
  kind: QuotaKind,
  limit: number,
  deps: { store: Pick<Store, 'countUse'>; clock: Clock },
): Promise<void> {
  const now = deps.clock();
  const window = Math.floor(now / WINDOW);
  const purgeAt = Math.ceil((now + KEEP) / SECOND);
  if (await deps.store.countUse(owner, kind, window, limit, purgeAt)) return;
  const retryAfterSeconds = Math.ceil(((window + 1) * WINDOW - now) / SECOND);
  throw new Problem('rate_limited', 'Too many requests by this user. Try again later.', { retryAfterSeconds });
}
