import { duration } from './time-words.js';

/**
 * The page's texts for every state and error of the API.
 *
 * @import { ConnectErrorCode } from './client.js'
 * @import { Failure } from './failure.js'
 * @import { ConnectionStatus, SessionStatus, Tone, Words } from './types.js'
 */

/** @type {Record<ConnectionStatus, { tone: Tone, label: string }>} */
export const statusWords = {
  unconfirmed: { tone: 'wait', label: 'Not confirmed' },
  connected: { tone: 'good', label: 'Connected' },
  error: { tone: 'warn', label: 'Needs attention' },
  disconnecting: { tone: 'wait', label: 'Disconnecting' },
  disconnected: { tone: 'off', label: 'Disconnected' },
};

/** The reasons for a connection's status. @type {Record<string, string>} */
export const reasonWords = {
  awaiting_confirmation:
    'Terra has this connection, but the user who started it has not confirmed it. It is removed unless it is confirmed.',
  unsolicited: 'This connection was not started here. It is not used and will be disconnected automatically.',
  provider_rejected: 'The provider no longer accepts Terra’s access. No data arrives until you connect again.',
  owner: 'You disconnected it here.',
  erased: 'All records of this user are being erased.',
  wrong_owner: 'Another user finished a link that you had started, so the connection was removed.',
  not_confirmed: 'It was not confirmed in time, so it was removed.',
  revoked: 'You revoked the access at the provider.',
  deauthorised: 'The connection was ended at Terra or the provider.',
  absent: 'Terra no longer knows this connection.',
};

/** The statuses of a session. @type {Record<SessionStatus, Words>} */
export const sessionWords = {
  pending: { tone: 'wait', title: 'Waiting for you at Terra', text: 'The link is open. Finish there and come back.' },
  returned: {
    tone: 'wait',
    title: 'Back from Terra, not confirmed yet',
    text: 'The browser that came back has not redeemed the one-time code yet. If it was this browser, start again.',
  },
  completed: { tone: 'good', title: 'Connected', text: 'Terra reported the authentication and you confirmed it.' },
  failed: { tone: 'bad', title: 'That did not work', text: 'Nothing was connected. You can try again.' },
  expired: { tone: 'off', title: 'The link has expired', text: 'It was not finished in time. Nothing was connected.' },
  rejected: { tone: 'bad', title: 'Rejected', text: 'The session was closed for safety. Nothing was connected.' },
};

/** Why a session failed. @type {Record<string, Words>} */
export const failureWords = {
  cancelled: {
    tone: 'off',
    title: 'You cancelled',
    text: 'The attempt was cancelled before anything was shared. Nothing was connected.',
  },
  denied: {
    tone: 'bad',
    title: 'You denied access at the provider',
    text: 'Access was denied on the provider’s page. Nothing was connected.',
  },
  expired: {
    tone: 'off',
    title: 'The link has expired',
    text: 'A link can be opened for about fifteen minutes. Nothing was connected. Open a new link to try again.',
  },
  provider_error: {
    tone: 'bad',
    title: 'The provider had a problem',
    text: 'It could not finish the sign-in. Nothing was connected. Trying again often helps.',
  },
  wrong_owner: {
    tone: 'bad',
    title: 'Another user finished this link',
    text: 'The one-time code was sent by another signed-in user, so the session is closed and the connection is removed at Terra.',
  },
  unknown: {
    tone: 'bad',
    title: 'It did not finish',
    text: 'Terra reported a failure without a known reason. Nothing was connected.',
  },
};

