import { track } from './track-view.js';
import { button, el, icon } from './view.js';

/**
 * @import { State } from './state.js'
 *
 * @typedef {{ signIn: (name: string) => void, signOut: () => void }} SignInActions
 */

const NAME_LENGTH = 60;

/**
 * The sign-in page.
 *
 * @param {State} state
 * @param {boolean} isComingBack
 * @param {SignInActions} actions
 * @returns {HTMLElement}
 */
export function welcome({ people, signingIn, signInWords }, isComingBack, { signIn }) {
  const name = el('input', {
    id: 'username',
    name: 'username',
    type: 'text',
    required: true,
    maxlength: String(NAME_LENGTH),
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    placeholder: 'carol',
    'data-key': 'username',
  });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const chosen = name.value.trim();
    if (chosen !== '') signIn(chosen);
  };

  return el(
    'div',
    { class: 'welcome' },
    el(
      'div',
      { class: 'pitch' },
      el(
        'h1',
        {},
        headline(isComingBack).map(sentence => el('span', {}, sentence, ' ')),
      ),
      el(
        'p',
        { class: 'lead' },
        isComingBack
          ? 'You came back from Terra with a one-time code. Sign in as the user who started: the code is valid only for that user.'
          : 'A small app that uses terra-connect: open a session, go to Terra, come back, and see how the connection is made, or how it fails.',
      ),
      track({ attempt: { progress: isComingBack ? 'returned' : 'idle' } }),
    ),
    el(
      'div',
      { class: 'card' },
      el('h2', {}, 'Sign in'),
      el('p', { class: 'soft' }, 'The development issuer accepts any name, without a password.'),
      el(
        'div',
        { class: 'persons' },
        people.map(person =>
          button(
            `person ${person}`,
            () => signIn(person),
            { class: 'person', busy: signingIn },
            avatar(person),
            el('span', { class: 'grow' }, person),
            icon('arrow'),
          ),
        ),
      ),
      el(
        'form',
        { class: 'inline-form', onsubmit: submit },
        el('label', { for: 'username' }, 'Or use another name'),
        el(
          'div',
          { class: 'joined' },
          name,
          el('button', { class: 'primary', 'aria-disabled': signingIn && 'true', 'data-key': 'sign in' }, 'Sign in'),
        ),
      ),
      signInWords &&
        el(
          'div',
          { class: 'notice bad', role: 'alert' },
          el('div', {}, el('b', {}, signInWords.title), el('p', {}, signInWords.text)),
        ),
    ),
  );
}

/**
 * The signed-in user, and buttons to switch to another user.
 *
 * @param {State} state
 * @param {SignInActions} actions
 * @returns {HTMLElement}
 */
export function peopleBar({ people, user, signingIn }, { signIn, signOut }) {
  const all = user === undefined || people.includes(user) ? people : [...people, user];
  return el(
    'div',
    { class: 'row', role: 'group', 'aria-label': 'Signed in as' },
    all.map(person =>
      el(
        'button',
        {
          type: 'button',
          class: 'chip',
          'aria-pressed': String(person === user),
          'aria-disabled': signingIn && 'true',
          'data-key': `chip ${person}`,
          onclick: () => person !== user && signIn(person),
        },
        avatar(person),
        person,
      ),
    ),
    button('sign out', signOut, { class: 'quiet' }, 'Sign out'),
  );
}

/**
 * @param {string} person
 * @returns {HTMLElement}
 */
function avatar(person) {
  return el(
    'span',
    { class: 'avatar', 'aria-hidden': 'true' },
    String.fromCodePoint(person.codePointAt(0) ?? 63).toUpperCase(),
  );
}

/** @param {boolean} isComingBack */
function headline(isComingBack) {
  return isComingBack ? ['One more step:', 'sign in.'] : ['Connect a wearable.', 'See every step.'];
}
