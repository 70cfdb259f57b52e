import { HOUR, type Instant } from '../platform/clock';
import {
  type ConnectionFacts,
  connectionState,
  isErased,
  isLive,
  isPhone,
  isUnrequested,
  mergeFacts,
  sameState,
  unrequested,
} from './connection';
import { correlateFailure } from './correlate';
import type { Delivery } from './delivery-mark';
import { isAwaitingUsers, mayFollowErasure } from './erasure';
import { connectionOf, isUnreadable, type FactUpdates, type OwnerRecords, withSession } from './owner-records';
import { providerKind } from '../terra/providers';
import { conflict, NO_FACT_UPDATES, factUpdateOf, pauseAfter, type RecordDeps, record, WRITE_TRIES } from './record';
import { recordAuthentication } from './record-authentication';
import { REPORTED_ENDS_LIMIT, type ReportedEnd, reportedEndsPurgeAt } from './reported-ends';
import { isUsedTwice, PROJECT_WITHIN } from './session';
import { isBookkeeping } from '../store/table';
import type { EventUser, TerraEvent } from '../terra/terra-event';

/**
 * What applying an event did. `foreign`: the Terra user belongs to no known owner, so nothing is stored. `noted`: the end of a
 * Terra user without a reference id is stored until its owner is found.
 */
export type Outcome = 'applied' | 'unchanged' | 'foreign' | 'noted' | 'ignored';

export type ApplyDeps = RecordDeps & {
  dataEvents: 'coalesce' | 'ignore';
  /** Raises a CloudWatch alarm. */
  alarm: (name: 'owners_differ' | 'unsolicited_foreign' | 'link_reused' | 'end_without_reference') => void;
};

/** `at`: the time of the event. */
type Applying = ApplyDeps & { at: Instant };

/** The arrival of data is stored at most once in this time for each connection. */
const COALESCE = HOUR;

