/**
 * The page's state, in one immutable object.
 *
 * @import { Chapter } from './happened.js'
 * @import { Call, Connection, Provider, Scenario, Words } from './types.js'
 * @import { Changes } from './changes.js'
 * @import { Progress } from './track-view.js'
 *
 * One attempt to connect.
 * @typedef {object} Attempt
 * @property {Progress} progress
 * @property {string} [id]
 * @property {string | undefined} [startedBy]
 * @property {Words} [words]
 * @property {boolean} [busy]
 * @property {number} [openingAt] When opening the session began.
 * @property {string} [url] The link, while it may still be opened.
 * @property {'retry' | 'phone' | 'starter' | 'again'} [next] The next step that is offered.
 * @property {string} [provider]
 *
 * @typedef {object} Phone
 * @property {'idle' | 'minting' | 'ready' | 'connecting' | 'connected' | 'refused'} step
 * @property {string} [provider]
 * @property {number} [expiresAt]
 * @property {string} [says]
 *
 * @typedef {object} State
 * @property {string | undefined} [user]
 * @property {string[]} people
 * @property {boolean} signingIn
 * @property {Words | undefined} [signInWords]
 * @property {Provider[] | undefined} [providers]
 * @property {Words | undefined} [providersWords]
 * @property {Connection[] | undefined} [connections]
 * @property {Words | undefined} [connectionsWords]
 * @property {Changes} changes
 * @property {Attempt} attempt
 * @property {boolean} popup Whether Terra opens in a separate window.
 * @property {Phone} phone
 * @property {{ chapters: Chapter[], version: number } | undefined} [happened] The timeline behind the API, newest attempt first.
 * @property {'unknown' | 'here' | 'absent'} sandbox
 * @property {Scenario[]} scenarios
 * @property {(Call & { times: number, at: number })[]} calls
 * @property {readonly string[]} busy The running actions, so that none is started twice.
 * @property {Words | undefined} [notice] The result of the last action.
 */

/** @returns {State} */
export function emptyState() {
  return {
    people: [],
    signingIn: false,
    changes: {},
    attempt: { progress: 'idle' },
    popup: false,
    phone: { step: 'idle' },
    sandbox: 'unknown',
    scenarios: [],
    calls: [],
    busy: [],
  };
}

/**
 * Holds the state. Calls `draw` once after any number of changes in one task.
 *
 * @param {(state: State) => void} draw
 */
export function stateHolder(draw) {
  let state = emptyState();
  let isDue = false;

  /** @param {Partial<State>} patch */
  function change(patch) {
    state = { ...state, ...patch };
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      draw(state);
    });
  }

  return { get: () => state, change };
}

/**
 * Adds a call to the log. An identical call only increases the counter.
 *
 * @param {State['calls']} calls
 * @param {Call} call
 * @param {number} at
 * @returns {State['calls']}
 */
export function withCall(calls, call, at) {
  const [newest, ...older] = calls;
  const isSame =
    newest &&
    newest.to === call.to &&
    newest.method === call.method &&
    newest.path === call.path &&
    newest.status === call.status;
  return isSame
    ? [{ ...call, at, times: newest.times + 1 }, ...older]
    : [{ ...call, at, times: 1 }, ...calls].slice(0, 60);
}

/**
 * Returns a provider's display name.
 *
 * @param {readonly Provider[] | undefined} providers
 * @param {string} id
 * @returns {string}
 */
export function nameOf(providers, id) {
  const known = providers?.find(provider => provider.id === id)?.name;
  if (known !== undefined) return known;
  return id
    .split('_')
    .map(word => word.charAt(0) + word.slice(1).toLowerCase())
    .join(' ');
}
