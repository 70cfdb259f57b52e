/**
 * The four steps of an attempt, and how far this one came.
 *
 * @import { SessionStatus } from './types.js'
 *
 * @typedef {'done' | 'now' | 'todo' | 'wrong'} StepState
 * @typedef {{ name: string, says: string, state: StepState }} Step
 */

const steps = [
  { name: 'Opened', says: 'The back end opens a link for you alone' },
  { name: 'Returned', says: 'Terra sends you back with a one-time code' },
  { name: 'Confirmed', says: 'The code counts only with your own sign-in' },
  { name: 'Connected', says: 'Terra vouches for the account' },
];

/** What the page may know of an attempt. @typedef {'idle' | 'redeemed' | 'refused' | SessionStatus} Progress */

/** Which step is under way, and whether it went wrong there. @type {Record<Progress, { at: number, wrong?: true }>} */
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