/** Applies an event of Terra's that happened at `at`. Idempotent, and independent of the order of events. */
export async function applyEvent(event: TerraEvent, at: Instant, applyDeps: ApplyDeps): Promise<Outcome> {
  const deps = { ...applyDeps, at };
  switch (event.kind) {
    case 'irrelevant':
      return 'ignored';
    case 'authenticated':
      return withOwner(event.user.referenceId, deps, known =>
        applyAuthentication(known, { ...event, event: 'auth' }, deps),
      );
    case 'reauthenticated':
      return applyReauthentication(event, deps);
    case 'not_authenticated':
      return withOwner(event.referenceId, deps, known => applyFailure(known, event, deps));
    case 'unclear':
      return withOwner(event.user.referenceId, deps, known => applyUnclear(known, event, deps));
    case 'gone':
      return applyEnd(event.user, event.reason, deps);
    case 'degraded':
      return applyEnd(event.user, 'error', deps);
    case 'permissions': {
      const { user } = event;
      return user.scopes ? applyFacts(user, { scopes: { at, list: user.scopes } }, deps) : 'ignored';
    }
    case 'arrived':
      if (deps.dataEvents === 'ignore') return 'ignored';
      return withOwner(event.user.referenceId, deps, known => applyArrival(known, event.user, deps));
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

/** Records an authentication, and that the Terra user replaces `previous`, if any. */
async function applyAuthentication(
  records: OwnerRecords,
  { user, previous, event, terraSessionId, delivery }: Authenticated,
  deps: Applying,
): Promise<Outcome> {
  const { at } = deps;
  const { terraUserId, createdAt, scopes } = user;
  const provider = user.provider ?? knownProvider(records, terraUserId, terraSessionId, previous);
  const authentication = { terraUserId, provider, at, event, scopes, createdAt, terraSessionId, delivery };
  const recorded = await recordAuthentication(records, authentication, deps);
  if (recorded.origin.kind === 'none' && !replacesCurrent(records, previous)) {
    if (isBeforeErasure(records, { ...user, provider }, at, deps))
      return recordFacts(records, user, recorded.facts, deps);
    if (isForeign(records, terraUserId, deps)) {
      deps.alarm('unsolicited_foreign');
      if (previous) await recordFacts(records, previous, { gone: { at, reason: 'deauthorised' } }, deps);
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
 * Returns the provider of a Terra user if Terra does not send it: that of the user's row, of the session that Terra names or
 * that was made for the user, if it offers only one provider, or of the user that this one replaces.
 */
function knownProvider(
  records: OwnerRecords,
  terraUserId: string,
  terraSessionId: string | undefined,
  previous: EventUser | undefined,
): string | undefined {
  const { sessions } = records;
  const stored = (id: string | undefined) => connectionOf(records, id)?.facts.provider;
  const inSessions = sessions.flatMap(({ authorised }) => authorised[terraUserId]?.provider ?? []);
  const named =
    sessions.find(session => session.terraUserId === terraUserId) ??
    sessions.find(session => terraSessionId !== undefined && session.terraSessionId === terraSessionId);
  const [only, ...others] = named?.providers ?? [];
  const offered = others.length === 0 ? only : undefined;
  return stored(terraUserId) ?? inSessions[0] ?? offered ?? stored(previous?.terraUserId) ?? previous?.provider;
}

/** Returns whether `previous` authenticated after the owner's erasure, so that its successor is not ended by the erasure. */
function replacesCurrent(records: OwnerRecords, previous: EventUser | undefined): boolean {
  if (!records.erasure || !previous) return false;
  const { facts } = connectionOf(records, previous.terraUserId) ?? {};
  return facts?.auth !== undefined && !isErased(facts);
}

/**
 * Returns whether the event shows that a link was used twice: a live connection lost its proof, a session lost its only
 * authentication, or a proved Terra user, other than a phone's, authenticated again without an origin.
 */
function becameReused(before: OwnerRecords, after: OwnerRecords, terraUserId: string): boolean {
  const factsIn = (records: OwnerRecords): ConnectionFacts => connectionOf(records, terraUserId)?.facts ?? {};
  const isTwice = ({ sessions }: OwnerRecords) => sessions.some(session => isUsedTwice(session, terraUserId));
  const [was, is] = [factsIn(before), factsIn(after)];
  const isAgain = isUnrequested(is.auth?.via) && (is.auth?.at ?? 0) > (was.auth?.at ?? 0);
  const isRevived = was.proof !== undefined && !isPhone(was) && isAgain;
  return ((isLive(was) || isRevived) && !isLive(is)) || (!isTwice(before) && isTwice(after));
}

/**
 * Applies `user_reauth`. If both users have the same owner, the new row supersedes the old one. If the owners differ, Terra
 * moved the link: the old user has ended, and the new one needs a proof like any other. A user without a reference id has the
 * same owner only if that owner already has it. Otherwise the old user has ended, and nothing is recorded about the new one.
 */
async function applyReauthentication(
  { user, previous }: Extract<TerraEvent, { kind: 'reauthenticated' }>,
  deps: Applying,
): Promise<Outcome> {
  const owner = user.referenceId ?? (await ownerWith(user, previous?.referenceId, deps));
  const oldOwner = previous?.referenceId ?? (previous && (await ownerWith(previous, owner, deps)));
  const isSame = previous?.terraUserId === user.terraUserId;
  const moved = previous && (oldOwner === undefined ? !isSame : oldOwner !== owner) ? previous : undefined;
  if (owner !== undefined && oldOwner !== undefined && moved) deps.alarm('owners_differ');
  const ended = moved ? await applyEnd(moved, 'deauthorised', deps) : 'foreign';
  const replaced = moved || isSame ? undefined : previous;
  const applied = await withOwner(owner, deps, known =>
    applyAuthentication(known, { user, event: 'reauth', previous: replaced }, deps),
  );
  return [applied, ended].find(outcome => outcome === 'applied' || outcome === 'noted') ?? applied;
}

/** Returns `owner` if the Terra user is known to have authenticated under it. */
async function ownerWith(
  { terraUserId }: EventUser,
  owner: string | undefined,
  deps: ApplyDeps,
): Promise<string | undefined> {
  if (owner === undefined || isBookkeeping(owner)) return undefined;
  return hasAuthenticated(await deps.store.load(owner), terraUserId) ? owner : undefined;
}

const hasAuthenticated = (records: OwnerRecords, terraUserId: string): boolean =>
  connectionOf(records, terraUserId)?.facts.auth !== undefined;

/**
 * Applies the end of a Terra user, or an error of its connection. Without a reference id, stores it until the scheduled check
 * finds the owner, and raises an alarm. With `referenceId: "subject"` nothing is stored, because the user may belong to another
 * program; the daily check finds an end of one of ours within two days.
 */
async function applyEnd(user: EventUser, reason: ReportedEnd['reason'], deps: Applying): Promise<Outcome> {
  const { at } = deps;
  const { terraUserId, referenceId } = user;
  if (referenceId !== undefined)
    return applyFacts(user, reason === 'error' ? { error: { at } } : { gone: { at, reason } }, deps);
  deps.alarm('end_without_reference');
  if (deps.rules.referenceId === 'subject') return 'foreign';
  return (await storeReportedEnd({ terraUserId, reason, at }, deps)) ? 'noted' : 'foreign';
}

/**
 * Stores an end until the next search for its owner. Returns false if too many are stored. Throws `unavailable` after five
 * collisions with other writers, so that Terra repeats the event.
 */
async function storeReportedEnd(
  end: Omit<ReportedEnd, 'notedAt'>,
  { store, clock, pause }: ApplyDeps,
): Promise<boolean> {
  for (let tries = 1; tries <= WRITE_TRIES; tries++) {
    const known = await store.reportedEnds();
    const ends = known?.ends ?? [];
    const isStored = ends.some(
      ({ terraUserId, reason, at }) => terraUserId === end.terraUserId && reason === end.reason && at >= end.at,
    );
    if (isStored) return true;
    if (ends.length >= REPORTED_ENDS_LIMIT) return false;
    const now = clock();
    const next = { ...known, ends: [...ends, { ...end, notedAt: now }], purgeAt: reportedEndsPurgeAt(now) };
    const version = known?.version ?? 0;
    if (await store.saveReportedEnds({ ...next, version: version + 1 }, version)) return true;
    await pause(pauseAfter(tries));
  }
  throw conflict();
}

/** Stores an `auth` with an unknown status as `reported`. It counts as an authentication once Terra, asked by the sweep, confirms it. */
async function applyUnclear(
  records: OwnerRecords,
  { user, terraSessionId }: Extract<TerraEvent, { kind: 'unclear' }>,
  deps: Applying,
): Promise<Outcome> {
  const { terraUserId } = user;
  const isKnown =
    hasAuthenticated(records, terraUserId) ||
    records.sessions.some(session => session.authorised[terraUserId] !== undefined);
  // Terra's answer does not show whether this is a second authentication.
  if (isKnown) return 'ignored';
  const via = terraSessionId === undefined ? unrequested.noSession : unrequested.otherSession;
  return recordFacts(records, user, { reported: { at: deps.at, via } }, deps);
}

async function applyFailure(
  records: OwnerRecords,
  failure: Extract<TerraEvent, { kind: 'not_authenticated' }>,
  deps: Applying,
): Promise<Outcome> {
  const { at } = deps;
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
  // Only the older form of the event names a user; Terra has deleted it by then.
  const ended = user ? await recordFacts(refused, user, { gone: { at, reason: 'deauthorised' } }, deps) : 'unchanged';
  return isNew ? 'applied' : ended;
}

async function applyArrival(records: OwnerRecords, user: EventUser, deps: Applying): Promise<Outcome> {
  const { at } = deps;
  const row = connectionOf(records, user.terraUserId);
  // Data arrives again, so Terra need not repeat this event as it must others.
  if (isUnreadable(records, user.terraUserId)) return 'unchanged';
  if (!row && isForeign(records, user.terraUserId, deps)) return 'foreign';
  const facts = row?.facts ?? {};
  const next = mergeFacts(facts, { data: { at } });
  const recent = facts.data !== undefined && at - facts.data.at < COALESCE;
  if (recent && sameState(connectionState(facts), connectionState(next))) return 'unchanged';
  return recordFacts(records, user, { data: { at } }, deps);
}

function applyFacts(user: EventUser, facts: ConnectionFacts, deps: Applying): Promise<Outcome> {
  return withOwner(user.referenceId, deps, known => recordFacts(known, user, facts, deps));
}

async function recordFacts(
  records: OwnerRecords,
  user: EventUser,
  facts: ConnectionFacts,
  deps: Applying,
): Promise<Outcome> {
  const { terraUserId, provider } = user;
  if (isForeign(records, terraUserId, deps)) return 'foreign';
  const decide = (now: OwnerRecords): FactUpdates => {
    if (!isBeforeErasure(now, user, facts.auth ? deps.at : undefined, deps))
      return factUpdateOf(terraUserId, { provider, ...facts });
    const isKnown = connectionOf(now, terraUserId) !== undefined;
    if (facts.gone) return isKnown ? factUpdateOf(terraUserId, facts) : NO_FACT_UPDATES;
    // An unknown user may come from a session or token created after the erasure; only an authentication can tell. In case its
    // event was lost, stored data makes the sweep ask Terra.
    if (!facts.auth && !isKnown && isAwaitingUsers(now, deps.rules.confirmation))
      return facts.data || facts.reported ? factUpdateOf(terraUserId, { provider, ...facts }) : NO_FACT_UPDATES;
    // No later than the erasure, so that a newer authentication of the user wins.
    const requestedAt = now.erasure?.requestedAt ?? 0;
    const decidedAt = facts.auth ? Math.max(deps.at, requestedAt) : requestedAt;
    return factUpdateOf(terraUserId, { disconnect: { at: decidedAt, reason: 'erased' } });
  };
  const { changed, records: stored } = await record(records, decide, deps);
  if (facts.gone) await proveWithUnusedToken(stored, terraUserId, deps);
  return changed ? 'applied' : 'unchanged';
}

/**
 * Proves a phone with an unused token after its old connection ended. It used none when it authenticated again, because the
 * event about the end came late. In the other order it would have.
 */
async function proveWithUnusedToken(records: OwnerRecords, terraUserId: string, deps: ApplyDeps): Promise<void> {
  const { facts = {} } = connectionOf(records, terraUserId) ?? {};
  const { provider, auth } = facts;
  const lacksProof = connectionState(facts).status === 'unconfirmed' && auth !== undefined && isUnrequested(auth.via);
  if (!lacksProof || provider === undefined || providerKind(provider) !== 'sdk') return;
  const recorded = await recordAuthentication(records, { terraUserId, provider, at: auth.at, event: 'auth' }, deps);
  if (recorded.origin.kind === 'token')
    await record(recorded.records, () => factUpdateOf(terraUserId, recorded.facts), deps);
}

/**
 * Returns whether an event concerns a Terra user from before the owner's erasure. Such an event, unless it is the user's end,
 * shows that Terra still has the user, which must then be ended. `authenticatedAt`: undefined for events other than an
 * authentication.
 */
function isBeforeErasure(
  records: OwnerRecords,
  user: EventUser,
  authenticatedAt: Instant | undefined,
  { rules }: ApplyDeps,
) {
  if (!records.erasure || rules.referenceId === 'subject') return false;
  const { facts = {} } = connectionOf(records, user.terraUserId) ?? {};
  if (facts.auth !== undefined && !isErased(facts)) return false;
  return authenticatedAt === undefined || !mayFollowErasure(records, user, authenticatedAt, rules.confirmation);
}

/** Applies an event to the records of its owner. An event of an unknown owner is `foreign`. */
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
 * Returns whether a Terra user may belong to another program that uses the same reference ids. With `referenceId: "subject"`, a
 * user is ours only if one of our sessions or tokens names it or it authenticated here before.
 */
function isForeign(records: OwnerRecords, terraUserId: string, { rules }: ApplyDeps): boolean {
  const { sessions, tokenRecords } = records;
  if (rules.referenceId === 'opaque' || isUnreadable(records, terraUserId)) return false;
  const isNamed = sessions.some(
    session =>
      session.terraUserId === terraUserId ||
      session.returned?.terraUserId === terraUserId ||
      session.authorised[terraUserId] !== undefined,
  );
  return (
    !hasAuthenticated(records, terraUserId) &&
    !isNamed &&
    !tokenRecords.some(({ usedBy }) => usedBy?.terraUserId === terraUserId)
  );
}
