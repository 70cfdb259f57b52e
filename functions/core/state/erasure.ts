import * as z from 'zod/mini';
import { backOff } from './back-off';
import { type Instant, MINUTE } from '../platform/clock';
import { ConnectionFacts, type ConnectionRow, connectionState, isRequested, isErased, REAUTH } from './connection';
import { decidedAt, type EndDeps, endConnection } from './end-connection';
import { Problem } from '../http/errors';
import { askTerra } from './look-up';
import { connectionOf, isUnreadable, type OwnerRecords, terraUserOf } from './owner-records';
import { record, WRITE_TRIES } from './record';
import type { Rules } from './rules';
import { fits } from './token-record';
import { type Confirmation, isOpen, mayContain, userToLookUp } from './session';
import { type Item, itemKey, numberOf } from '../store/table';
import type { Terra } from '../terra/terra';
import type { ErasureRow } from './tombstone';
import { CLOCK_AHEAD, readTerraUserId } from '../terra/terra-user';

/** The sweep looks once more after this time, for writes that were in progress when the erasure began. */
const LAST_LOOK_AFTER = 15 * MINUTE;

/**
 * Returns whether records created before the erasure still exist. Ignores Terra users first seen after it. False after the last
 * look.
 */
export function isErasing(records: OwnerRecords): boolean {
  // The time of the erasure cannot be read, so nothing new may start until the user or an operator requests it again.
  if (records.unreadable.some(({ item }) => item === itemKey.erasure)) return true;
  if (records.erasure?.dueAt === undefined) return false;
  const left = [itemsBefore(records), rowsBefore(records), unreadableBefore(records)];
  return left.some(rows => rows.length > 0);
}

export const erasing = () => new Problem('erasing', 'The records of this user are being erased. Try again later.');

/** Returns the sessions and token records created after the erasure. */
function sinceErasure({ erasure, sessions, tokenRecords }: OwnerRecords) {
  const isSince = ({ createdAt }: { createdAt: Instant }) => createdAt > (erasure?.requestedAt ?? 0);
  return { sessions: sessions.filter(isSince), tokenRecords: tokenRecords.filter(isSince) };
}

/** Returns whether `via` is a session or token record created after the erasure. */
function isRequestedSinceErasure(records: OwnerRecords, via: string): boolean {
  const { sessions, tokenRecords } = sinceErasure(records);
  return (
    sessions.some(({ id }) => itemKey.session(id) === via) || tokenRecords.some(({ id }) => itemKey.mint(id) === via)
  );
}

/** Returns whether an open session or unused token created after the erasure may still bring an unknown Terra user. */
export function isAwaitingUsers(records: OwnerRecords, confirmation: Confirmation): boolean {
  const { sessions, tokenRecords } = sinceErasure(records);
  return sessions.some(session => isOpen(session, confirmation)) || tokenRecords.some(({ usedBy }) => !usedBy);
}

/** Returns whether an authentication may belong to an open session or unused token that was created after the erasure. */
export function mayFollowErasure(
  records: OwnerRecords,
  { provider, createdAt }: { provider: string | undefined; createdAt: Instant | undefined },
  at: Instant,
  confirmation: Confirmation,
): boolean {
  const { sessions, tokenRecords } = sinceErasure(records);
  const times = createdAt === undefined ? [at] : [createdAt, at];
  return (
    sessions.some(session => isOpen(session, confirmation) && mayContain(session, at)) ||
    tokenRecords.some(tokenRecord => !tokenRecord.usedBy && fits(tokenRecord, provider, times))
  );
}

/** Returns the decision to end a Terra user of an erased owner. */
function erasedFacts(row: ConnectionRow | undefined, now: Instant): ConnectionFacts {
  return { disconnect: { at: decidedAt(row, now), reason: 'erased' } };
}

/**
 * Erases the records from before the erasure. Marks every connection as erased first, so that all stop at once; then deletes the
 * other rows; then ends the Terra users one by one while `mayAsk` allows it. A row that cannot be read is deleted by its key, once
 * the Terra users that it names are ended. Returns whether everything is erased; otherwise the sweep continues.
 */
