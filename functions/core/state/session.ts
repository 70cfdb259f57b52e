import * as z from 'zod/mini';
import { backOff } from './back-off';
import { HOUR, type Instant, MINUTE, SECOND } from '../platform/clock';
import { DeliveryMark } from './delivery-mark';
import { knownOf, openEnum } from './open-enum';
import { providerId } from '../terra/providers';

/** `required`: the owner must redeem the code. `off`: every Terra user that authenticated in the session is proved. */
export type Confirmation = 'required' | 'off';

/** How long after `expiresAt` a callback is accepted: users can stay at the provider for long. */
export const FINISH_WITHIN = HOUR;
/** How long the one-time code is valid. */
export const CODE_LIFE = 10 * MINUTE;
/** How long a redeemed session waits for Terra's `auth` event. Terra retries webhooks for about a day. */
export const PROOF_WAIT = 26 * HOUR;
/** How long before the session's creation an event that names it may be dated, because clocks differ. */
const CLOCK_SLACK = MINUTE;
/** A new fact makes its session or token record due after this time, so that the sweep completes the work after a crash. */
export const PROJECT_WITHIN = MINUTE;
/** The maximum number of Terra users in a session. The user that the browser returned with always fits. */
export const AUTHORISED_LIMIT = 8;
/** The maximum length of `refusedUsers` and of `refusedAt`. A full list refuses every user. */
export const REFUSAL_LIMIT = 8;
/** How long after a return Terra may date a refusal that happened before it. */
const REFUSAL_SLACK = 5 * SECOND;
/** How often one session may ask Terra about the Terra user of a return. */
export const RETURN_LOOKUP_LIMIT = 8;
/** How long a browser waits for Terra's answer. */
export const RETURN_LOOKUP_TIMEOUT = 3 * SECOND;
/** How long after the return an authentication may be dated that happened before it. Terra dates events when it sends them. */
const RETURN_SLACK = MINUTE;
/** The minimum time that a user needs between choosing a provider, when Terra creates the Terra user, and approving there. */
const MIN_APPROVAL_TIME = 3 * SECOND;

const failureCauses = ['cancelled', 'denied', 'provider_error', 'unknown'] as const;
export const FailureCause = z.enum(failureCauses);
export type FailureCause = z.infer<typeof FailureCause>;

const Failure = z.object({ at: z.number(), cause: openEnum(failureCauses), terraUserId: z.optional(z.string()) });
/** Returns why a session failed; `unknown` for a cause of a later version. */
export const causeOf = ({ cause }: z.infer<typeof Failure>): FailureCause => knownOf(failureCauses, cause) ?? 'unknown';

/**
 * Maps Terra's failure reason to a cause. Terra publishes no list of reasons (`access_denied` and `auth_cancelled` were seen), so the
 * text itself is never passed on.
 */
export function failureCause(reason: string | undefined): FailureCause {
  if (reason === undefined || reason === '') return 'unknown';
  if (/denied|declined|refused/i.test(reason)) return 'denied';
  if (/cancel|abort|closed/i.test(reason)) return 'cancelled';
  if (/error|fail|unavailable|timeout|invalid/i.test(reason)) return 'provider_error';
  return 'unknown';
}

const flows = ['widget', 'direct'] as const;

/**
 * The authentications of one Terra user in a session. Of `at` and `lastAuthAt` the newest counts, of the other times the oldest.
 * Loose, because it is written whole and must keep fields of later versions.
 */
export const Authorisation = z.looseObject({
  /** The newest time at which Terra reported the user as authenticated, in an event or an answer. */
  at: z.number(),
  provider: z.optional(z.string()),
  scopes: z.optional(z.array(z.string())),
  /** When Terra created the user. */
  createdAt: z.optional(z.number()),
  /** The times of the first and of the last `auth` event. */
  firstAuthAt: z.optional(z.number()),
  lastAuthAt: z.optional(z.number()),
  /** When Terra first answered our request with "is authenticated". */
  foundAt: z.optional(z.number()),
  /** An event of the user named this session. */
  isNamed: z.optional(z.literal(true)),
  /** Identifies the delivery of the first `auth` event, to recognize retries and replays. */
  delivery: z.optional(DeliveryMark),
});
export type Authorisation = z.infer<typeof Authorisation>;

