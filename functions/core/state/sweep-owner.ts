import { backOff } from './back-off';
import { HOUR, type Instant, MINUTE } from '../platform/clock';
import {
  authFacts,
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  needsDeauthentication,
  needsLookup,
  unrequested,
} from './connection';
import { mayBeOfTokenRecord } from './correlate';
import { decidedAt, endConnection } from './end-connection';
import { type EraseDeps, eraseOwner, erasureDueAt, removeErased } from './erasure';
import type { Problem } from '../http/errors';
import { completeReturn } from './look-up';
import {
  connectionOf,
  isDeletable,
  type FactUpdates,
  OWNER_ROWS,
  type OwnerRecords,
  withSession,
} from './owner-records';
import {
  confirmDeadline,
  failingSince,
  needsLaterVersion,
  LATER_VERSION_RETRY,
  laterVersionDueAt,
  withSchedule,
  waitingSession,
} from './project-connections';
import { providerKind } from '../terra/providers';
import { NO_FACT_UPDATES, factUpdateOf, record } from './record';
import { type RecordedAuthentication, recordAuthentication } from './record-authentication';
import type { Rules } from './rules';
import { closesAt, flowOf, isOpen, purgeTimeOnClose, type SessionRow, sessionDueAt, userToLookUp } from './session';
import type { DueKey } from '../store/store';
import { itemKey, numberOf } from '../store/table';
import type { Terra, TerraProvider, TerraUser } from '../terra/terra';
import { noLaterThan } from '../terra/terra-user';
import type { ErasureRow } from './tombstone';
import { isOfTerra, isOutage, type Turn } from './turn';

export type SweepDeps = EraseDeps & {
  terra: Pick<Terra, 'findUser' | 'deauthenticate'>;
  /** Terra's catalogue. */
  offered: () => Promise<TerraProvider[]>;
  alarm: (name: 'disconnect_overdue' | 'owner_full') => void;
};

/** The result of a sweep of one owner. */
export type Swept = {
  looked: number;
  closed: number;
  disconnected: number;
  /** How often Terra refused a request about a user of the owner. */
  refused: number;
  /** Rows for which Terra failed to answer, as stored now. */
  unanswered: DueRow[];
  /** Set if work was left for a later turn. `failingSince`: the oldest time since when Terra fails for one of its users. */
  left: { needsTime: boolean; failingSince: Instant | undefined } | undefined;
};

/** An owner with rows that are due. */
export type DueOwner = { owner: string; keys: DueKey[] };

/** A due row, as `Store.reschedule` takes it. */
export type DueRow = { item: string; row: { owner: string; version: number } };

/** In pass `first`, users for whom Terra failed before are left for pass `last`, so that they do not delay others. */
export type Pass = 'first' | 'last';

type Sweeping = SweepDeps & { turn: Turn; pass: Pass; swept: Swept; waiting: Set<string>; unknown: Set<string> };

/** When the sweep looks again at a row that could be deleted to make room, but that a session would create again. */
const DELETABLE_RETRY = 6 * HOUR;
/** The minimum delay before a row is swept again. */
const LOOK_AGAIN = MINUTE;
/** Raises an alarm if Terra has not agreed to a deauthentication after this time. */
const OVERDUE = 15 * MINUTE;
/** An older erasure was tried before. */
const FIRST_TRY_WITHIN = 2 * MINUTE;
/** When the sweep looks again at a due row that it could not read. */
export const UNREADABLE_AGAIN = 15 * MINUTE;

/**
 * Processes the due rows of one owner: looks up missing authentications, closes sessions, ends unconfirmed connections and repeats
 * failed deauthentications. Starts nothing new when the turn's time is over, and does not call Terra after a failure. Unfinished
 * rows stay due.
 */
