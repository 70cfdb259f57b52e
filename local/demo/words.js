import { duration } from './time-words.js';

/**
 * What the page says, in plain words, for every state and failure the API knows.
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

/** Why a connection is what it is. @type {Record<string, string>} */
export const reasonWords = {
  awaiting_confirmation:
    'Terra has this connection, but the person who started it has not confirmed it. Left like this, it is cut.',
  unsolicited: 'Nobody here started this, so it does not count and will be disconnected by itself.',
  provider_rejected: 'The provider no longer accepts Terra’s access. No data comes until you connect again.',
  owner: 'You disconnected it here.',
  erased: 'All records of this user are being erased.',
  wrong_owner: 'Somebody else finished a link you had started, so it was cut before it counted.',
  not_confirmed: 'Nobody confirmed it in time, so it was cut.',
  revoked: 'You took the access back at the provider.',
  deauthorised: 'The connection was ended at Terra or the provider.',
  absent: 'Terra no longer knows this connection.',
};

/** What became of a session. @type {Record<SessionStatus, Words>} */
export const sessionWords = {
  pending: { tone: 'wait', title: 'Waiting for you at Terra', text: 'The link is open. Finish there and come back.' },
  returned: {
    tone: 'wait',
    title: 'Back from Terra, not confirmed yet',
    text: 'The one-time code is still to be redeemed by the browser that came back. If that was this one, start anew.',
  },
  completed: { tone: 'good', title: 'Connected', text: 'Terra vouched for the account and you confirmed it was you.' },
  failed: { tone: 'bad', title: 'That did not work', text: 'Nothing was connected. You can try again.' },
  expired: { tone: 'off', title: 'The link ran out', text: 'Nobody finished in time. Nothing was connected.' },
  rejected: { tone: 'bad', title: 'Rejected', text: 'The session was closed for safety. Nothing was connected.' },
};

/** Why a session failed. @type {Record<string, Words>} */
export const failureWords = {
  cancelled: {
    tone: 'off',
    title: 'You stepped back',
    text: 'The attempt was cancelled before anything was shared. Nothing was connected.',
  },
  denied: {
    tone: 'bad',
    title: 'You said no at the provider',
    text: 'Access was denied on the provider’s page, and that is respected: nothing was connected.',
  },
  expired: {
    tone: 'off',
    title: 'The link ran out',
    text: 'A link can be opened for about fifteen minutes. Nothing was connected, a new one takes a second.',
  },
  provider_error: {
    tone: 'bad',
    title: 'The provider had a problem',
    text: 'It could not finish the sign-in. Nothing was connected, trying again often helps.',
  },
  wrong_owner: {
    tone: 'bad',
    title: 'Somebody else finished this link',
    text: 'The one-time code came from another signed-in user, so the session is closed and the connection is cut at Terra.',
  },
  unknown: {
    tone: 'bad',
    title: 'It did not finish',
    text: 'Terra reported a failure without a reason we know. Nothing was connected.',
  },
};

/** What a problem means for the person. @type {Record<ConnectErrorCode, Words>} */
export const problemWords = {
  invalid_request: bad('The request was not understood', 'The API turned it away before doing anything.'),
  code_invalid: bad(
    'The code does not count',
    'It is wrong, older than ten minutes, or belongs to another session. Nothing was connected, open a new session.',
  ),
  provider_unavailable: bad(
    'This provider is not available',
    'It is not switched on, or connects another way: in the browser or on the phone.',
  ),
  unauthenticated: bad('You are not signed in any more', 'Sign in again to go on.'),
  forbidden: bad('Not allowed', 'Your sign-in does not carry the permission this needs.'),
  not_found: bad('There is nothing here', 'It does not exist, or it is not yours. The API answers both the same.'),
  idempotency_conflict: bad('That key was used for something else', 'Try once more, a new key is made each time.'),
  in_progress: wait('Already under way', 'The same request is still being worked on. Try again in a second.'),
  session_closed: bad(
    'The session is closed',
    'It was finished, rejected or ran out before. Open a new one to connect.',
  ),
  erasing: wait('Your records are being erased', 'New connections are possible again once that is done.'),
  payload_too_large: bad('Too large', 'The request was bigger than the API takes.'),
  rate_limited: wait('A little too fast', 'There is a limit for each person and ten minutes. Wait a moment.'),
  internal: bad('Something went wrong on our side', 'It is in the log with its request id. Trying again is safe.'),
  terra_rejected: bad('Terra turned the request down', 'The details are in the function’s log, not on this page.'),
  terra_credentials: bad(
    'Terra does not accept this deployment’s keys',
    'They are wrong, or dev-id and API key are swapped. Whoever operates it has to look.',
  ),
  terra_endpoint_gone: bad(
    'Terra has retired this endpoint',
    'The deployment has to be pointed at the new one; trying again does not help.',
  ),
  terra_limit_reached: bad('The Terra account is full', 'It has all the users it may have. Nothing was connected.'),
  terra_unavailable: wait('Terra is not available right now', 'Nothing was lost. Try again in a little while.'),
  terra_timeout: wait('Terra took too long', 'We stopped waiting. Nothing was connected, trying again is safe.'),
  unavailable: wait('Temporarily not available', 'Our own storage did not answer. Try again in a moment.'),
  network: wait('No answer', 'The local stack is not running, or the network is away. Start it and try again.'),
  unexpected_answer: bad('Something else answered', 'What answered is not this API, perhaps a proxy before it.'),
  popup_blocked: bad('The browser blocked the window', 'Allow windows for this page, or connect in this one.'),
};

/**
 * The words for a call that failed. The sandbox and the issuer give no code: there an answer is a failure like any other.
 *
 * @param {Failure} failure
 * @returns {Words}
 */
export function wordsForProblem({ status, code, retryAfterMs }) {
  const words = own(problemWords, code) ?? (status === 0 ? problemWords.network : unknownProblem());
  if (!retryAfterMs) return words;
  return { ...words, text: `${words.text} Best in ${duration(Math.ceil(retryAfterMs / 1000))}.` };
}

/**
 * The words for a session as the API tells it.
 *
 * @param {{ status: SessionStatus, failure?: string | undefined }} session
 * @returns {Words}
 */
export function wordsForSession({ status, failure }) {
  const isOver = status === 'failed' || status === 'expired' || status === 'rejected';
  return (isOver ? own(failureWords, failure) : undefined) ?? sessionWords[status];
}

/** What a phone's SDK reports, named as the Android SDK does. @type {Record<string, string>} */
export const phoneWords = {
  InvalidAuthToken: 'Terra refused the token: it was used before, or it is too old. Tokens work once.',
  UnSupportedResource: 'Terra refused: this source is not switched on for the account.',
  UserLimitExceeded: 'Terra refused: the account has all the users it may have.',
  TerraInvalidRequest: 'Terra did not understand the phone.',
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
  return bad('Something went wrong', 'The API answered in a way this page does not know.');
}

/**
 * What `of` itself holds under `key`; never something inherited.
 *
 * @template T
 * @param {Record<string, T>} of
 * @param {string | undefined} key
 * @returns {T | undefined}
 */
function own(of, key) {
  return key !== undefined && Object.hasOwn(of, key) ? of[key] : undefined;
}
