import * as z from 'zod/mini';
import { backOff } from './back-off';
import { HOUR, type Instant, MINUTE, SECOND } from '../platform/clock';
import { DeliveryMark } from './delivery-mark';
import { knownOf, openEnum } from './open-enum';
import { providerId } from '../terra/providers';

/** `required`: connected only after the owner redeemed the code. `off`: whatever the session authorised is proved. */
export type Confirmation = 'required' | 'off';

/** How long after `expiresAt` a callback still counts: people take their time at the provider. */
export const FINISH_WITHIN = HOUR;
/** How long the code of a returned session is live. */
export const CODE_LIFE = 10 * MINUTE;
/** How long a redeemed session waits for Terra's proof; Terra's webhook retries end after about a day. */
export const PROOF_WAIT = 26 * HOUR;
/** How far before the session's creation an event of it may lie, for clocks that differ. */
export const CLOCK_SLACK = MINUTE;
/** A fact of a session or mint makes it due after this long, should its writer not live to see to what follows. */
export const PROJECT_WITHIN = MINUTE;
/** Most Terra users one session may authorise. The user that the browser returned with always fits. */
export const AUTHORISED_LIMIT = 8;
/** Most refused Terra users, and most refusals without a Terra user, that one session keeps. A full list refuses every user. */
export const REFUSAL_LIMIT = 8;
/** How long after a return Terra's time of a refusal may be that happened before it. */
const REFUSAL_SLACK = 5 * SECOND;
/** How often one session may ask Terra whether the Terra user of a return is authenticated. */
export const RETURN_LOOKUP_LIMIT = 8;
/** How long a browser that returned waits for Terra's answer. */
export const RETURN_LOOKUP_TIMEOUT = 3 * SECOND;
/** How long after the return an authentication may still be the one that the browser came back from: Terra stamps an event when it is sent. */
export const RETURN_SLACK = MINUTE;
/** A person needs at least this long between choosing a provider, when Terra makes the user, and approving there. */
const MIN_APPROVAL_TIME = 3 * SECOND;

const failureCauses = ['cancelled', 'denied', 'provider_error', 'unknown'] as const;
export const FailureCause = z.enum(failureCauses);
export type FailureCause = z.infer<typeof FailureCause>;

const Failure = z.object({ at: z.number(), cause: openEnum(failureCauses), terraUserId: z.optional(z.string()) });
/** Returns why an attempt failed: `unknown` for a cause of a later version. */
export const causeOf = ({ cause }: z.infer<typeof Failure>): FailureCause => knownOf(failureCauses, cause) ?? 'unknown';

const flows = ['widget', 'direct'] as const;

/**
 * What is known of the authentications of one Terra user in a session. Of `at` and `lastAuthAt` the newest counts, of the other
 * times the oldest. It is written whole, so it keeps what later versions add to it.
 */
export const Authorisation = z.looseObject({
  /** The newest time at which Terra reported the user as authenticated, in an event or an answer. */
  at: z.number(),
  /** Absent as long as Terra did not say it. */
  provider: z.optional(z.string()),
  scopes: z.optional(z.array(z.string())),
  /** When Terra made the user. */
  createdAt: z.optional(z.number()),
  /** The times of the first and of the last `auth` event. */
  firstAuthAt: z.optional(z.number()),
  lastAuthAt: z.optional(z.number()),
  /** When Terra first answered a question of ours with "is authenticated". */
  foundAt: z.optional(z.number()),
  /** Terra named this session in an event of the user. */
  isNamed: z.optional(z.literal(true)),
  /** Identifies the delivery of the first `auth` event, so that a retry or replay is not taken for another event. */
  delivery: z.optional(DeliveryMark),
});
export type Authorisation = z.infer<typeof Authorisation>;

/** Identifies the browser that returned. Both values are useless without the row's secrets. */
export const ReturnBrowser = z.object({
  /** SHA-256 of the cookie that the browser was given. */
  cookieHash: z.string(),
  /** HMAC of address, user agent and languages under the state's secret. */
  originHash: z.string(),
});
export type ReturnBrowser = z.infer<typeof ReturnBrowser>;

/** The place of a session that is being opened under an idempotency key. */
export const Claim = z.object({
  owner: z.string(),
  id: z.string(),
  sub: z.string(),
  bodyHash: z.string(),
  /** 0 once the attempt failed. */
  claimedAt: z.number(),
  attempt: z.string(),
  purgeAt: z.number(),
});
export type Claim = z.infer<typeof Claim>;