export async function eraseOwner(known: OwnerRecords, mayAsk: () => boolean, deps: EraseDeps): Promise<boolean> {
  const readable = await eraseUnreadableConnections(known, mayAsk, deps);
  const returned = await findUnrecordedUsers(readable, mayAsk, deps);
  const named = await findNamedUsers(readable, mayAsk, deps);
  const found = new Set([...returned.users, ...named.users]);
  let { records } = await record(readable, now => erasureUpdates(now, [...found], deps), deps);
  const kept = new Set([
    ...returned.unanswered.map(({ id }) => itemKey.session(id)),
    ...named.unanswered.map(({ item }) => item),
  ]);
  for (const { item, version } of [...itemsBefore(records), ...unreadableBefore(records)]) {
    // A connection that cannot be read is only deleted after its user was ended.
    if (!kept.has(item) && terraUserOf(item) === undefined) await deps.store.remove(records.owner, item, version);
  }

  const before = new Set(rowsBefore(records));
  const rows = records.connections.filter(row => before.has(row) || found.has(row.terraUserId));
  // Oldest attempt first, so that a user for whom Terra always fails does not delay the others.
  const lastAskedAt = ({ facts }: ConnectionRow) => facts.attempt?.at ?? 0;
  for (const row of rows.toSorted((a, b) => lastAskedAt(a) - lastAskedAt(b))) {
    if (!mayAsk()) break;
    const { terraUserId } = row;
    if (isOurs(row, deps.rules) || found.has(terraUserId)) {
      ({ records } = await endConnection(records, terraUserId, each => each && {}, deps));
      await removeErased(records, terraUserId, deps);
    } else await deps.store.remove(row.owner, itemKey.connection(terraUserId), row.version);
  }
  return deleteEnded(records.owner, deps);
}

/**
 * Deletes the connections that ended but are still stored, because Terra's own event of the deauthentication changed them. Returns
 * whether everything is erased.
 */
async function deleteEnded(owner: string, deps: EraseDeps): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const left = await deps.store.load(owner);
    const ended = rowsBefore(left).filter(({ facts }) => isErasedAndEnded(facts));
    if (ended.length === 0 || tries === WRITE_TRIES) return !isErasing(left);
    for (const { terraUserId } of ended) await removeErased(left, terraUserId, deps);
  }
}

export type EraseDeps = EndDeps & { terra: Pick<Terra, 'deauthenticate' | 'findUser'> };

/**
 * Returns the Terra users that browsers returned with and that no event reported, if Terra has them for this owner. A return can
 * be forged, so only Terra's answer counts.
 */
function findUnrecordedUsers(records: OwnerRecords, mayAsk: () => boolean, deps: EraseDeps) {
  const sessions = records.sessions.filter(
    session => isBefore(records, session.createdAt) && userToLookUp(session) !== undefined,
  );
  return findUsers(sessions, mayAsk, async (session, users) => {
    const terraUserId = userToLookUp(session) ?? '';
    const answer = await askTerra(session, terraUserId, undefined, deps);
    if (answer !== undefined && answer !== 'undated') users.push(terraUserId);
  });
}

/**
 * Collects the Terra users that `find` adds for each row while `mayAsk` allows it. `unanswered`: rows that are kept until Terra can
 * be asked.
 */
async function findUsers<R>(
  rows: readonly R[],
  mayAsk: () => boolean,
  find: (row: R, users: string[]) => Promise<void>,
): Promise<{ unanswered: R[]; users: string[] }> {
  const unanswered: R[] = [];
  const users: string[] = [];
  for (const row of rows) {
    try {
      if (mayAsk()) await find(row, users);
      else unanswered.push(row);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      unanswered.push(row);
    }
  }
  return { unanswered, users };
}

/**
 * Deletes connections that cannot be read. First ends the Terra user in the row's key if Terra still has it for this owner. Returns
 * the records without the deleted rows.
 */
