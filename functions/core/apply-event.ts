import { HOUR, type Instant } from './clock';
import { type ConnectionFacts, connectionState, isErased, mergeFacts, sameState } from './connection';
import { correlateFailure } from './correlate';
import { isAwaitingUsers } from './erasure';
import { noteCause } from './note-cause';
import type { News, Partition } from './partition';
import { providerKind } from './providers';
import { NO_NEWS, newsOf, type RecordDeps, record } from './record';
import type { EventUser, TerraEvent } from './terra-event';

/** What a delivery did. `foreign`: it is about a Terra user that is not ours to touch. */
export type Outcome = 'applied' | 'unchanged' | 'foreign' | 'ignored';

export type ApplyDeps = RecordDeps & {
  dataEvents: 'coalesce' | 'ignore';
  /** Something a person should look at. */
  alarm: (name: 'owners_differ' | 'unsolicited_foreign') => void;
};

/** How often the arrival of data is written down for one connection. */
const COALESCE = HOUR;

/** Applies what Terra told of, at its own time. Repeating it, in whatever order, changes nothing more. */
export async function applyEvent(event: TerraEvent, at: Instant, deps: ApplyDeps): Promise<Outcome> {
  switch (event.kind) {
    case 'irrelevant':
      return 'ignored';
    case 'authenticated':
      return withOwner(event.user.referenceId, deps, known => applyAuthentication(known, event, at, deps));
    case 'reauthenticated':
      return applyReauthentication(event, at, deps);
    case 'not_authenticated':
      return withOwner(event.referenceId, deps, known => applyFailure(known, event, at, deps));
    case 'gone':
      return applyFacts(event.user, { gone: { at, reason: event.reason } }, at, deps);
    case 'degraded':
      return applyFacts(event.user, { error: { at } }, at, deps);
    case 'permissions':
      return applyFacts(event.user, { scopes: { at, list: event.user.scopes ?? [] } }, at, deps);
    case 'arrived':
      if (deps.dataEvents === 'ignore') return 'ignored';
      return withOwner(event.user.referenceId, deps, known => applyArrival(known, event.user, at, deps));
    default:
      return event satisfies never;
  }
}

type Authenticated = { user: EventUser; terraSessionId?: string | undefined; previous?: EventUser | undefined };

/** A success, and with it the end of the Terra user it replaces, where it does. */
async function applyAuthentication(
  partition: Partition,
  { user, terraSessionId, previous }: Authenticated,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const { terraUserId, provider, createdAt, scopes } = user;
  const noted = await noteCause(partition, { terraUserId, provider, at, scopes, createdAt, terraSessionId }, deps);
  if (noted.cause.kind === 'none' && isOfErased(partition, terraUserId, deps)) {
    return store(partition, user, noted.facts, at, deps);
  }
  if (noted.cause.kind === 'none' && isForeign(partition, terraUserId, deps)) {
    deps.alarm('unsolicited_foreign');
    if (previous) await store(partition, previous, { gone: { at, reason: 'deauthorised' } }, at, deps);
    return 'foreign';
  }
  const news = newsOf(terraUserId, noted.facts);
  if (previous) news.set(previous.terraUserId, { provider: previous.provider, supersededBy: { at, terraUserId } });
  const { changed } = await record(noted.partition, () => news, deps);
  return changed || noted.partition !== partition ? 'applied' : 'unchanged';
}

/**
 * Where both users are one owner's, the old row gives way to the new. Where the owners differ, Terra has moved the link:
 * the old one has ended for its owner, and the new one has to be proved like any other.
 */
async function applyReauthentication(
  { user, previous }: Extract<TerraEvent, { kind: 'reauthenticated' }>,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const moved = previous?.referenceId !== undefined && previous.referenceId !== user.referenceId;
  const replaced = moved || previous?.terraUserId === user.terraUserId ? undefined : previous;
  const ended = moved ? await applyFacts(previous, { gone: { at, reason: 'deauthorised' } }, at, deps) : 'foreign';
  if (moved) deps.alarm('owners_differ');
  const begun = await withOwner(user.referenceId, deps, known =>
    applyAuthentication(known, { user, previous: replaced?.referenceId ? replaced : undefined }, at, deps),
  );
  return [begun, ended].includes('applied') ? 'applied' : begun;
}

