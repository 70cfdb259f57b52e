import { layout } from './layout';

const messages = {
  success: { title: 'You are connected', text: 'You can close this page and go back to the app.', good: true },
  failure: {
    title: 'Not connected',
    text: 'No data was shared. You can go back to the app and try again.',
    good: false,
  },
  unknown_link: { title: 'This link does not exist', text: 'Start again from the app.', good: false },
  expired_link: { title: 'This link has expired', text: 'Start again from the app to get a new one.', good: false },
  used_link: { title: 'This link was already used', text: 'Start again from the app to get a new one.', good: false },
  not_offered: { title: 'That provider is not offered here', text: 'Go back and choose another.', good: false },
  no_decision: { title: 'Approve or deny?', text: 'Go back and press one of the two buttons.', good: false },
} as const;

/** Renders a page with one message: the result if the app gave no redirect URL, or an invalid link. */
export function messagePage(about: keyof typeof messages): string {
  const { title, text, good } = messages[about];
  return layout(
    title,
    `<main class="card" id="${about.replace('_', '-')}">
<div class="mark${good ? '' : ' bad'}" aria-hidden="true">${good ? '&#10003;' : '!'}</div>
<h1>${title}</h1>
<p class="soft">${text}</p>
</main>`,
  );
}
