import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { Instant } from '../platform/clock';
import { DeliveryMark } from './delivery-mark';
import { knownOf, openEnum } from './open-enum';
import { providerId, providerKind } from '../terra/providers';
import { itemKey, readItemKey } from '../store/table';

const At = z.object({ at: z.number() });
const Via = z.object({ at: z.number(), via: z.string() });

const goneReasons = ['absent', 'agreed', 'deauthorised', 'revoked'] as const;
const disconnectReasons = ['erased', 'not_confirmed', 'owner'] as const;

/**
 * The facts about one Terra user. Of each kind only the newest counts (of `firstAuthAt` the oldest). Times are Terra's if Terra
 * reported the fact, and ours if we decided it.
 */
export const ConnectionFacts = z.object({
  provider: z.optional(z.string()),
  firstAuthAt: z.optional(z.number()),
  /**
   * Terra reported an authentication. `via`: its origin, as the sort key of a session or token record, or one of `unrequested`,
   * `reauth`, `import`. `delivery`: the webhook delivery, if there is no origin; otherwise the session has it.
   */
  auth: z.optional(z.object({ at: z.number(), via: z.string(), delivery: z.optional(DeliveryMark) })),
  /** A session or token record proves that the user who finished is the owner. */
  proof: z.optional(Via),
  /** Terra no longer has the user. `agreed`: Terra accepted our deauthentication. */
  gone: z.optional(z.object({ at: z.number(), reason: openEnum(goneReasons) })),
  error: z.optional(At),
  /** The newest arrival of health data; with `dataEvents: "coalesce"`, to the hour. */
  data: z.optional(At),
  /** Terra reported an authentication without saying that it succeeded, so the sweep asks Terra. `via`: one of `unrequested`. */
  reported: z.optional(Via),
  /** `missed`: a check did not find the Terra user. `seen`: a check found it again. Missing twice makes it gone. */
  missed: z.optional(At),
  seen: z.optional(At),
  scopes: z.optional(z.object({ at: z.number(), list: z.array(z.string()) })),
  /** We decided to disconnect. */
  disconnect: z.optional(z.object({ at: z.number(), reason: openEnum(disconnectReasons) })),
  wrongOwner: z.optional(At),
  /** The link was used twice, or the user may be of another session: no proof up to this time counts. */
  disproved: z.optional(At),
  /** Terra was last asked to deauthenticate the user. */
  attempt: z.optional(At),
  supersededBy: z.optional(z.object({ at: z.number(), terraUserId: z.string() })),
  /** Of Terra users that superseded each other in a cycle, this is the one that the newest link points to. */
  standsAgain: z.optional(z.literal(true)),
});
export type ConnectionFacts = z.infer<typeof ConnectionFacts>;

/** The statuses that the API returns. */
export const shownStatuses = ['unconfirmed', 'connected', 'error', 'disconnecting', 'disconnected'] as const;
const StatusName = openEnum([...shownStatuses, 'superseded', 'unseen', 'unwanted']);

/** A stored connection: the facts about one Terra user, its public ids and its status history. */
export const ConnectionRow = z.object({
  owner: z.string(),
  terraUserId: z.string(),
  sub: z.optional(z.string()),
  facts: ConnectionFacts,
  /** All public ids this connection had; the first is the current one. */
  ids: z.array(z.string()),
  /** The last status changes, oldest first. Loose, because the list is written whole and must keep fields of later versions. */
  history: z.array(z.looseObject({ at: z.number(), status: StatusName, reason: z.optional(z.string()) })),
  connectedAt: z.optional(z.number()),
  updatedAt: z.number(),
  version: z.number(),
  dueAt: z.optional(z.number()),
  purgeAt: z.optional(z.number()),
  /** Only if a later version wrote the row. */
  schema: z.optional(z.number()),
});
export type ConnectionRow = z.infer<typeof ConnectionRow>;

/**
 * The status that follows from a row's facts. `superseded`, `unseen` (no authentication known yet) and `unwanted` (a Terra user of
 * an erased owner that Terra may still have) are internal. `disconnecting` without a reason was decided by a later version,
 * for a reason that this one does not know; only a later version carries it out.
 */
export type ConnectionState =
  | { status: 'unseen' | 'unwanted' | 'superseded' | 'connected' }
  | { status: 'unconfirmed'; reason: 'awaiting_confirmation' | 'unsolicited' }
  | { status: 'error'; reason: 'provider_rejected' }
  | { status: 'disconnecting'; reason?: 'owner' | 'erased' | 'wrong_owner' | 'not_confirmed' }
  | {
      status: 'disconnected';
      reason: 'owner' | 'erased' | 'wrong_owner' | 'not_confirmed' | 'revoked' | 'deauthorised' | 'absent';
    };

