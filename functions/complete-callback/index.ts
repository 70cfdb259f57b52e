import type { Clock, Instant } from '../core/platform/clock';
import { Problem } from '../core/http/errors';
import { failureCause } from '../core/state/failure-cause';
import * as dependencies from '../core/platform/dependencies';
import { askTerra } from '../core/state/look-up';
import { type AppLook, pageHeaders, pageReply, type PageView } from '../core/http/page';
import { pageLanguage } from '../core/http/page-language';
import { providerId, providerKind } from '../core/terra/providers';
import type { Random } from '../core/platform/random';
import { isNavigation, isPrefetch, isSameBrowser, newReturnBrowser } from '../core/http/return-browser';
import { type Behaviour, on, type ReplyOf, type RequestOf, serve } from '../core/http/serve';
import {
  type Authorisation,
  CODE_LIFE,
  causeOf,
  type Confirmation,
  type FailureCause,
  flowOf,
  isContested,
  isRefused,
  PROJECT_WITHIN,
  provedUser,
  RETURN_LOOKUP_PATIENCE,
  type SessionRow,
} from '../core/state/session';
import type { FactWritten, ReturnEvidence, Store } from '../core/store/store';
import type { Terra } from '../core/terra/terra';
import { readTerraUserId } from '../core/terra/terra-user';
import {
  codeSecret,
  hashOf,
  matchesHash,
  readStateToken,
  type StateToken,
  writeStateToken,
} from '../core/state/state-token';
import { nextTryNumber, readTryNumber, secondsToNextTry } from '../core/http/waiting-page';
import { returnFailure, returnSuccess } from '../routes';

type Deps = {
  store: Pick<Store, 'addSessionFact' | 'findSession'>;
  terra: Pick<Terra, 'findUser'>;
  returnTargets: ReadonlyMap<string, string>;
  clock: Clock;
  random: Random;
  /** The path that the callback's cookie goes to. */
  cookiePath: string;
  confirmation: Confirmation;
  /** How pages show the app; undefined: in words of their own. */
  look?: AppLook | undefined;
};

type Request = RequestOf<typeof returnSuccess>;
type Reply = ReplyOf<typeof returnSuccess>;
type Headers = Request['headers'];
/** What the app is told in the query of its target, and the user on a page. */
type Result =
  | { status: 'returned'; code?: string }
  | { status: 'failed'; error: FailureCause }
  | { status: 'sdk_required'; provider: string };
/** A browser that came to the success URL with a well-formed state and Terra user id. */
type Visit = { state: StateToken; terraUserId: string; at: Instant; request: Request };

/**
 * Records, once, that the browser came back with a Terra user, and sends it on with the one-time code. A return counts only
 * after the user's authentication: Terra told of it, or says so when asked; until then the browser gets a page that tries
 * again. Only if Terra cannot be asked is the return recorded all the same. Within the code's life the same browser gets the
 * same code again. Another browser that navigates here with the same Terra user means two people: the session is rejected.
 */
export const completeCallback: Behaviour<typeof returnSuccess, Deps> = async (request, deps) => {
  const { path, query, headers } = request;
  const state = readStateToken(path.state);
  if (!state) return neutral(headers, deps);
  const terraUserId = readTerraUserId(query.user_id);
  if (terraUserId === undefined) return continueInApp(state, query.resource, headers, deps);
  if (isPrefetch(headers)) return neutral(headers, deps);

  const visit = { state, terraUserId, at: deps.clock(), request };
  const counted = await countReturn(visit, deps.confirmation === 'off' ? 'not_asked' : 'recorded', deps);
  if ('reply' in counted) return counted.reply;
  const { session } = counted;
  if (!session || !matchesHash(state.secret, session.stateHash)) return neutral(headers, deps);
  if (session.returned) return comeAgain(session, visit, deps);
  // Terra returns with the user that it made the direct link for, and no other.
  const isPossible = session.terraUserId === undefined || session.terraUserId === terraUserId;
  return isPossible && isUsable(session, visit.at) ? askAndCount(session, visit, deps) : neutral(headers, deps);
};

