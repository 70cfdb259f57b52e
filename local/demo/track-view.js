import { trackOf } from './track.js';
import { el, icon } from './view.js';

/**
 * @import { State } from './state.js'
 * @import { Step } from './track.js'
 */

/** @type {Record<Step['state'], string>} */
const stateWords = { done: 'done', now: 'under way', todo: 'still to come', wrong: 'went wrong' };

/**
 * The four steps, drawn as a line that fills.
 *
 * @param {Pick<State, 'attempt'>} state
 * @returns {HTMLElement}
 */
export function track({ attempt }) {
  return el(
    'ol',
    { class: attempt.progress === 'idle' ? 'track idle' : 'track', 'aria-label': 'Steps of a session' },
    trackOf(attempt.progress).map(({ name, says, state }, index) =>
      el(
        'li',
        { class: state, 'aria-current': state === 'now' ? 'step' : undefined },
        el('span', { class: 'node', 'aria-hidden': 'true' }, node(state, index)),
        el(
          'span',
          { class: 'step' },
          el('b', {}, name),
          el('span', { class: 'unseen' }, `, ${stateWords[state]}`),
          el('span', { class: 'says' }, says),
        ),
      ),
    ),
  );
}

/**
 * @param {Step['state']} state
 * @param {number} index
 */
function node(state, index) {
  if (state === 'done') return icon('check');
  return state === 'wrong' ? icon('cross') : String(index + 1);
}
