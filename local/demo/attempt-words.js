import { failureOf } from './failure.js';
import { wordsForProblem, wordsForSession } from './words.js';

/**
 * The texts for an attempt.
 *
 * @import { Attempt } from './state.js'
 * @import { Session } from './types.js'
 */

/**
 * Shown if Terra has not reported the authentication for two minutes.
 *
 * @type {Pick<Attempt, 'progress' | 'words' | 'next'>}
 */
export const late = {
  progress: 'redeemed',
  words: {
    tone: 'wait',
    title: 'Still waiting for Terra',
    text: 'You have confirmed. The connection appears as soon as Terra reports the authentication.',
  },
  next: 'retry',
};

/**
 * Returns the display of a session's current state.
 *
 * @param {Session} session
 * @returns {Attempt}
 */
export function about(session) {
  const { id, status, url, provider } = session;
  return {
    id,
    progress: status,
    words: wordsForSession(session),
    ...(url !== undefined && { url }),
    ...(provider !== undefined && { provider }),
    ...(status !== 'completed' && status !== 'pending' && { next: /** @type {const} */ ('again') }),
  };
}

/**
 * Returns the display for a provider that connects on the phone.
 *
 * @param {string} provider
 * @param {string} name
 * @returns {Attempt}
 */
export function phoneNeeded(provider, name) {
  return {
    progress: 'pending',
    provider,
    next: 'phone',
    words: {
      tone: 'wait',
      title: `${name} connects on the phone`,
      text: 'It has no web page to sign in to. The app mints a token, and the SDK on the phone connects with it.',
    },
  };
}

/**
 * Returns the display for a session that the API does not show to this user. The page may remember who started it.
 *
 * @param {string | undefined} startedBy
 * @param {string} user
 * @returns {Pick<Attempt, 'words' | 'next'>}
 */
export function wrongUser(startedBy, user) {
  if (startedBy === undefined || startedBy === user) {
    return {
      words: {
        tone: 'bad',
        title: `This link does not belong to ${user}`,
        text: 'Another user opened it, or it never existed: the API’s answer is the same. Nothing was connected, and a connection made through it is removed.',
      },
      next: 'again',
    };
  }
  return {
    words: {
      tone: 'good',
      title: `${startedBy} did not get the connection`,
      text: `${user} finished a link that ${startedBy} had opened. The code was rejected, ${startedBy}’s session is closed and the connection is removed at Terra.`,
    },
    next: 'starter',
  };
}

/**
 * Returns the text for a failed call. Rethrows any other error.
 *
 * @param {unknown} error
 */
export const wordsOf = error => wordsForProblem(failureOf(error));
