import type { Clock, Instant } from '../core/platform/clock';
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
  failureCause,
  flowOf,
  isContested,
  isRefused,
  PROJECT_WITHIN,
  provedUser,
  RETURN_LOOKUP_TIMEOUT,
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
import { isOfTerra } from '../core/state/turn';
import { returnFailure, returnSuccess } from '../routes';

type Deps = {
  store: Pick<Store, 'addSessionFact' | 'findSession'>;
  terra: Pick<Terra, 'findUser'>;
  returnTargets: ReadonlyMap<string, string>;
  clock: Clock;
  random: Random;
  /** The path of the callback's cookie. */
  cookiePath: string;
  confirmation: Confirmation;
  /** How pages show the app; undefined: with default texts. */
  look?: AppLook | undefined;
};

type Request = RequestOf<typeof returnSuccess>;
type Reply = ReplyOf<typeof returnSuccess>;
type Headers = Request['headers'];
/** The outcome, as the query of the return target and the page show it. */
type Result =
  | { status: 'returned'; code?: string }
  | { status: 'failed'; error: FailureCause }
  | { status: 'sdk_required'; provider: string };
/** A request to the success URL with a well-formed state and Terra user id. */
type Visit = { state: StateToken; terraUserId: string; at: Instant; request: Request };

/**
 * Records once that the browser returned with a Terra user, and sends it to the app with the one-time code. A return counts only
 * after the user's authentication, which Terra reported or confirms when asked. Until then the browser gets a page that tries
 * again. If Terra cannot be asked, the return is recorded anyway. The same browser gets the same code again while it is valid.
 * If another browser navigates here with the same Terra user, two people took part, and the session is rejected.
 */
export const completeCallback: Behaviour<typeof returnSuccess, Deps> = async (request, deps) => {
  const { path, query, headers } = request;
  const state = readStateToken(path.state);
  if (!state) return neutralPage(headers, deps);
  const terraUserId = readTerraUserId(query.user_id);
  if (terraUserId === undefined) return continueInApp(state, query.resource, headers, deps);
  if (isPrefetch(headers)) return neutralPage(headers, deps);

  const visit = { state, terraUserId, at: deps.clock(), request };
  const recorded = await recordReturn(visit, deps.confirmation === 'off' ? 'not_asked' : 'recorded', deps);
  if ('reply' in recorded) return recorded.reply;
  const { session } = recorded;
  if (!session || !matchesHash(state.secret, session.stateHash)) return neutralPage(headers, deps);
  if (session.returned) return answerRepeatedVisit(session, visit, deps);
  // A direct link returns only with the Terra user that it was made for.
  const isPossible = session.terraUserId === undefined || session.terraUserId === terraUserId;
  return isPossible && isUsable(session, visit.at) ? lookUpAndRecord(session, visit, deps) : neutralPage(headers, deps);
};

/** Records the return if its evidence is sufficient, and returns the reply. Otherwise returns the stored session. */
async function recordReturn(
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
  const reply = returnToApp(session, state, request.headers, deps);
  return { reply: isProof ? { ...reply, cookies: [cookie] } : reply };
}

/** Asks Terra whether the user is authenticated, up to `RETURN_LOOKUP_LIMIT` times, and records the return if it is. */
async function lookUpAndRecord(session: SessionRow, visit: Visit, deps: Deps): Promise<Reply> {
  const { state, terraUserId, at, request } = visit;
  const question = { kind: 'asked', at, stateHash: hashOf(state.secret) } as const;
  const { written: mayAsk } = await deps.store.addSessionFact(state.referenceId, state.sessionId, question, undefined);
  const answer = mayAsk ? await lookUpEvidence(session, terraUserId, deps) : undefined;
  if (answer === undefined || isRefusalUncertain(session, terraUserId, answer))
    return showWaitingPage(session, visit, deps);

  const evidence: ReturnEvidence = answer === 'not_asked' ? answer : { foundNow: answer };
  const recorded = await recordReturn(visit, evidence, deps);
  if ('reply' in recorded) return recorded.reply;
  // Terra's event or another visit may have arrived meanwhile.
  const later = await recordReturn(visit, 'recorded', deps);
  if ('reply' in later) return later.reply;
  return later.session?.returned ? answerRepeatedVisit(later.session, visit, deps) : neutralPage(request.headers, deps);
}

/** Returns whether the user may have been refused before. Terra's answer does not say when the user authenticated; its event does. */
function isRefusalUncertain(session: SessionRow, terraUserId: string, answer: Authorisation | 'not_asked'): boolean {
  if (answer === 'not_asked' || isRefused(session, terraUserId)) return false;
  return isRefused({ ...session, authorised: { ...session.authorised, [terraUserId]: answer } }, terraUserId);
}

/** Returns the authorisation in Terra's answer; `not_asked` if Terra cannot be asked or does not say when it created the user. */
async function lookUpEvidence(
  session: SessionRow,
  terraUserId: string,
  deps: Deps,
): Promise<Authorisation | 'not_asked' | undefined> {
  try {
    const answer = await askTerra(session, terraUserId, RETURN_LOOKUP_TIMEOUT, deps);
    return answer === 'undated' ? 'not_asked' : answer;
  } catch (error) {
    if (isOfTerra(error)) return 'not_asked';
    throw error;
  }
}

