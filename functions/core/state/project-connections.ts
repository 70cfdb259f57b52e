import { isDeepStrictEqual } from 'node:util';
import { backOff } from './back-off';
import { DAY, type Instant, MINUTE, SECOND } from '../platform/clock';
import {
  authFacts,
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  isErased,
  isOfLaterVersion,
  isSuperseded,
  isUnrequested,
  mergeFacts,
  needsLookup,
  publicId,
  reasonOf,
  sameState,
} from './connection';
import {
  countRetained,
  type FactUpdates,
  isDeletable,
  OWNER_ROWS,
  type OwnerRecords,
  type RowChange,
  terraUserOf,
} from './owner-records';
import { type ChainPosition, chainPositions, type FactsByUser } from './replacements';
import type { Rules } from './rules';
import {
  closesAt,
  flowOf,
  isOpen,
  isRefused,
  isUsedTwice,
  mayBelongToAnotherSession,
  proves,
  type SessionRow,
} from './session';
import type { TokenRecord } from './token-record';
import { isOfLaterSchema, itemKey } from '../store/table';

const HISTORY_LENGTH = 20;
const IDS_KEPT = 8;
const KEEP_ENDED = 90 * DAY;
/** How long this version waits before it looks again at a row that only a later version can decide about. */
export const LATER_VERSION_RETRY = 10 * MINUTE;
/** Terra deletes a superseded user, and reports the last events of it within days. */
const KEEP_SUPERSEDED = 7 * DAY;

/**
 * Returns the connection rows that an owner's sessions, tokens and new facts imply and that differ from the stored ones; pure.
 * Sessions and tokens are projected anew each time, so that the next look completes what a crash left half done. The latest
 * row of a chain comes before those it superseded.
 */
export function projectConnections(
  records: OwnerRecords,
  updates: FactUpdates,
  now: Instant,
  rules: Rules,
): RowChange[] {
  const stored = new Map(records.connections.map(row => [row.terraUserId, row]));
  const { facts, places } = collectFacts(records, updates, rules);
  const sub = [...records.sessions, ...records.tokenRecords, ...records.connections].find(row => row.sub)?.sub;
  const changes: RowChange[] = [];
  const linkedIds = new Set([...places.keys()].map(publicId));
  const isAtLimit = records.connections.length >= OWNER_ROWS;
  const isFull = isAtLimit && countRetained(records) >= OWNER_ROWS;

  for (const [terraUserId, known] of facts) {
    const row = stored.get(terraUserId);
    const place = places.get(terraUserId);
    const ids = idsOf(terraUserId, row, place, stored, linkedIds);
    if (row && ids === row.ids && (known === row.facts || isDeepStrictEqual(known, row.facts))) continue;
    const predecessors = (place?.predecessors ?? []).flatMap(id => stored.get(id) ?? []);
    const isOverLimit = isFull && !row && isRefusable({ terraUserId, facts: known }, records.sessions, rules);
    const limited = isOverLimit ? mergeFacts(known, notConfirmedFacts(known, now)) : known;
    const next = nextRow({ owner: records.owner, terraUserId, sub, facts: limited, ids }, row, predecessors, now);
    const due = withSchedule(next, records.sessions, now, rules);
    // The sweep makes room.
    const placed = isAtLimit && isDeletable(due.facts) ? { ...due, dueAt: now + MINUTE } : due;
    changes.push({ row: placed, before: row });
  }
  return changes.toSorted((a, b) => Number(isSuperseded(a.row.facts)) - Number(isSuperseded(b.row.facts)));
}

/**
 * The public ids of a row: the one it is shown under, which is that of the user its link began with, then its own and others
 * it was shown under before. A row that the link began with may bear the id of a user whose row is purged by now.
 */
function idsOf(
  terraUserId: string,
  row: ConnectionRow | undefined,
  place: ChainPosition | undefined,
  stored: ReadonlyMap<string, ConnectionRow>,
  linkedIds: ReadonlySet<string>,
): string[] {
  const start = place?.start ?? terraUserId;
  const known = stored.get(start)?.ids[0];
  const isPurged = known !== undefined && !linkedIds.has(known);
  const first = isPurged ? known : publicId(start);
  if (row?.ids[0] === first) return row.ids;
  return [...new Set([first, ...(row?.ids ?? [publicId(terraUserId)])])].slice(0, IDS_KEPT);
}

/**
 * Returns whether a Terra user is refused if the owner has as many connections as are kept: it authenticated, and nothing proves
 * it. Ending it is safe, as the owner can connect again; dropping an old connection for it would not be.
 */
const isRefusable = (
  user: Pick<ConnectionRow, 'terraUserId' | 'facts'>,
  sessions: readonly SessionRow[],
  rules: Rules,
) => connectionState(user.facts).status === 'unconfirmed' && confirmDeadline(user, sessions, rules) !== undefined;

const notConfirmedFacts = ({ auth }: ConnectionFacts, now: Instant): ConnectionFacts => ({
  disconnect: { at: Math.max(now, auth?.at ?? 0), reason: 'not_confirmed' },
});

