import type { Instant } from '../platform/clock';
import { type ConnectionRow, connectionState, unrequested } from './connection';
import type { OwnerRecords } from './owner-records';
import { addAuthorisation } from './record-authentication';
import type { RecordDeps } from './record';
import { type Authorisation, mayContain, type SessionRow } from './session';
import { itemKey } from '../store/table';
import type { Terra } from '../terra/terra';
import { noLaterThan } from '../terra/terra-user';

export type LookUpDeps = Pick<RecordDeps, 'clock' | 'pause'> & {
  store: Pick<RecordDeps['store'], 'addSessionFact'>;
  terra: Pick<Terra, 'findUser'>;
};

/**
 * Asks Terra whether a Terra user is authenticated under the session's owner. Returns what that authorises; undefined if
 * Terra has no such user, has not authenticated it, has it under another reference id, or, for the user of a widget, made it
 * before the session. `undated`: Terra does not say when it made the user of a widget, which may be any one of the owner's.
 * Throws a `terra_…` problem if Terra cannot be asked; with `patience`, asks once and waits no longer than that.
 */
export async function askTerra(
  session: SessionRow,
  terraUserId: string,
  patience: Instant | undefined,
  { terra, clock }: Pick<LookUpDeps, 'terra' | 'clock'>,
): Promise<Authorisation | 'undated' | undefined> {
  if (session.terraUserId !== undefined && session.terraUserId !== terraUserId) return undefined;
  const user = await terra.findUser(terraUserId, patience);
  if (user?.terraUserId !== terraUserId || user.referenceId !== session.owner || !user.authenticated) return undefined;
  // A direct link names its user; any other must have been made in this session.
  const isNamed = session.terraUserId === terraUserId;
  if (!isNamed) {
    if (user.createdAt === undefined) return 'undated';
    if (user.createdAt < session.createdAt) return undefined;
  }
  const foundAt = clock();
  const createdAt = user.createdAt === undefined ? undefined : noLaterThan(user.createdAt, foundAt);
  return {
    at: createdAt ?? session.returned?.at ?? foundAt,
    ...(user.provider !== undefined && { provider: user.provider }),
    ...(user.scopes && { scopes: user.scopes }),
    ...(createdAt !== undefined && { createdAt }),
    foundAt,
  };
}

/**
 * Adds what is known of a Terra user's authentication to the session that its browser returned to: from an `auth` event that
 * is stored with the connection, else, if the session knows nothing of the user, from Terra's answer. Returns the session after
 * that.
 */
export async function completeReturn(
  session: SessionRow,
  terraUserId: string,
  { connections }: Pick<OwnerRecords, 'connections'>,
  patience: Instant | undefined,
  deps: LookUpDeps,
): Promise<SessionRow> {
  const known = session.authorised[terraUserId];
  if (known?.firstAuthAt !== undefined) return session;
  const row = connections.find(each => each.terraUserId === terraUserId);
  const stored = row && storedAuthorisation(row, session);
  if (!stored && known) return session;
  const authorisation = stored ?? (await askTerra(session, terraUserId, patience, deps));
  const added =
    authorisation && authorisation !== 'undated' && (await addAuthorisation(session, terraUserId, authorisation, deps));
  return added && added !== 'full' ? added : session;
}

/**
 * Returns what a stored `auth` event authorises in a session, if it named no session or this one, which then had no room for it;
 * undefined if it lies outside the session's time or the user had authenticated before.
 */
function storedAuthorisation({ terraUserId, facts }: ConnectionRow, session: SessionRow): Authorisation | undefined {
  const { auth, firstAuthAt, provider, scopes } = facts;
  if (!auth || firstAuthAt === undefined || provider === undefined) return undefined;
  // A row that has its authentication from the session has it from Terra's answer, unless the session had no room for it.
  const hadNoRoom = session.authorised[terraUserId] === undefined && auth.via === itemKey.session(session.id);
  if (auth.via !== unrequested.noSession && !hadNoRoom) return undefined;
  if (connectionState(facts).status !== 'unconfirmed') return undefined;
  if (!mayContain(session, auth.at) || !mayContain(session, firstAuthAt)) return undefined;
  return {
    at: auth.at,
    provider,
    ...(scopes && { scopes: scopes.list }),
    firstAuthAt: auth.at,
    lastAuthAt: auth.at,
    ...(auth.delivery && { delivery: auth.delivery }),
  };
}
