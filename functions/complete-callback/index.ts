import type { Clock } from '../core/clock';
import { failureCause } from '../core/failure-cause';
import * as live from '../core/live';
import { appPage, neutralPage, pageHeaders } from '../core/page';
import { providerId, providerKind } from '../core/providers';
import { type Behaviour, on, type ReplyOf, serve } from '../core/serve';
import { CODE_LIFE, type Confirmation, PROJECT_WITHIN, type SessionRow } from '../core/session';
import type { Store } from '../core/store';
import { readTerraUserId } from '../core/terra-user';
import { codeSecret, hashOf, matchesHash, readTicket, type Ticket, writeTicket } from '../core/ticket';
import { returnFailure, returnSuccess } from '../routes';

type Deps = {
  store: Pick<Store, 'addSessionFact' | 'findSession'>;
  returnTargets: ReadonlyMap<string, string>;
  clock: Clock;
  confirmation: Confirmation;
};

type Reply = ReplyOf<typeof returnSuccess>;

const NEUTRAL: Reply = { status: 200, page: neutralPage, headers: pageHeaders };

/**
 * Notes, once, that the browser came back with a Terra user, and sends it on with the one-time code. What the query says
 * proves nothing: it decides no more than which Terra user the code can confirm. The same browser coming again within the
 * code's life gets the same code; everybody else the neutral page.
 */
export const completeCallback: Behaviour<typeof returnSuccess, Deps> = async ({ path, query, note }, deps) => {
  const state = readTicket(path.state);
  if (!state) return NEUTRAL;
  const terraUserId = readTerraUserId(query.user_id);
  if (terraUserId === undefined) return continueInApp(state, query.resource, deps);

  const at = deps.clock();
  const secret = codeSecret(state.secret, terraUserId);
  const { written, session } = await deps.store.addSessionFact(
    state.referenceId,
    state.sessionId,
    { kind: 'returned', at, terraUserId, codeHash: hashOf(secret), stateHash: hashOf(state.secret) },
    deps.confirmation === 'off' ? at + PROJECT_WITHIN : undefined,
  );
  if (!session || !(written || isSameReturn(session, state, terraUserId, at))) return NEUTRAL;
  note({ outcome: written ? 'returned' : 'returned_again' });
  const code = deps.confirmation === 'required' ? { code: writeTicket({ ...state, secret }) } : {};
  return sendBack(session, { status: 'returned', ...code }, deps);
};

/** Notes that the attempt failed. The person may still succeed with the same link, until its time is over. */
export const noteFailure: Behaviour<typeof returnFailure, Deps> = async ({ path, query, note }, deps) => {
  const state = readTicket(path.state);
  if (!state) return NEUTRAL;
  const cause = failureCause(query.reason ?? query.error);
  const at = deps.clock();
  const { written, session } = await deps.store.addSessionFact(
    state.referenceId,
    state.sessionId,
    { kind: 'failed', at, cause, stateHash: hashOf(state.secret) },
    undefined,
  );
  const isKnown = session && matchesHash(state.secret, session.stateHash);
  if (!isKnown || !session.failed || session.returned || !isUsable(session, at)) return NEUTRAL;
  note({ outcome: written ? 'failed' : 'failed_again' });
  return sendBack(session, { status: 'failed', error: session.failed.cause }, deps);
};

/** SDK providers picked in the widget come back without a user: nothing is connected, the app goes on with a token. */
async function continueInApp(state: Ticket, resource: string | undefined, deps: Deps): Promise<Reply> {
  if (resource === undefined || providerKind(resource) !== 'sdk') return NEUTRAL;
  const session = await deps.store.findSession(state.referenceId, state.sessionId);
  const isWaiting = session && matchesHash(state.secret, session.stateHash) && !session.returned;
  if (!isWaiting || !isUsable(session, deps.clock())) return NEUTRAL;
  return sendBack(session, { status: 'sdk_required', provider: providerId(resource) }, deps);
}

function isUsable(session: SessionRow, now: number): boolean {
  return !session.closed && !session.wrongOwner && now <= session.finishBy;
}

function isSameReturn(session: SessionRow, state: Ticket, terraUserId: string, now: number): boolean {
  const { returned } = session;
  return (
    returned !== undefined &&
    matchesHash(state.secret, session.stateHash) &&
    returned.terraUserId === terraUserId &&
    now <= returned.at + CODE_LIFE &&
    !session.redeemed &&
    !session.wrongOwner &&
    !session.closed
  );
}

/** To the exact URL the deployment has for the session's return target; no URL ever comes from a request. */
function sendBack(session: SessionRow, result: Record<string, string>, { returnTargets }: Deps): Reply {
  const target = returnTargets.get(session.returnTo);
  if (target === undefined) return NEUTRAL;
  const location = withQuery(target, { session_id: session.id, ...result });
  const isWeb = /^https?:/i.test(target);
  if (!isWeb) return { status: 200, page: appPage(location), headers: pageHeaders };
  return { status: 303, page: '', headers: { ...pageHeaders, location } };
}

/** Adds to the query and leaves every other character of the target as it is configured. */
function withQuery(target: string, added: Record<string, string>): string {
  const [beforeFragment = '', ...fragment] = target.split('#');
  const separator = beforeFragment.includes('?') ? '&' : '?';
  return [`${beforeFragment}${separator}${new URLSearchParams(added)}`, ...fragment].join('#');
}

export const handler = serve([on(returnSuccess, completeCallback), on(returnFailure, noteFailure)], () => ({
  serve: live.serveDeps(),
  store: live.store(),
  returnTargets: live.returnTargets(),
  clock: live.clock,
  confirmation: live.confirmation(),
}));