/**
 * One attempt to connect, as stored: what was asked, and facts that are each written once (`authorised` grows).
 * Its status is computed, never stored.
 */
export const SessionRow = z.object({
  owner: z.string(),
  id: z.string(),
  sub: z.string(),
  flow: openEnum(flows),
  /** Upper case; undefined: any. One for a direct link. */
  providers: z.optional(z.array(z.string())),
  returnTo: z.string(),
  /** As it was asked for, such as `de-AT`: that of the pages the person meets. */
  language: z.optional(z.string()),
  createdAt: z.number(),
  /** Until when the link may be opened. */
  expiresAt: z.number(),
  /** Until when a callback is accepted. */
  finishBy: z.number(),
  /** Removed once returned. */
  url: z.optional(z.string()),
  stateHash: z.string(),
  /** Of the request it was opened with, under an idempotency key. */
  bodyHash: z.optional(z.string()),
  /** Terra's id of the widget session, and the Terra user a direct link was made for. */
  terraSessionId: z.optional(z.string()),
  terraUserId: z.optional(z.string()),
  /** How often Terra was asked about the Terra user of a return. */
  asked: z.optional(z.number()),
  returned: z.optional(
    z.object({
      at: z.number(),
      terraUserId: z.string(),
      codeHash: z.string(),
      browser: z.optional(ReturnBrowser),
    }),
  ),
  redeemed: z.optional(z.object({ at: z.number() })),
  /** The Terra users that authenticated in this session, by Terra user id. */
  authorised: z.record(z.string(), Authorisation),
  /** Another user redeemed the code, or another browser returned with the same Terra user. */
  wrongOwner: z.optional(z.object({ at: z.number() })),
  /** Terra users that a failure named. */
  refusedUsers: z.optional(z.array(z.string())),
  /** Times of failures that named no Terra user and may belong to this session. */
  refusedAt: z.optional(z.array(z.number())),
  /** The browser came back to the failure URL. */
  failed: z.optional(Failure),
  /** Terra told of a failure; an end for a direct link, a note for a widget, where people choose again. */
  cancelled: z.optional(Failure),
  closed: z.optional(z.object({ at: z.number() })),
  dueAt: z.optional(z.number()),
  purgeAt: z.number(),
  version: z.number(),
  /** Only if a later version wrote the row. */
  schema: z.optional(z.number()),
});
export type SessionRow = z.infer<typeof SessionRow>;

export type SessionStatus = 'pending' | 'returned' | 'completed' | 'failed' | 'expired' | 'rejected';
export type SessionFailure = FailureCause | 'expired' | 'wrong_owner';

/** Merges what is known of one Terra user's authentications. Commutative, associative and idempotent. */
export function mergeAuthorisations(a: Authorisation, b: Authorisation): Authorisation {
  const newest = a.at > b.at || (a.at === b.at && JSON.stringify(a) >= JSON.stringify(b)) ? a : b;
  const oldest = (x: Instant | undefined, y: Instant | undefined) =>
    x === undefined || y === undefined ? (x ?? y) : Math.min(x, y);
  const [createdAt, foundAt, firstAuthAt] = [
    oldest(a.createdAt, b.createdAt),
    oldest(a.foundAt, b.foundAt),
    oldest(a.firstAuthAt, b.firstAuthAt),
  ];
  // A Terra user has one provider.
  const provider = newest.provider ?? a.provider ?? b.provider;
  const lastAuthAt = Math.max(a.lastAuthAt ?? 0, b.lastAuthAt ?? 0);
  const first = a.firstAuthAt === firstAuthAt ? a : b;
  const delivery = first.delivery ?? a.delivery ?? b.delivery;
  const later = [...laterFields(newest === a ? b : a), ...laterFields(newest)];
  return {
    at: newest.at,
    ...(provider !== undefined && { provider }),
    ...(newest.scopes && { scopes: newest.scopes }),
    ...(createdAt !== undefined && { createdAt }),
    ...(firstAuthAt !== undefined && { firstAuthAt, lastAuthAt }),
    ...(foundAt !== undefined && { foundAt }),
    ...((a.isNamed ?? b.isNamed) && { isNamed: true }),
    ...(delivery && { delivery }),
    ...Object.fromEntries(later.toSorted(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))),
  };
}

/** What later versions added to an authorisation. */
const laterFields = (authorisation: Authorisation): [string, unknown][] =>
  Object.entries(authorisation).filter(([name]) => !Object.hasOwn(Authorisation.shape, name));

