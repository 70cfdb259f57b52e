import { createClient, handBack, popup, redirect, takeReturn } from 'terra-connect-client';
import { apiUrl, token } from './deployment.js';

/** @import { Outcome } from 'terra-connect-client' */

const client = createClient({ apiUrl, token });
const returnTo = 'app';

onClick('redirect', () => tell(client.connect({ returnTo, open: redirect() })));
// popup() must open its window inside the click, or the browser blocks it.
onClick('popup', () => tell(client.connect({ returnTo, open: popup() })));

// This page is also the return target. In a popup, the tab that opened it continues; otherwise this page does.
if (await handBack()) {
  say('You can close this window.');
} else {
  const returned = takeReturn();
  if (returned) await tell(client.finish(returned));
}

/** @param {Promise<Outcome>} connecting */
async function tell(connecting) {
  say('One moment…');
  try {
    say(words(await connecting));
  } catch (error) {
    say(error instanceof Error ? error.message : 'Something went wrong');
  }
}

/**
 * @param {Outcome} outcome
 * @returns {string}
 */
function words(outcome) {
  switch (outcome.kind) {
    case 'connected':
      return `Connected: ${outcome.connection.provider}`;
    case 'failed':
      return `Not connected: ${outcome.failure}`;
    case 'sdk_required':
      return `${outcome.provider} is connected in our app on your phone.`;
    case 'waiting':
      return 'Almost connected: Terra has not confirmed it yet. You can leave this page.';
    default:
      return 'Not connected: you left before finishing.';
  }
}

/** @param {string} text */
function say(text) {
  const says = document.getElementById('says');
  if (says) says.textContent = text;
}

/**
 * @param {string} id
 * @param {() => void} act
 */
function onClick(id, act) {
  document.getElementById(id)?.addEventListener('click', act);
}
