import { pageActions } from './actions.js';
import { attempts } from './attempt.js';
import { wordsOf } from './attempt-words.js';
import { createClient, handBack, popup, readReturn, redirect, takeReturn } from './client.js';
import { draw } from './draw.js';
import { behindTheApi, notedFetch, sandboxClient, signIn } from './local-run.js';
import { phoneActions } from './phone.js';
import { remembered } from './session-store.js';
import { stateHolder, withCall } from './state.js';
import { byId, goTo } from './view.js';
import { watcher } from './watch.js';

/**
 * Connects the page's state, its actions and its views.
 *
 * @import { Call } from './types.js'
 */

const port = Number(location.port);
const sandboxUrl = `http://localhost:${port + 1}`;
const issuerUrl = `http://localhost:${port + 2}`;

const { get: state, change } = stateHolder(now => draw(now, actions, landing?.status === 'returned'));

const note = (/** @type {Call} */ call) => change({ calls: withCall(state().calls, call, Date.now()) });

/** Announces a text to screen readers. @param {string} text */
const say = text => {
  byId('announcer').textContent = text;
};

/** @type {string | undefined} */
let accessToken;
const client = createClient({
  apiUrl: location.origin,
  fetch: notedFetch(note),
  token: async ({ rejected }) => {
    if (accessToken === undefined || accessToken === rejected) {
      accessToken = await signIn(issuerUrl, state().user ?? '', note);
    }
    return accessToken;
  },
});
const sandbox = sandboxClient(sandboxUrl, note);

// A return of another tab's session is offered to that tab first. If it stays here, it is removed from the address, so
// that nothing else can read the code.
const isOwn = readReturn(location.href)?.sessionId === remembered.attempt()?.id;
const isTaken = !isOwn && (await handBack());
let landing = isTaken ? undefined : takeReturn();

const QUIET_MS = 2500;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let announcing;
let unannounced = 0;

/** Announces new entries after a pause, so that screen readers are not flooded. @param {number} added */
function announceLater(added) {
  unannounced += added;
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    byId('happened-news').textContent = `What happened: ${unannounced} new ${unannounced === 1 ? 'entry' : 'entries'}`;
    unannounced = 0;
  }, QUIET_MS);
}

/**
 * @param {string} text
 * @param {string} what
 */
async function copy(text, what) {
  const isCopied = await navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
  say(isCopied ? `${what} is copied` : 'The browser does not allow copying');
}

const watch = watcher({
  client,
  behind: behindTheApi(location.origin, sandboxUrl),
  state,
  change,
  tell: announceLater,
});
const deps = { client, sandbox, state, change, say, copy, refresh: watch.closely };
const page = pageActions(deps);
const onPhone = phoneActions(deps);
const attempt = attempts({
  ...deps,
  redirect: redirect(),
  popup: () => popup(),
  preparePhone: onPhone.chooseOnPhone,
});

const actions = {
  ...page,
  ...onPhone,
  begin: attempt.begin,
  retry: attempt.retry,
  forget: attempt.forget,
  handOver: (/** @type {string} */ other) => attempt.handOver(firstWebProvider(), other),
  signIn: enter,
  signOut: leave,
  reload: watch.closely,
  reloadProviders: page.loadProviders,
  clearCalls: () => change({ calls: [] }),
  choosePopup: (/** @type {boolean} */ isPopup) => change({ popup: isPopup }),
  usePhone: () => goTo('phone-title'),
  pickPhone(/** @type {{ id: string }} */ { id }) {
    onPhone.chooseOnPhone(id);
    goTo('phone-title');
  },
  reconnect(/** @type {{ provider: string }} */ { provider }) {
    const kind = state().providers?.find(({ id }) => id === provider)?.kind;
    if (kind === 'sdk') actions.pickPhone({ id: provider });
    else void attempt.begin(provider);
  },
  copyLink: () => attempt.passOn(firstWebProvider(), url => copy(url, 'The link')),
};

const firstWebProvider = () => {
  const web = state().providers?.filter(({ kind }) => kind === 'web');
  return (web?.find(({ id }) => id === 'GARMIN') ?? web?.[0])?.id;
};

/**
 * Signs in as this user and loads their data.
 *
 * @param {string} name
 */
async function enter(name) {
  if (state().signingIn) return;
  const wasOnWelcome = byId('welcome').contains(document.activeElement);
  change({ signingIn: true, signInWords: undefined });
  try {
    accessToken = await signIn(issuerUrl, name, note);
  } catch (error) {
    const words = { ...wordsOf(error), title: 'The development issuer is not responding' };
    return change({ signingIn: false, signInWords: words });
  }
  remembered.setUser(name);
  attempt.stop();
  onPhone.reset();
  change({
    user: name,
    people: remembered.people(),
    signingIn: false,
    connections: undefined,
    connectionsWords: undefined,
    notice: undefined,
    changes: {},
    happened: undefined,
    attempt: { progress: 'idle' },
  });
  say(`Signed in as ${name}`);
  if (wasOnWelcome) byId('main').focus();
  const providers = page.loadProviders();
  watch.closely();
  const waiting = landing;
  landing = undefined;
  if (waiting?.status === 'sdk_required') await providers;
  await (waiting ? attempt.land(waiting) : attempt.resume());
}

function leave() {
  remembered.setUser(undefined);
  attempt.stop();
  watch.stop();
  accessToken = undefined;
  onPhone.reset();
  change({
    user: undefined,
    connections: undefined,
    attempt: { progress: 'idle' },
    changes: {},
    happened: undefined,
    notice: undefined,
  });
  say('Signed out');
  byId('main').focus();
}

function start() {
  // The return target is localhost, and 127.0.0.1 has another session storage.
  if (location.hostname === '127.0.0.1') return location.replace(`http://localhost:${port}${location.pathname}`);
  change({ people: remembered.people() });
  setInterval(() => change({}), 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && state().user !== undefined) watch.closely();
  });
  // The browser's back button may restore an outdated page from its cache.
  window.addEventListener('pageshow', event => {
    if (event.persisted) location.reload();
  });
  void page.loadScenarios();
  const user = remembered.user();
  if (user !== undefined) void enter(user);
}

if (!isTaken) start();