export async function sweepOwner(
  { owner, keys }: DueOwner,
  pass: Pass,
  turn: Turn,
  sweepDeps: SweepDeps,
): Promise<Swept> {
  const now = sweepDeps.clock();
  const swept: Swept = { looked: 0, closed: 0, disconnected: 0, refused: 0, unanswered: [], left: undefined };
  const [waiting, unknown] = [new Set<string>(), new Set<string>()];
  const terra = {
    findUser: (id: string, patience?: Instant) => turn.ask(() => sweepDeps.terra.findUser(id, patience)),
    deauthenticate: (id: string) => turn.ask(() => sweepDeps.terra.deauthenticate(id)),
  };
  const deps = { ...sweepDeps, terra, offered: () => turn.ask(sweepDeps.offered), turn, pass, swept, waiting, unknown };
  let records = await deps.store.load(owner);
  const unreadable = keys.filter(({ item }) => !itemsOf(records).has(item));

  for (const session of records.sessions.filter(isDue(now))) {
    const completed = await sweepSession(session, records, now, deps);
    records = withSession(records, completed);
  }
  ({ records } = await record(records, () => NO_FACT_UPDATES, deps));
  const lastAskedAt = ({ facts }: ConnectionRow) => facts.attempt?.at ?? 0;
  for (const row of records.connections.filter(isDue(now)).toSorted((a, b) => lastAskedAt(a) - lastAskedAt(b))) {
    records = await sweepConnection(row, records, deps);
    await removeErased(records, row.terraUserId, deps);
  }
  records = await makeRoom(records, deps);
  if (records.erasure && isDue(now)(records.erasure)) await sweepErasure(records, records.erasure, deps);
  await rescheduleDue(records, now, deps);
  for (const key of unreadable) await deps.store.postpone(key, now + UNREADABLE_AGAIN);
  return swept;
}

/** Returns the sort keys of all rows that can be due. */
function itemsOf({ sessions, tokenRecords, connections, erasure }: OwnerRecords): Set<string> {
  return new Set([
    ...sessions.map(({ id }) => itemKey.session(id)),
    ...tokenRecords.map(({ id }) => itemKey.mint(id)),
    ...connections.map(({ terraUserId }) => itemKey.connection(terraUserId)),
    ...(erasure ? [itemKey.erasure] : []),
  ]);
}

/** Leaves a row due for a later turn. */
function deferRow(item: string, { turn, swept, waiting }: Sweeping, since?: Instant): void {
  waiting.add(item);
  const { needsTime = false, failingSince: known } = swept.left ?? {};
  const oldest = since === undefined || known === undefined ? (since ?? known) : Math.min(since, known);
  swept.left = { needsTime: needsTime || !turn.hasTime(), failingSince: oldest };
}

/** Counts an error of Terra's. Whether an outage was one of all Terra or of one user is known only at the end of the run. */
function countFailure(problem: Problem, due: DueRow, { swept }: Sweeping): void {
  if (isOutage(problem)) swept.unanswered.push(due);
  else swept.refused++;
}

/**
 * Looks up a missing authentication, and closes the session if nothing can complete it. A session with an unknown returned user is
 * closed only after Terra answered, because Terra may have that user. Returns the new session.
 */
async function sweepSession(
  session: SessionRow,
  records: OwnerRecords,
  now: Instant,
  deps: Sweeping,
): Promise<SessionRow> {
  const { confirmation } = deps.rules;
  if (flowOf(session) === undefined) return session;
  const item = itemKey.session(session.id);
  const terraUserId = session.closed ? undefined : (session.returned?.terraUserId ?? userToLookUp(session));
  const isLastLook = now > closesAt(session, confirmation);
  const isAsked = isLastLook || confirmation === 'off' || (session.redeemed ?? session.wrongOwner) !== undefined;
  const isUnanswered = userToLookUp(session) !== undefined;
  if (!deps.turn.hasTime() || (isAsked && isUnanswered && !deps.turn.mayAsk())) {
    deferRow(item, deps);
    return session;
  }
  let current = session;
  if (terraUserId !== undefined && isAsked) {
    if (isUnanswered) deps.swept.looked++;
    try {
      current = await completeReturn(session, terraUserId, records, undefined, deps);
    } catch (error) {
      if (!isOfTerra(error)) throw error;
      countFailure(error, { item, row: session }, deps);
      return session;
    }
  }
  if (!isOpen(current, confirmation) || now <= closesAt(current, confirmation)) return current;
  const purgeAt = purgeTimeOnClose(current, now);
  const fact = { kind: 'closed', at: now, version: current.version, purgeAt } as const;
  const stored = await deps.store.addSessionFact(current.owner, current.id, fact, undefined);
  if (stored.written) deps.swept.closed++;
  return stored.session ?? current;
}

