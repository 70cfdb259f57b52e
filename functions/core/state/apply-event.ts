import { HOUR, type Instant } from '../platform/clock';
import {
  type ConnectionFacts,
  connectionState,
  isErased,
  isPhone,
  isUnrequested,
  mergeFacts,
  sameState,
  unrequested,
} from './connection';
import { correlateFailure } from './correlate';
import type { Delivery } from './delivery-mark';
import { isAwaitingUsers, mayFollowErasure } from './erasure';
import { isUnreadable, type FactUpdates, type OwnerRecords, withSession } from './owner-records';
import { providerKind } from '../terra/providers';
import { NO_FACT_UPDATES, factUpdateOf, type RecordDeps, record } from './record';
import { recordAuthentication } from './record-authentication';
import { noteEnd } from './note-reported-end';
import type { ReportedEnd } from './reported-ends';
import { isUsedTwice, PROJECT_WITHIN } from './session';
import { isBookkeeping } from '../store/table';
import type { EventUser, TerraEvent } from '../terra/terra-event';

/**
 * What a delivery did. `foreign`: it is about a Terra user that is not ours to touch. `noted`: it is the end of a Terra user whose
 * owner has to be found.
 */
export type Outcome = 'applied' | 'unchanged' | 'foreign' | 'noted' | 'ignored';

export type ApplyDeps = RecordDeps & {
  dataEvents: 'coalesce' | 'ignore';
  /** Something a person should look at. */
  alarm: (name: 'owners_differ' | 'unsolicited_foreign' | 'link_reused' | 'end_without_reference') => void;
};

/** How often the arrival of data is written down for one connection. */
const COALESCE = HOUR;

/** Applies what Terra told of, at its own time. Repeating it, in whatever order, changes nothing more. */
export async function applyEvent(event: TerraEvent, at: Instant, deps: ApplyDeps): Promise<Outcome> {
  switch (event.kind) {
    case 'irrelevant':
      return 'ignored';
    case 'authenticated':
      return withOwner(event.user.referenceId, deps, known =>
        applyAuthentication(known, { ...event, event: 'auth' }, at, deps),
      );
    case 'reauthenticated':
      return applyReauthentication(event, at, deps);
    case 'not_authenticated':
      return withOwner(event.referenceId, deps, known => applyFailure(known, event, at, deps));
    case 'unclear':
      return withOwner(event.user.referenceId, deps, known => applyUnclear(known, event, at, deps));
    case 'gone':
      return applyEnd(event.user, event.reason, at, deps);
    case 'degraded':
      return applyEnd(event.user, 'error', at, deps);
    case 'permissions': {
      const { user } = event;
      return user.scopes ? applyFacts(user, { scopes: { at, list: user.scopes } }, at, deps) : 'ignored';
    }
    case 'arrived':
      if (deps.dataEvents === 'ignore') return 'ignored';
      return withOwner(event.user.referenceId, deps, known => applyArrival(known, event.user, at, deps));
    default:
      return event satisfies never;
  }
}

type Authenticated = {
  user: EventUser;
  event: 'auth' | 'reauth';
  terraSessionId?: string | undefined;
  delivery?: Delivery | undefined;
  previous?: EventUser | undefined;
};

/** A success, and with it the end of the Terra user it replaces, if any. */
async function applyAuthentication(
  records: OwnerRecords,
  { user, previous, event, terraSessionId, delivery }: Authenticated,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const { terraUserId, createdAt, scopes } = user;
  const provider = user.provider ?? knownProvider(records, terraUserId, terraSessionId, previous);
  const authentication = { terraUserId, provider, at, event, scopes, createdAt, terraSessionId, delivery };
  const recorded = await recordAuthentication(records, authentication, deps);
  if (recorded.origin.kind === 'none' && !replacesCurrent(records, previous)) {
    if (isBeforeErasure(records, { ...user, provider }, at, deps))
      return recordFacts(records, user, recorded.facts, at, deps);
    if (isForeign(records, terraUserId, deps)) {
      deps.alarm('unsolicited_foreign');
      if (previous) await recordFacts(records, previous, { gone: { at, reason: 'deauthorised' } }, at, deps);
      return 'foreign';
    }
  }
  const updates = factUpdateOf(terraUserId, recorded.facts);
  if (previous) updates.set(previous.terraUserId, { provider: previous.provider, supersededBy: { at, terraUserId } });
  const { changed, records: after } = await record(recorded.records, () => updates, deps);
  if (becameReused(records, after, terraUserId)) deps.alarm('link_reused');
  return changed || recorded.records !== records ? 'applied' : 'unchanged';
}

