import { isDeepStrictEqual } from 'node:util';
import { backOff } from './back-off';
import { DAY, type Instant, MINUTE, SECOND } from '../platform/clock';
import {
  authFacts,
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  isErased,
  isLiveState,
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

type UserFacts = Pick<ConnectionRow, 'terraUserId' | 'facts'>;

const HISTORY_LENGTH = 20;
const IDS_KEPT = 8;
const KEEP_ENDED = 90 * DAY;
/** How long this version waits before it looks again at a row that only a later version can decide about. */
export const LATER_VERSION_RETRY = 10 * MINUTE;
/** Terra deletes a superseded user, and reports the last events of it within days. */
const KEEP_SUPERSEDED = 7 * DAY;

/**
 * Returns the connection rows that change when the facts of an owner's sessions, tokens and `updates` are applied. Pure. All
 * sessions and tokens are projected each time, so the next call also completes a write that a crash interrupted. A row comes
 * before the rows that it superseded.
 */
export function projectConnections(
  records: OwnerRecords,
  updates: FactUpdates,
  now: Instant,
  rules: Rules,
): RowChange[] {
  const stored = new Map(records.connections.map(row => [row.terraUserId, row]));
  const { facts, positions } = collectFacts(records, updates, rules);
  const sub = [...records.sessions, ...records.tokenRecords, ...records.connections].find(row => row.sub)?.sub;
  const changes: RowChange[] = [];
  const linkedIds = new Set([...positions.keys()].map(publicId));
  const isAtLimit = records.connections.length >= OWNER_ROWS;
  const isFull = isAtLimit && countRetained(records) >= OWNER_ROWS;

  for (const [terraUserId, known] of facts) {
    const row = stored.get(terraUserId);
    const position = positions.get(terraUserId);
    const ids = idsOf(terraUserId, row, position, stored, linkedIds);
    if (row && ids === row.ids && (known === row.facts || isDeepStrictEqual(known, row.facts))) continue;
    const predecessors = (position?.predecessors ?? []).flatMap(id => stored.get(id) ?? []);
    const isOverLimit = isFull && !row && isRefusable({ terraUserId, facts: known }, records.sessions, rules);
    const limited = isOverLimit ? mergeFacts(known, notConfirmedFacts(known, now)) : known;
    const next = nextRow({ owner: records.owner, terraUserId, sub, facts: limited, ids }, row, predecessors, now);
    const due = withSchedule(next, records.sessions, now, rules);
    // The sweep deletes it to make room.
    const placed = isAtLimit && isDeletable(due.facts) ? { ...due, dueAt: now + MINUTE } : due;
    changes.push({ row: placed, before: row });
  }
  return changes.toSorted((a, b) => Number(isSuperseded(a.row.facts)) - Number(isSuperseded(b.row.facts)));
}

/**
 * Returns the public ids of a row. The first is the current one: that of the first Terra user in the chain. If that user's row
 * was purged, a later row of the chain has its id. The others are the row's own id and earlier ids.
 */
function idsOf(
  terraUserId: string,
  row: ConnectionRow | undefined,
  position: ChainPosition | undefined,
  stored: ReadonlyMap<string, ConnectionRow>,
  linkedIds: ReadonlySet<string>,
): string[] {
  const start = position?.start ?? terraUserId;
  const known = stored.get(start)?.ids[0];
  const isPurged = known !== undefined && !linkedIds.has(known);
  const first = isPurged ? known : publicId(start);
  if (row?.ids[0] === first) return row.ids;
  return [...new Set([first, ...(row?.ids ?? [publicId(terraUserId)])])].slice(0, IDS_KEPT);
}

/**
 * Returns whether a new Terra user is disconnected at once if the owner has `OWNER_ROWS` connections: it authenticated without
 * a proof. The owner can connect it again later, while deleting an older connection instead could not be undone.
 */
const isRefusable = (user: UserFacts, sessions: readonly SessionRow[], rules: Rules) =>
  connectionState(user.facts).status === 'unconfirmed' && confirmDeadline(user, sessions, rules) !== undefined;

const notConfirmedFacts = ({ auth }: ConnectionFacts, now: Instant): ConnectionFacts => ({
  disconnect: { at: Math.max(now, auth?.at ?? 0), reason: 'not_confirmed' },
});

/** Returns the row with `dueAt` (when the sweep must process it) and `purgeAt` (when DynamoDB may delete it). */
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

/** Returns the next `dueAt` of a row that a later version made due for a reason that this version does not know. */
export function laterVersionDueAt(row: { dueAt?: number | undefined; schema?: number | undefined }, now: Instant) {
  if (row.dueAt === undefined || !isOfLaterSchema(row)) return undefined;
  return row.dueAt > now ? row.dueAt : now + LATER_VERSION_RETRY;
}

/**
 * Returns whether only a later version can decide what happens to the row: this version does not know the reason for its
 * disconnection, the origin of its authentication or the flow of its session.
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
      // Rows of an erased owner are deleted even after they ended. The sweep does it if their writer crashed.
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

/** Returns all facts by Terra user: stored, implied by sessions and tokens, from `updates`, and inherited from predecessors. */
function collectFacts(
  records: OwnerRecords,
  updates: FactUpdates,
  rules: Rules,
): { facts: FactsByUser; positions: Map<string, ChainPosition> } {
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
  // The stored facts of these users cannot be read, so no row can be computed.
  for (const { item } of records.unreadable) facts.delete(terraUserOf(item) ?? '');

  const positions = chainPositions(facts, rules.confirmation === 'off');
  for (const [terraUserId, { inherited, standsAgain }] of positions) {
    const { standsAgain: _, ...known } = mergeFacts(facts.get(terraUserId) ?? {}, inherited);
    facts.set(terraUserId, standsAgain ? { ...known, standsAgain } : known);
  }
  return { facts, positions };
}

/** Returns the connection facts that a session implies for one Terra user. */
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

type NewRow = Pick<ConnectionRow, 'owner' | 'terraUserId' | 'facts' | 'ids'> & { sub: string | undefined };

function nextRow(
  known: NewRow,
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
  const connectedAtOf = (rows: readonly ConnectionRow[]) => rows.find(each => each.connectedAt)?.connectedAt;
  const isNewlyConnected = is.status === 'connected' && !isLiveState(was);
  // A connection that continues under a new Terra user keeps the time of its predecessor.
  const since = isNewlyConnected ? (connectedAtOf(before) ?? now) : connectedAtOf(past);
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

/**
 * Returns the session that can prove an unconfirmed row: the one in which its Terra user authenticated, else an open one whose
 * browser returned with that user.
 */
export function waitingSession(
  { terraUserId, facts }: UserFacts,
  sessions: readonly SessionRow[],
  rules: Rules,
): SessionRow | undefined {
  return (
    sessions.find(({ id }) => facts.auth?.via === itemKey.session(id)) ??
    sessions.find(each => each.returned?.terraUserId === terraUserId && isOpen(each, rules.confirmation))
  );
}

/**
 * Returns the time until which an unconfirmed row waits for its proof. Undefined if this deployment must not end the Terra
 * user: with `referenceId: "subject"`, an authentication without an origin may belong to another program.
 */
export function confirmDeadline(row: UserFacts, sessions: readonly SessionRow[], rules: Rules): Instant | undefined {
  const { at = 0, via = '' } = row.facts.auth ?? {};
  const session = waitingSession(row, sessions, rules);
  if (isUnrequested(via) && !session && rules.referenceId === 'subject') return undefined;
  const sessionEnds =
    session && isOpen(session, rules.confirmation) ? closesAt(session, rules.confirmation) : session?.finishBy;
  return Math.max(at + rules.confirmWithin, sessionEnds ?? 0);
}

/** Returns since when deauthentication has failed; undefined if it has not been attempted since the decision. */
export function failingSince({ wrongOwner, disconnect, attempt }: ConnectionFacts): Instant | undefined {
  const since = (wrongOwner ?? disconnect)?.at;
  return attempt && since !== undefined && attempt.at >= since ? since : undefined;
}

function nextAttemptAt(facts: ConnectionFacts, now: Instant): Instant {
  const since = failingSince(facts);
  const at = facts.attempt?.at ?? now;
  return since === undefined ? now : at + backOff(since, at);
}

/** Removes repeated values. Compares them as JSON with sorted keys, because rows store them with any order of keys. */
function uniqueByJson<T>(values: readonly T[]): T[] {
  const sortKeys = (_key: string, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each;
  return [...new Map(values.map(value => [JSON.stringify(value, sortKeys), value])).values()];
}