async function eraseUnreadableConnections(
  records: OwnerRecords,
  mayAsk: () => boolean,
  deps: EraseDeps,
): Promise<OwnerRecords> {
  let removed = false;
  for (const { item, version, stored } of unreadableBefore(records)) {
    const terraUserId = terraUserOf(item);
    if (terraUserId === undefined || !mayAsk()) continue;
    try {
      if (mayBeOurs(stored, deps.rules)) {
        const user = await deps.terra.findUser(terraUserId);
        if (user?.referenceId === records.owner) await deps.terra.deauthenticate(terraUserId);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      continue;
    }
    removed = (await deps.store.remove(records.owner, item, version)) || removed;
  }
  return removed ? deps.store.load(records.owner) : records;
}

/** Returns the Terra users that unreadable sessions and token records name, if Terra has them for this owner. */
function findNamedUsers(records: OwnerRecords, mayAsk: () => boolean, { terra }: EraseDeps) {
  const rows = unreadableBefore(records).filter(({ item }) => terraUserOf(item) === undefined);
  return findUsers(rows, mayAsk, async ({ stored }, users) => {
    for (const terraUserId of usersNamedIn(stored)) {
      const user = await terra.findUser(terraUserId);
      if (user?.referenceId === records.owner && user.authenticated) users.push(terraUserId);
    }
  });
}

/** Returns all Terra user ids that an unreadable session or token record names. */
function usersNamedIn({ terraUserId, returned, usedBy, authorised }: Item): string[] {
  const named = [terraUserId, Object(returned).terraUserId, Object(usedBy).terraUserId] as unknown[];
  const ids = [...named, ...Object.keys(Object(authorised) as object)];
  return [...new Set(ids.flatMap(id => readTerraUserId(typeof id === 'string' ? id : undefined) ?? []))];
}

/** Does the same as `isOurs` for an unreadable row. Facts that cannot be read do not count. */
function mayBeOurs({ facts }: Item, rules: Rules): boolean {
  const { data } = Ours.safeParse(facts);
  return rules.referenceId === 'opaque' || (data !== undefined && isOurs({ facts: data }, rules));
}

const Ours = z.pick(ConnectionFacts, { auth: true, proof: true });

/** Returns the unreadable rows from before the erasure. A row without a readable time of creation counts as one. */
function unreadableBefore(records: OwnerRecords): { item: string; version: number | undefined; stored: Item }[] {
  return records.unreadable
    .filter(({ item, stored }) => item !== itemKey.erasure && isBefore(records, creationTime(stored) ?? 0))
    .map(({ item, stored }) => ({ item, version: numberOf(stored.version), stored }));
}

const creationTime = ({ createdAt, claimedAt, facts }: Item): Instant | undefined =>
  numberOf(createdAt) ?? numberOf(claimedAt) ?? numberOf(Object(facts).firstAuthAt);

const isBefore = ({ erasure }: OwnerRecords, at: Instant): boolean => at <= (erasure?.requestedAt ?? 0);

/** Returns whether the Terra user may be ended: with `referenceId: "subject"`, only if it has an origin or a proof. */
function isOurs({ facts: { auth, proof } }: Pick<ConnectionRow, 'facts'>, { referenceId }: Rules): boolean {
  return (
    referenceId === 'opaque' ||
    proof !== undefined ||
    (auth !== undefined && isRequested(auth.via) && auth.via !== REAUTH)
  );
}

/** Deletes a connection of an erased owner once Terra no longer has the user. */
export async function removeErased(
  records: OwnerRecords,
  terraUserId: string,
  { store }: Pick<EndDeps, 'store'>,
): Promise<void> {
  const row = connectionOf(records, terraUserId);
  if (row && isErasedAndEnded(row.facts)) await store.remove(row.owner, itemKey.connection(terraUserId), row.version);
}

const isErasedAndEnded = (facts: ConnectionFacts): boolean =>
  isErased(facts) && ['disconnected', 'superseded', 'unseen'].includes(connectionState(facts).status);

/** Returns when the sweep must next process the tombstone: with backoff until everything is erased, then for the last look. */
export function erasureDueAt(erasure: ErasureRow, isDone: boolean, now: Instant): Instant | undefined {
  if (!isDone) return now + backOff(erasure.requestedAt, now);
  const lastLook = erasure.requestedAt + LAST_LOOK_AFTER;
  return now < lastLook ? lastLook : undefined;
}

function erasureUpdates(
  records: OwnerRecords,
  users: readonly string[],
  { clock, rules }: EraseDeps,
): Map<string, ConnectionFacts> {
  const readable = users.filter(terraUserId => !isUnreadable(records, terraUserId));
  const unmarked = rowsBefore(records).filter(row => isOurs(row, rules) && !isErased(row.facts));
  return new Map([
    ...readable.map(terraUserId => [terraUserId, erasedFacts(undefined, clock())] as const),
    ...unmarked.map(row => [row.terraUserId, erasedFacts(row, clock())] as const),
  ]);
}

/**
 * Returns the connections from before the erasure. Leaves out Terra users first seen after it, and rows that only store the decision
 * to end a user, which the sweep processes by themselves.
 */
function rowsBefore(records: OwnerRecords): ConnectionRow[] {
  return records.connections.filter(({ facts }) => {
    const { auth, data, reported, disconnect } = facts;
    const isBare = auth === undefined && disconnect?.reason === 'erased';
    // Terra can date an event this much later than it happened.
    const earliest = ((auth ?? data ?? reported)?.at ?? 0) - CLOCK_AHEAD;
    const isLater = !isErased(facts) && !isBefore(records, earliest);
    return !isBare && !isLater && !isRequestedSinceErasure(records, auth?.via ?? '');
  });
}

function itemsBefore(records: OwnerRecords): { item: string; version: number | undefined }[] {
  const { sessions, tokenRecords, claims } = records;
  return [
    ...sessions
      .filter(({ createdAt }) => isBefore(records, createdAt))
      .map(({ id, version }) => ({ item: itemKey.session(id), version })),
    ...tokenRecords
      .filter(({ createdAt }) => isBefore(records, createdAt))
      .map(({ id, version }) => ({ item: itemKey.mint(id), version })),
    ...claims
      .filter(({ claimedAt }) => isBefore(records, claimedAt))
      .map(({ id }) => ({ item: itemKey.session(id), version: undefined })),
  ];
}
