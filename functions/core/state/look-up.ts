import type { Instant } from '../platform/clock';
import { type ConnectionRow, connectionState, unrequested } from './connection';
import { connectionOf, type OwnerRecords } from './owner-records';
import { addAuthorisation } from './record-authentication';
import type { RecordDeps } from './record';
import { type Authorisation, mayContain, type SessionRow } from './session';
import { itemKey } from '../store/table';
import type { Terra } from '../terra/terra';
import { noLaterThan } from '../terra/terra-user';

type LookUpDeps = Pick<RecordDeps, 'clock' | 'pause'> & {
  store: Pick<RecordDeps['store'], 'addSessionFact'>;
  terra: Pick<Terra, 'findUser'>;
};

/**
 * Asks Terra whether a Terra user is authenticated under the session's owner. Returns the authorisation. Returns undefined if Terra
 * has no such user, has it unauthenticated or under another reference id, or, in a widget, created it before the session.
 * Returns `undated` if Terra does not say when it created a widget's user, which may then be any of the owner's users. Throws a
 * `terra_…` problem if Terra cannot be asked. With `patience` (ms), sends one request and waits no longer.
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
  // A direct link names its user. Any other user must have been created in this session.
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
 * Adds a returned Terra user's authentication to the session: from the `auth` event that the connection stores, else from Terra's
 * answer if the session has none. Returns the new session.
 */
export async function completeReturn(
  session: SessionRow,
  terraUserId: string,
  records: Pick<OwnerRecords, 'connections'>,
  patience: Instant | undefined,
  deps: LookUpDeps,
): Promise<SessionRow> {
  const known = session.authorised[terraUserId];
  if (known?.firstAuthAt !== undefined) return session;
  const row = connectionOf(records, terraUserId);
  const stored = row && storedAuthorisation(row, session);
  if (!stored && known) return session;
  const authorisation = stored ?? (await askTerra(session, terraUserId, patience, deps));
  const added =
    authorisation && authorisation !== 'undated' && (await addAuthorisation(session, terraUserId, authorisation, deps));
  return added && added !== 'full' ? added : session;
}

/**
 * Returns the authorisation that a connection's `auth` event implies in a session, if it named no session, or named this one while
 * it was full. Undefined if the event or the user's first authentication is outside the session's time.
 */
function storedAuthorisation({ terraUserId, facts }: ConnectionRow, session: SessionRow): Authorisation | undefined {
  const { auth, firstAuthAt, provider, scopes } = facts;
  if (!auth || firstAuthAt === undefined || provider === undefined) return undefined;
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
