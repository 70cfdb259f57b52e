import { button, el, icon } from './view.js';

/**
 * @import { State } from './state.js'
 *
 * @typedef {object} PhoneActions
 * @property {(provider: string) => void} chooseOnPhone
 * @property {() => void} mint
 * @property {() => void} redeem
 * @property {() => void} copyToken
 */

/**
 * Connecting with the mobile SDK: the app's server mints a token, and the phone redeems it once at Terra.
 *
 * @param {State} state
 * @param {number} now
 * @param {PhoneActions} actions
 * @returns {HTMLElement}
 */
export function phone({ phone: held, providers, sandbox, user }, now, actions) {
  const sdk = providers?.filter(({ kind }) => kind === 'sdk') ?? [];
  if (providers && sdk.length === 0) {
    return el('p', { class: 'soft' }, 'This Terra account has no source that connects through the phone’s SDK.');
  }
  const chosen = held.provider ?? sdk[0]?.id;
  const isWorking = held.step === 'minting' || held.step === 'connecting';
  const select = el(
    'select',
    {
      id: 'phone-source',
      'data-key': 'phone source',
      disabled: isWorking || sdk.length === 0,
      onchange: () => actions.chooseOnPhone(select.value),
    },
    sdk.length === 0
      ? el('option', {}, 'No sources loaded yet')
      : sdk.map(({ id, name }) => el('option', { value: id, selected: id === chosen }, name)),
  );
  const secondsLeft = secondsLeftOf(held, now);

  return el(
    'div',
    { class: 'phone-scene' },
    el(
      'div',
      { class: 'handset' },
      el('div', { class: 'speaker', 'aria-hidden': 'true' }),
      el(
        'div',
        { class: 'screen' },
        el('span', { class: 'soft small' }, `${user ?? ''}’s phone`),
        el('label', { for: 'phone-source', class: 'unseen' }, 'Source on the phone'),
        select,
        screen(held, secondsLeft),
        keys(held, secondsLeft, sandbox, actions),
      ),
    ),
    el(
      'p',
      { class: 'soft small' },
      'Sources such as Apple Health have no web page. The back end mints a token for this user, and the phone passes it to Terra within three minutes. It works once.',
    ),
  );
}

/**
 * @param {State['phone']} held
 * @param {number} secondsLeft
 */
function screen({ step, says }, secondsLeft) {
  switch (step) {
    case 'idle':
      return display('off', 'phone', 'No token yet', 'Mint a token to connect.');
    case 'minting':
      return display('wait', 'clock', 'Minting …', 'The back end asks Terra for a token.');
    case 'ready':
      return secondsLeft > 0
        ? display('wait', 'clock', el('span', { id: 'countdown' }), 'Bound to this user. It works once.')
        : display('bad', 'cross', 'The token has expired', 'Terra will reject it. Mint a new one.');
    case 'connecting':
      return display('wait', 'clock', 'Talking to Terra …', 'initConnection, as the SDK calls it.');
    case 'connected':
      return display('good', 'check', 'The phone is connected', says ?? 'The connection appears in the list.');
    case 'refused':
      return display('bad', 'cross', 'Rejected', says ?? 'Terra rejected the phone.');
    default:
      return undefined;
  }
}

/**
 * @param {import('./types.js').Tone} tone
 * @param {import('./view.js').IconName} mark
 * @param {import('./view.js').Child} title
 * @param {string} text
 */
function display(tone, mark, title, text) {
  return el(
    'div',
    { class: `display ${tone}` },
    el('span', { class: 'mark' }, icon(mark)),
    el('b', {}, title),
    el('span', { class: 'soft small' }, text),
  );
}

/**
 * @param {State['phone']} held
 * @param {number} secondsLeft
 * @param {State['sandbox']} sandbox
 * @param {PhoneActions} actions
 */
function keys({ step }, secondsLeft, sandbox, { mint, redeem, copyToken }) {
  const isWorking = step === 'minting' || step === 'connecting';
  const hasToken = step === 'ready' || step === 'connected' || step === 'refused';
  const canConnect = step === 'ready' && secondsLeft > 0;
  const here = sandbox !== 'absent';
  return el(
    'div',
    { class: 'keys' },
    canConnect && here && button('phone go', redeem, { class: 'primary' }, 'Connect on the phone'),
    canConnect && !here && button('phone go', copyToken, { class: 'primary' }, 'Copy the token for your app'),
    button(
      canConnect ? 'phone mint' : 'phone go',
      mint,
      { class: canConnect ? '' : 'primary', busy: isWorking },
      hasToken ? 'Mint another token' : 'Mint a token',
    ),
    hasToken && here && !canConnect && button('phone again', redeem, {}, 'Reuse the token'),
  );
}

/**
 * Updates the token's remaining time. It runs every second, so it changes only the text.
 *
 * @param {State['phone']} held
 * @param {number} now
 */
export function countDown(held, now) {
  const clock = document.getElementById('countdown');
  if (clock) clock.textContent = `Token: ${secondsLeftOf(held, now)} s left`;
}

/**
 * @param {State['phone']} held
 * @param {number} now
 */
function secondsLeftOf({ expiresAt }, now) {
  return expiresAt === undefined ? 0 : Math.max(0, Math.ceil((expiresAt - now) / 1000));
}