/** Records the return if the session has, or gets with it, the evidence that it needs; else says how the session stands. */
async function countReturn(
  { state, terraUserId, request }: Visit,
  evidence: ReturnEvidence,
  deps: Deps,
): Promise<{ reply: Reply } | { session: SessionRow | undefined }> {
  const at = deps.clock();
  const isProof = deps.confirmation === 'required';
  const { browser, cookie } = newReturnBrowser(state, request, deps);
  const codeHash = hashOf(codeSecret(state.secret, terraUserId, browser.cookieHash));
  const stateHash = hashOf(state.secret);
  const { written, session }: FactWritten = await deps.store.addSessionFact(
    state.referenceId,
    state.sessionId,
    { kind: 'returned', at, terraUserId, codeHash, stateHash, evidence, ...(isProof && { browser }) },
    isProof && typeof evidence === 'string' ? undefined : at + PROJECT_WITHIN,
  );
  if (!written) return { session };
  request.note({ outcome: 'returned' });
  const reply = sendOn(session, state, request.headers, deps);
  return { reply: isProof ? { ...reply, cookies: [cookie] } : reply };
}

/** Asks Terra whether the user is authenticated, as often as the session may, and counts the return if it is. */
async function askAndCount(session: SessionRow, visit: Visit, deps: Deps): Promise<Reply> {
  const { state, terraUserId, at, request } = visit;
  const question = { kind: 'asked', at, stateHash: hashOf(state.secret) } as const;
  const { written: mayAsk } = await deps.store.addSessionFact(state.referenceId, state.sessionId, question, undefined);
  const answer = mayAsk ? await answerOf(session, terraUserId, deps) : undefined;
  if (answer === undefined || isInDoubt(session, terraUserId, answer)) return keepWaiting(session, visit, deps);

  const evidence: ReturnEvidence = answer === 'not_asked' ? answer : { foundNow: answer };
  const counted = await countReturn(visit, evidence, deps);
  if ('reply' in counted) return counted.reply;
  // Terra's event, or another visit, may have come in the meantime.
  const later = await countReturn(visit, 'recorded', deps);
  if ('reply' in later) return later.reply;
  return later.session?.returned ? comeAgain(later.session, visit, deps) : neutral(request.headers, deps);
}

/**
 * Returns whether the user may have been refused before: an answer of Terra's does not tell when the user authenticated, its
 * event does.
 */
function isInDoubt(session: SessionRow, terraUserId: string, answer: Authorisation | 'not_asked'): boolean {
  if (answer === 'not_asked' || isRefused(session, terraUserId)) return false;
  return isRefused({ ...session, authorised: { ...session.authorised, [terraUserId]: answer } }, terraUserId);
}

/** Returns what Terra's answer authorises; `not_asked` if it cannot be asked, or if only its event can tell whose the user is. */
async function answerOf(
  session: SessionRow,
  terraUserId: string,
  deps: Deps,
): Promise<Authorisation | 'not_asked' | undefined> {
  try {
    const answer = await askTerra(session, terraUserId, RETURN_LOOKUP_PATIENCE, deps);
    return answer === 'undated' ? 'not_asked' : answer;
  } catch (error) {
    if (error instanceof Problem && error.code.startsWith('terra_')) return 'not_asked';
    throw error;
  }
}

/** Shows the page that tries again by itself, with growing pauses. */
function keepWaiting(session: SessionRow, { terraUserId, request }: Visit, { look }: Deps): Reply {
  const { headers, query, note } = request;
  note({ outcome: 'waiting' });
  const tryNumber = readTryNumber(query.try);
  // Relative, so that it is right behind a proxy that adds to the path.
  const again = `success?${new URLSearchParams({ user_id: terraUserId, try: `${nextTryNumber(tryNumber)}` })}`;
  const view: PageView = { kind: 'waiting', again, afterSeconds: secondsToNextTry(tryNumber) };
  return pageReply(view, pageLanguage(session.language, headers['accept-language']), look);
}

