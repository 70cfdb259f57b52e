import { button, el } from './view.js';

/**
 * @import { State } from './state.js'
 */

const SHOWN = 40;

/**
 * The requests of this page, newest first: target, path, status and duration, without tokens and codes.
 *
 * @param {State} state
 * @param {{ clearCalls: () => void }} actions
 * @returns {HTMLElement}
 */
export function callLog({ calls }, { clearCalls }) {
  if (calls.length === 0) return el('p', { class: 'soft' }, 'No calls yet. Each call appears here with its status.');
  return el(
    'div',
    {},
    el('p', { class: 'soft' }, 'Newest first, without tokens and codes.'),
    el(
      'div',
      { class: 'log', tabindex: '0', role: 'region', 'aria-label': 'Calls, newest first', 'data-key': 'log' },
      el(
        'table',
        {},
        el(
          'thead',
          { class: 'unseen' },
          el(
            'tr',
            {},
            ['Status', 'Call', 'Time'].map(title => el('th', { scope: 'col' }, title)),
          ),
        ),
        el(
          'tbody',
          {},
          calls
            .slice(0, SHOWN)
            .map(({ to, method, path, status, ms, times }) =>
              el(
                'tr',
                {},
                el('td', {}, el('span', { class: `answer ${toneOf(status)}` }, status === 0 ? 'none' : String(status))),
                el(
                  'td',
                  {},
                  el('span', { class: 'call' }, el('b', {}, method), ' ', breakable(shortened(path))),
                  el('span', { class: 'soft small' }, ` to ${to}`, times > 1 && `, ${times} times`),
                ),
                el('td', { class: 'ms' }, `${ms} ms`),
              ),
            ),
        ),
      ),
    ),
    button('clear calls', clearCalls, { class: 'quiet' }, 'Clear'),
  );
}

/** @param {number} status */
function toneOf(status) {
  if (status >= 200 && status < 300) return 'good';
  return status === 0 || status >= 500 ? 'bad' : 'warn';
}

/**
 * Allows line breaks after slashes.
 *
 * @param {string} path
 */
function breakable(path) {
  return path.split('/').flatMap((part, index) => (index === 0 ? [part] : ['/', el('wbr'), part]));
}

/**
 * Shortens long ids in a path.
 *
 * @param {string} path
 * @returns {string}
 */
export function shortened(path) {
  return path
    .split('/')
    .map(part => (part.length > 18 && /\d|[A-Z]/.test(part) ? `${part.slice(0, 5)}…` : part))
    .join('/');
}