/** Returns how the session's link was made; undefined if only a later version knows, so that this one judges nothing by it. */
export const flowOf = ({ flow }: SessionRow): (typeof flows)[number] | undefined => knownOf(flows, flow);

/** Returns whether a session has a value that this version does not know. */
export const hasLaterValue = (session: SessionRow): boolean =>
  flowOf(session) === undefined ||
  [session.failed, session.cancelled].some(failure => failure && knownOf(failureCauses, failure.cause) === undefined);

/** By when the Terra user had authenticated for the first time. Rows of version 0.1 keep only `at`. */
const firstAuthenticatedAt = ({ firstAuthAt, foundAt, at }: Authorisation): Instant => firstAuthAt ?? foundAt ?? at;

/** Returns whether the Terra user is known to have authenticated in the session by then. */
export function isAuthenticatedBy({ authorised }: SessionRow, terraUserId: string, at: Instant): boolean {
  const known = authorised[terraUserId];
  return known !== undefined && firstAuthenticatedAt(known) <= at;
}

/** Whether an authentication is early enough to be the one that the browser came back from. */
const precedesReturn = (at: Instant, returned: { at: Instant }): boolean => at <= returned.at + RETURN_SLACK;

/**
 * Returns whether Terra told of a second authentication of the Terra user the browser returned with: one after the first, or
 * one after the return. A link can be passed on, so the second may be another person's.
 */
export function isUsedTwice({ authorised, returned }: SessionRow, terraUserId: string): boolean {
  const { firstAuthAt, lastAuthAt } = authorised[terraUserId] ?? {};
  if (firstAuthAt === undefined || lastAuthAt === undefined) return false;
  return lastAuthAt > firstAuthAt || (returned?.terraUserId === terraUserId && !precedesReturn(lastAuthAt, returned));
}

/** Returns whether more than one person had a part in the session, so that it proves nothing. */
export function isContested(session: SessionRow): boolean {
  return (
    session.wrongOwner !== undefined ||
    (flowOf(session) !== undefined &&
      session.returned !== undefined &&
      isUsedTwice(session, session.returned.terraUserId))
  );
}

/**
 * Returns whether the attempt with this Terra user was refused. Whoever refuses learns the Terra user id from the redirect and
 * can forge a return with it, so this Terra user proves nothing in this session any more. A refusal without a Terra user
 * concerns every user that Terra had made by then, unless the browser had returned with that user before. A return that
 * counted without an answer of Terra's is no such return: whoever refuses before the user authenticates can have forged it.
 */
export function isRefused(session: SessionRow, terraUserId: string): boolean {
  const { refusedUsers = [], failed, returned } = session;
  if (refusedUsers.includes(terraUserId)) return true;
  if (Math.max(refusedUsers.length, session.refusedAt?.length ?? 0) >= REFUSAL_LIMIT) return true;
  const known = session.authorised[terraUserId];
  const isDirect = flowOf(session) === 'direct';
  if (!isDirect && known === undefined) return false;
  const times = [...(session.refusedAt ?? []), ...(failed && failed.terraUserId === undefined ? [failed.at] : [])];
  // A direct link's user is made with the link. If Terra does not say when it made a user, it may have been before.
  const createdAt = isDirect ? session.createdAt : ((known && certainCreationTime(known)) ?? 0);
  const until = returned?.terraUserId === terraUserId ? refusableUntil(returned) : Number.POSITIVE_INFINITY;
  return times.some(at => createdAt <= at && (at <= until || !isAuthenticatedBy(session, terraUserId, at)));
}

/**
 * When Terra made the user, as far as that is sure. What Terra says may be the time of the authentication instead, so it counts
 * only if an event tells that the user authenticated later, by as long as a person needs.
 */
function certainCreationTime({ createdAt, firstAuthAt }: Authorisation): Instant | undefined {
  if (createdAt === undefined || firstAuthAt === undefined) return undefined;
  return createdAt <= firstAuthAt - MIN_APPROVAL_TIME ? createdAt : undefined;
}

/**
 * Returns whether a Terra user may have authenticated in another session of the owner than this one, whose browser returned
 * with it. Anybody who knows a Terra user can return with it to any link of theirs, so a user that Terra did not name this
 * session for counts only without a doubt: it is no other session's, it was not refused in any, and it was not made before
 * this session. If it is not sure when it was made, an erasure leaves a doubt too: nothing is known of the sessions before it.
 */
