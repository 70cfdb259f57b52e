import { type Clock, HOUR, MINUTE, SECOND } from '../platform/clock';
import { Problem } from '../http/errors';
import { countRetained, OWNER_ROWS, type OwnerRecords } from './owner-records';
import type { Note } from '../http/serve';
import type { Store } from '../store/store';
import type { QuotaKind } from '../store/table';

/** One counter for each window of this length, so that counting is one atomic write. */
const WINDOW = 10 * MINUTE;
const KEEP = 2 * HOUR;

/**
 * Throws `rate_limited` if the owner already has `OWNER_ROWS` sessions, token records or connections. This bounds every read of an
 * owner's records. Finished records are deleted within hours.
 */
export function refuseIfFull(
  records: OwnerRecords,
  kind: 'sessions' | 'mints',
  { clock, note }: { clock: Clock; note: Note },
): void {
  const { sessions, claims, tokenRecords } = records;
  const own = kind === 'sessions' ? [...sessions, ...claims] : tokenRecords;
  if (Math.max(own.length, countRetained(records)) < OWNER_ROWS) return;
  note({ alarm: 'owner_full' });
  const [soonest = 0] = own.map(({ purgeAt }) => purgeAt * SECOND - clock()).toSorted((a, b) => a - b);
  const retryAfterSeconds = Math.ceil(Math.min(Math.max(soonest, MINUTE), HOUR) / SECOND);
  throw new Problem('rate_limited', 'This user has too many recent attempts. Try again later.', {
    retryAfterSeconds,
    reason: `the owner has ${OWNER_ROWS} rows of one kind, the most that are kept`,
  });
}

/** Counts one use. Throws `rate_limited` with the time to wait if the owner reached `limit` in this window. */
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