/** A further visit after the return was counted. */
async function comeAgain(session: SessionRow, { state, terraUserId, at, request }: Visit, deps: Deps): Promise<Reply> {
  const { returned } = session;
  const { headers, note } = request;
  if (returned?.terraUserId !== terraUserId) return neutral(headers, deps);
  if (deps.confirmation === 'required' && !isSameBrowser(returned.browser, state, request)) {
    const isSecondPerson = isNavigation(headers) && returned.browser !== undefined && at <= session.finishBy;
    if (!isSecondPerson || flowOf(session) === undefined) return neutral(headers, deps);
    const fact = { kind: 'otherBrowser', at, codeHash: returned.codeHash } as const;
    const { written } = await deps.store.addSessionFact(session.owner, session.id, fact, at);
    note({ outcome: 'other_browser', ...(written && { alarm: 'link_reused' }) });
    return neutral(headers, deps);
  }
  if (at > returned.at + CODE_LIFE || session.closed || session.wrongOwner) return neutral(headers, deps);
  note({ outcome: 'returned_again' });
  return sendOn(session, state, headers, deps);
}

/** Sends a browser that returned on to the app: with the code, or, if that could prove nothing, as failed. */
function sendOn(session: SessionRow, state: StateToken, headers: Headers, deps: Deps): Reply {
  if (deps.confirmation === 'off') return sendBack(session, { status: 'returned' }, headers, deps);
  const terraUserId = session.returned?.terraUserId ?? '';
  if (isContested(session) || isRefused(session, terraUserId)) {
    const failure = session.cancelled ?? session.failed;
    const error = failure ? causeOf(failure) : 'unknown';
    return sendBack(session, { status: 'failed', error }, headers, deps);
  }
  const secret = codeSecret(state.secret, terraUserId, session.returned?.browser?.cookieHash);
  const code = writeStateToken({ ...state, secret });
  return sendBack(session, { status: 'returned', code }, headers, deps);
}

/**
 * Records that the attempt failed. The Terra user that the redirect names proves nothing in this session any more; in a widget
 * the user may still choose another provider.
 */
export const noteFailure: Behaviour<typeof returnFailure, Deps> = async ({ path, query, headers, note }, deps) => {
  const state = readStateToken(path.state);
  if (!state) return neutral(headers, deps);
  const cause = failureCause(query.reason ?? query.error);
  const at = deps.clock();
  const { written, session } = await deps.store.addSessionFact(
    state.referenceId,
    state.sessionId,
    { kind: 'failed', at, cause, terraUserId: readTerraUserId(query.user_id), stateHash: hashOf(state.secret) },
    undefined,
  );
  const isKnown = session && matchesHash(state.secret, session.stateHash);
  if (!isKnown || !session.failed || !isUsable(session, at)) return neutral(headers, deps);
  // A webhook may have completed it already: nobody is told then that nothing was connected.
  const hasSucceeded = session.returned || provedUser(session, deps.confirmation) !== undefined;
  if (hasSucceeded) return neutral(headers, deps);
  note({ outcome: written ? 'failed' : 'failed_again' });
  return sendBack(session, { status: 'failed', error: causeOf(session.failed) }, headers, deps);
};

/** SDK providers picked in the widget come back without a user: nothing is connected, the app goes on with a token. */
async function continueInApp(
  state: StateToken,
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
  serve: dependencies.serveDeps(),
  store: dependencies.store(),
  terra: dependencies.terra(),
  random: dependencies.random,
  cookiePath: new URL(dependencies.required('CALLBACK_BASE')).pathname,
  returnTargets: dependencies.returnTargets(),
  clock: dependencies.clock,
  confirmation: dependencies.confirmation(),
  look: dependencies.appLook(),
}));