/** Returns the public id of a Terra user's connection. It does not reveal the Terra user id and does not depend on the order of events. */
export function publicId(terraUserId: string): string {
  return createHash('sha256').update(`connection:${terraUserId}`).digest().subarray(0, 16).toString('base64url');
}

/** Merges facts: keeps the newest of each kind. Commutative, associative and idempotent. */
export function mergeFacts(a: ConnectionFacts, b: ConnectionFacts): ConnectionFacts {
  return withoutUndefined({
    provider: greatest(a.provider, b.provider, (x, y) => (x > y ? 1 : -1)),
    firstAuthAt: greatest(a.firstAuthAt, b.firstAuthAt, (x, y) => y - x),
    auth: newestAuthentication(a.auth, b.auth),
    proof: newest(a.proof, b.proof),
    gone: newest(a.gone, b.gone),
    error: newest(a.error, b.error),
    data: newest(a.data, b.data),
    reported: newest(a.reported, b.reported),
    missed: newest(a.missed, b.missed),
    seen: newest(a.seen, b.seen),
    scopes: newest(a.scopes, b.scopes),
    disconnect: newest(a.disconnect, b.disconnect),
    wrongOwner: newest(a.wrongOwner, b.wrongOwner),
    disproved: newest(a.disproved, b.disproved),
    attempt: newest(a.attempt, b.attempt),
    supersededBy: newest(a.supersededBy, b.supersededBy),
    standsAgain: a.standsAgain ?? b.standsAgain,
  });
}

type AuthenticationFact = NonNullable<ConnectionFacts['auth']>;

/**
 * Returns the newest authentication that an `auth` event or an answer reported, else the newest that a `user_reauth` reported: that
 * event comes in addition to an `auth` event, which says more, and would hide one that nothing requested.
 */
function newestAuthentication(
  a: AuthenticationFact | undefined,
  b: AuthenticationFact | undefined,
): AuthenticationFact | undefined {
  const isOnlyOneReauth = a && b && (a.via === REAUTH) !== (b.via === REAUTH);
  if (!isOnlyOneReauth) return newest(a, b);
  return a.via === REAUTH ? b : a;
}

/** Returns the facts of an authentication whose origin is `via`. */
export function authFacts(
  provider: string | undefined,
  at: Instant,
  via: string,
  scopes?: readonly string[],
  delivery?: DeliveryMark,
): ConnectionFacts {
  return withoutUndefined({
    provider: provider === undefined ? undefined : providerId(provider),
    firstAuthAt: at,
    auth: { at, via, ...(delivery && { delivery }) },
    scopes: scopes && { at, list: [...scopes] },
  });
}

/**
 * Computes the status from the facts. At equal times an end wins over an authentication. A proof counts only if it is newer than
 * the newest end and covers the newest authentication. `wrongOwner` is final.
 */
export function connectionState(facts: ConnectionFacts): ConnectionState {
  const { auth, gone, error, data, disconnect, wrongOwner } = facts;
  const decision = knownOf(disconnectReasons, disconnect?.reason);
  if (isSuperseded(facts)) return { status: 'superseded' };
  if (!auth) {
    const isUnwanted = disconnect && decision !== undefined && !(gone && gone.at >= disconnect.at);
    return { status: isUnwanted ? 'unwanted' : 'unseen' };
  }

  const ended = gone !== undefined && gone.at >= auth.at;
  if (wrongOwner) return { status: ended ? 'disconnected' : 'disconnecting', reason: 'wrong_owner' };

  const stopped = disconnect !== undefined && disconnect.at >= auth.at;
  if (ended) return { status: 'disconnected', reason: endReason(facts, stopped) };
  if (stopped) return { status: 'disconnecting', ...(decision !== undefined && { reason: decision }) };

  if (!isProved(facts)) {
    const isUnsolicited = isUnrequested(auth.via) || (facts.disproved !== undefined && facts.disproved.at >= auth.at);
    return { status: 'unconfirmed', reason: isUnsolicited ? 'unsolicited' : 'awaiting_confirmation' };
  }
  if (error && error.at > Math.max(auth.at, data?.at ?? 0)) return { status: 'error', reason: 'provider_rejected' };
  return { status: 'connected' };
}

/** Values of `via` for an authentication without an origin. `otherSession`: Terra named a widget session that is not ours. */
export const unrequested = { noSession: '', otherSession: 'elsewhere' } as const;
/** Value of `via` for an authentication known only from `user_reauth`. The `auth` event that also comes finds the origin. */
export const REAUTH = 'reauth';
/** Value of `via` for a connection that an operator imported from Terra. */
export const IMPORT = 'import';