/** Shows the page that reloads by itself with growing pauses. */
function showWaitingPage(session: SessionRow, { terraUserId, request }: Visit, { look }: Deps): Reply {
  const { headers, query, note } = request;
  note({ outcome: 'waiting' });
  const tryNumber = readTryNumber(query.try);
  // Relative, so that it works behind a proxy that changes the path.
  const again = `success?${new URLSearchParams({ user_id: terraUserId, try: `${nextTryNumber(tryNumber)}` })}`;
  const view: PageView = { kind: 'waiting', again, afterSeconds: secondsToNextTry(tryNumber) };
  return pageReply(view, pageLanguage(session.language, headers['accept-language']), look);
}

/** Replies to a further visit after the return was recorded. */
async function answerRepeatedVisit(
  session: SessionRow,
  { state, terraUserId, at, request }: Visit,
  deps: Deps,
): Promise<Reply> {
  const { returned } = session;
  const { headers, note } = request;
  if (returned?.terraUserId !== terraUserId) return neutralPage(headers, deps);
  if (deps.confirmation === 'required' && !isSameBrowser(returned.browser, state, request)) {
    const isSecondPerson = isNavigation(headers) && returned.browser !== undefined && at <= session.finishBy;
    if (!isSecondPerson || flowOf(session) === undefined) return neutralPage(headers, deps);
    const fact = { kind: 'otherBrowser', at, codeHash: returned.codeHash } as const;
    const { written } = await deps.store.addSessionFact(session.owner, session.id, fact, at);
    note({ outcome: 'other_browser', ...(written && { alarm: 'link_reused' }) });
    return neutralPage(headers, deps);
  }
  if (at > returned.at + CODE_LIFE || session.closed || session.wrongOwner) return neutralPage(headers, deps);
  note({ outcome: 'returned_again' });
  return returnToApp(session, state, headers, deps);
}

/** Sends the browser to the app with the code, or as failed if the code could prove nothing. */
function returnToApp(session: SessionRow, state: StateToken, headers: Headers, deps: Deps): Reply {
  if (deps.confirmation === 'off') return redirectToTarget(session, { status: 'returned' }, headers, deps);
  const terraUserId = session.returned?.terraUserId ?? '';
  if (isContested(session) || isRefused(session, terraUserId)) {
    const failure = session.cancelled ?? session.failed;
    const error = failure ? causeOf(failure) : 'unknown';
    return redirectToTarget(session, { status: 'failed', error }, headers, deps);
  }
  const secret = codeSecret(state.secret, terraUserId, session.returned?.browser?.cookieHash);
  const code = writeStateToken({ ...state, secret });
  return redirectToTarget(session, { status: 'returned', code }, headers, deps);
}

/**
 * Records that the session failed. The Terra user in the redirect proves nothing in this session from then on. In a widget the user
 * can still choose another provider.
 */
export const recordFailure: Behaviour<typeof returnFailure, Deps> = async ({ path, query, headers, note }, deps) => {
  const state = readStateToken(path.state);
  if (!state) return neutralPage(headers, deps);
  const cause = failureCause(query.reason ?? query.error);
  const at = deps.clock();
  const { written, session } = await deps.store.addSessionFact(
    state.referenceId,
    state.sessionId,
    { kind: 'failed', at, cause, terraUserId: readTerraUserId(query.user_id), stateHash: hashOf(state.secret) },
    undefined,
  );
  const isKnown = session && matchesHash(state.secret, session.stateHash);
  if (!isKnown || !session.failed || !isUsable(session, at)) return neutralPage(headers, deps);
  // A webhook may have completed the session already; then it has not failed.
  const hasSucceeded = session.returned || provedUser(session, deps.confirmation) !== undefined;
  if (hasSucceeded) return neutralPage(headers, deps);
  note({ outcome: written ? 'failed' : 'failed_again' });
  return redirectToTarget(session, { status: 'failed', error: causeOf(session.failed) }, headers, deps);
};

/** Sends the browser to the app if the user chose an SDK provider in the widget. Terra then names no user, and the app needs a token. */
async function continueInApp(
  state: StateToken,
  resource: string | undefined,
  headers: Headers,
  deps: Deps,
): Promise<Reply> {
  if (resource === undefined || providerKind(resource) !== 'sdk') return neutralPage(headers, deps);
  const session = await deps.store.findSession(state.referenceId, state.sessionId);
  const isWaiting = session && matchesHash(state.secret, session.stateHash) && !session.returned;
  if (!isWaiting || !isUsable(session, deps.clock())) return neutralPage(headers, deps);
  return redirectToTarget(session, { status: 'sdk_required', provider: providerId(resource) }, headers, deps);
}

function isUsable(session: SessionRow, now: number): boolean {
  return !session.closed && !session.wrongOwner && now <= session.finishBy;
}

/** Sends the browser to the configured URL of the session's return target. No URL comes from a request. */
function redirectToTarget(session: SessionRow, result: Result, headers: Headers, { returnTargets, look }: Deps): Reply {
  const configured = returnTargets.get(session.returnTo);
  if (configured === undefined) return neutralPage(headers, { look });
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

/** Returns a page that reveals nothing about any session. It depends only on the browser's language. */
function neutralPage(headers: Headers, { look }: Pick<Deps, 'look'>): Reply {
  return pageReply({ kind: 'neutral' }, pageLanguage(undefined, headers['accept-language']), look);
}

/** Adds query parameters and keeps every other character of the configured target. */
function withQuery(target: string, added: Record<string, string>): string {
  const [beforeFragment = '', ...fragment] = target.split('#');
  const separator = beforeFragment.includes('?') ? '&' : '?';
  return [`${beforeFragment}${separator}${new URLSearchParams(added)}`, ...fragment].join('#');
}

export const handler = serve([on(returnSuccess, completeCallback), on(returnFailure, recordFailure)], () => ({
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