/**
 * Returns the provider of a Terra user for which Terra names none: that of the user itself, of the session that Terra names or
 * that was opened for the user, if it offers one provider only, or of the user that this one replaces.
 */
function knownProvider(
  { connections, sessions }: OwnerRecords,
  terraUserId: string,
  terraSessionId: string | undefined,
  previous: EventUser | undefined,
): string | undefined {
  const stored = (id: string | undefined) => connections.find(row => row.terraUserId === id)?.facts.provider;
  const inSessions = sessions.flatMap(({ authorised }) => authorised[terraUserId]?.provider ?? []);
  const named =
    sessions.find(session => session.terraUserId === terraUserId) ??
    sessions.find(session => terraSessionId !== undefined && session.terraSessionId === terraSessionId);
  const [only, ...others] = named?.providers ?? [];
  const offered = others.length === 0 ? only : undefined;
  return stored(terraUserId) ?? inSessions[0] ?? offered ?? stored(previous?.terraUserId) ?? previous?.provider;
}

/** Returns whether Terra replaces a user that is the owner's today: then the new user is judged like any other of the owner's. */
function replacesCurrent({ erasure, connections }: OwnerRecords, previous: EventUser | undefined): boolean {
  if (!erasure || !previous) return false;
  const { facts } = connections.find(row => row.terraUserId === previous.terraUserId) ?? {};
  return facts?.auth !== undefined && !isErased(facts);
}

/**
 * Returns whether a link turned out to be used twice: a live connection is not proved any more, a session no longer can be, or
 * a Terra user that was proved once, other than a phone's, authenticated again though nothing of ours asked for it.
 */
function becameReused(before: OwnerRecords, after: OwnerRecords, terraUserId: string): boolean {
  const factsIn = ({ connections }: OwnerRecords): ConnectionFacts =>
    connections.find(row => row.terraUserId === terraUserId)?.facts ?? {};
  const isLive = (facts: ConnectionFacts) => ['connected', 'error'].includes(connectionState(facts).status);
  const isTwice = ({ sessions }: OwnerRecords) => sessions.some(session => isUsedTwice(session, terraUserId));
  const [was, is] = [factsIn(before), factsIn(after)];
  const isAgain = isUnrequested(is.auth?.via) && (is.auth?.at ?? 0) > (was.auth?.at ?? 0);
  const isRevived = was.proof !== undefined && !isPhone(was) && isAgain;
  return ((isLive(was) || isRevived) && !isLive(is)) || (!isTwice(before) && isTwice(after));
}

/**
 * Where both users are one owner's, the old row gives way to the new. Where the owners differ, Terra has moved the link:
 * the old one has ended for its owner, and the new one has to be proved like any other. A user without a reference id is the
 * other's owner's only if that owner has it already; otherwise the old one has ended, and nothing is recorded of the new one.
 */
async function applyReauthentication(
  { user, previous }: Extract<TerraEvent, { kind: 'reauthenticated' }>,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const owner = user.referenceId ?? (await ownerWith(user, previous?.referenceId, deps));
  const oldOwner = previous?.referenceId ?? (previous && (await ownerWith(previous, owner, deps)));
  const isSame = previous?.terraUserId === user.terraUserId;
  const moved = previous && (oldOwner === undefined ? !isSame : oldOwner !== owner) ? previous : undefined;
  if (owner !== undefined && oldOwner !== undefined && moved) deps.alarm('owners_differ');
  const ended = moved ? await applyEnd(moved, 'deauthorised', at, deps) : 'foreign';
  const replaced = moved || isSame ? undefined : previous;
  const applied = await withOwner(owner, deps, known =>
    applyAuthentication(known, { user, event: 'reauth', previous: replaced }, at, deps),
  );
  return [applied, ended].find(outcome => outcome === 'applied' || outcome === 'noted') ?? applied;
}

