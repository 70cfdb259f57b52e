import { duration } from './time-words.js';
import { el } from './view.js';

/**
 * @import { State } from './state.js'
 *
 * @typedef {{ handOver: (other: string) => void, copyLink: () => void }} StealActions
 */

const CODE_LIFE_SECONDS = 600;

/**
 * The attack that confirmation is there for: one person starts, another finishes.
 *
 * @param {State} state
 * @param {StealActions} actions
 * @param {boolean} isOpening
 * @returns {HTMLElement}
 */
export function steal({ user = 'alice' }, { handOver, copyLink }, isOpening) {
  const other = user === 'bob' ? 'alice' : 'bob';
  return el(
    'details',
    { class: 'fold', 'data-key': 'steal' },
    el('summary', { 'data-key': 'steal summary' }, 'Try to steal a connection'),
    el(
      'p',
      {},
      `${user} opens a link and gets ${other} to follow it. ${other} approves with ${other}’s own device. Does it land in ${user}’s account?`,
    ),
    el(
      'div',
      { class: 'row' },
      el(
        'button',
        {
          type: 'button',
          'aria-disabled': isOpening ? 'true' : undefined,
          'data-key': 'hand over',
          onclick: () => handOver(other),
        },
        `Go on as ${other}`,
      ),
      el(
        'button',
        {
          type: 'button',
          class: 'quiet',
          'aria-disabled': isOpening ? 'true' : undefined,
          'data-key': 'copy link',
          onclick: copyLink,
        },
        'Copy the link for another browser',
      ),
    ),
    el(
      'p',
      { class: 'soft small' },
      `In another browser: open the link there, approve, and sign in under another name when you come back. A code lives ${duration(CODE_LIFE_SECONDS)}.`,
    ),
  );
}
