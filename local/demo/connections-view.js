import { connectionCard } from './connection-card.js';
import { el, icon } from './view.js';

/**
 * @import { CardActions } from './connection-card.js'
 * @import { State } from './state.js'
 * @import { Connection } from './types.js'
 *
 * @typedef {CardActions & { reload: () => void }} ConnectionActions
 */

/**
 * What the signed-in user has, the living first.
 *
 * @param {State} state
 * @param {number} now
 * @param {ConnectionActions} actions
 * @returns {HTMLElement}
 */
export function connectionList(state, now, actions) {
  const { connections, connectionsWords, notice } = state;
  const isPast = (/** @type {Connection} */ { status }) => status === 'disconnected';
  const current = connections?.filter(connection => !isPast(connection)) ?? [];
  const past = connections?.filter(isPast) ?? [];
  return el(
    'div',
    { class: 'connections' },
    connectionsWords &&
      el(
        'div',
        { class: 'notice bad' },
        el(
          'div',
          { class: 'grow' },
          el('b', {}, connectionsWords.title),
          el('p', {}, connectionsWords.text),
          el('button', { type: 'button', 'data-key': 'reload', onclick: actions.reload }, 'Load again'),
        ),
      ),
    notice &&
      el(
        'div',
        { class: `notice ${notice.tone}` },
        el('div', { class: 'grow' }, el('b', {}, notice.title), el('p', {}, notice.text)),
      ),
    !connections &&
      !connectionsWords &&
      el('div', { class: 'connection skeleton', role: 'status', 'aria-label': 'Loading the connections' }),
    connections && current.length === 0 && nothingYet(state, past.length > 0),
    current.map(connection => connectionCard(connection, state, now, actions)),
    past.length > 0 &&
      el(
        'details',
        { class: 'fold past', 'data-key': 'past' },
        el('summary', { 'data-key': 'past summary' }, `Past connections (${past.length})`),
        past.map(connection => connectionCard(connection, state, now, actions)),
      ),
  );
}

/**
 * @param {State} state
 * @param {boolean} hadSome
 */
function nothingYet({ user, sandbox }, hadSome) {
  return el(
    'div',
    { class: 'empty' },
    el('span', { class: 'emptiness', 'aria-hidden': 'true' }, icon('watch')),
    el('b', {}, hadSome ? 'Nothing is connected now' : `Nothing is connected to ${user ?? 'you'} yet`),
    el(
      'p',
      { class: 'soft' },
      sandbox === 'here'
        ? 'Pick a source above. A made-up account is waiting at each of them.'
        : 'Pick a source above.',
    ),
  );
}
