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
 * What is known of one Terra user, as facts that only grow: of each kind the newest counts (`firstAuthAt`: the oldest).
 * Times are Terra's where Terra told the fact, ours where we decided it.
 */
export const ConnectionFacts = z.object({
  provider: z.optional(z.string()),
  firstAuthAt: z.optional(z.number()),
  /**
   * Terra reported an authentication. `via`: the session or token that asked for it, or one of `unasked`, `reauth`, `import`.
   * `delivery`: of the event, if nothing of ours asked for it; else the session has it.
   */
  auth: z.optional(z.object({ at: z.number(), via: z.string(), delivery: z.optional(DeliveryMark) })),
  /** The owner was shown to be the person who finished, by that session or mint. */
  proof: z.optional(Via),
  /** Terra no longer has the user. `agreed`: Terra said so when we disconnected. */
  gone: z.optional(z.object({ at: z.number(), reason: openEnum(goneReasons) })),
  error: z.optional(At),
  /** Newest arrival of health data, up to the coalescing of `dataEvents`. */
  data: z.optional(At),
  /** Terra reported an authentication without saying that it succeeded: Terra has to be asked. `via`: one of `unasked`. */
  reported: z.optional(Via),
  /** A check of all Terra users missed this one, and found it again. Missed twice makes it gone. */
  missed: z.optional(At),
  seen: z.optional(At),
  scopes: z.optional(z.object({ at: z.number(), list: z.array(z.string()) })),
  /** We decided to disconnect. */
  disconnect: z.optional(z.object({ at: z.number(), reason: openEnum(disconnectReasons) })),
  wrongOwner: z.optional(At),
  /** A link was used twice, or refused before its return: no proof up to this time counts. */
  disproved: z.optional(At),
  /** Terra was last asked to deauthenticate the user. */
  attempt: z.optional(At),
  supersededBy: z.optional(z.object({ at: z.number(), terraUserId: z.string() })),
  /** Terra went back to this user: of those that gave way to each other in a circle it is the newest to be given the link. */
  standsAgain: z.optional(z.literal(true)),
});
export type ConnectionFacts = z.infer<typeof ConnectionFacts>;

/** The statuses that people see. */
export const shownStatuses = ['unconfirmed', 'connected', 'error', 'disconnecting', 'disconnected'] as const;
const StatusName = openEnum([...shownStatuses, 'superseded', 'unseen', 'unwanted']);