async function applyFailure(
  partition: Partition,
  failure: Extract<TerraEvent, { kind: 'not_authenticated' }>,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const { user, terraSessionId, cause } = failure;
  const session = correlateFailure(partition, { at, terraUserId: user?.terraUserId, terraSessionId }, deps.rules);
  const noted =
    session &&
    (await deps.store.addSessionFact(partition.owner, session.id, { kind: 'cancelled', at, cause }, undefined));
  // Terra names the user only in the older form of the event, and has deleted it.
  const ended = user ? await store(partition, user, { gone: { at, reason: 'deauthorised' } }, at, deps) : 'unchanged';
  return noted?.written ? 'applied' : ended;
}

async function applyArrival(partition: Partition, user: EventUser, at: Instant, deps: ApplyDeps): Promise<Outcome> {
  const row = partition.connections.find(known => known.terraUserId === user.terraUserId);
  if (!row && isForeign(partition, user.terraUserId, deps)) return 'foreign';
  const facts = row?.facts ?? {};
  const next = mergeFacts(facts, { data: { at } });
  const recent = facts.data !== undefined && at - facts.data.at < COALESCE;
  if (recent && sameState(connectionState(facts), connectionState(next))) return 'unchanged';
  return store(partition, user, { data: { at } }, at, deps);
}

function applyFacts(user: EventUser, facts: ConnectionFacts, at: Instant, deps: ApplyDeps): Promise<Outcome> {
  return withOwner(user.referenceId, deps, known => store(known, user, facts, at, deps));
}

async function store(
  partition: Partition,
  { terraUserId, provider }: EventUser,
  facts: ConnectionFacts,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const decide = (now: Partition): News => {
    if (!isOfErased(now, terraUserId, deps)) return newsOf(terraUserId, { provider, ...facts });
    const isKnown = now.connections.some(row => row.terraUserId === terraUserId);
    if (facts.gone) return isKnown ? newsOf(terraUserId, facts) : NO_NEWS;
    // What an owner began anew may bring users we have not heard of yet; of those only an authentication says whose they are.
    if (!facts.auth && !isKnown && isAwaitingUsers(now, deps.rules.confirmation)) return NO_NEWS;
    // The user may have been made since; then his authentication, whenever it comes, is newer than the erasure.
    const requestedAt = now.erasure?.requestedAt ?? 0;
    const decidedAt = facts.auth ? Math.max(at, requestedAt) : requestedAt;
    return newsOf(terraUserId, { disconnect: { at: decidedAt, reason: 'erased' } });
  };
  const { changed, partition: stored } = await record(partition, decide, deps);
  if (facts.gone) await proveAnew(stored, terraUserId, deps);
  if (isForeign(partition, terraUserId, deps)) return 'foreign';
  return changed ? 'applied' : 'unchanged';
}

/**
 * A phone that was still proved when it connected again used up no token. Where the end of its old connection is only told
 * afterwards, it does so now, as it would have in the other order.
 */
async function proveAnew(partition: Partition, terraUserId: string, deps: ApplyDeps): Promise<void> {
  const { facts = {} } = partition.connections.find(row => row.terraUserId === terraUserId) ?? {};
  const { provider, auth } = facts;
  const lacksProof = connectionState(facts).status === 'unconfirmed' && auth?.via === '';
  if (!lacksProof || provider === undefined || providerKind(provider) !== 'sdk') return;
  const noted = await noteCause(partition, { terraUserId, provider, at: auth.at }, deps);
  if (noted.cause.kind === 'mint') await record(noted.partition, () => newsOf(terraUserId, noted.facts), deps);
}

/**
 * Whether the event is about a Terra user whose owner was erased and who is not his again since. Whatever comes of such a
 * user, but his end, only says that Terra still has him: that is all that is written down, for him to be ended.
 */
function isOfErased({ erasure, connections }: Partition, terraUserId: string, { rules }: ApplyDeps): boolean {
  if (!erasure || rules.referenceId === 'subject') return false;
  const { facts = {} } = connections.find(known => known.terraUserId === terraUserId) ?? {};
  return facts.auth === undefined || isErased(facts);
}

/** Applies where the owner is one we know of; all else is foreign. */
async function withOwner(
  referenceId: string | undefined,
  deps: ApplyDeps,
  apply: (partition: Partition) => Promise<Outcome>,
): Promise<Outcome> {
  if (referenceId === undefined) return 'foreign';
  const partition = await deps.store.load(referenceId);
  return partition.known ? apply(partition) : 'foreign';
}

/** With ids of the team's own choosing, a Terra user under a known id is ours only if we asked for it. */
function isForeign(partition: Partition, terraUserId: string, { rules }: ApplyDeps): boolean {
  if (rules.referenceId === 'opaque') return false;
  return !partition.connections.some(row => row.terraUserId === terraUserId && row.facts.auth !== undefined);
}
