import { nameOf } from './state.js';
import { button, el, icon, toneIcons } from './view.js';

/**
 * @import { State } from './state.js'
 * @import { Words } from './types.js'
 *
 * @typedef {object} OutcomeActions
 * @property {(provider: string | undefined) => void} begin
 * @property {() => void} retry
 * @property {() => void} forget
 * @property {() => void} usePhone
 * @property {(name: string) => void} signIn
 */

/**
 * The outcome of the attempt and the possible next steps.
 *
 * @param {State} state
 * @param {OutcomeActions} actions
 * @returns {HTMLElement | undefined}
 */
export function outcome(state, { begin, retry, forget, usePhone, signIn }) {
  const { attempt, providers } = state;
  const { words, next, url, busy, progress, startedBy, provider } = attempt;
  if (busy && progress === 'idle') {
    return working(
      isRepeating(state) ? 'Opening a session … the request failed, the client is trying again' : 'Opening a session …',
    );
  }
  if (busy && progress === 'returned') return working('Redeeming the code with your sign-in …');
  if (busy && progress === 'redeemed') return working('Confirmed. Waiting for Terra to report the authentication …');
  if (!words) return undefined;
  const buttons = [
    next === 'retry' && step('Try again', retry, 'primary'),
    next === 'again' && step('Start again', () => begin(provider), 'primary'),
    next === 'phone' && step('Continue on the phone', usePhone, 'primary'),
    next === 'starter' && startedBy && step(`View as ${startedBy}`, () => signIn(startedBy), 'primary'),
    url !== undefined &&
      next === undefined &&
      el('a', { class: 'button primary', href: url }, 'Continue at Terra', icon('arrow')),
    !busy && step(progress === 'completed' ? 'Done' : 'Dismiss', forget),
  ];
  const isConnected = progress === 'completed' && provider !== undefined;
  const title = isConnected ? `${nameOf(providers, provider)} is connected` : words.title;
  return outcomeNotice({ ...words, title }, buttons);
}

/**
 * Returns whether opening a session failed at first and the client is retrying.
 *
 * @param {Pick<State, 'attempt' | 'calls'>} state
 */
export function isRepeating({ attempt: { progress, busy, openingAt }, calls: [newest] }) {
  const isOpening = progress === 'idle' && busy === true && openingAt !== undefined;
  return isOpening && newest?.path === '/v1/sessions' && newest.status !== 201 && newest.at >= openingAt;
}

/**
 * @param {Words} words
 * @param {import('./view.js').Child[]} buttons
 */
function outcomeNotice({ tone, title, text }, buttons) {
  return el(
    'div',
    { class: `notice ${tone}` },
    el('span', { class: 'mark' }, icon(toneIcons[tone])),
    el('div', { class: 'grow' }, el('b', {}, title), el('p', {}, text), el('div', { class: 'row' }, buttons)),
  );
}

/** @param {string} text */
function working(text) {
  return el(
    'div',
    { class: 'notice wait' },
    el('span', { class: 'spinner', 'aria-hidden': 'true' }),
    el('b', {}, text),
  );
}

/**
 * @param {string} label
 * @param {() => void} onclick
 * @param {string} [kind]
 */
function step(label, onclick, kind) {
  return button(`outcome ${label}`, onclick, { class: kind ?? '' }, label);
}