async function sweepConnection(row: ConnectionRow, records: OwnerRecords, deps: Sweeping): Promise<OwnerRecords> {
  if (needsLaterVersion(row, records.sessions, deps.rules)) return records;
  const { terraUserId } = row;
  const item = itemKey.connection(terraUserId);
  const since = needsDeauthentication(connectionState(row.facts)) ? failingSince(row.facts) : undefined;
  if (!deps.turn.hasTime() || (since !== undefined && deps.pass === 'first')) {
    deferRow(item, deps, since);
    return records;
  }
  const identified = await identify(row, records, deps);
  if (identified === 'unknown') {
    deps.unknown.add(item);
    return records;
  }
  const decide = (now: ConnectionRow | undefined, current: OwnerRecords) => now && sweepDecision(now, current, deps);
  if (!deps.turn.mayAsk()) {
    // Storing the decision does not need Terra.
    const decideNow = (now: OwnerRecords) => {
      const facts = decide(connectionOf(now, terraUserId), now);
      return facts ? factUpdateOf(terraUserId, facts) : NO_FACT_UPDATES;
    };
    const decided = await record(identified, decideNow, deps);
    const stored = connectionOf(decided.records, terraUserId);
    if (stored && needsDeauthentication(connectionState(stored.facts))) deferRow(item, deps, since);
    return decided.records;
  }
  const ended = await endConnection(identified, terraUserId, decide, deps);
  if (ended.terra === 'agreed') deps.swept.disconnected++;
  if (ended.terra === 'failed') {
    const asked = connectionOf(ended.records, terraUserId);
    if (asked) countFailure(ended.problem, { item, row: asked }, deps);
    const begunAt = (row.facts.wrongOwner ?? row.facts.disconnect)?.at;
    if (begunAt !== undefined && deps.clock() - begunAt > OVERDUE) deps.alarm('disconnect_overdue');
  }
  return ended.records;
}

/**
 * Asks Terra for what is missing in a row: whether the user is authenticated, if only data or an unclear event is known; its
 * provider; or whether its provider connects on the phone, so that a token without a provider can prove it. Returns the records
 * with the answer; `unknown` if Terra could not be asked.
 */
async function identify(row: ConnectionRow, records: OwnerRecords, deps: Sweeping): Promise<OwnerRecords | 'unknown'> {
  const { terraUserId, facts } = row;
  const item = itemKey.connection(terraUserId);
  const state = connectionState(facts);
  try {
    if (needsLookup(facts) && !needsDeauthentication(state)) {
      if (!deps.turn.mayAsk()) {
        deferRow(item, deps);
        return 'unknown';
      }
      deps.swept.looked++;
      const user = await deps.terra.findUser(terraUserId);
      const isTheirs = user?.referenceId === row.owner && user.authenticated;
      const found = isTheirs
        ? await answerFacts(user, row, records, deps)
        : { records, facts: { missed: { at: deps.clock() } } };
      return (await record(found.records, () => factUpdateOf(terraUserId, found.facts), deps)).records;
    }
    const { provider, auth } = facts;
    if (state.status !== 'unconfirmed' || !auth || provider === undefined) return records;
    if (providerKind(provider) === 'sdk' || isOfLink(row, records)) return records;
    if (!mayBeOfTokenRecord(records, { provider, at: auth.at })) return records;
    if (!deps.turn.mayAsk()) {
      deferRow(item, deps);
      return 'unknown';
    }
    const catalogueKind = (await deps.offered()).find(({ id }) => id === provider)?.kind;
    // A token fits, but the catalogue does not have the provider: neither prove nor end the user.
    if (catalogueKind === undefined) return 'unknown';
    if (catalogueKind === 'web') return records;
    const authentication = { terraUserId, provider, at: auth.at, event: 'auth', catalogueKind } as const;
    const recorded = await recordAuthentication(records, authentication, deps);
    if (recorded.origin.kind !== 'token') return records;
    return (await record(recorded.records, () => factUpdateOf(terraUserId, recorded.facts), deps)).records;
  } catch (error) {
    if (!isOfTerra(error)) throw error;
    countFailure(error, { item, row }, deps);
    return 'unknown';
  }
}

