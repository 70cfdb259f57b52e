import * as z from 'zod/mini';
import { backOff } from './back-off';
import { type Instant, MINUTE } from '../platform/clock';
import { ConnectionFacts, type ConnectionRow, connectionState, isRequested, isErased, REAUTH } from './connection';
import { decidedAt, type EndDeps, endConnection } from './end-connection';
import { Problem } from '../http/errors';
import { askTerra } from './look-up';
import { isUnreadable, type OwnerRecords, terraUserOf } from './owner-records';
import { record } from './record';
import type { Rules } from './rules';
import { fits } from './token-record';
import { type Confirmation, isOpen, mayContain, type SessionRow, userToLookUp } from './session';
import { type Item, itemKey, numberOf } from '../store/table';
import type { Terra } from '../terra/terra';
import type { ErasureRow } from './tombstone';
import { readTerraUserId } from '../terra/terra-user';

/** A write that was under way when the erasure began is found again by a last look after this long. */
const LAST_LOOK_AFTER = 15 * MINUTE;

/**
 * Whether anything of before the erasure is left, but for Terra users that turned up afterwards. After the last look
 * there is not: what is found then is of an owner who came back, whose sessions are purged in their time like anybody's.
 */
export function isErasing(records: OwnerRecords): boolean {
  // Nobody knows since when the owner is erased, so nothing new is begun until they, or an operator, ask once more.
  if (records.unreadable.some(({ item }) => item === itemKey.erasure)) return true;
  if (records.erasure?.dueAt === undefined) return false;
  const left = [itemsBefore(records), rowsBefore(records), unreadableBefore(records)];
  return left.some(rows => rows.length > 0);
}

export const erasing = () => new Problem('erasing', 'The records of this user are being erased. Try again later.');

/** Whether something the owner did after the erasure asked for this; without it an event is one of the past. */
export function isRequestedSinceErasure({ erasure, sessions, tokenRecords }: OwnerRecords, via: string): boolean {
  const requestedAt = erasure?.requestedAt ?? 0;
  const isIt = (item: string, createdAt: Instant) => item === via && createdAt > requestedAt;
  return (
    sessions.some(({ id, createdAt }) => isIt(itemKey.session(id), createdAt)) ||
    tokenRecords.some(({ id, createdAt }) => isIt(itemKey.mint(id), createdAt))
  );
}

/** Whether something the owner began after the erasure may still bring a Terra user we have not heard of. */
export function isAwaitingUsers(
  { erasure, sessions, tokenRecords }: OwnerRecords,
  confirmation: Confirmation,
): boolean {
  const requestedAt = erasure?.requestedAt ?? 0;
  return (
    sessions.some(session => session.createdAt > requestedAt && isOpen(session, confirmation)) ||
    tokenRecords.some(tokenRecord => tokenRecord.createdAt > requestedAt && !tokenRecord.usedBy)
  );
}

/**
 * Returns whether an authentication may be of something that the owner began after the erasure, so that it is judged like a
 * new owner's: an open session whose time it lies in, or an unused token that fits.
 */
export function mayFollowErasure(
  { erasure, sessions, tokenRecords }: OwnerRecords,
  { provider, createdAt }: { provider: string | undefined; createdAt: Instant | undefined },
  at: Instant,
  confirmation: Confirmation,
): boolean {
  const isSince = (began: { createdAt: Instant }) => began.createdAt > (erasure?.requestedAt ?? 0);
  const times = createdAt === undefined ? [at] : [createdAt, at];
  return (
    sessions.some(session => isSince(session) && isOpen(session, confirmation) && mayContain(session, at)) ||
    tokenRecords.some(tokenRecord => isSince(tokenRecord) && !tokenRecord.usedBy && fits(tokenRecord, provider, times))
  );
}

/** Our decision to end a Terra user of an erased owner. */
export function erasedFacts(row: ConnectionRow | undefined, now: Instant): ConnectionFacts {
  return { disconnect: { at: decidedAt(row, now), reason: 'erased' } };
}

/**
 * Erases what is left of before the erasure: marks every row first, so that all stop at once, deletes what names no Terra
 * user, then ends one row after the other as long as `mayAsk` says. Rows that cannot be read are deleted by their keys, once the
 * Terra users that they name are ended. Returns whether all is done; otherwise the sweep goes on.
 */
export async function eraseOwner(known: OwnerRecords, mayAsk: () => boolean, deps: EraseDeps): Promise<boolean> {
  const readable = await eraseUnreadableConnections(known, mayAsk, deps);
  const { unanswered, users } = await findUnrecordedUsers(readable, mayAsk, deps);
  const named = await findNamedUsers(readable, mayAsk, deps);
  let { records } = await record(readable, now => erasureUpdates(now, [...users, ...named.users], deps), deps);
  const kept = new Set([...unanswered.map(({ id }) => itemKey.session(id)), ...named.unanswered]);
  for (const { item, version } of [...itemsBefore(records), ...unreadableBefore(records)]) {
    if (!kept.has(item)) await deps.store.remove(records.owner, item, version);
  }

  const found = new Set([...users, ...named.users]);
  const before = new Set(rowsBefore(records));
  const rows = records.connections.filter(row => before.has(row) || found.has(row.terraUserId));
  // The one that Terra was asked about least recently first, so that none is kept waiting by another that fails each time.
  const lastAskedAt = ({ facts }: ConnectionRow) => facts.attempt?.at ?? 0;
  for (const row of rows.toSorted((a, b) => lastAskedAt(a) - lastAskedAt(b))) {
    if (!mayAsk()) break;
    const { terraUserId } = row;
    if (isOurs(row, deps.rules) || found.has(terraUserId)) {
      ({ records } = await endConnection(records, terraUserId, each => each && {}, deps));
      await removeErased(records, terraUserId, deps);
    } else await deps.store.remove(row.owner, itemKey.connection(terraUserId), row.version);
  }
  return !isErasing(await deps.store.load(records.owner));
}

