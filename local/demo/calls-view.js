import { el } from './view.js';

/**
 * @import { State } from './state.js'
 */

const SHOWN = 40;

/**
 * What this page asked for, newest first: whom, what, the answer, how long. No tokens, no codes.
 *
 * @param {State} state
 * @param {{ clearCalls: () => void }} actions
 * @returns {HTMLElement}
 */
export function callLog({ calls }, { clearCalls }) {
  if (calls.length === 0) return el('p', { class: 'soft' }, 'None yet. Each call appears here with its answer.');
  return el(
    'div',
    {},
    el('p', { class: 'soft' }, 'Newest first; never a token or a code.'),
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
            ['Answer', 'Call', 'Time'].map(title => el('th', { scope: 'col' }, title)),
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
    el('button', { type: 'button', class: 'quiet', 'data-key': 'clear calls', onclick: clearCalls }, 'Clear'),
  );
}

/** @param {number} status */
function toneOf(status) {
  if (status >= 200 && status < 300) return 'good';
  return status === 0 || status >= 500 ? 'bad' : 'warn';
}

/**
 * Lines may break after a slash.
 *
 * @param {string} path
 */
function breakable(path) {
  return path.split('/').flatMap((part, index) => (index === 0 ? [part] : ['/', el('wbr'), part]));
}

/**
 * Long ids are cut: they are noise here.
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
