import { steal } from './steal-view.js';
import { el, emblem, icon } from './view.js';

/**
 * @import { State } from './state.js'
 * @import { StealActions } from './steal-view.js'
 * @import { Provider } from './types.js'
 *
 * @typedef {object} ChoiceActions
 * @property {(provider: string | undefined) => void} begin
 * @property {(provider: Provider) => void} pickPhone
 * @property {() => void} reloadProviders
 * @property {(isPopup: boolean) => void} choosePopup
 *
 * @typedef {ChoiceActions & StealActions} ConnectActions
 */

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
    windowChoice(state, actions),
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

/**
 * In this window, or in one of its own while this page looks on.
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
  return el(
    'label',
    { class: 'window-choice' },
    box,
    'Visit Terra in a window of its own, and watch this page meanwhile',
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
