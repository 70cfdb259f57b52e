import { HOUR, SECOND } from '../platform/clock';
import { authFacts, type ConnectionFacts, REAUTH, unrequested } from './connection';
import { type Authentication, correlate, type Origin } from './correlate';
import { isSameDelivery, toDeliveryMark } from './delivery-mark';
import { connectionOf, type OwnerRecords, withTokenRecord, withSession } from './owner-records';
import { providerKind } from '../terra/providers';
import { conflict, pauseAfter, type RecordDeps, WRITE_TRIES } from './record';
import { type Authorisation, mergeAuthorisations, PROJECT_WITHIN, type SessionRow } from './session';
import { itemKey } from '../store/table';

/** The records with the authentication stored at its origin, and the facts that it implies for the connection. */
export type RecordedAuthentication = { records: OwnerRecords; facts: ConnectionFacts; origin: Origin };

/** How long a used token record is kept. The connection has its proof after at most a minute. */
const KEEP_USED = 6 * HOUR;

/** Correlates an authentication with a session or token record, and stores it there once. */
export async function recordAuthentication(
  records: OwnerRecords,
  delivered: Authentication,
  deps: RecordDeps,
): Promise<RecordedAuthentication> {
  const event = withOriginalTime(records, delivered);
  const origin = correlate(records, event, deps.rules);
  switch (origin.kind) {
    case 'none':
      return { records, facts: unrequestedFacts(records, event), origin };

    case 'session': {
      const { terraUserId, provider, at, scopes } = event;
      const authorisation = authorisationOf(event, origin.isNamed);
      const session = await addAuthorisation(origin.session, terraUserId, authorisation, deps);
      if (session === 'full') {
        const facts = factsWithRepeatCheck(records, event, itemKey.session(origin.session.id));
        return { records, facts, origin };
      }
      if (!session) return { records, facts: unrequestedFacts(records, event), origin: { kind: 'none' } };
      const next = session === origin.session ? records : withSession(records, session);
      const facts = authFacts(provider, at, itemKey.session(session.id), scopes);
      return { records: next, facts, origin: { ...origin, session } };
    }

    case 'token': {
      const { tokenRecord, provider } = origin;
      const { terraUserId, at, scopes } = event;
      const via = itemKey.mint(tokenRecord.id);
      const facts = { ...authFacts(provider, at, via, scopes), proof: { at, via } };
      if (tokenRecord.usedBy) return { records, facts, origin };
      const now = deps.clock();
      const due = { dueAt: now + PROJECT_WITHIN, purgeAt: Math.ceil((now + KEEP_USED) / SECOND) };
      const stored = await deps.store.useTokenRecord(records.owner, tokenRecord.id, { terraUserId, at, provider }, due);
      if (stored?.usedBy?.terraUserId === terraUserId)
        return { records: withTokenRecord(records, stored), facts, origin };
      // Another Terra user used the token first. Try the next one that fits.
      const others = stored
        ? withTokenRecord(records, stored)
        : { ...records, tokenRecords: records.tokenRecords.filter(({ id }) => id !== tokenRecord.id) };
      return recordAuthentication(others, event, deps);
    }

    default:
      return origin satisfies never;
  }
}

/**
 * Merges an authorisation into a session unless the session already has it. Returns the new session; `full` if the session has
 * no room for another user; undefined if it is closed or deleted. Throws after five collisions with other writers.
 */
export async function addAuthorisation(
  read: SessionRow,
  terraUserId: string,
  more: Authorisation,
  deps: Pick<RecordDeps, 'clock' | 'pause'> & { store: Pick<RecordDeps['store'], 'addSessionFact'> },
): Promise<SessionRow | 'full' | undefined> {
  let session = read;
  for (let tries = 1; tries <= WRITE_TRIES; tries++) {
    const known = session.authorised[terraUserId];
    const authorisation = known ? mergeAuthorisations(known, more) : more;
    if (known && JSON.stringify(mergeAuthorisations(known, known)) === JSON.stringify(authorisation)) return session;
    const { id, owner, version } = session;
    const fact = { kind: 'authorised', at: more.at, terraUserId, authorisation, version } as const;
    const stored = await deps.store.addSessionFact(owner, id, fact, deps.clock() + PROJECT_WITHIN, session.dueAt);
    if (stored.written) return stored.session;
    if (!stored.session || stored.session.closed) return undefined;
    if (stored.session.version === version) return 'full';
    session = stored.session;
    await deps.pause(pauseAfter(tries));
  }
  throw conflict();
}

function authorisationOf(authentication: Authentication, isNamed: boolean): Authorisation {
  const { at, provider, scopes, createdAt, event, delivery } = authentication;
  return {
    at,
    ...(provider !== undefined && { provider }),
    ...(scopes && { scopes: [...scopes] }),
    // Terra creates a user before it authenticates.
    ...(createdAt !== undefined && { createdAt: Math.min(createdAt, at) }),
    ...(event === 'auth' ? { firstAuthAt: at, lastAuthAt: at } : { foundAt: at }),
    ...(isNamed && { isNamed }),
    ...(delivery && { delivery: toDeliveryMark(delivery) }),
  };
}

/**
 * Returns the event with the time at which it was first known, so that retries, replays and late deliveries do not count as a second
 * authentication. A retry or replay gets the stored time of the event. An event without a time of its own gets the time of
 * Terra's answer, if only that answer is stored, because its first delivery may have been lost.
 */
function withOriginalTime(records: OwnerRecords, event: Authentication): Authentication {
  const { terraUserId, delivery } = event;
  const inSessions = records.sessions.flatMap<Authorisation>(({ authorised }) => authorised[terraUserId] ?? []);
  const answer = inSessions.find(({ firstAuthAt, foundAt }) => firstAuthAt === undefined && foundAt !== undefined);
  if (delivery?.hasOwnTime === false && answer?.foundAt !== undefined && event.event === 'auth')
    return { ...event, at: Math.min(event.at, answer.foundAt) };
  const inSession = inSessions.find(known => isSameDelivery(known.delivery, delivery));
  if (inSession) return { ...event, at: inSession.firstAuthAt ?? inSession.at };
  const stored = connectionOf(records, terraUserId)?.facts.auth;
  return stored && isSameDelivery(stored.delivery, delivery) ? { ...event, at: stored.at } : event;
}

/** Returns the facts of an authentication without an origin. */
function unrequestedFacts(records: OwnerRecords, authentication: Authentication): ConnectionFacts {
  const { provider, at, event, scopes, terraSessionId, delivery } = authentication;
  if (event === 'reauth') return authFacts(provider, at, REAUTH, scopes);
  if (terraSessionId === undefined) return factsWithRepeatCheck(records, authentication, unrequested.noSession);
  return authFacts(provider, at, unrequested.otherSession, scopes, delivery && toDeliveryMark(delivery));
}

/**
 * Returns the facts of an authentication that neither a session nor a token record stores. If the connection already has another
 * one with the same `via`, the link was used twice, which disproves it.
 */
function factsWithRepeatCheck(records: OwnerRecords, authentication: Authentication, via: string): ConnectionFacts {
  const { terraUserId, provider, at, scopes, delivery } = authentication;
  const known = connectionOf(records, terraUserId)?.facts.auth;
  const isSdk = provider !== undefined && providerKind(provider) === 'sdk';
  const isSecond = known?.via === via && known.at !== at && !isSdk;
  return {
    ...authFacts(provider, at, via, scopes, delivery && toDeliveryMark(delivery)),
    ...(isSecond && { disproved: { at: Math.max(at, known.at) } }),
  };
}
