import { nameOf } from './state.js';
import { trackOf } from './track.js';
import { duration } from './words.js';
import { el, emblem, icon, toneIcons } from './view.js';

/**
 * @import { State } from './state.js'
 * @import { Step } from './track.js'
 * @import { Provider, Words } from './types.js'
 *
 * @typedef {object} ConnectActions
 * @property {(provider: string | undefined) => void} begin
 * @property {() => void} retry
 * @property {() => void} forget
 * @property {() => void} usePhone
 * @property {(provider: Provider) => void} pickPhone
 * @property {(name: string) => void} signIn
 * @property {() => void} reloadProviders
 * @property {(other: string) => void} handOver
 * @property {() => void} copyLink
 */

/** @type {Record<Step['state'], string>} */
const stateWords = { done: 'done', now: 'under way', todo: 'still to come', wrong: 'went wrong' };

/**
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

/**
 * What became of the attempt, in words, and what can be done about it.
 *
 * @param {State} state
 * @param {ConnectActions} actions
 * @returns {HTMLElement | undefined}
 */
export function outcome({ attempt, user, providers }, { begin, retry, forget, usePhone, signIn }) {
  const { words, next, url, busy, progress, startedBy, provider } = attempt;
  if (busy && progress === 'idle') return working('Opening a session …');
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
    !(busy ?? false) && button(progress === 'completed' ? 'Done' : 'Put away', forget, ''),
  ];
  const isConnected = progress === 'completed' && provider !== undefined;
  const title = isConnected ? `${nameOf(providers, provider)} is connected` : words.title;
  return notice({ ...words, title }, buttons, user);
}

/**
 * @param {Words} words
 * @param {import('./view.js').Child[]} buttons
 * @param {string | undefined} user
 */
function notice({ tone, title, text }, buttons, user) {
  return el(
    'div',
    { class: `notice ${tone}`, 'data-user': user },
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

/**
 * The widget, or one provider at once.
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
    el(
      'button',
      {
        type: 'button',
        class: 'widget',
        'aria-disabled': isOpening ? 'true' : undefined,
        'data-key': 'widget',
        onclick: () => actions.begin(undefined),
      },
      el(
        'span',
        { class: 'grow' },
        el('b', {}, 'Open the widget'),
        el('span', {}, 'Terra’s own page, with everything this account offers'),
      ),
      icon('arrow'),
    ),
    el('h3', {}, 'Or go straight to one'),
    providersWords &&
      el(
        'div',
        { class: 'notice bad' },
        el(
          'div',
          { class: 'grow' },
          el('b', {}, providersWords.title),
          el('p', {}, providersWords.text),
          el(
            'button',
            { type: 'button', 'data-key': 'reload providers', onclick: actions.reloadProviders },
            'Load the list again',
          ),
        ),
      ),
    !providers && !providersWords && skeletons(),
    providers &&
      providers.length === 0 &&
      el('p', { class: 'soft' }, 'This Terra account offers no provider yet: switch some on in its dashboard.'),
    providers &&
      el(
        'ul',
        { class: 'tiles' },
        sorted(providers).map(provider => el('li', {}, tile(provider, isOpening, actions))),
      ),
    steal(state, actions, isOpening),
  );
}

function skeletons() {
  return el(
    'div',
    { class: 'tiles', role: 'status', 'aria-label': 'Loading the providers' },
    Array.from({ length: 8 }, () => el('span', { class: 'tile skeleton' })),
  );
}

/**
 * Those of the browser first.
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
  return el(
    'button',
    {
      type: 'button',
      class: 'tile',
      'aria-disabled': isOpening ? 'true' : undefined,
      'data-key': `provider ${id}`,
      onclick: () => (kind === 'sdk' ? pickPhone(provider) : begin(id)),
    },
    emblem(id, name),
    el('span', { class: 'grow' }, name, kind === 'sdk' && el('span', { class: 'soft small' }, 'on the phone')),
  );
}

/**
 * @param {State} state
 * @param {ConnectActions} actions
 * @param {boolean} isOpening
 */
function steal({ user = 'alice' }, { handOver, copyLink }, isOpening) {
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
      `In another browser: open the link there, approve, and sign in under another name when you come back. A code lives ${duration(600)}.`,
    ),
  );
}