/**
 * Returns the facts that Terra's answer adds to a row without a known authentication or provider. A phone may have used a token, and
 * its event has the time. For any other user the answer has no time of authentication, so the time of the first event counts.
 */
async function answerFacts(
  user: TerraUser,
  { terraUserId, facts: { auth, data, reported } }: ConnectionRow,
  records: OwnerRecords,
  deps: SweepDeps,
): Promise<Pick<RecordedAuthentication, 'records' | 'facts'>> {
  const { provider, scopes } = user;
  const now = deps.clock();
  const createdAt = user.createdAt === undefined ? undefined : noLaterThan(user.createdAt, now);
  const reportedAuth = auth ?? reported;
  // An authentication with a widget session used no token.
  if (reportedAuth?.via === unrequested.noSession && provider !== undefined && providerKind(provider) === 'sdk') {
    const authentication = { terraUserId, provider, at: reportedAuth.at, createdAt, scopes, event: 'auth' } as const;
    return recordAuthentication(records, authentication, deps);
  }
  if (auth) return { records, facts: { provider, seen: { at: now } } };
  const authenticatedAt = reported ? now : noLaterThan(data?.at ?? now, now);
  return { records, facts: authFacts(provider, authenticatedAt, reported?.via ?? unrequested.noSession, scopes) };
}

/** Returns whether a user is known to have authenticated by a link: Terra named a widget session, or a browser returned with it. */
function isOfLink({ terraUserId, facts: { auth } }: ConnectionRow, { sessions }: OwnerRecords): boolean {
  const isIn = ({ authorised, returned }: SessionRow) =>
    authorised[terraUserId]?.isNamed === true || returned?.terraUserId === terraUserId;
  return auth?.via === unrequested.otherSession || sessions.some(isIn);
}

async function sweepErasure(records: OwnerRecords, erasure: ErasureRow, deps: Sweeping): Promise<void> {
  const { turn, pass } = deps;
  const isRepeated = deps.clock() - erasure.requestedAt > FIRST_TRY_WITHIN;
  if (!turn.mayAsk() || (isRepeated && pass === 'first')) {
    deferRow(itemKey.erasure, deps, isRepeated ? erasure.requestedAt : undefined);
    return;
  }
  const isDone = await eraseOwner(records, turn.mayAsk, deps);
  const next = erasureDueAt(erasure, isDone, deps.clock());
  await deps.store.reschedule(itemKey.erasure, erasure, next);
  if (turn.isUnanswered()) deps.swept.unanswered.push({ item: itemKey.erasure, row: erasure });
}

/**
 * Deletes the oldest deletable connections of an owner with more than `OWNER_ROWS`, except those that a session or token would
 * create again. First links their predecessors to their successors, so that a connection keeps its public id.
 */
async function makeRoom(records: OwnerRecords, deps: Sweeping): Promise<OwnerRecords> {
  const { sessions, tokenRecords, connections } = records;
  const excess = connections.length - OWNER_ROWS;
  if (excess <= 0) return records;
  deps.alarm('owner_full');
  const implied = new Set([
    ...sessions.flatMap(({ authorised }) => Object.keys(authorised)),
    ...tokenRecords.flatMap(({ usedBy }) => usedBy?.terraUserId ?? []),
  ]);
  const since = ({ facts, updatedAt }: ConnectionRow) => facts.supersededBy?.at ?? updatedAt;
  const deleted = connections
    .filter(({ terraUserId, facts }) => isDeletable(facts) && !implied.has(terraUserId))
    .toSorted((a, b) => since(a) - since(b))
    .slice(0, excess);
  const deletedIds = new Set(deleted.map(({ terraUserId }) => terraUserId));
  const { records: linked } = await record(records, now => relinkPast(deletedIds, now), deps);
  for (const { terraUserId } of deleted) {
    const row = connectionOf(linked, terraUserId);
    if (row) await deps.store.remove(row.owner, itemKey.connection(terraUserId), row.version);
  }
  return { ...linked, connections: linked.connections.filter(({ terraUserId }) => !deletedIds.has(terraUserId)) };
}