export type EraseDeps = EndDeps & { terra: Pick<Terra, 'deauthenticate' | 'findUser'> };

/**
 * Asks Terra about the users that browsers returned with and that no event reported: Terra may have them. The query of a
 * return can be forged, so only Terra's answer decides whose such a user is. `unasked`: the sessions that Terra could not be
 * asked about, which stay until it can be.
 */
async function findUnrecordedUsers(
  records: OwnerRecords,
  mayAsk: () => boolean,
  deps: EraseDeps,
): Promise<{ unanswered: SessionRow[]; users: string[] }> {
  const unanswered: SessionRow[] = [];
  const users: string[] = [];
  for (const session of records.sessions.filter(({ createdAt }) => isBefore(records, createdAt))) {
    const terraUserId = userToLookUp(session);
    if (terraUserId === undefined) continue;
    if (!mayAsk()) unanswered.push(session);
    else {
      try {
        const answer = await askTerra(session, terraUserId, undefined, deps);
        if (answer !== undefined && answer !== 'undated') users.push(terraUserId);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        unanswered.push(session);
      }
    }
  }
  return { unanswered, users };
}

/**
 * Ends at Terra, as far as `mayAsk` allows, the users whose rows cannot be read and who are still this owner's there; each row
 * names its user by its key. Returns the records without the rows that are done with.
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

/**
 * Asks Terra about the users that unreadable rows other than connections name. `unasked`: the keys of rows that stay until
 * Terra can be asked, connections among them.
 */
async function findNamedUsers(
  records: OwnerRecords,
  mayAsk: () => boolean,
  { terra }: EraseDeps,
): Promise<{ unanswered: string[]; users: string[] }> {
  const unanswered: string[] = [];
  const users: string[] = [];
  for (const { item, stored } of unreadableBefore(records)) {
    try {
      if (terraUserOf(item) !== undefined || !mayAsk()) {
        unanswered.push(item);
        continue;
      }
      for (const terraUserId of usersNamedIn(stored)) {
        const user = await terra.findUser(terraUserId);
        if (user?.referenceId === records.owner && user.authenticated) users.push(terraUserId);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      unanswered.push(item);
    }
  }
  return { unanswered, users };
}

/** The Terra users that a session or token record names, wherever they can be found in one that cannot be read. */
function usersNamedIn({ terraUserId, returned, usedBy, authorised }: Item): string[] {
  const named = [terraUserId, Object(returned).terraUserId, Object(usedBy).terraUserId] as unknown[];
  const ids = [...named, ...Object.keys(Object(authorised) as object)];
  return [...new Set(ids.flatMap(id => readTerraUserId(typeof id === 'string' ? id : undefined) ?? []))];
}

/** As `isOurs`, of a row that cannot be read: what it does not clearly say counts against it. */
function mayBeOurs({ facts }: Item, rules: Rules): boolean {
  const { data } = Ours.safeParse(facts);
  return rules.referenceId === 'opaque' || (data !== undefined && isOurs({ facts: data }, rules));
}

const Ours = z.pick(ConnectionFacts, { auth: true, proof: true });

/** Rows of before the erasure that cannot be read. One that does not say when it was begun counts as such. */
function unreadableBefore(records: OwnerRecords): { item: string; version: number | undefined; stored: Item }[] {
  return records.unreadable
    .filter(({ item, stored }) => item !== itemKey.erasure && isBefore(records, creationTime(stored) ?? 0))
    .map(({ item, stored }) => ({ item, version: numberOf(stored.version), stored }));
}

const creationTime = ({ createdAt, claimedAt, facts }: Item): Instant | undefined =>
  numberOf(createdAt) ?? numberOf(claimedAt) ?? numberOf(Object(facts).firstAuthAt);

const isBefore = ({ erasure }: OwnerRecords, at: Instant): boolean => at <= (erasure?.requestedAt ?? 0);

/** Whether the Terra user is ours to end: with reference ids of the team's own, only if something of ours authorised it. */
function isOurs({ facts: { auth, proof } }: Pick<ConnectionRow, 'facts'>, { referenceId }: Rules): boolean {
  return (
    referenceId === 'opaque' ||
    proof !== undefined ||
    (auth !== undefined && isRequested(auth.via) && auth.via !== REAUTH)
  );
}

/** Deletes a row of an erased owner once nothing keeps it: Terra has no such user any more. */
export async function removeErased(
  records: OwnerRecords,
  terraUserId: string,
  { store }: Pick<EndDeps, 'store'>,
): Promise<void> {
  const row = records.connections.find(known => known.terraUserId === terraUserId);
  const isOver =
    row !== undefined && ['disconnected', 'superseded', 'unseen'].includes(connectionState(row.facts).status);
  if (!isOver || !isErased(row.facts)) return;
  await store.remove(row.owner, itemKey.connection(terraUserId), row.version);
}

/** When the sweep looks at the tombstone next: again and again until all is done, then once more at the end. */
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
 * Returns the rows of before the erasure: neither the bare ones of Terra users that turned up afterwards, which see to
 * themselves, nor those of users that first showed themselves since.
 */
function rowsBefore(records: OwnerRecords): ConnectionRow[] {
  return records.connections.filter(({ facts }) => {
    const { auth, data, reported, disconnect } = facts;
    const isBare = auth === undefined && disconnect?.reason === 'erased';
    const isLater = !isErased(facts) && !isBefore(records, (auth ?? data ?? reported)?.at ?? 0);
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
