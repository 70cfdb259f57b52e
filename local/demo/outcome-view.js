import { nameOf } from './state.js';
import { el, icon, toneIcons } from './view.js';

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
 * What became of the attempt, in words, and what can be done about it.
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
      isRepeating(state) ? 'Opening a session … refused so far, the client tries again' : 'Opening a session …',
    );
  }
  if (busy && progress === 'returned') return working('Redeeming the code with your sign-in …');
  if (busy && progress === 'redeemed') return working('Confirmed. Waiting for Terra’s word …');
  if (!words) return undefined;
  const buttons = [
    next === 'retry' && button('Try again', retry, 'primary'),
    next === 'again' && button('Start anew', () => begin(provider), 'primary'),
    next === 'phone' && button('Go on with the phone', usePhone, 'primary'),
    next === 'starter' && startedBy && button(`See it as ${startedBy}`, () => signIn(startedBy), 'primary'),
    url !== undefined &&
      next === undefined &&
      el('a', { class: 'button primary', href: url }, 'Continue at Terra', icon('arrow')),
    !busy && button(progress === 'completed' ? 'Done' : 'Put away', forget, ''),
  ];
  const isConnected = progress === 'completed' && provider !== undefined;
  const title = isConnected ? `${nameOf(providers, provider)} is connected` : words.title;
  return notice({ ...words, title }, buttons);
}

/**
 * Whether a session is being opened and was refused so far: the client then asks again by itself for a while.
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
function notice({ tone, title, text }, buttons) {
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
 * @param {string} kind
 */
function button(label, onclick, kind) {
  return el('button', { type: 'button', class: kind, 'data-key': `outcome ${label}`, onclick }, label);
}
