import { type Clock, DAY, type Instant } from '../../functions/core/platform/clock';
import { authFacts, type ConnectionFacts, IMPORT } from '../../functions/core/state/connection';
import { projectConnections } from '../../functions/core/state/project-connections';
import { factUpdateOf } from '../../functions/core/state/record';
import type { Rules } from '../../functions/core/state/rules';
import type { Store } from '../../functions/core/store/store';
import type { SubscribedUser, Subscriptions } from '../subscriptions';
import type { Claims } from './claims';

const PER_PAGE = 200;
/**
 * With opaque ids a Terra user may be one that nobody has confirmed yet. Such a one is ended within a day and a half, so
 * one that is older than this was confirmed.
 */
const SURELY_CONFIRMED = 2 * DAY;

/** What became of a user of Terra's list. */
export type Fate =
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

export type Imported = { counts: Record<Fate, number>; samples: string[]; pages: number };

/** It is handed no way to disconnect anybody. */
export type ImportDeps = {
  subscriptions: Subscriptions;
  store: Pick<Store, 'load' | 'putConnection'>;
  claims: Claims;
  rules: Rules;
  clock: Clock;
  /** Without it nothing is written. */
  apply: boolean;
  /** Waits between users, so that the table and its readers keep up. */
  pace: () => Promise<void>;
  onPage: (page: number, sum: Imported) => void;
};

const SAMPLES = 5;

/**
 * Takes over what Terra has, page by page. Every write is conditional on there being nothing yet, so that it may be
 * repeated, broken off and run beside the living deployment.
 */
export async function importUsers(fromPage: number, deps: ImportDeps): Promise<Imported> {
  const sum: Imported = { counts: { ...nothing }, samples: [], pages: 0 };
  for (let page: number | undefined = fromPage; page !== undefined; ) {
    deps.onPage(page, sum);
    const { users, unreadable, next } = await deps.subscriptions(page, PER_PAGE);
    sum.counts.unreadable += unreadable;
    for (const user of users) {
      const fate = await importUser(user, deps);
      sum.counts[fate]++;
      if (fate === 'imported' && sum.samples.length < SAMPLES) sum.samples.push(user.referenceId ?? '');
    }
    sum.pages++;
    page = next !== undefined && next > page ? next : undefined;
  }
  return sum;
}

async function importUser(user: SubscribedUser, deps: ImportDeps): Promise<Fate> {
  const { store, claims, rules, clock, apply } = deps;
  const claim = claims(user.referenceId);
  if (claim.kind !== 'owner') return claim.kind;
  if (!user.isActive) return 'inactive';
  if (rules.referenceId === 'opaque' && !(clock() - (user.createdAt ?? clock()) > SURELY_CONFIRMED)) return 'too_young';

  await deps.pace();
  const records = await store.load(claim.referenceId);
  if (records.erasure) return 'erased';
  if (records.connections.some(({ terraUserId }) => terraUserId === user.terraUserId)) return 'known';
  const changes = projectConnections(records, factUpdateOf(user.terraUserId, factsOf(user, clock())), clock(), rules);
  const change = changes.find(({ row }) => row.terraUserId === user.terraUserId);
  if (!change) return 'known';
  // What else the partition might settle is left to whoever comes by next.
  const isWritten = !apply || (await store.putConnection({ ...change.row, sub: claim.sub }, undefined));
  return isWritten ? 'imported' : 'known';
}

/** Authenticated when Terra made the user, and proved by the team's word. */
function factsOf({ provider, createdAt, scopes }: SubscribedUser, now: Instant): ConnectionFacts {
  const at = Math.min(createdAt ?? now, now);
  return { ...authFacts(provider, at, IMPORT, scopes), proof: { at, via: IMPORT } };
}

const nothing: Record<Fate, number> = {
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
