import type { Clock, Instant } from './clock';
import { CLOCK_SLACK, PROJECT_WITHIN, type SessionRow } from './session';
import type { Store } from './store';
import type { Terra } from './terra';

export type LookUpDeps = { store: Pick<Store, 'addSessionFact'>; terra: Pick<Terra, 'findUser'>; clock: Clock };

/**
 * Asks Terra whether the user the browser came back with is connected, for when the webhook is late or lost. It counts
 * only where the id and the reference id fit and the user was not made before this session. The session as it stands then.
 */
export async function lookUp(
  session: SessionRow,
  terraUserId: string,
  patience: Instant | undefined,
  deps: LookUpDeps,
): Promise<SessionRow> {
  const user = await deps.terra.findUser(terraUserId, patience);
  const isTheirs = user?.terraUserId === terraUserId && user.referenceId === session.owner && user.authenticated;
  const isOlder = user?.createdAt !== undefined && user.createdAt < session.createdAt - CLOCK_SLACK;
  if (!user || !isTheirs || isOlder) return session;

  const at = user.createdAt ?? session.returned?.at ?? deps.clock();
  const fact = { kind: 'authorised', at, terraUserId, provider: user.provider, scopes: user.scopes } as const;
  const dueAt = deps.clock() + PROJECT_WITHIN;
  const stored = await deps.store.addSessionFact(session.owner, session.id, fact, dueAt, session.dueAt);
  return stored.session ?? session;
}