/** Returns the owner, if it is known that the Terra user authenticated under it. */
async function ownerWith(
  { terraUserId }: EventUser,
  owner: string | undefined,
  deps: ApplyDeps,
): Promise<string | undefined> {
  if (owner === undefined || isBookkeeping(owner)) return undefined;
  const { connections } = await deps.store.load(owner);
  return connections.some(row => row.terraUserId === terraUserId && row.facts.auth !== undefined) ? owner : undefined;
}

/**
 * Applies the end of a Terra user, or the failure of its connection. Without a reference id it is noted, for the check of all
 * connections to find the owner: a person should know that Terra has left it out. With reference ids of the team's own nothing is
 * noted, because the user may be another program's; the check finds an end of ours within two days.
 */
async function applyEnd(
  user: EventUser,
  reason: ReportedEnd['reason'],
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const { terraUserId, referenceId } = user;
  if (referenceId !== undefined)
    return applyFacts(user, reason === 'error' ? { error: { at } } : { gone: { at, reason } }, at, deps);
  deps.alarm('end_without_reference');
  if (deps.rules.referenceId === 'subject') return 'foreign';
  return (await noteEnd({ terraUserId, reason, at }, deps)) ? 'noted' : 'foreign';
}

/** An authentication that Terra did not call a success is recorded only once Terra, asked by the sweep, confirms it. */
async function applyUnclear(
  records: OwnerRecords,
  { user, terraSessionId }: Extract<TerraEvent, { kind: 'unclear' }>,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const { terraUserId } = user;
  const isKnown =
    records.connections.some(row => row.terraUserId === terraUserId && row.facts.auth !== undefined) ||
    records.sessions.some(session => session.authorised[terraUserId] !== undefined);
  // Terra's answer could not tell a second authentication from the first.
  if (isKnown) return 'ignored';
  const via = terraSessionId === undefined ? unrequested.noSession : unrequested.otherSession;
  return recordFacts(records, user, { reported: { at, via } }, at, deps);
}

async function applyFailure(
  records: OwnerRecords,
  failure: Extract<TerraEvent, { kind: 'not_authenticated' }>,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const { user, terraSessionId, cause } = failure;
  const terraUserId = user?.terraUserId;
  const { certain, possible } = correlateFailure(records, { at, terraUserId, terraSessionId }, deps.rules);
  let refused = records;
  for (const session of possible) {
    const fact = { kind: 'refused', at, terraUserId, cause: session.id === certain?.id ? cause : undefined } as const;
    const dueAt = session.redeemed && deps.clock() + PROJECT_WITHIN;
    const stored = await deps.store.addSessionFact(records.owner, session.id, fact, dueAt, session.dueAt);
    if (stored.written) refused = withSession(refused, stored.session);
  }
  const isNew = refused !== records;
  if (isNew) await record(refused, () => NO_FACT_UPDATES, deps);
  // Terra names the user only in the older form of the event, and has deleted it.
  const ended = user
    ? await recordFacts(refused, user, { gone: { at, reason: 'deauthorised' } }, at, deps)
    : 'unchanged';
  return isNew ? 'applied' : ended;
}

async function applyArrival(records: OwnerRecords, user: EventUser, at: Instant, deps: ApplyDeps): Promise<Outcome> {
  const row = records.connections.find(known => known.terraUserId === user.terraUserId);
  // Data comes again; any other event has to be repeated until the row can be read.
  if (isUnreadable(records, user.terraUserId)) return 'unchanged';
  if (!row && isForeign(records, user.terraUserId, deps)) return 'foreign';
  const facts = row?.facts ?? {};
  const next = mergeFacts(facts, { data: { at } });
  const recent = facts.data !== undefined && at - facts.data.at < COALESCE;
  if (recent && sameState(connectionState(facts), connectionState(next))) return 'unchanged';
  return recordFacts(records, user, { data: { at } }, at, deps);
}

function applyFacts(user: EventUser, facts: ConnectionFacts, at: Instant, deps: ApplyDeps): Promise<Outcome> {
  return withOwner(user.referenceId, deps, known => recordFacts(known, user, facts, at, deps));
}