export function mayBelongToAnotherSession(
  session: SessionRow,
  terraUserId: string,
  { sessions, erasure }: { sessions: readonly SessionRow[]; erasure: object | undefined },
): boolean {
  const others = sessions.filter(({ id }) => id !== session.id);
  if (others.some(({ refusedUsers }) => refusedUsers?.includes(terraUserId))) return true;
  const known = session.authorised[terraUserId];
  if (session.terraUserId !== undefined) return session.terraUserId !== terraUserId;
  if (known === undefined || known.isNamed) return false;
  const isElsewhere = others.some(
    other =>
      other.terraUserId === terraUserId ||
      other.returned?.terraUserId === terraUserId ||
      other.authorised[terraUserId]?.firstAuthAt !== undefined,
  );
  if (isElsewhere) return true;
  if (known.createdAt !== undefined && known.createdAt < session.createdAt) return true;
  if (certainCreationTime(known) !== undefined) return false;
  if (erasure) return true;
  const until = session.returned ? refusableUntil(session.returned) : Number.POSITIVE_INFINITY;
  return others.some(({ refusedAt = [] }) => refusedAt.some(at => at <= until));
}

/** Until when a refusal may have told the Terra user of this return. Terra stamps an event a little after it happened. */
export const refusableUntil = (returned: { at: Instant }): Instant => returned.at + REFUSAL_SLACK;

/**
 * Returns whether the session proves that this Terra user belongs to its owner. With `required`: the browser returned with
 * this user, after the user's first authentication and without a refusal; the owner redeemed the code; and only one person
 * had a part in it. With `off`: the user authenticated in the session.
 */
export function proves(session: SessionRow, terraUserId: string, confirmation: Confirmation): boolean {
  const authorisation = session.authorised[terraUserId];
  if (session.wrongOwner || authorisation === undefined || flowOf(session) === undefined) return false;
  if (confirmation === 'off') return true;
  const { returned, redeemed } = session;
  return (
    redeemed !== undefined &&
    returned?.terraUserId === terraUserId &&
    precedesReturn(firstAuthenticatedAt(authorisation), returned) &&
    !isContested(session) &&
    !isRefused(session, terraUserId)
  );
}

/** The Terra user a completed session connected. With `off` that is the one the browser came back with, else the newest. */
export function provedUser(session: SessionRow, confirmation: Confirmation): string | undefined {
  const users = Object.keys(session.authorised).filter(id => proves(session, id, confirmation));
  const returned = session.returned?.terraUserId;
  if (returned !== undefined && users.includes(returned)) return returned;
  const at = (id: string) => session.authorised[id]?.at ?? 0;
  return users.toSorted((a, b) => at(b) - at(a) || (a < b ? -1 : 1))[0];
}

/** Until when the session's code may be redeemed; undefined while there is none. */
export const codeExpiresAt = (session: SessionRow): Instant | undefined =>
  session.returned && session.returned.at + CODE_LIFE;

/** When nothing can complete the session any more, so that it may be closed. */
export function closesAt(session: SessionRow, confirmation: Confirmation): Instant {
  const { returned, redeemed, finishBy } = session;
  if (confirmation === 'off' || returned === undefined) return finishBy;
  const mayBeProved = redeemed !== undefined && !isRefused(session, returned.terraUserId);
  return mayBeProved ? redeemed.at + PROOF_WAIT : Math.max(finishBy, codeExpiresAt(session) ?? 0);
}

/**
 * | status | when |
 * | --- | --- |
 * | `rejected` | another user redeemed its code, another browser returned with it, or the link was used twice |
 * | `completed` | proved for a Terra user |
 * | `failed`, `expired` | closed, or past its time; `failed` if a failure was recorded |
 * | `failed` | the browser came back with a Terra user that had been refused |
 * | `returned` | the browser came back, proof is outstanding |
 * | `failed` | the browser or (direct link) Terra reported a failure; a widget may still return until `finishBy` |
 * | `pending` | otherwise |
 */
export function sessionStatus(session: SessionRow, now: Instant, confirmation: Confirmation): SessionStatus {
  if (session.wrongOwner || (confirmation === 'required' && isContested(session))) return 'rejected';
  if (provedUser(session, confirmation) !== undefined) return 'completed';
  const over = session.closed !== undefined || now > closesAt(session, confirmation);
  if (over) return session.failed || session.cancelled ? 'failed' : 'expired';
  if (session.returned) return isRefused(session, session.returned.terraUserId) ? 'failed' : 'returned';
  if (session.failed || (session.cancelled && flowOf(session) === 'direct')) return 'failed';
  return 'pending';
}

