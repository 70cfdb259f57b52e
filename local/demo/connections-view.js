import { whyOf } from './changes.js';
import { nameOf } from './state.js';
import { ago } from './time-words.js';
import { badge, button, el, emblem, fold, icon, notice } from './view.js';
import { statusWords } from './words.js';

/**
 * @import { Change } from './changes.js'
 * @import { State } from './state.js'
 * @import { Connection } from './types.js'
 *
 * @typedef {object} ConnectionActions
 * @property {() => void} reload
 * @property {(connection: Connection) => void} disconnect
 * @property {(connection: Connection) => void} reconnect
 * @property {(connection: Connection, event: string, label: string) => void} sendEvent
 */

/** The sandbox's events that can be sent for a connection. */
const terraEvents = [
  { event: 'daily', label: 'Send data' },
  { event: 'permission_change', label: 'Change permissions' },
  { event: 'connection_error', label: 'Break the connection' },
  { event: 'access_revoked', label: 'Revoke at the provider' },
  { event: 'reauth', label: 'Reauthenticate' },
];

/**
 * The signed-in user's connections; past ones are folded away.
 *
 * @param {State} state
 * @param {number} now
 * @param {ConnectionActions} actions
 * @returns {HTMLElement}
 */
export function connectionList(state, now, actions) {
  const { connections, connectionsWords } = state;
  const isPast = (/** @type {Connection} */ { status }) => status === 'disconnected';
  const current = connections?.filter(connection => !isPast(connection)) ?? [];
  const past = connections?.filter(isPast) ?? [];
  return el(
    'div',
    { class: 'connections' },
    connectionsWords &&
      notice({ ...connectionsWords, tone: 'bad' }, button('reload', actions.reload, {}, 'Load again')),
    state.notice && notice(state.notice),
    !connections &&
      !connectionsWords &&
      el('div', { class: 'connection skeleton', role: 'status', 'aria-label': 'Loading the connections' }),
    connections && current.length === 0 && nothingYet(state, past.length > 0),
    current.map(connection => connectionCard(connection, state, now, actions)),
    past.length > 0 &&
      fold(
        'past',
        `Past connections (${past.length})`,
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
        ? 'Choose a source above. The sandbox has a test account for each of them.'
        : 'Choose a source above.',
    ),
  );
}

/**
 * One connection: its status and reason, the latest changes, and the possible actions.
 *
 * @param {Connection} connection
 * @param {State} state
 * @param {number} now
 * @param {ConnectionActions} actions
 */
function connectionCard(connection, state, now, actions) {
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
      el('p', { class: 'why' }, 'Its code is still valid: continue in the browser that came back from Terra.'),
    el(
      'dl',
      {},
      fact('Connected', connectedAt ? time(connectedAt, now) : 'never'),
      fact('Last data', lastDataAt ? time(lastDataAt, now) : 'none yet'),
      fact(
        'Permissions',
        scopes.length > 0
          ? el(
              'ul',
              { class: 'scopes' },
              scopes.map(scope => el('li', {}, scope)),
            )
          : 'none listed',
      ),
    ),
    latestChanges(state.changes[id] ?? [], now),
    el('div', { class: 'row' }, buttons(connection, name, state, actions)),
    eventButtons(connection, state, actions),
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
      button(
        `reconnect ${id}`,
        () => reconnect(connection),
        { class: needsAction === 'reconnect' ? 'primary' : '', label: `Connect ${name} again` },
        'Connect again',
      ),
    !isEnding &&
      button(
        `disconnect ${id}`,
        () => disconnect(connection),
        { busy: busy.includes(id), label: `Disconnect ${name}` },
        'Disconnect',
      ),
  ];
}

/**
 * @param {Connection} connection
 * @param {State} state
 * @param {ConnectionActions} actions
 */
function eventButtons(connection, { sandbox, busy }, { sendEvent }) {
  const { id, status, terraUserId } = connection;
  const isAlive = status === 'connected' || status === 'error';
  if (sandbox !== 'here' || !isAlive || terraUserId === undefined) return undefined;
  return fold(
    `events ${id}`,
    'Trigger an event at Terra',
    el(
      'div',
      { class: 'row' },
      terraEvents.map(({ event, label }) =>
        button(
          `${event} ${id}`,
          () => sendEvent(connection, event, label),
          { class: 'small', busy: busy.includes(id) },
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
function latestChanges(changes, now) {
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
