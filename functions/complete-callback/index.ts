import type { Clock } from '../core/clock';
import { failureCause } from '../core/failure-cause';
import * as live from '../core/live';
import { type AppLook, pageHeaders, pageReply, type PageView } from '../core/page';
import { pageLanguage } from '../core/page-language';
import { providerId, providerKind } from '../core/providers';
import { type Behaviour, on, type ReplyOf, type RequestOf, serve } from '../core/serve';
import {
  CODE_LIFE,
  type Confirmation,
  type FailureCause,
  PROJECT_WITHIN,
  provedUser,
  type SessionRow,
} from '../core/session';
import type { Store } from '../core/store';
import { readTerraUserId } from '../core/terra-user';
import { codeSecret, hashOf, matchesHash, readTicket, type Ticket, writeTicket } from '../core/ticket';
import { returnFailure, returnSuccess } from '../routes';

type Deps = {
  store: Pick<Store, 'addSessionFact' | 'findSession'>;
  returnTargets: ReadonlyMap<string, string>;
  clock: Clock;
  confirmation: Confirmation;
  /** How pages show the app; undefined: in words of their own. */
  look?: AppLook | undefined;
};

type Reply = ReplyOf<typeof returnSuccess>;
type Headers = RequestOf<typeof returnSuccess>['headers'];
/** What the app is told in the query of its target, and the person on a page. */
type Result =
  | { status: 'returned'; code?: string }
  | { status: 'failed'; error: FailureCause }
  | { status: 'sdk_required'; provider: string };

/**
 * Notes, once, that the browser came back with a Terra user, and sends it on with the one-time code. What the query says
 * proves nothing: it decides no more than which Terra user the code can confirm. The same browser coming again within the
 * code's life gets the same code; everybody else the neutral page.
 */
export const completeCallback: Behaviour<typeof returnSuccess, Deps> = async ({ path, query, headers, note }, deps) => {
  const state = readTicket(path.state);
  if (!state) return neutral(headers, deps);
  const terraUserId = readTerraUserId(query.user_id);
  if (terraUserId === undefined) return continueInApp(state, query.resource, headers, deps);

  const at = deps.clock();
  const secret = codeSecret(state.secret, terraUserId);
  const { written, session } = await deps.store.addSessionFact(
    state.referenceId,
    state.sessionId,
    { kind: 'returned', at, terraUserId, codeHash: hashOf(secret), stateHash: hashOf(state.secret) },
    deps.confirmation === 'off' ? at + PROJECT_WITHIN : undefined,
  );
  if (!session || !(written || isSameReturn(session, state, terraUserId, at))) return neutral(headers, deps);
  note({ outcome: written ? 'returned' : 'returned_again' });
  const code = deps.confirmation === 'required' ? { code: writeTicket({ ...state, secret }) } : {};
  return sendBack(session, { status: 'returned', ...code }, headers, deps);
};

/** Notes that the attempt failed. The person may still succeed with the same link, until its time is over. */
export const noteFailure: Behaviour<typeof returnFailure, Deps> = async ({ path, query, headers, note }, deps) => {
  const state = readTicket(path.state);
  if (!state) return neutral(headers, deps);
  const cause = failureCause(query.reason ?? query.error);
  const at = deps.clock();
  const { written, session } = await deps.store.addSessionFact(
    state.referenceId,
    state.sessionId,
    { kind: 'failed', at, cause, stateHash: hashOf(state.secret) },
    undefined,
  );
  const isKnown = session && matchesHash(state.secret, session.stateHash);
  if (!isKnown || !session.failed || !isUsable(session, at)) return neutral(headers, deps);
  // A webhook may have completed it already: nobody is told then that nothing was connected.
  const hasSucceeded = session.returned || provedUser(session, deps.confirmation) !== undefined;
  if (hasSucceeded) return neutral(headers, deps);
  note({ outcome: written ? 'failed' : 'failed_again' });
  return sendBack(session, { status: 'failed', error: session.failed.cause }, headers, deps);
};

/** SDK providers picked in the widget come back without a user: nothing is connected, the app goes on with a token. */
async function continueInApp(
  state: Ticket,
  resource: string | undefined,
  headers: Headers,
  deps: Deps,
): Promise<Reply> {
  if (resource === undefined || providerKind(resource) !== 'sdk') return neutral(headers, deps);
  const session = await deps.store.findSession(state.referenceId, state.sessionId);
  const isWaiting = session && matchesHash(state.secret, session.stateHash) && !session.returned;
  if (!isWaiting || !isUsable(session, deps.clock())) return neutral(headers, deps);
  return sendBack(session, { status: 'sdk_required', provider: providerId(resource) }, headers, deps);
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
function sendBack(session: SessionRow, result: Result, headers: Headers, { returnTargets, look }: Deps): Reply {
  const configured = returnTargets.get(session.returnTo);
  if (configured === undefined) return neutral(headers, { look });
  const target = withQuery(configured, { session_id: session.id, ...result });
  const isWeb = /^https?:/i.test(configured);
  if (isWeb) return { status: 303, page: '', headers: { ...pageHeaders, location: target } };
  return pageReply(viewOf(result, target), pageLanguage(session.language, headers['accept-language']), look);
}

function viewOf(result: Result, target: string): PageView {
  switch (result.status) {
    case 'returned':
      return { kind: 'returned', target };
    case 'failed':
      return { kind: 'failed', cause: result.error, target };
    case 'sdk_required':
      return { kind: 'sdk_required', provider: result.provider, target };
    default:
      return result satisfies never;
  }
}

/** Says nothing of any session, not even by its language: the same for the same browser, whatever the state. */
function neutral(headers: Headers, { look }: Pick<Deps, 'look'>): Reply {
  return pageReply({ kind: 'neutral' }, pageLanguage(undefined, headers['accept-language']), look);
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
  look: live.appLook(),
}));