/** The API's errors, in words for the user. @type {Record<ConnectErrorCode, Words>} */
export const problemWords = {
  invalid_request: bad('The request is not valid', 'The API rejected it without changing anything.'),
  code_invalid: bad(
    'The code is not valid',
    'It is wrong, older than ten minutes, or belongs to another session. Nothing was connected. Open a new session.',
  ),
  provider_unavailable: bad(
    'This provider is not available',
    'It is not enabled, or it connects in another way: in the browser or on the phone.',
  ),
  unauthenticated: bad('You are no longer signed in', 'Sign in again to continue.'),
  forbidden: bad('Not allowed', 'Your sign-in lacks the required permission.'),
  not_found: bad('Not found', 'It does not exist, or it belongs to another user. The API’s answer is the same.'),
  idempotency_conflict: bad(
    'The idempotency key was used for another request',
    'Try again; each attempt uses a new key.',
  ),
  in_progress: wait('Already in progress', 'The same request is still running. Try again in a second.'),
  session_closed: bad('The session is closed', 'It was finished, rejected or has expired. Open a new one to connect.'),
  erasing: wait('Your records are being erased', 'You can connect again once that is done.'),
  payload_too_large: bad('Too large', 'The request exceeds the API’s limit.'),
  rate_limited: wait('Too many requests', 'Each user has a limit per ten minutes. Wait a moment.'),
  internal: bad('Internal error', 'The log has the details under the request id. Trying again is safe.'),
  terra_rejected: bad('Terra rejected the request', 'The details are in the function’s log.'),
  terra_credentials: bad(
    'Terra does not accept this deployment’s keys',
    'They are wrong, or dev-id and API key are swapped. The operator must correct them.',
  ),
  terra_endpoint_gone: bad(
    'Terra has retired this endpoint',
    'The deployment must use the new endpoint. Trying again does not help.',
  ),
  terra_limit_reached: bad('The Terra account is full', 'It has reached its user limit. Nothing was connected.'),
  terra_unavailable: wait('Terra is not available', 'Nothing was lost. Try again later.'),
  terra_timeout: wait('Terra took too long', 'The request was stopped. Nothing was connected. Trying again is safe.'),
  unavailable: wait('Temporarily not available', 'The back end’s storage did not answer. Try again in a moment.'),
  network: wait('No answer', 'The local stack is not running, or there is no network. Start it and try again.'),
  unexpected_answer: bad('Unexpected answer', 'The answer did not come from this API, but perhaps from a proxy.'),
  popup_blocked: bad('The browser blocked the window', 'Allow pop-ups for this page, or connect in this window.'),
};

/**
 * Returns the text for a failed call. Failures of the sandbox and the issuer have no code and get a general text.
 *
 * @param {Failure} failure
 * @returns {Words}
 */
export function wordsForProblem({ status, code, retryAfterMs }) {
  const words = own(problemWords, code) ?? (status === 0 ? problemWords.network : unknownProblem());
  if (!retryAfterMs) return words;
  return { ...words, text: `${words.text} Try again in ${duration(Math.ceil(retryAfterMs / 1000))}.` };
}

/**
 * Returns the text for a session.
 *
 * @param {{ status: SessionStatus, failure?: string | undefined }} session
 * @returns {Words}
 */
export function wordsForSession({ status, failure }) {
  const isOver = status === 'failed' || status === 'expired' || status === 'rejected';
  return (isOver ? own(failureWords, failure) : undefined) ?? sessionWords[status];
}

/** The SDK's errors on the phone, named as in the Android SDK. @type {Record<string, string>} */
export const phoneWords = {
  InvalidAuthToken: 'Terra rejected the token: it was used before or has expired. A token works once.',
  UnSupportedResource: 'Terra rejected the request: this source is not enabled for the account.',
  UserLimitExceeded: 'Terra rejected the request: the account has reached its user limit.',
  TerraInvalidRequest: 'Terra rejected the request as malformed.',
};

/**
 * @param {string} title
 * @param {string} text
 * @returns {Words}
 */
function bad(title, text) {
  return { tone: 'bad', title, text };
}

/**
 * @param {string} title
 * @param {string} text
 * @returns {Words}
 */
function wait(title, text) {
  return { tone: 'wait', title, text };
}

function unknownProblem() {
  return bad('Something went wrong', 'The API gave an answer that this page does not know.');
}

/**
 * Returns the own property `key` of `of`, never an inherited one.
 *
 * @template T
 * @param {Record<string, T>} of
 * @param {string | undefined} key
 * @returns {T | undefined}
 */
function own(of, key) {
  return key !== undefined && Object.hasOwn(of, key) ? of[key] : undefined;
}