export const isUnrequested = (via: string | undefined): boolean =>
  via === unrequested.noSession || via === unrequested.otherSession;

/** Returns whether `via` names a known origin. A value that only a later version knows does not count. */
export function isRequested(via: string): boolean {
  const kind = readItemKey(via)?.kind;
  return kind === 'session' || kind === 'mint' || via === REAUTH || via === IMPORT;
}

/** Returns whether the facts have a value that decides the status and that only a later version knows. */
export function isOfLaterVersion({ auth, gone, disconnect }: ConnectionFacts): boolean {
  return (
    (auth !== undefined && !isUnrequested(auth.via) && !isRequested(auth.via)) ||
    (gone !== undefined && knownOf(goneReasons, gone.reason) === undefined) ||
    (disconnect !== undefined && knownOf(disconnectReasons, disconnect.reason) === undefined)
  );
}

/**
 * Returns whether the proof counts: it is newer than every end, it was not disproved, and no later authentication without an
 * origin came. A phone authenticates again by itself, which its proof covers, unless Terra names a widget session.
 */
function isProved(facts: ConnectionFacts): boolean {
  const { auth, proof, gone, disconnect, disproved } = facts;
  if (!proof) return false;
  if (proof.at <= Math.max(gone?.at ?? 0, disconnect?.at ?? 0, disproved?.at ?? 0)) return false;
  const mayBeSilent = isPhone(facts) && auth?.via !== unrequested.otherSession;
  return mayBeSilent || auth === undefined || isRequested(auth.via) || auth.at <= proof.at;
}

/** Returns whether the user connected with the mobile SDK, which authenticates again by itself without a new token. */
export const isPhone = ({ proof, provider }: ConnectionFacts): boolean =>
  proof?.via.startsWith(itemKey.mint('')) === true || (provider !== undefined && providerKind(provider) === 'sdk');

export function isVisible(state: ConnectionState): boolean {
  return !['unseen', 'unwanted', 'superseded'].includes(state.status);
}

/** Returns whether Terra must still be asked to deauthenticate the user. */
export function needsDeauthentication(state: ConnectionState): boolean {
  return (state.status === 'disconnecting' && state.reason !== undefined) || state.status === 'unwanted';
}

/**
 * Returns whether Terra must be asked about a user, and was not asked since: no authentication is known although data came or
 * an unclear `auth` event was reported, or an authentication is known without its provider.
 */
export function needsLookup({ auth, provider, data, reported, missed, seen }: ConnectionFacts): boolean {
  const askedAt = Math.max(missed?.at ?? 0, seen?.at ?? 0);
  if (auth !== undefined) return provider === undefined && auth.at > askedAt;
  return Math.max(data?.at ?? 0, reported?.at ?? 0) > askedAt;
}

/** Returns whether another Terra user replaced this one. */
export const isSuperseded = ({ supersededBy, standsAgain }: ConnectionFacts): boolean =>
  supersededBy !== undefined && !standsAgain;

/** Returns whether the user was ended by an erasure and has not authenticated since. */
export function isErased({ auth, disconnect }: ConnectionFacts): boolean {
  return disconnect?.reason === 'erased' && disconnect.at >= (auth?.at ?? 0);
}

/** Returns whether the user's data reaches the app. */
export const isLiveState = ({ status }: ConnectionState): boolean => status === 'connected' || status === 'error';
export const isLive = (facts: ConnectionFacts): boolean => isLiveState(connectionState(facts));

export function sameState(a: ConnectionState, b: ConnectionState): boolean {
  return a.status === b.status && reasonOf(a) === reasonOf(b);
}

export const reasonOf = (state: ConnectionState): string | undefined => ('reason' in state ? state.reason : undefined);

function endReason({ disconnect, gone }: ConnectionFacts, stopped: boolean) {
  const decision = knownOf(disconnectReasons, disconnect?.reason);
  if (decision !== undefined && (stopped || gone?.reason === 'agreed')) return decision;
  const reason = knownOf(goneReasons, gone?.reason);
  return reason === undefined || reason === 'agreed' ? 'deauthorised' : reason;
}

function newest<F extends { at: Instant }>(a: F | undefined, b: F | undefined): F | undefined {
  return greatest(a, b, (x, y) => x.at - y.at || (valueText(x) >= valueText(y) ? 1 : -1));
}

/** Returns the fact without its time as text. It decides between facts of the same time, whatever their order. */
function valueText({ at: _, ...value }: { at: Instant }): string {
  return JSON.stringify(Object.values(value));
}

function greatest<V>(a: V | undefined, b: V | undefined, compare: (x: V, y: V) => number): V | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compare(a, b) >= 0 ? a : b;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(facts: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>;
}
