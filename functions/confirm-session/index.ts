import { connectionAnswer } from '../core/http/answer';
import { type EndDeps, endConnection } from '../core/state/end-connection';
import { Problem } from '../core/http/errors';
import * as dependencies from '../core/platform/dependencies';
import { completeReturn } from '../core/state/look-up';
import type { Owner, SignedIn } from '../core/state/owner';
import { currentRow, isUnreadable, type OwnerRecords, sessionFacts, withSession } from '../core/state/owner-records';
import { NO_FACT_UPDATES, record, unreadable } from '../core/state/record';
import { type Behaviour, type Note, on, type ReplyOf, serve } from '../core/http/serve';
import {
  codeEnds,
  isContested,
  mayBeOfAnother,
  PROJECT_WITHIN,
  provedUser,
  RETURN_LOOKUP_PATIENCE,
  type SessionRow,
  sessionStatus,
} from '../core/state/session';
import type { Terra } from '../core/terra/terra';
import { hashOf, matchesHash, readStateToken, type StateToken } from '../core/state/state-token';
import { confirmSession } from '../routes';

type Deps = EndDeps & {
  terra: Pick<Terra, 'findUser' | 'deauthenticate'>;
  ownerOf: (caller: SignedIn) => Promise<Owner>;
};

type Reply = ReplyOf<typeof confirmSession>;

/**
 * Proves that the user who finished is the user who started: only the finishing browser received the code, and it counts only
 * together with the starter's own token. If another user brings it before the owner does, the connection is removed, both here
 * and at Terra; after that it only raises an alarm, since the owner is proved already.
 */
export const confirm: Behaviour<typeof confirmSession, Deps> = async ({ caller, path, body, note }, deps) => {
  const owner = await deps.ownerOf(caller);
  return deps.rules.confirmation === 'off'
    ? confirmWithoutCode(owner, path.id, deps)
    : confirmWithCode(owner, path.id, body.code, deps, note);
};

async function confirmWithCode(
  owner: Owner,
  sessionId: string,
  code: string | undefined,
  deps: Deps,
  note: Note,
): Promise<Reply> {
  const stateToken = readStateToken(code);
  if (!stateToken || stateToken.sessionId !== sessionId) throw codeInvalid();
  const records = await deps.store.load(stateToken.referenceId);
  const session = records.sessions.find(({ id }) => id === sessionId);
  if (!session?.returned || !matchesHash(stateToken.secret, session.returned.codeHash)) throw codeInvalid();

  const isLive = deps.clock() <= (codeEnds(session) ?? 0);
  if (owner.referenceId !== session.owner) {
    if (isLive) {
      note({ alarm: 'owner_mismatch' });
      if (!session.redeemed) await rejectSession(records, session, stateToken, deps);
    }
    throw new Problem('not_found', 'There is nothing here.');
  }
  if (isContested(session) || session.closed) throw sessionClosed();
  if (mayBeOfAnother(session, session.returned.terraUserId, records)) throw sessionClosed();
  if (session.redeemed) return settled(records, session, deps);
  if (!isLive) throw codeInvalid();

  const fact = { kind: 'redeemed', at: deps.clock(), codeHash: hashOf(stateToken.secret) } as const;
  const dueAt = deps.clock() + PROJECT_WITHIN;
  const stored = await deps.store.addSessionFact(session.owner, session.id, fact, dueAt, session.dueAt);
  if (!stored.session?.redeemed || stored.session.wrongOwner || stored.session.closed) throw sessionClosed();
  return settled(records, await withAuthentication(stored.session, records, deps), deps);
}

/** Without codes, whatever authenticated in the session is proved; the caller only has to be its owner. */
async function confirmWithoutCode(owner: Owner, sessionId: string, deps: Deps): Promise<Reply> {
  const records = await deps.store.load(owner.referenceId);
  const session = records.sessions.find(({ id }) => id === sessionId);
  if (!session) throw new Problem('not_found', 'There is nothing here.');
  if (session.wrongOwner || session.closed) throw sessionClosed();
  return settled(records, await withAuthentication(session, records, deps), deps);
}

/** Looks for the authentication if that is missing. If Terra cannot be asked now, its event or the sweep completes the session. */
async function withAuthentication(session: SessionRow, records: OwnerRecords, deps: Deps): Promise<SessionRow> {
  const terraUserId = session.returned?.terraUserId;
  if (terraUserId === undefined) return session;
  try {
    return await completeReturn(session, terraUserId, records, RETURN_LOOKUP_PATIENCE, deps);
  } catch (error) {
    if (error instanceof Problem && error.code.startsWith('terra_')) return session;
    throw error;
  }
}

async function settled(seen: OwnerRecords, session: SessionRow, deps: Deps): Promise<Reply> {
  const { confirmation } = deps.rules;
  const terraUserId = provedUser(session, confirmation);
  if (terraUserId === undefined) {
    return { status: 202, body: { id: session.id, status: sessionStatus(session, deps.clock(), confirmation) } };
  }
  const { records } = await record(withSession(seen, session), () => NO_FACT_UPDATES, deps);
  if (isUnreadable(records, terraUserId)) throw unreadable();
  const row = currentRow(records, terraUserId);
  const connection = row && connectionAnswer(row, records, deps.clock());
  if (!connection) throw new Error('a proved connection has no row');
  return { status: 200, body: { id: session.id, status: 'completed', connection } };
}

/** Somebody other than the starter finished: nobody gets the link. */
async function rejectSession(
  records: OwnerRecords,
  session: SessionRow,
  stateToken: StateToken,
  deps: Deps,
): Promise<void> {
  const fact = { kind: 'wrongOwner', at: deps.clock(), codeHash: hashOf(stateToken.secret) } as const;
  const dueAt = deps.clock() + PROJECT_WITHIN;
  const stored = await deps.store.addSessionFact(session.owner, session.id, fact, dueAt, session.dueAt);
  if (!stored.session?.returned) return;
  const { terraUserId } = stored.session.returned;
  const wrongOwner = (_row: unknown, now: OwnerRecords) => {
    const rejected = now.sessions.find(({ id }) => id === session.id);
    return rejected?.authorised[terraUserId] && sessionFacts(rejected, terraUserId, now, deps.rules);
  };
  await endConnection(withSession(records, stored.session), terraUserId, wrongOwner, deps);
}

const codeInvalid = () => new Problem('code_invalid', 'The code is wrong, expired or not of this session.');
const sessionClosed = () => new Problem('session_closed', 'The session is closed. Open a new one.');

export const handler = serve([on(confirmSession, confirm)], () => ({
  serve: dependencies.serveDeps(),
  ...dependencies.recordDeps(),
  terra: dependencies.terra(),
  ownerOf: dependencies.ownerOf(),
}));