/** The stored row: facts, and beside them what people see of the past. */
export const ConnectionRow = z.object({
  owner: z.string(),
  terraUserId: z.string(),
  sub: z.optional(z.string()),
  facts: ConnectionFacts,
  /** Public ids this link was ever known by; the first is the one shown. */
  ids: z.array(z.string()),
  /** The last status changes, oldest first. The list is written whole, so it keeps what later versions note in it. */
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
 * What a row's facts amount to. Never shown or published are `superseded`, `unseen` (no authentication known yet) and
 * `unwanted` (a Terra user of an erased owner that Terra may still have). `disconnecting` without a reason: a later version
 * decided so for a reason that this one does not know, and only a later version carries it out.
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

/** The public id of a Terra user's connection: reveals nothing and is the same in any order of events. */
export function publicId(terraUserId: string): string {
  return createHash('sha256').update(`connection:${terraUserId}`).digest().subarray(0, 16).toString('base64url');
}

/** The facts of both, each at its greatest. Commutative, associative, idempotent: order and repetition cannot matter. */
export function mergeFacts(a: ConnectionFacts, b: ConnectionFacts): ConnectionFacts {
  return withoutUndefined({
    provider: greatest(a.provider, b.provider, (x, y) => (x > y ? 1 : -1)),
    firstAuthAt: greatest(a.firstAuthAt, b.firstAuthAt, (x, y) => y - x),
    auth: newest(a.auth, b.auth),
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

/** Facts of an authentication at `at` that `via` asked for. */
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
 * The status, a pure function of the facts. At equal times an end wins over an authentication.
 * A proof counts only if it is newer than the newest end and covers the newest authentication; a wrong owner is final.
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

/** In place of a session or token: nothing of ours asked for the authentication, whether or not Terra named a widget session. */
export const unrequested = { noSession: '', otherSession: 'elsewhere' } as const;
/** In place of a session or token: only `user_reauth` told of the authentication; an event of its own says what asked for it. */
export const REAUTH = 'reauth';
/** In place of a session or token: an operator took the connection over from Terra's list. */
export const IMPORT = 'import';

/** Returns whether a `via` says that nothing of ours asked for the authentication. */
export const isUnrequested = (via: string | undefined): boolean =>
  via === unrequested.noSession || via === unrequested.otherSession;

/** Returns whether a `via` names something of ours that asked for the authentication. A later version's word for it does not count. */
export function isRequested(via: string): boolean {
  const kind = readItemKey(via)?.kind;
  return kind === 'session' || kind === 'mint' || via === REAUTH || via === IMPORT;
}

/** Returns whether facts have a value that this version does not know and that decides something. */
export function isOfLaterVersion({ auth, gone, disconnect }: ConnectionFacts): boolean {
  return (
    (auth !== undefined && !isUnrequested(auth.via) && !isRequested(auth.via)) ||
    (gone !== undefined && knownOf(goneReasons, gone.reason) === undefined) ||
    (disconnect !== undefined && knownOf(disconnectReasons, disconnect.reason) === undefined)
  );
}

/**
 * Returns whether the owner's proof covers what is known: it is newer than every end and was not disproved, and no later
 * authentication came that nothing of ours asked for. A phone authenticates again by itself; its proof covers that, but no
 * authentication for which Terra names a widget session.
 */
function isProved(facts: ConnectionFacts): boolean {
  const { auth, proof, gone, disconnect, disproved } = facts;
  if (!proof) return false;
  if (proof.at <= Math.max(gone?.at ?? 0, disconnect?.at ?? 0, disproved?.at ?? 0)) return false;
  const mayBeSilent = isPhone(facts) && auth?.via !== unrequested.otherSession;
  return mayBeSilent || auth === undefined || isRequested(auth.via) || auth.at <= proof.at;
}

/** Returns whether the user connected with the mobile SDK: it then authenticates again by itself, without a new token. */
export const isPhone = ({ proof, provider }: ConnectionFacts): boolean =>
  proof?.via.startsWith(itemKey.mint('')) === true || (provider !== undefined && providerKind(provider) === 'sdk');

/** Whether the row stands for something people may see. */
export function isVisible(state: ConnectionState): boolean {
  return !['unseen', 'unwanted', 'superseded'].includes(state.status);
}

/** Whether Terra must still be asked to deauthenticate the user. */
export function needsDeauthentication(state: ConnectionState): boolean {
  return (state.status === 'disconnecting' && state.reason !== undefined) || state.status === 'unwanted';
}

/**
 * Returns whether Terra must be asked about a user, and was not asked since: data came, or an authentication was reported
 * unclearly, and no authentication is known; or one is known, but not its provider.
 */
export function needsLookup({ auth, provider, data, reported, missed, seen }: ConnectionFacts): boolean {
  const askedAt = Math.max(missed?.at ?? 0, seen?.at ?? 0);
  if (auth !== undefined) return provider === undefined && auth.at > askedAt;
  return Math.max(data?.at ?? 0, reported?.at ?? 0) > askedAt;
}

/** Whether another Terra user stands for the link now. */
export const isSuperseded = ({ supersededBy, standsAgain }: ConnectionFacts): boolean =>
  supersededBy !== undefined && !standsAgain;

/** Whether the user was ended with all of an erased owner's, and has not been his again since. */
export function isErased({ auth, disconnect }: ConnectionFacts): boolean {
  return disconnect?.reason === 'erased' && disconnect.at >= (auth?.at ?? 0);
}

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

/** What a fact says beside its time, for telling equal times apart the same way in any order. */
function valueText({ at: _, ...value }: { at: Instant }): string {
  return JSON.stringify(Object.values(value));
}

function greatest<V>(a: V | undefined, b: V | undefined, compare: (x: V, y: V) => number): V | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compare(a, b) >= 0 ? a : b;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The same object without its undefined members, so that equal facts are equal as JSON and in the table. */
function withoutUndefined<T extends object>(facts: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>;
}