/** Returns, for each user that a deleted one superseded, a link to the next user that is not deleted. */
function relinkPast(deletedIds: ReadonlySet<string>, { connections }: OwnerRecords): FactUpdates {
  const links = new Map(connections.map(({ terraUserId, facts }) => [terraUserId, facts.supersededBy]));
  const updates = new Map<string, ConnectionFacts>();
  for (const [terraUserId, first] of links) {
    if (deletedIds.has(terraUserId)) continue;
    const passed = new Set<string>();
    let last = first;
    while (last && deletedIds.has(last.terraUserId) && !passed.has(last.terraUserId)) {
      passed.add(last.terraUserId);
      last = links.get(last.terraUserId);
    }
    if (last && last !== first && last.terraUserId !== terraUserId) updates.set(terraUserId, { supersededBy: last });
  }
  return updates;
}

/** Returns the decision for a due row: `{}` repeats a deauthentication, `disconnect` ends an unconfirmed row, undefined does nothing. */
function sweepDecision(
  row: ConnectionRow,
  records: OwnerRecords,
  { clock, rules }: SweepDeps,
): ConnectionFacts | undefined {
  switch (connectionState(row.facts).status) {
    case 'disconnecting':
    case 'unwanted':
      return {};
    case 'unconfirmed':
      return mayStillConfirm(row, records, clock(), rules)
        ? undefined
        : { disconnect: { at: decidedAt(row, clock()), reason: 'not_confirmed' } };
    default:
      return undefined;
  }
}

/** Returns whether an unconfirmed row must not be ended yet: its deadline is not over, or its session is still open. */
function mayStillConfirm(row: ConnectionRow, { sessions }: OwnerRecords, now: Instant, rules: Rules): boolean {
  if (needsLaterVersion(row, sessions, rules)) return true;
  const until = confirmDeadline(row, sessions, rules);
  if (until === undefined || now <= until) return true;
  const session = waitingSession(row, sessions, rules);
  return session !== undefined && isOpen(session, rules.confirmation);
}

/**
 * Reschedules every row that was due, except those left for a later turn. Skips rows whose version changed since they were read;
 * their writer rescheduled them. A row that Terra has no answer for waits longer each time.
 */
async function rescheduleDue(
  records: OwnerRecords,
  now: Instant,
  { store, rules, waiting, unknown }: Sweeping,
): Promise<void> {
  const due = isDue(now);
  for (const session of records.sessions.filter(due)) {
    const item = itemKey.session(session.id);
    if (waiting.has(item)) continue;
    const isJudged = flowOf(session) !== undefined;
    const next = isJudged ? sessionDueAt(session, now, rules.confirmation) : now + LATER_VERSION_RETRY;
    await store.reschedule(item, session, next ?? laterVersionDueAt(session, now));
  }
  for (const tokenRecord of records.tokenRecords.filter(due))
    await store.reschedule(itemKey.mint(tokenRecord.id), tokenRecord, laterVersionDueAt(tokenRecord, now));
  for (const row of records.connections.filter(due)) {
    const item = itemKey.connection(row.terraUserId);
    if (waiting.has(item)) continue;
    const next = withSchedule(row, records.sessions, now, rules).dueAt;
    const pause = next !== undefined && unknown.has(item) ? backOff(next, now) : LOOK_AGAIN;
    const isKeptDeletable = records.connections.length > OWNER_ROWS && isDeletable(row.facts);
    await store.reschedule(item, row, isKeptDeletable ? now + DELETABLE_RETRY : next && Math.max(next, now + pause));
  }
  for (const { item, stored } of records.unreadable.filter(row => Number(row.stored.dueAt) <= now)) {
    const version = numberOf(stored.version);
    await store.reschedule(item, { owner: records.owner, version }, now + LATER_VERSION_RETRY);
  }
}

const isDue = (now: Instant) => (row: { dueAt?: number | undefined }) => row.dueAt !== undefined && row.dueAt <= now;
