import { duration } from './time-words.js';
import { button, el, emblem, fold, icon, notice } from './view.js';

/**
 * @import { State } from './state.js'
 * @import { Provider } from './types.js'
 *
 * @typedef {object} ConnectActions
 * @property {(provider: string | undefined) => void} begin
 * @property {(provider: Provider) => void} pickPhone
 * @property {() => void} reloadProviders
 * @property {(isPopup: boolean) => void} choosePopup
 * @property {(other: string) => void} handOver
 * @property {() => void} copyLink
 */

const CODE_LIFE_SECONDS = 600;

/**
 * The choice between the widget and a single provider.
 *
 * @param {State} state
 * @param {ConnectActions} actions
 * @returns {HTMLElement}
 */
export function choices(state, actions) {
  const { providers, providersWords, attempt } = state;
  const isOpening = attempt.progress === 'idle' && attempt.busy === true;
  return el(
    'div',
    { class: 'choices' },
    button(
      'widget',
      () => actions.begin(undefined),
      { class: 'widget', busy: isOpening },
      el(
        'span',
        { class: 'grow' },
        el('b', {}, 'Open the widget'),
        el('span', {}, 'Terra’s own page, with all providers of this account'),
      ),
      icon('arrow'),
    ),
    windowChoice(state, actions),
    el('h3', {}, 'Or choose a provider directly'),
    providersWords &&
      notice(
        { ...providersWords, tone: 'bad' },
        button('reload providers', actions.reloadProviders, {}, 'Load the list again'),
      ),
    !providers && !providersWords && skeletons(),
    providers?.length === 0 &&
      el('p', { class: 'soft' }, 'This Terra account has no providers enabled. Enable some in its dashboard.'),
    providers &&
      el(
        'ul',
        { class: 'tiles' },
        sorted(providers).map(provider => el('li', {}, tile(provider, isOpening, actions))),
      ),
    steal(state, actions, isOpening),
  );
}

/**
 * The checkbox for opening Terra in a separate window.
 *
 * @param {State} state
 * @param {ConnectActions} actions
 */
function windowChoice({ popup }, { choosePopup }) {
  const box = el('input', {
    type: 'checkbox',
    checked: popup,
    'data-key': 'popup',
    onchange: () => choosePopup(box.checked),
  });
  return el('label', { class: 'window-choice' }, box, 'Open Terra in a separate window and keep this page visible');
}

function skeletons() {
  return el(
    'div',
    { class: 'tiles', role: 'status', 'aria-label': 'Loading the providers' },
    Array.from({ length: 8 }, () => el('span', { class: 'tile skeleton' })),
  );
}

/**
 * Sorts providers that connect in the browser first.
 *
 * @param {readonly Provider[]} providers
 * @returns {Provider[]}
 */
function sorted(providers) {
  return [...providers].sort((a, b) => b.kind.localeCompare(a.kind));
}

/**
 * @param {Provider} provider
 * @param {boolean} isOpening
 * @param {ConnectActions} actions
 */
function tile(provider, isOpening, { begin, pickPhone }) {
  const { id, name, kind } = provider;
  return button(
    `provider ${id}`,
    () => (kind === 'sdk' ? pickPhone(provider) : begin(id)),
    { class: 'tile', busy: isOpening },
    emblem(id, name),
    el('span', { class: 'grow' }, name, kind === 'sdk' && el('span', { class: 'soft small' }, 'on the phone')),
  );
}

/**
 * Demonstrates the attack that the confirmation prevents: one user starts, another one finishes.
 *
 * @param {State} state
 * @param {ConnectActions} actions
 * @param {boolean} isOpening
 */
function steal({ user = 'alice' }, { handOver, copyLink }, isOpening) {
  const other = user === 'bob' ? 'alice' : 'bob';
  return fold(
    'steal',
    'Try to steal a connection',
    el(
      'p',
      {},
      `${user} opens a link and gets ${other} to follow it. ${other} approves with ${other}’s own device. Does the connection end up in ${user}’s account?`,
    ),
    el(
      'div',
      { class: 'row' },
      button('hand over', () => handOver(other), { busy: isOpening }, `Continue as ${other}`),
      button('copy link', copyLink, { class: 'quiet', busy: isOpening }, 'Copy the link for another browser'),
    ),
    el(
      'p',
      { class: 'soft small' },
      `In another browser: open the link, approve, and sign in under another name when you come back. A code is valid for ${duration(CODE_LIFE_SECONDS)}.`,
    ),
  );
}
