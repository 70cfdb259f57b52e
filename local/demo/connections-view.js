import { whyOf } from './changes.js';
import { nameOf } from './state.js';
import { badge, el, emblem, icon } from './view.js';
import { ago, statusWords } from './words.js';

/**
 * @import { Change } from './changes.js'
 * @import { State } from './state.js'
 * @import { Connection } from './types.js'
 *
 * @typedef {object} ConnectionActions
 * @property {(connection: Connection) => void} disconnect
 * @property {(connection: Connection) => void} reconnect
 * @property {(connection: Connection, event: string, label: string) => void} makeHappen
 * @property {() => void} reload
 */

/** What can be made to happen to a connected user at the sandbox. */
const occurrences = [
  { event: 'daily', label: 'Send data' },
  { event: 'permission_change', label: 'Change permissions' },
  { event: 'connection_error', label: 'Break the connection' },
  { event: 'access_revoked', label: 'Revoke at the provider' },
  { event: 'reauth', label: 'Reauthenticate' },
];

/**
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
    current.map(connection => card(connection, state, now, actions)),
    past.length > 0 &&
      el(
        'details',
        { class: 'fold past', 'data-key': 'past' },
        el('summary', { 'data-key': 'past summary' }, `Past connections (${past.length})`),
        past.map(connection => card(connection, state, now, actions)),
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

/**
 * @param {Connection} connection
 * @param {State} state
 * @param {number} now
 * @param {ConnectionActions} actions
 */
function card(connection, state, now, actions) {
  const { id, provider, status, scopes, connectedAt, lastDataAt, updatedAt, needsAction } = connection;
  const { tone, label } = statusWords[status];
  const name = nameOf(state.providers, provider);
  const why = whyOf(connection);
  const titleId = `connection-${id}`;
  return el(
    'article',
    { class: `connection ${tone}`, 'aria-labelledby': titleId },
    el(
      'header',
      {},
      emblem(provider, name),
      el(
        'div',
        { class: 'grow' },
        el('h3', { id: titleId }, name),
        el('span', { class: 'soft small' }, 'changed ', time(updatedAt, now)),
      ),
      badge(tone, label),
    ),
    why && el('p', { class: 'why' }, why),
    needsAction === 'confirm' &&
      el('p', { class: 'why' }, 'Its code is still good: finish in the browser that came back from Terra.'),
    el(
      'dl',
      {},
      fact('Connected', connectedAt ? time(connectedAt, now) : 'never'),
      fact('Last data', lastDataAt ? time(lastDataAt, now) : 'none yet'),
      fact(
        'May read',
        scopes.length > 0
          ? el(
              'ul',
              { class: 'scopes' },
              scopes.map(scope => el('li', {}, scope)),
            )
          : 'nothing in particular',
      ),
    ),
    changesOf(state.changes[id] ?? [], now),
    el('div', { class: 'row' }, buttons(connection, name, state, actions)),
    happenings(connection, state, actions),
  );
}

/**
 * @param {Connection} connection
 * @param {string} name
 * @param {State} state
 * @param {ConnectionActions} actions
 */
function buttons(connection, name, { busy }, { disconnect, reconnect }) {
  const { id, status, needsAction } = connection;
  const isEnding = status === 'disconnecting' || status === 'disconnected';
  return [
    (needsAction === 'reconnect' || status === 'disconnected') &&
      el(
        'button',
        {
          type: 'button',
          class: needsAction === 'reconnect' ? 'primary' : '',
          'aria-label': `Connect ${name} again`,
          'data-key': `reconnect ${id}`,
          onclick: () => reconnect(connection),
        },
        'Connect again',
      ),
    !isEnding &&
      el(
        'button',
        {
          type: 'button',
          'aria-disabled': busy.includes(id) ? 'true' : undefined,
          'aria-label': `Disconnect ${name}`,
          'data-key': `disconnect ${id}`,
          onclick: () => disconnect(connection),
        },
        'Disconnect',
      ),
  ];
}

/**
 * @param {Connection} connection
 * @param {State} state
 * @param {ConnectionActions} actions
 */
function happenings(connection, { sandbox, busy }, { makeHappen }) {
  const { id, status, terraUserId } = connection;
  const isAlive = status === 'connected' || status === 'error';
  if (sandbox !== 'here' || !isAlive || terraUserId === undefined) return undefined;
  return el(
    'details',
    { class: 'fold', 'data-key': `happenings ${id}` },
    el('summary', { 'data-key': `happenings summary ${id}` }, 'Make something happen at Terra'),
    el(
      'div',
      { class: 'row' },
      occurrences.map(({ event, label }) =>
        el(
          'button',
          {
            type: 'button',
            class: 'small',
            'aria-disabled': busy.includes(id) ? 'true' : undefined,
            'data-key': `${event} ${id}`,
            onclick: () => makeHappen(connection, event, label),
          },
          label,
        ),
      ),
    ),
  );
}

/**
 * @param {readonly Change[]} changes
 * @param {number} now
 */
function changesOf(changes, now) {
  if (changes.length < 2) return undefined;
  return el(
    'div',
    { class: 'changes' },
    el('h4', {}, 'Latest changes'),
    el(
      'ol',
      {},
      changes.slice(0, 4).map(({ at, text }) => el('li', {}, el('span', { class: 'grow' }, text), time(at, now))),
    ),
  );
}

/**
 * @param {string} term
 * @param {Node | string} value
 */
function fact(term, value) {
  return el('div', {}, el('dt', {}, term), el('dd', {}, value));
}

/**
 * @param {string} at
 * @param {number} now
 */
function time(at, now) {
  return el('time', { datetime: at, title: new Date(at).toLocaleString() }, ago(at, now));
}
