import { el, icon } from './view.js';

/**
 * @import { State } from './state.js'
 * @import { SessionStatus } from './types.js'
 *
 * @typedef {'done' | 'now' | 'todo' | 'wrong'} StepState
 * @typedef {{ name: string, says: string, state: StepState }} Step
 *
 * How far an attempt got, as far as the page knows.
 *
 * @typedef {'idle' | 'redeemed' | 'refused' | SessionStatus} Progress
 */

/** @type {Record<Step['state'], string>} */
const stateWords = { done: 'done', now: 'in progress', todo: 'not yet', wrong: 'failed' };

/**
 * The four steps of an attempt, drawn as a progress line.
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

const steps = [
  { name: 'Opened', says: 'The back end opens a link for you only' },
  { name: 'Returned', says: 'Terra sends you back with a one-time code' },
  { name: 'Confirmed', says: 'The code is valid only with your own sign-in' },
  { name: 'Connected', says: 'Terra reports the authentication' },
];

/** The current step, and whether it failed. @type {Record<Progress, { at: number, wrong?: true }>} */
const position = {
  idle: { at: -1 },
  pending: { at: 1 },
  failed: { at: 1, wrong: true },
  expired: { at: 1, wrong: true },
  returned: { at: 2 },
  refused: { at: 2, wrong: true },
  rejected: { at: 2, wrong: true },
  redeemed: { at: 3 },
  completed: { at: 4 },
};

/**
 * @param {Progress} progress
 * @returns {Step[]}
 */
export function trackOf(progress) {
  const { at, wrong } = position[progress];
  return steps.map((step, index) => ({ ...step, state: stateOf(index, at, wrong === true) }));
}

/**
 * @param {number} index
 * @param {number} at
 * @param {boolean} wrong
 * @returns {StepState}
 */
function stateOf(index, at, wrong) {
  if (index < at) return 'done';
  if (index > at) return 'todo';
  return wrong ? 'wrong' : 'now';
}
