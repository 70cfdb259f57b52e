import { pageActions } from './actions.js';
import { apiClient, CallFailed, sandboxClient, signIn } from './api.js';
import { attempts } from './attempt.js';
import { callLog } from './calls-view.js';
import { withChanges } from './changes.js';
import { choices, outcome, track } from './connect-view.js';
import { connectionList } from './connections-view.js';
import { readLanding } from './landing.js';
import { countDown, phone } from './phone-view.js';
import { phoneActions } from './phone.js';
import { remembered } from './session-store.js';
import { peopleBar, welcome } from './sign-in-view.js';
import { stateHolder, withCall } from './state.js';
import { trouble } from './trouble-view.js';
import { byId, show } from './view.js';
import { wordsForProblem } from './words.js';

/**
 * The page's wiring: state, what changes it, and where it is drawn.
 *
 * @import { State } from './state.js'
 * @import { Call } from './types.js'
 */

const LIVELY_MS = 30_000;
const LIVELY_PAUSE_MS = 1500;
const CALM_PAUSE_MS = 15_000;

const port = Number(location.port);
const sandboxUrl = `http://localhost:${port + 1}`;
const issuerUrl = `http://localhost:${port + 2}`;

const { get: state, change } = stateHolder(draw);

const note = (/** @type {Call} */ call) => change({ calls: withCall(state().calls, call, Date.now()) });

/** Tells those who listen instead of look. @param {string} text */
const say = text => {
  byId('announcer').textContent = text;
};

/** @type {string | undefined} */
let accessToken;
const api = apiClient({
  base: '',
  note,
  token: async isStale => {
    if (isStale || accessToken === undefined) accessToken = await signIn(issuerUrl, state().user ?? '', note);
    return accessToken;
  },
});
const sandbox = sandboxClient(sandboxUrl, note);

// The code is read and taken out of the address before anything else can see it.
const arrived = readLanding(location.href);
let { landing } = arrived;
if (landing) history.replaceState(null, '', arrived.clean);

let livelyUntil = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let nextLook;

const deps = { api: () => api, sandbox, state, change, say, refresh: lookClosely };
const page = pageActions(deps);
const onPhone = phoneActions(deps);
const attempt = attempts({
  ...deps,
  leaveFor: url => location.assign(url),
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
  reload: lookClosely,
  reloadProviders: page.loadProviders,
  clearCalls: () => change({ calls: [] }),
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
  async copyLink() {
    const session = await attempt.open(firstWebProvider());
    if (!session?.url) return;
    await navigator.clipboard.writeText(session.url);
    say('The link is copied');
    await attempt.check();
  },
};

const firstWebProvider = () => {
  const web = state().providers?.filter(({ kind }) => kind === 'web');
  return (web?.find(({ id }) => id === 'GARMIN') ?? web?.[0])?.id;
};

/**
 * Signs in under this name and shows what is theirs.
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
    if (!(error instanceof CallFailed)) throw error;
    const words = { ...wordsForProblem(error), title: 'The development issuer does not answer' };
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
    attempt: { progress: 'idle' },
  });
  say(`Signed in as ${name}`);
  if (wasOnWelcome) byId('main').focus();
  const providers = page.loadProviders();
  lookClosely();
  const waiting = landing;
  landing = undefined;
  if (waiting?.kind === 'sdk_required') await providers;
  await (waiting ? attempt.land(waiting) : attempt.resume());
}

function leave() {
  remembered.setUser(undefined);
  attempt.stop();
  clearTimeout(nextLook);
  accessToken = undefined;
  onPhone.reset();
  change({ user: undefined, connections: undefined, attempt: { progress: 'idle' }, changes: {}, notice: undefined });
  say('Signed out');
  byId('main').focus();
}

/** Looks at the connections now, and often for a while: something was just done. */
function lookClosely() {
  livelyUntil = Date.now() + LIVELY_MS;
  void look();
}

async function look() {
  clearTimeout(nextLook);
  const { user } = state();
  if (user === undefined) return;
  if (!document.hidden) {
    try {
      const connections = await api.connections();
      if (state().user !== user) return;
      const { connections: before, changes } = state();
      change({ connections, connectionsWords: undefined, changes: withChanges(changes, before, connections) });
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (state().user !== user) return;
      change({ connectionsWords: wordsForProblem(error) });
    }
  }
  clearTimeout(nextLook);
  nextLook = setTimeout(look, Date.now() < livelyUntil ? LIVELY_PAUSE_MS : CALM_PAUSE_MS);
}

/**
 * Brings a part of the page into view and the keyboard to it.
 *
 * @param {string} id
 */
function goTo(id) {
  const target = byId(id);
  target.scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  target.focus({ preventScroll: true });
}

/** @param {State} now */
function draw(now) {
  const { user, people, signingIn, signInWords, providers, providersWords, connections, connectionsWords } = now;
  const time = Date.now();
  const isIn = user !== undefined;
  byId('welcome').hidden = isIn;
  byId('workbench').hidden = !isIn;
  document.title = isIn ? `${user} · terra-connect demo` : 'terra-connect demo';

  show(byId('people'), [isIn, user, people, signingIn], () => isIn && peopleBar(now, actions));
  if (!isIn) {
    show(byId('welcome'), [people, signingIn, signInWords, landing?.kind], () =>
      welcome(now, landing?.kind === 'returned', actions),
    );
    return;
  }
  show(byId('track'), now.attempt.progress, () => track(now));
  show(byId('outcome'), [now.attempt, providers, user], () => outcome(now, actions));
  const isOpening = now.attempt.progress === 'idle' && now.attempt.busy;
  show(byId('choices'), [providers, providersWords, isOpening, user], () => choices(now, actions));
  show(
    byId('connections'),
    [
      connections,
      connectionsWords,
      now.changes,
      now.busy,
      now.notice,
      now.sandbox,
      providers,
      Math.floor(time / 10_000),
    ],
    () => connectionList(now, time, actions),
  );
  const isTooOld = now.phone.expiresAt !== undefined && now.phone.expiresAt <= time;
  show(byId('phone'), [now.phone, providers, now.sandbox, user, isTooOld], () => phone(now, time, actions));
  countDown(now.phone, time);
  show(byId('trouble'), [now.sandbox, now.scenarios, now.busy], () => trouble(now, actions));
  show(byId('calls'), now.calls, () => callLog(now, actions));
}

function start() {
  // The return target is localhost: on 127.0.0.1 the browser would not know who came back.
  if (location.hostname === '127.0.0.1') return location.replace(`http://localhost:${port}${arrived.clean}`);
  change({ people: remembered.people() });
  setInterval(() => draw(state()), 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && state().user !== undefined) lookClosely();
  });
  // Coming back with the browser's own button may bring the page as it was left.
  window.addEventListener('pageshow', event => {
    if (event.persisted) location.reload();
  });
  void page.loadScenarios();
  const user = remembered.user();
  if (user !== undefined) void enter(user);
}

start();
