import { connectionAnswer } from '../core/http/answer';
import { type EndDeps, endConnection } from '../core/state/end-connection';
import { Problem } from '../core/http/errors';
import * as dependencies from '../core/platform/dependencies';
import { completeReturn } from '../core/state/look-up';
import type { Owner, SignedIn } from '../core/state/owner';
import { currentRow, isUnreadable, type OwnerRecords, withSession } from '../core/state/owner-records';
import { sessionFacts } from '../core/state/project-connections';
import { NO_FACT_UPDATES, record, unreadable } from '../core/state/record';
import { type Behaviour, type Note, on, type ReplyOf, serve } from '../core/http/serve';
import {
  codeExpiresAt,
  isContested,
  mayBelongToAnotherSession,
  PROJECT_WITHIN,
  provedUser,
  RETURN_LOOKUP_TIMEOUT,
  type SessionRow,
  sessionStatus,
} from '../core/state/session';
import type { Terra } from '../core/terra/terra';
import { hashOf, matchesHash, readStateToken, type StateToken } from '../core/state/state-token';
import { isOfTerra } from '../core/state/turn';
import { confirmSession } from '../routes';

type Deps = EndDeps & {
  terra: Pick<Terra, 'findUser' | 'deauthenticate'>;
  ownerOf: (caller: SignedIn) => Promise<Owner>;
};

type Reply = ReplyOf<typeof confirmSession>;

/**
 * Proves that the user who started the session is the user who finished it: only the returning browser received the code, and it
 * counts only with the owner's JWT. If another user redeems the code first, the connection is removed, here and at Terra. Once the
 * owner has redeemed it, another user's attempt only raises an alarm.
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

  const isLive = deps.clock() <= (codeExpiresAt(session) ?? 0);
  if (owner.referenceId !== session.owner) {
    if (isLive) {
      note({ alarm: 'owner_mismatch' });
      if (!session.redeemed) await rejectSession(records, session, stateToken, deps);
    }
    throw new Problem('not_found', 'There is nothing here.');
  }
  if (isContested(session) || session.closed) throw sessionClosed();
  if (mayBelongToAnotherSession(session, session.returned.terraUserId, records)) throw sessionClosed();
  if (session.redeemed) return confirmedReply(records, session, deps);
  if (!isLive) throw codeInvalid();

  const fact = { kind: 'redeemed', at: deps.clock(), codeHash: hashOf(stateToken.secret) } as const;
  const dueAt = deps.clock() + PROJECT_WITHIN;
  const stored = await deps.store.addSessionFact(session.owner, session.id, fact, dueAt, session.dueAt);
  if (!stored.session?.redeemed || stored.session.wrongOwner || stored.session.closed) throw sessionClosed();
  return confirmedReply(records, await withAuthentication(stored.session, records, deps), deps);
}

/** Confirms without a code: every Terra user that authenticated in the session is proved, and the caller must be its owner. */
async function confirmWithoutCode(owner: Owner, sessionId: string, deps: Deps): Promise<Reply> {
  const records = await deps.store.load(owner.referenceId);
  const session = records.sessions.find(({ id }) => id === sessionId);
  if (!session) throw new Problem('not_found', 'There is nothing here.');
  if (session.wrongOwner || session.closed) throw sessionClosed();
  return confirmedReply(records, await withAuthentication(session, records, deps), deps);
}

/** Looks up a missing authentication. If Terra cannot be asked, its event or the sweep completes the session. */
async function withAuthentication(session: SessionRow, records: OwnerRecords, deps: Deps): Promise<SessionRow> {
  const terraUserId = session.returned?.terraUserId;
  if (terraUserId === undefined) return session;
  try {
    return await completeReturn(session, terraUserId, records, RETURN_LOOKUP_TIMEOUT, deps);
  } catch (error) {
    if (isOfTerra(error)) return session;
    throw error;
  }
}

async function confirmedReply(loaded: OwnerRecords, session: SessionRow, deps: Deps): Promise<Reply> {
  const { confirmation } = deps.rules;
  const terraUserId = provedUser(session, confirmation);
  if (terraUserId === undefined) {
    return { status: 202, body: { id: session.id, status: sessionStatus(session, deps.clock(), confirmation) } };
  }
  const { records } = await record(withSession(loaded, session), () => NO_FACT_UPDATES, deps);
  if (isUnreadable(records, terraUserId)) throw unreadable();
  const row = currentRow(records, terraUserId);
  const connection = row && connectionAnswer(row, records, deps.clock());
  if (!connection) throw new Error('a proved connection has no row');
  return { status: 200, body: { id: session.id, status: 'completed', connection } };
}

/** Rejects the session because another user redeemed its code, and ends the connection. */
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

const codeInvalid = () => new Problem('code_invalid', 'The code is wrong, expired or belongs to another session.');
const sessionClosed = () => new Problem('session_closed', 'The session is closed. Create a new one.');

export const handler = serve([on(confirmSession, confirm)], () => ({
  serve: dependencies.serveDeps(),
  ...dependencies.recordDeps(),
  terra: dependencies.terra(),
  ownerOf: dependencies.ownerOf(),
}));
