import { failureOf } from './failure.js';
import { wordsForProblem, wordsForSession } from './words.js';

/**
 * How an attempt is shown, by what is known of it.
 *
 * @import { Attempt } from './state.js'
 * @import { Session } from './types.js'
 */

/** Terra's word has not come for a long while. @type {Pick<Attempt, 'progress' | 'words' | 'next'>} */
export const late = {
  progress: 'redeemed',
  words: {
    tone: 'wait',
    title: 'Still waiting for Terra',
    text: 'You are confirmed. The connection appears by itself as soon as Terra’s word arrives.',
  },
  next: 'retry',
};

/**
 * What the session itself says.
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
 * A provider that has no page to send a browser to.
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
      text: 'It has no web page to sign in to. The app mints a token, and the SDK on the phone does the rest.',
    },
  };
}

/**
 * The API knows no such session of this user. The page may know whose it was.
 *
 * @param {string | undefined} startedBy
 * @param {string} user
 * @returns {Pick<Attempt, 'words' | 'next'>}
 */
export function strangersLink(startedBy, user) {
  if (startedBy === undefined || startedBy === user) {
    return {
      words: {
        tone: 'bad',
        title: `This link was not ${user}’s`,
        text: 'Somebody else opened it, or it never existed: the API answers both the same. Nothing was connected, and if it was live, it is cut now.',
      },
      next: 'again',
    };
  }
  return {
    words: {
      tone: 'good',
      title: `${startedBy} did not get it`,
      text: `${user} finished a link ${startedBy} had opened. The code was refused, ${startedBy}’s session is rejected and the connection is cut at Terra.`,
    },
    next: 'starter',
  };
}

/**
 * The words for a call that failed; any other error is a mistake of ours.
 *
 * @param {unknown} error
 */
export const wordsOf = error => wordsForProblem(failureOf(error));
