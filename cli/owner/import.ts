import { type Clock, DAY, type Instant } from '../../functions/core/platform/clock';
import { authFacts, type ConnectionFacts, IMPORT } from '../../functions/core/state/connection';
import { projectConnections } from '../../functions/core/state/project-connections';
import { factUpdateOf } from '../../functions/core/state/record';
import type { Rules } from '../../functions/core/state/rules';
import type { Store } from '../../functions/core/store/store';
import type { SubscribedUser, Subscriptions } from '../subscriptions';
import type { MatchOwner } from './match-owner';

const PER_PAGE = 200;
/**
 * With opaque ids, a Terra user of this deployment may not be confirmed yet. Unconfirmed ones are deauthenticated within 36
 * hours, so an older one was confirmed.
 */
const CONFIRMED_AFTER = 2 * DAY;

/** The result for one user of Terra's list. */
export type ImportOutcome =
  | 'imported'
  | 'known'
  | 'erased'
  | 'inactive'
  | 'too_young'
  | 'not_in_map'
  | 'mapped_elsewhere'
  | 'no_reference_id'
  | 'not_an_owner'
  | 'unreadable';

export type ImportSummary = { counts: Record<ImportOutcome, number>; samples: string[]; pages: number };

/** Contains nothing that could disconnect a user. */
export type ImportDeps = {
  subscriptions: Subscriptions;
  store: Pick<Store, 'load' | 'putConnection'>;
  matchOwner: MatchOwner;
  rules: Rules;
  clock: Clock;
  /** Whether to write; false only counts. */
  apply: boolean;
  /** Waits between users, which limits the load on the table and the event bus. */
  pace: () => Promise<void>;
  onPage: (page: number, sum: ImportSummary) => void;
};

const SAMPLES = 5;

/**
 * Imports the users of the Terra account, page by page. Every write only creates a row, so the import can be repeated,
 * interrupted, and run while the deployment serves users.
 */
export async function importUsers(fromPage: number, deps: ImportDeps): Promise<ImportSummary> {
  const sum: ImportSummary = { counts: { ...noCounts }, samples: [], pages: 0 };
  for (let page: number | undefined = fromPage; page !== undefined; ) {
    deps.onPage(page, sum);
    const { users, unreadable, next } = await deps.subscriptions(page, PER_PAGE);
    sum.counts.unreadable += unreadable;
    for (const user of users) {
      const outcome = await importUser(user, deps);
      sum.counts[outcome]++;
      if (outcome === 'imported' && sum.samples.length < SAMPLES) sum.samples.push(user.referenceId ?? '');
    }
    sum.pages++;
    page = next !== undefined && next > page ? next : undefined;
  }
  return sum;
}

async function importUser(user: SubscribedUser, deps: ImportDeps): Promise<ImportOutcome> {
  const { store, matchOwner, rules, clock, apply } = deps;
  const match = matchOwner(user.referenceId);
  if (match.kind !== 'owner') return match.kind;
  if (!user.isActive) return 'inactive';
  if (rules.referenceId === 'opaque' && !(clock() - (user.createdAt ?? clock()) > CONFIRMED_AFTER)) return 'too_young';

  await deps.pace();
  const records = await store.load(match.referenceId);
  if (records.erasure) return 'erased';
  if (records.connections.some(({ terraUserId }) => terraUserId === user.terraUserId)) return 'known';
  const changes = projectConnections(records, factUpdateOf(user.terraUserId, factsOf(user, clock())), clock(), rules);
  const change = changes.find(({ row }) => row.terraUserId === user.terraUserId);
  if (!change) return 'known';
  // Other changes that the records imply are written by the next event or sweep.
  const isWritten = !apply || (await store.putConnection({ ...change.row, sub: match.sub }, undefined));
  return isWritten ? 'imported' : 'known';
}

/** Returns facts of an authentication at the time Terra created the user, proved by the import. */
function factsOf({ provider, createdAt, scopes }: SubscribedUser, now: Instant): ConnectionFacts {
  const at = Math.min(createdAt ?? now, now);
  return { ...authFacts(provider, at, IMPORT, scopes), proof: { at, via: IMPORT } };
}

const noCounts: Record<ImportOutcome, number> = {
  imported: 0,
  known: 0,
  erased: 0,
  inactive: 0,
  too_young: 0,
  not_in_map: 0,
  mapped_elsewhere: 0,
  no_reference_id: 0,
  not_an_owner: 0,
  unreadable: 0,
};