/** Why a session ended without a connection. */
export function sessionFailure(session: SessionRow, status: SessionStatus): SessionFailure | undefined {
  if (status === 'rejected') return 'wrong_owner';
  if (status === 'expired') return 'expired';
  if (status !== 'failed') return undefined;
  // Terra's signed event counts more than what a browser's query says.
  const causes = [session.cancelled, session.failed].flatMap(failure => (failure ? causeOf(failure) : []));
  return causes.find(cause => cause !== 'unknown') ?? causes[0] ?? 'unknown';
}

/** Returns whether an event at this time that names the session can be its own. The clocks of Terra and us may differ. */
export function mayContainNamed(session: SessionRow, at: Instant): boolean {
  return at >= session.createdAt - CLOCK_SLACK && at <= session.finishBy;
}

/**
 * Returns whether something at this time that does not name the session can belong to it. Here clocks get no slack: a user
 * needs seconds to choose and approve, while what an attacker did just before could be taken for the session's own.
 */
export function mayContain(session: SessionRow, at: Instant): boolean {
  return at >= session.createdAt && at <= session.finishBy;
}

/** How long a closed session is kept that no Terra user had a part in, so that its owner may see how it ended. */
const KEEP_EMPTY = 6 * HOUR;

/**
 * Returns until when a session is kept that closes now, in seconds since 1970. One that a Terra user had a part in, or a refusal,
 * stays as long as any: what comes late is told from another session's by it (`mayBeOfAnother`), and no proof may come of it.
 */
export function purgeTimeOnClose(session: SessionRow, now: Instant): number {
  const { terraUserId, returned, authorised, refusedUsers = [], refusedAt = [] } = session;
  const isEmpty =
    (terraUserId ?? returned) === undefined &&
    Object.keys(authorised).length + refusedUsers.length + refusedAt.length === 0;
  return isEmpty ? Math.min(session.purgeAt, Math.ceil((now + KEEP_EMPTY) / SECOND)) : session.purgeAt;
}

/** Whether the person could have chosen this provider in the session. */
export function offers(session: SessionRow, provider: string): boolean {
  return session.providers === undefined || session.providers.includes(providerId(provider));
}

/** Returns whether the session is neither completed, rejected nor closed: a further success may still be its own. */
export function isOpen(session: SessionRow, confirmation: Confirmation): boolean {
  const isRejected = confirmation === 'required' ? isContested(session) : session.wrongOwner !== undefined;
  return !session.closed && !isRejected && provedUser(session, confirmation) === undefined;
}

const LOOKUPS_AFTER = [MINUTE, 5 * MINUTE, 30 * MINUTE, 6 * HOUR];
/** How soon, at least, Terra is asked again about a session that may only be closed after its answer. */
const ASK_AGAIN = 5 * MINUTE;

/**
 * The Terra user that the browser returned with, or came with to a direct link while Terra had not authenticated it yet, as long
 * as nothing is known of its authentication.
 */
export function userToLookUp({ returned, asked, terraUserId, authorised, closed }: SessionRow): string | undefined {
  const user = returned?.terraUserId ?? (asked === undefined ? undefined : terraUserId);
  return user === undefined || closed || authorised[user] !== undefined ? undefined : user;
}

/**
 * When the sweep must look at the session next, given that it looked at `lookedAt`; undefined: never again.
 * Terra is asked about an unanswered user 1, 5, 30 min and 6 h after the redemption (with `off`, after the return) and once
 * more before the session is closed.
 */
export function sessionDueAt(session: SessionRow, lookedAt: Instant, confirmation: Confirmation): Instant | undefined {
  if (session.closed) return undefined;
  const { returned, redeemed, wrongOwner } = session;
  const closesAfter = closesAt(session, confirmation);
  const isUnanswered = userToLookUp(session) !== undefined;
  const closing =
    isUnanswered && closesAfter < lookedAt
      ? lookedAt + Math.max(ASK_AGAIN, backOff(closesAfter, lookedAt))
      : closesAfter + 1;
  const since = confirmation === 'off' ? returned?.at : (redeemed ?? wrongOwner)?.at;
  const lookups =
    isUnanswered && since !== undefined ? LOOKUPS_AFTER.map(delay => since + delay).filter(at => at > lookedAt) : [];
  const next = Math.min(...(isOpen(session, confirmation) ? [closing] : []), ...lookups);
  return Number.isFinite(next) ? next : undefined;
}
