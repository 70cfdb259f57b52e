import type { Instant } from './clock';
import { connectionState, unasked } from './connection';
import type { Partition } from './partition';
import { addAuthorisation } from './record-authentication';
import type { RecordDeps } from './record';
import { type Authorisation, mayContain, type SessionRow } from './session';
import type { Terra } from './terra';
import { noLaterThan } from './terra-user';

export type LookUpDeps = Pick<RecordDeps, 'clock' | 'pause'> & {
  store: Pick<RecordDeps['store'], 'addSessionFact'>;
  terra: Pick<Terra, 'findUser'>;
};

/**
 * Asks Terra whether a Terra user is authenticated under the session's owner. Returns what that authorises; undefined if
 * Terra has no such user, has not authenticated it, has it under another reference id, or, for the user of a widget, made it
 * before the session or does not say when: that may be any other one of the owner's.
 * Throws a `terra_…` problem if Terra cannot be asked; with `patience`, asks once and waits no longer than that.
 */
export async function askTerra(
  session: SessionRow,
  terraUserId: string,
  patience: Instant | undefined,
  { terra, clock }: Pick<LookUpDeps, 'terra' | 'clock'>,
): Promise<Authorisation | undefined> {
  if (session.terraUserId !== undefined && session.terraUserId !== terraUserId) return undefined;
  const user = await terra.findUser(terraUserId, patience);
  if (user?.terraUserId !== terraUserId || user.referenceId !== session.owner || !user.authenticated) return undefined;
  // A direct link names its user; any other must have been made in this session.
  const isNamed = session.terraUserId === terraUserId;
  if (!isNamed && !(user.createdAt !== undefined && user.createdAt >= session.createdAt)) return undefined;
  const foundAt = clock();
  const createdAt = user.createdAt === undefined ? undefined : noLaterThan(user.createdAt, foundAt);
  return {
    at: createdAt ?? session.returned?.at ?? foundAt,
    provider: user.provider,
    ...(user.scopes && { scopes: user.scopes }),
    ...(createdAt !== undefined && { createdAt }),
    foundAt,
  };
}

/**
 * Adds to the session what its `auth` event says that named no session and came before the browser returned: only the return
 * tells which of several open sessions it belongs to. Returns the session after that.
 */
export async function adoptAuthentication(
  session: SessionRow,
  { connections }: Pick<Partition, 'connections'>,
  deps: Omit<LookUpDeps, 'terra'>,
): Promise<SessionRow> {
  const terraUserId = session.returned?.terraUserId;
  const facts = connections.find(row => row.terraUserId === terraUserId)?.facts ?? {};
  const { auth, provider, scopes } = facts;
  const isWaiting = connectionState(facts).status === 'unconfirmed' && auth?.via === unasked.unnamed;
  if (terraUserId === undefined || provider === undefined || !isWaiting || !mayContain(session, auth.at))
    return session;
  const event = { at: auth.at, provider, ...(scopes && { scopes: scopes.list }) };
  const authorisation = { ...event, firstAuthAt: auth.at, lastAuthAt: auth.at };
  return (await addAuthorisation(session, terraUserId, authorisation, deps)) ?? session;
}

/** Adds Terra's answer about the Terra user that the browser returned with. Returns the session after that. */
export async function completeReturn(
  session: SessionRow,
  terraUserId: string,
  patience: Instant | undefined,
  deps: LookUpDeps,
): Promise<SessionRow> {
  const authorisation = await askTerra(session, terraUserId, patience, deps);
  return (authorisation && (await addAuthorisation(session, terraUserId, authorisation, deps))) ?? session;
}