async function recordFacts(
  records: OwnerRecords,
  user: EventUser,
  facts: ConnectionFacts,
  at: Instant,
  deps: ApplyDeps,
): Promise<Outcome> {
  const { terraUserId, provider } = user;
  if (isForeign(records, terraUserId, deps)) return 'foreign';
  const decide = (now: OwnerRecords): FactUpdates => {
    if (!isBeforeErasure(now, user, facts.auth ? at : undefined, deps))
      return factUpdateOf(terraUserId, { provider, ...facts });
    const isKnown = now.connections.some(row => row.terraUserId === terraUserId);
    if (facts.gone) return isKnown ? factUpdateOf(terraUserId, facts) : NO_FACT_UPDATES;
    // What the owner began anew may bring users that are not known yet; only an authentication says whose such a user is. If
    // its event was lost, data is what Terra is asked about it for.
    if (!facts.auth && !isKnown && isAwaitingUsers(now, deps.rules.confirmation))
      return facts.data || facts.reported ? factUpdateOf(terraUserId, { provider, ...facts }) : NO_FACT_UPDATES;
    // The user may have been made since; its authentication, whenever it comes, is then newer than the erasure.
    const requestedAt = now.erasure?.requestedAt ?? 0;
    const decidedAt = facts.auth ? Math.max(at, requestedAt) : requestedAt;
    return factUpdateOf(terraUserId, { disconnect: { at: decidedAt, reason: 'erased' } });
  };
  const { changed, records: stored } = await record(records, decide, deps);
  if (facts.gone) await proveWithUnusedToken(stored, terraUserId, deps);
  return changed ? 'applied' : 'unchanged';
}

/**
 * A phone that was still proved when it connected again used up no token. Where the end of its old connection is only told
 * afterwards, it does so now, as it would have in the other order.
 */
async function proveWithUnusedToken(records: OwnerRecords, terraUserId: string, deps: ApplyDeps): Promise<void> {
  const { facts = {} } = records.connections.find(row => row.terraUserId === terraUserId) ?? {};
  const { provider, auth } = facts;
  const lacksProof = connectionState(facts).status === 'unconfirmed' && auth !== undefined && isUnrequested(auth.via);
  if (!lacksProof || provider === undefined || providerKind(provider) !== 'sdk') return;
  const recorded = await recordAuthentication(records, { terraUserId, provider, at: auth.at, event: 'auth' }, deps);
  if (recorded.origin.kind === 'token')
    await record(recorded.records, () => factUpdateOf(terraUserId, recorded.facts), deps);
}

/**
 * Returns whether an event concerns a Terra user from before the owner's erasure. Whatever Terra reports of such a user, except
 * its end, only says that Terra still has it; that alone is recorded, so that the user is ended. `authenticatedAt` is
 * undefined for events other than an authentication.
 */
function isBeforeErasure(
  records: OwnerRecords,
  user: EventUser,
  authenticatedAt: Instant | undefined,
  { rules }: ApplyDeps,
) {
  const { erasure, connections } = records;
  if (!erasure || rules.referenceId === 'subject') return false;
  const { facts = {} } = connections.find(known => known.terraUserId === user.terraUserId) ?? {};
  if (facts.auth !== undefined && !isErased(facts)) return false;
  return authenticatedAt === undefined || !mayFollowErasure(records, user, authenticatedAt, rules.confirmation);
}

/** Applies an event to the records of an owner we know; any other event is foreign. */
async function withOwner(
  referenceId: string | undefined,
  deps: ApplyDeps,
  apply: (records: OwnerRecords) => Promise<Outcome>,
): Promise<Outcome> {
  if (referenceId === undefined || isBookkeeping(referenceId)) return 'foreign';
  const records = await deps.store.load(referenceId);
  return records.known ? apply(records) : 'foreign';
}

/**
 * Returns whether a Terra user under a known reference id belongs to another program: with reference ids of the team's own, it
 * is ours only if a session or token of ours named it, or if it authenticated here before.
 */
function isForeign(records: OwnerRecords, terraUserId: string, { rules }: ApplyDeps): boolean {
  const { connections, sessions, tokenRecords } = records;
  if (rules.referenceId === 'opaque' || isUnreadable(records, terraUserId)) return false;
  const isKnown = connections.some(row => row.terraUserId === terraUserId && row.facts.auth !== undefined);
  const isNamed = sessions.some(
    session =>
      session.terraUserId === terraUserId ||
      session.returned?.terraUserId === terraUserId ||
      session.authorised[terraUserId] !== undefined,
  );
  return !isKnown && !isNamed && !tokenRecords.some(({ usedBy }) => usedBy?.terraUserId === terraUserId);
}