/** The row with the times that follow from it: when the sweep looks at it, and when it may be forgotten. */
export function withSchedule(
  row: ConnectionRow,
  sessions: readonly SessionRow[],
  now: Instant,
  rules: Rules,
): ConnectionRow {
  const next = scheduleOf(row, sessions, now, rules);
  if (needsLaterVersion(row, sessions, rules)) {
    const { purgeAt: _, ...kept } = next;
    return { ...kept, dueAt: now + LATER_VERSION_RETRY };
  }
  const dueAt = next.dueAt ?? laterVersionDueAt(row, now);
  return { ...next, ...(dueAt !== undefined && { dueAt }) };
}

/** When a row is looked at that a later version wants looked at, for a reason that this one does not know. */
export function laterVersionDueAt(row: { dueAt?: number | undefined; schema?: number | undefined }, now: Instant) {
  if (row.dueAt === undefined || !isOfLaterSchema(row)) return undefined;
  return row.dueAt > now ? row.dueAt : now + LATER_VERSION_RETRY;
}

/**
 * Returns whether only a later version can decide what happens to the row: it has ended it for a reason, or knows what asked
 * for its authentication, or has a session for it, that this version does not know.
 */
export function needsLaterVersion(row: ConnectionRow, sessions: readonly SessionRow[], rules: Rules): boolean {
  const state = connectionState(row.facts);
  if (state.status === 'disconnecting') return state.reason === undefined;
  if (!['unconfirmed', 'unseen'].includes(state.status)) return false;
  const session = waitingSession(row, sessions, rules);
  return isOfLaterVersion(row.facts) || (session !== undefined && flowOf(session) === undefined);
}

function scheduleOf(row: ConnectionRow, sessions: readonly SessionRow[], now: Instant, rules: Rules): ConnectionRow {
  const { dueAt: _due, purgeAt: _purge, ...rest } = row;
  const state = connectionState(row.facts);
  const askAt = needsLookup(row.facts) ? now + MINUTE : undefined;
  switch (state.status) {
    case 'unconfirmed': {
      const dueAt = askAt ?? confirmDeadline(row, sessions, rules);
      return { ...rest, ...(dueAt !== undefined && { dueAt }) };
    }
    case 'disconnecting':
    case 'unwanted':
      return { ...rest, dueAt: nextAttemptAt(row.facts, now) };
    case 'disconnected':
    case 'superseded':
    case 'unseen': {
      const kept = state.status === 'superseded' ? KEEP_SUPERSEDED : KEEP_ENDED;
      const purgeAt = Math.ceil((now + kept) / SECOND);
      // Of an erased owner not even the ended rows are kept; the sweep deletes what its writer did not.
      if (isErased(row.facts)) return { ...rest, purgeAt, dueAt: now + MINUTE };
      const { data, reported } = row.facts;
      const isAsked = state.status === 'unseen' && needsLookup(row.facts);
      const since = Math.max(data?.at ?? 0, reported?.at ?? 0);
      return isAsked ? { ...rest, purgeAt, dueAt: now + backOff(since, now) } : { ...rest, purgeAt };
    }
    case 'connected':
    case 'error':
      return { ...rest, ...(askAt !== undefined && { dueAt: askAt }) };
    default:
      return state satisfies never;
  }
}

/** All facts there are, by Terra user: stored ones, what sessions and tokens imply, the new ones, and what is inherited. */
function collectFacts(
  records: OwnerRecords,
  updates: FactUpdates,
  rules: Rules,
): { facts: FactsByUser; places: Map<string, ChainPosition> } {
  const facts: FactsByUser = new Map(records.connections.map(row => [row.terraUserId, row.facts]));
  const add = (terraUserId: string, more: ConnectionFacts) =>
    facts.set(terraUserId, mergeFacts(facts.get(terraUserId) ?? {}, more));

  for (const session of records.sessions) {
    for (const terraUserId of Object.keys(session.authorised))
      add(terraUserId, sessionFacts(session, terraUserId, records, rules));
  }
  for (const tokenRecord of records.tokenRecords) {
    if (tokenRecord.usedBy) add(tokenRecord.usedBy.terraUserId, tokenRecordFacts(tokenRecord, tokenRecord.usedBy));
  }
  for (const [terraUserId, more] of updates) add(terraUserId, more);
  // Of these only a part is known, and nobody can write it down.
  for (const { item } of records.unreadable) facts.delete(terraUserOf(item) ?? '');

  const places = chainPositions(facts, rules.confirmation === 'off');
  for (const [terraUserId, { inherited, standsAgain }] of places) {
    const { standsAgain: _, ...known } = mergeFacts(facts.get(terraUserId) ?? {}, inherited);
    facts.set(terraUserId, standsAgain ? { ...known, standsAgain } : known);
  }
  return { facts, places };
}

