import { whyOf } from './changes.js';
import { nameOf } from './state.js';
import { ago } from './time-words.js';
import { badge, el, emblem } from './view.js';
import { statusWords } from './words.js';

/**
 * @import { Change } from './changes.js'
 * @import { State } from './state.js'
 * @import { Connection } from './types.js'
 *
 * @typedef {object} CardActions
 * @property {(connection: Connection) => void} disconnect
 * @property {(connection: Connection) => void} reconnect
 * @property {(connection: Connection, event: string, label: string) => void} makeHappen
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
 * One connection: how it stands and why, what happened lately, and what can be done.
 *
 * @param {Connection} connection
 * @param {State} state
 * @param {number} now
 * @param {CardActions} actions
 * @returns {HTMLElement}
 */
export function connectionCard(connection, state, now, actions) {
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
 * @param {CardActions} actions
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
 * @param {CardActions} actions
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
