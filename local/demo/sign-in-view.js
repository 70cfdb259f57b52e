import { track } from './track-view.js';
import { el, icon } from './view.js';

/**
 * @import { State } from './state.js'
 *
 * @typedef {{ signIn: (name: string) => void, signOut: () => void }} SignInActions
 */

const NAME_LENGTH = 60;

/**
 * The page before anybody is signed in.
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
          ? 'You came back from Terra with a one-time code. It counts only together with the sign-in of the person who started.'
          : 'A small app on top of terra-connect: open a session, go to Terra, come back, and watch the connection settle. Or fail, in all the ways it can.',
      ),
      track({ attempt: { progress: isComingBack ? 'returned' : 'idle' } }),
    ),
    el(
      'div',
      { class: 'card' },
      el('h2', {}, 'Sign in'),
      el('p', { class: 'soft' }, 'The development issuer takes anybody, without a password.'),
      el(
        'div',
        { class: 'persons' },
        people.map(person =>
          el(
            'button',
            {
              type: 'button',
              class: 'person',
              'aria-disabled': signingIn ? 'true' : undefined,
              'data-key': `person ${person}`,
              onclick: () => signIn(person),
            },
            avatar(person),
            el('span', { class: 'grow' }, person),
            icon('arrow'),
          ),
        ),
      ),
      el(
        'form',
        { class: 'inline-form', onsubmit: submit },
        el('label', { for: 'username' }, 'Or under any other name'),
        el(
          'div',
          { class: 'joined' },
          name,
          el(
            'button',
            { class: 'primary', 'aria-disabled': signingIn ? 'true' : undefined, 'data-key': 'sign in' },
            'Sign in',
          ),
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
 * Who is signed in, and everybody else one press away.
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
          'aria-disabled': signingIn ? 'true' : undefined,
          'data-key': `chip ${person}`,
          onclick: () => person !== user && signIn(person),
        },
        avatar(person),
        person,
      ),
    ),
    el('button', { type: 'button', class: 'quiet', 'data-key': 'sign out', onclick: signOut }, 'Sign out'),
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
  return isComingBack ? ['One more thing:', 'who are you?'] : ['Connect a wearable.', 'See every step.'];
}