/** Identifies the browser that returned. */
export const ReturnBrowser = z.object({
  /** SHA-256 of the browser's cookie. */
  cookieHash: z.string(),
  /** HMAC of address, user agent and languages; the key is the state's secret. */
  originHash: z.string(),
});
export type ReturnBrowser = z.infer<typeof ReturnBrowser>;

/** Reserves a session's id while a request with an `Idempotency-Key` asks Terra for the link. */
export const Claim = z.object({
  owner: z.string(),
  id: z.string(),
  sub: z.string(),
  bodyHash: z.string(),
  /** 0 after the request failed. */
  claimedAt: z.number(),
  attempt: z.string(),
  purgeAt: z.number(),
});
export type Claim = z.infer<typeof Claim>;

/**
 * One attempt to connect, as stored: the request, and facts that are written once (`authorised` grows). The status is computed and
 * never stored.
 */
export const SessionRow = z.object({
  owner: z.string(),
  id: z.string(),
  sub: z.string(),
  flow: openEnum(flows),
  /** Upper case. Undefined: any provider. A direct link has one. */
  providers: z.optional(z.array(z.string())),
  returnTo: z.string(),
  /** The requested language of the pages, such as `de-AT`. */
  language: z.optional(z.string()),
  createdAt: z.number(),
  /** The link can be opened until then. */
  expiresAt: z.number(),
  /** A callback is accepted until then. */
  finishBy: z.number(),
  /** Removed when the browser returns. */
  url: z.optional(z.string()),
  stateHash: z.string(),
  /** Hash of the request body, if it had an `Idempotency-Key`. */
  bodyHash: z.optional(z.string()),
  /** Of a widget. */
  terraSessionId: z.optional(z.string()),
  /** The Terra user that Terra created for a direct link. */
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
  /** Terra reported a failure. In a widget the user can choose another provider; a direct link has failed. */
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

/** Returns the fields that later versions added to an authorisation. */
const laterFields = (authorisation: Authorisation): [string, unknown][] =>
  Object.entries(authorisation).filter(([name]) => !Object.hasOwn(Authorisation.shape, name));

/** Returns the kind of the session's link; undefined for one that only a later version knows. */
export const flowOf = ({ flow }: SessionRow): (typeof flows)[number] | undefined => knownOf(flows, flow);

/** Returns whether a session has a value that this version does not know. */
export const hasLaterValue = (session: SessionRow): boolean =>
  flowOf(session) === undefined ||
  [session.failed, session.cancelled].some(failure => failure && knownOf(failureCauses, failure.cause) === undefined);

/** Returns by when the Terra user first authenticated. Rows of version 0.1 have only `at`. */
const firstAuthenticatedAt = ({ firstAuthAt, foundAt, at }: Authorisation): Instant => firstAuthAt ?? foundAt ?? at;

/** Returns whether the Terra user authenticated in the session at or before `at`. */
export function isAuthenticatedBy({ authorised }: SessionRow, terraUserId: string, at: Instant): boolean {
  const known = authorised[terraUserId];
  return known !== undefined && firstAuthenticatedAt(known) <= at;
}

/** Returns whether an authentication can have happened before the return. */
const precedesReturn = (at: Instant, returned: { at: Instant }): boolean => at <= returned.at + RETURN_SLACK;

/**
 * Returns whether Terra reported a second authentication of the Terra user, or one after the browser returned with that user. A
 * link can be passed on, so the second authentication may be another person's.
 */
export function isUsedTwice({ authorised, returned }: SessionRow, terraUserId: string): boolean {
  const { firstAuthAt, lastAuthAt } = authorised[terraUserId] ?? {};
  if (firstAuthAt === undefined || lastAuthAt === undefined) return false;
  return lastAuthAt > firstAuthAt || (returned?.terraUserId === terraUserId && !precedesReturn(lastAuthAt, returned));
}

/** Returns whether more than one person took part in the session, so that it proves nothing. */
export function isContested(session: SessionRow): boolean {
  return (
    session.wrongOwner !== undefined ||
    (flowOf(session) !== undefined &&
      session.returned !== undefined &&
      isUsedTwice(session, session.returned.terraUserId))
  );
}

/**
 * Returns whether the Terra user was refused in this session. A person who refuses learns the Terra user id from the redirect and
 * can forge a return with it, so the user proves nothing in this session. A refusal without a Terra user counts for every user
 * that Terra had created by then, unless the browser had returned with that user before. That exception needs an authentication
 * before the refusal, because a return that was recorded without asking Terra can be forged.
 */
export function isRefused(session: SessionRow, terraUserId: string): boolean {
  const { refusedUsers = [], failed, returned } = session;
  if (refusedUsers.includes(terraUserId)) return true;
  if (Math.max(refusedUsers.length, session.refusedAt?.length ?? 0) >= REFUSAL_LIMIT) return true;
  const known = session.authorised[terraUserId];
  const isDirect = flowOf(session) === 'direct';
  if (!isDirect && known === undefined) return false;
  const times = [...(session.refusedAt ?? []), ...(failed && failed.terraUserId === undefined ? [failed.at] : [])];
  // A direct link's user is created with the link. A user whose time of creation is not certain may be older than any refusal.
  const createdAt = isDirect ? session.createdAt : ((known && certainCreationTime(known)) ?? 0);
  const until = returned?.terraUserId === terraUserId ? refusableUntil(returned) : Number.POSITIVE_INFINITY;
  return times.some(at => createdAt <= at && (at <= until || !isAuthenticatedBy(session, terraUserId, at)));
}

/**
 * Returns when Terra created the user, if that is certain. Terra may report the time of the authentication instead, so the time
 * counts only if it is at least `MIN_APPROVAL_TIME` before the first `auth` event.
 */
function certainCreationTime({ createdAt, firstAuthAt }: Authorisation): Instant | undefined {
  if (createdAt === undefined || firstAuthAt === undefined) return undefined;
  return createdAt <= firstAuthAt - MIN_APPROVAL_TIME ? createdAt : undefined;
}

/**
 * Returns whether a Terra user that a browser returned with may have authenticated in another session of the owner. A person can
 * return with any Terra user id to any of their links. So, unless Terra named this session for the user, the user must not
 * appear or be refused in another session, nor be created before this session. If its time of creation is not certain, no refusal
 * may concern another session, and no erasure may have deleted earlier sessions.
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

/** Returns until when Terra may date a refusal that happened before this return. */
export const refusableUntil = (returned: { at: Instant }): Instant => returned.at + REFUSAL_SLACK;

/**
 * Returns whether the session proves that the Terra user belongs to the owner. With `required`: the browser returned with this
 * user after the user's first authentication and without a refusal, the owner redeemed the code, and only one person took part.
 * With `off`: the user authenticated in the session.
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

/** Returns the Terra user that the session proves. If there are several: the one the browser returned with, else the newest. */
export function provedUser(session: SessionRow, confirmation: Confirmation): string | undefined {
  const users = Object.keys(session.authorised).filter(id => proves(session, id, confirmation));
  const returned = session.returned?.terraUserId;
  if (returned !== undefined && users.includes(returned)) return returned;
  const at = (id: string) => session.authorised[id]?.at ?? 0;
  return users.toSorted((a, b) => at(b) - at(a) || (a < b ? -1 : 1))[0];
}

/** Returns until when the one-time code is valid; undefined before the return. */
export const codeExpiresAt = (session: SessionRow): Instant | undefined =>
  session.returned && session.returned.at + CODE_LIFE;

/** Returns the time after which nothing can complete the session, so that it is closed. */
export function closesAt(session: SessionRow, confirmation: Confirmation): Instant {
  const { returned, redeemed, finishBy } = session;
  if (confirmation === 'off' || returned === undefined) return finishBy;
  const mayBeProved = redeemed !== undefined && !isRefused(session, returned.terraUserId);
  return mayBeProved ? redeemed.at + PROOF_WAIT : Math.max(finishBy, codeExpiresAt(session) ?? 0);
}

/**
 * Computes the status. The first line that fits decides.
 *
 * | status | when |
 * | --- | --- |
 * | `rejected` | another user redeemed its code, another browser returned with it, or the link was used twice |
 * | `completed` | a Terra user is proved |
 * | `failed`, `expired` | closed, or past its time; `failed` if a failure was recorded |
 * | `failed` | the browser returned with a refused Terra user |
 * | `returned` | the browser returned, the proof is missing |
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

/** Returns why a session ended without a connection. */
export function sessionFailure(session: SessionRow, status: SessionStatus): SessionFailure | undefined {
  if (status === 'rejected') return 'wrong_owner';
  if (status === 'expired') return 'expired';
  if (status !== 'failed') return undefined;
  // Terra's signed event is more reliable than a browser's query.
  const causes = [session.cancelled, session.failed].flatMap(failure => (failure ? causeOf(failure) : []));
  return causes.find(cause => cause !== 'unknown') ?? causes[0] ?? 'unknown';
}

/** Returns whether an event that names the session can belong to it at this time. Allows for clock differences. */
export function mayContainNamed(session: SessionRow, at: Instant): boolean {
  return at >= session.createdAt - CLOCK_SLACK && at <= session.finishBy;
}

/**
 * Returns whether an event that does not name the session can belong to it at this time. Does not allow for clock differences: a
 * user needs seconds to choose and approve, and an attacker's event from just before the session must not count.
 */
export function mayContain(session: SessionRow, at: Instant): boolean {
  return at >= session.createdAt && at <= session.finishBy;
}

/** How long a closed session without a Terra user is kept, so that the app can read its status. */
const KEEP_EMPTY = 6 * HOUR;

/**
 * Returns the `purgeAt` of a session that closes now, in seconds since 1970. A session with a Terra user or a refusal is kept in
 * full, because `mayBelongToAnotherSession` needs it to judge late events.
 */
export function purgeTimeOnClose(session: SessionRow, now: Instant): number {
  const { terraUserId, returned, authorised, refusedUsers = [], refusedAt = [] } = session;
  const isEmpty =
    (terraUserId ?? returned) === undefined &&
    Object.keys(authorised).length + refusedUsers.length + refusedAt.length === 0;
  return isEmpty ? Math.min(session.purgeAt, Math.ceil((now + KEEP_EMPTY) / SECOND)) : session.purgeAt;
}

/** Returns whether the user can choose this provider in the session. */
export function offers(session: SessionRow, provider: string): boolean {
  return session.providers === undefined || session.providers.includes(providerId(provider));
}

/** Returns whether the session is neither completed, rejected nor closed, so that an authentication can belong to it. */
export function isOpen(session: SessionRow, confirmation: Confirmation): boolean {
  const isRejected = confirmation === 'required' ? isContested(session) : session.wrongOwner !== undefined;
  return !session.closed && !isRejected && provedUser(session, confirmation) === undefined;
}

const LOOKUPS_AFTER = [MINUTE, 5 * MINUTE, 30 * MINUTE, 6 * HOUR];
/** The minimum delay before Terra is asked again about a session that is over. */
const ASK_AGAIN = 5 * MINUTE;

/**
 * Returns the Terra user to ask Terra about: the browser returned with it, or visited with a direct link's user, and its
 * authentication is not known.
 */
export function userToLookUp({ returned, asked, terraUserId, authorised, closed }: SessionRow): string | undefined {
  const user = returned?.terraUserId ?? (asked === undefined ? undefined : terraUserId);
  return user === undefined || closed || authorised[user] !== undefined ? undefined : user;
}

/**
 * Returns when the sweep must next process the session, after it did so at `lookedAt`; undefined: never again. If the user is
 * unknown, Terra is asked 1, 5, 30 min and 6 h after the code was redeemed (with `off`, after the return), and once before the
 * session is closed.
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