/** Returns the connection facts that a session of the partition implies for one Terra user. */
export function sessionFacts(
  session: SessionRow,
  terraUserId: string,
  records: Pick<OwnerRecords, 'sessions' | 'erasure'>,
  rules: Rules,
): ConnectionFacts {
  const authorised = session.authorised[terraUserId];
  if (!authorised) return {};
  const via = itemKey.session(session.id);
  const finishedByAnother = session.wrongOwner && session.returned?.terraUserId === terraUserId;
  const isRedeemed = session.redeemed !== undefined && session.returned?.terraUserId === terraUserId;
  const isDisproved =
    rules.confirmation === 'required' &&
    flowOf(session) !== undefined &&
    (isUsedTwice(session, terraUserId) ||
      (isRedeemed && (isRefused(session, terraUserId) || mayBelongToAnotherSession(session, terraUserId, records))));
  return {
    ...authFacts(authorised.provider, authorised.at, via, authorised.scopes),
    ...(proves(session, terraUserId, rules.confirmation) && { proof: { at: authorised.at, via } }),
    ...(finishedByAnother && { wrongOwner: session.wrongOwner }),
    ...(isDisproved && { disproved: { at: Math.max(authorised.lastAuthAt ?? 0, authorised.at) } }),
  };
}

function tokenRecordFacts(
  tokenRecord: TokenRecord,
  { at, provider }: { at: Instant; provider: string },
): ConnectionFacts {
  const via = itemKey.mint(tokenRecord.id);
  return { ...authFacts(provider, at, via), proof: { at, via } };
}

type Known = Pick<ConnectionRow, 'owner' | 'terraUserId' | 'facts' | 'ids'> & { sub: string | undefined };

function nextRow(
  known: Known,
  row: ConnectionRow | undefined,
  before: readonly ConnectionRow[],
  now: Instant,
): ConnectionRow {
  const { sub, ...rest } = known;
  const was = row ? connectionState(row.facts) : ({ status: 'unseen' } as const);
  const is = connectionState(known.facts);
  const reason = reasonOf(is);
  const change = sameState(was, is) ? [] : [{ at: now, status: is.status, ...(reason !== undefined && { reason }) }];
  const past = [...before, ...(row ? [row] : [])];
  const history = uniqueByJson(past.flatMap(each => each.history)).toSorted((a, b) => a.at - b.at);
  const connectedAt = past.find(each => each.connectedAt !== undefined)?.connectedAt;
  const since = is.status === 'connected' && !isLive(was.status) ? (connectedBefore(before) ?? now) : connectedAt;
  return {
    ...rest,
    ...(sub !== undefined && { sub }),
    history: [...history, ...change].slice(-HISTORY_LENGTH),
    ...(since !== undefined && { connectedAt: since }),
    updatedAt: now,
    version: Math.max(now, ...past.map(each => each.version + 1)),
    ...(row?.schema !== undefined && { schema: row.schema }),
    ...(row?.dueAt !== undefined && { dueAt: row.dueAt }),
  };
}

/** A link that goes on under a new Terra user is connected since its predecessor was. */
function connectedBefore(before: readonly ConnectionRow[]): Instant | undefined {
  return before.find(row => row.connectedAt !== undefined)?.connectedAt;
}

const isLive = (status: string): boolean => status === 'connected' || status === 'error';

/**
 * The session that an unconfirmed row waits for: the one it authenticated in, else an open one whose browser returned with
 * this Terra user.
 */
export function waitingSession(
  { terraUserId, facts }: Pick<ConnectionRow, 'terraUserId' | 'facts'>,
  sessions: readonly SessionRow[],
  rules: Rules,
): SessionRow | undefined {
  return (
    sessions.find(({ id }) => facts.auth?.via === itemKey.session(id)) ??
    sessions.find(each => each.returned?.terraUserId === terraUserId && isOpen(each, rules.confirmation))
  );
}

/**
 * Until when an unconfirmed row may wait for its proof; undefined if it is not ours to end: with reference ids of the team's
 * own, a Terra user that nothing of ours asked for.
 */
export function confirmDeadline(
  row: Pick<ConnectionRow, 'terraUserId' | 'facts'>,
  sessions: readonly SessionRow[],
  rules: Rules,
): Instant | undefined {
  const { at = 0, via = '' } = row.facts.auth ?? {};
  const session = waitingSession(row, sessions, rules);
  if (isUnrequested(via) && !session && rules.referenceId === 'subject') return undefined;
  const sessionEnds =
    session && isOpen(session, rules.confirmation) ? closesAt(session, rules.confirmation) : session?.finishBy;
  return Math.max(at + rules.confirmWithin, sessionEnds ?? 0);
}

/** Returns since when Terra has been asked in vain to deauthenticate the user; undefined if it has not been asked since. */
export function failingSince({ wrongOwner, disconnect, attempt }: ConnectionFacts): Instant | undefined {
  const since = (wrongOwner ?? disconnect)?.at;
  return attempt && since !== undefined && attempt.at >= since ? since : undefined;
}

function nextAttemptAt(facts: ConnectionFacts, now: Instant): Instant {
  const since = failingSince(facts);
  const at = facts.attempt?.at ?? now;
  return since === undefined ? now : at + backOff(since, at);
}

/** JSON with object keys in order, so that equal values have equal text whatever order they were stored in. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function uniqueByJson<T>(values: readonly T[]): T[] {
  return [...new Map(values.map(value => [canonicalJson(value), value])).values()];
}
