import { CallFailed } from './api.js';
import { about, late, phoneNeeded, strangersLink, wordsOf } from './attempt-words.js';
import { askUntil, sleep } from './backoff.js';
import { remembered } from './session-store.js';
import { nameOf } from './state.js';
import { wordsForSession } from './words.js';

/**
 * An attempt to connect, from opening the link to what became of it.
 *
 * @import { apiClient } from './api.js'
 * @import { Landing } from './landing.js'
 * @import { Attempt, State } from './state.js'
 * @import { Session } from './types.js'
 *
 * @typedef {ReturnType<typeof apiClient>} Api
 */

const WEBHOOK_MS = 1500;

/**
 * @param {{
 *   api: () => Api,
 *   state: () => State,
 *   change: (patch: Partial<State>) => void,
 *   say: (text: string) => void,
 *   refresh: () => void,
 *   leaveFor: (url: string) => void,
 *   preparePhone: (provider: string) => void,
 * }} deps
 */
export function attempts({ api, state, change, say, refresh, leaveFor, preparePhone }) {
  /** The one-time code, held here only until it is redeemed. @type {Landing | undefined} */
  let unfinished;
  let round = 0;

  /** @param {Attempt} attempt */
  function show(attempt) {
    const isNews = attempt.words?.title !== state().attempt.words?.title;
    change({ attempt });
    if (attempt.words && !attempt.busy && isNews) say(`${attempt.words.title}. ${attempt.words.text}`);
  }

  /**
   * Opens a session for the signed-in user; undefined when that did not work, which is then shown.
   *
   * @param {string | undefined} provider
   * @returns {Promise<Session | undefined>}
   */
  async function open(provider) {
    if (state().attempt.busy && state().attempt.progress === 'idle') return undefined;
    round += 1;
    const startedBy = state().user;
    show({ progress: 'idle', busy: true, ...(provider !== undefined && { provider }) });
    try {
      const session = await api().openSession(provider);
      remembered.setAttempt({ id: session.id, startedBy });
      show({ ...about(session), ...(startedBy !== undefined && { startedBy }) });
      return session;
    } catch (error) {
      show({ progress: 'idle', words: wordsOf(error), next: 'again' });
      return undefined;
    }
  }

  /**
   * Opens a session and goes there.
   *
   * @param {string | undefined} provider
   */
  async function begin(provider) {
    const session = await open(provider);
    if (session?.url) leaveFor(session.url);
  }

  /**
   * The signed-in user opens a link and `other` is the one to follow it.
   *
   * @param {string | undefined} provider
   * @param {string} other
   */
  async function handOver(provider, other) {
    const session = await open(provider);
    if (!session?.url) return;
    remembered.setUser(other);
    leaveFor(session.url);
  }

  /**
   * Goes on where the browser came back.
   *
   * @param {Landing} landing
   */
  async function land(landing) {
    round += 1;
    unfinished = landing;
    const known = remembered.attempt();
    const startedBy = known?.id === landing.sessionId ? known.startedBy : undefined;
    const attempt = { id: landing.sessionId, ...(startedBy !== undefined && { startedBy }) };
    remembered.setAttempt({ id: landing.sessionId, startedBy });

    switch (landing.kind) {
      case 'returned':
        show({ ...attempt, progress: 'returned', busy: true });
        return confirm(attempt, landing.code);
      case 'failed':
        show({ ...attempt, progress: 'failed', words: wordsForSession({ status: 'failed', failure: landing.error }) });
        await check();
        return landing.error === 'unknown' ? checkLater() : undefined;
      case 'sdk_required':
        preparePhone(landing.provider);
        return show({ ...attempt, ...phoneNeeded(landing.provider, nameOf(state().providers, landing.provider)) });
      default:
        return undefined;
    }
  }

  /**
   * @param {Pick<Attempt, 'id' | 'startedBy'> & { id: string }} attempt
   * @param {string | undefined} code
   */
  async function confirm(attempt, code) {
    const mine = round;
    try {
      await api().confirm(attempt.id, code);
      if (mine !== round) return;
      unfinished = undefined;
      remembered.setAttempt({ ...attempt, redeemed: true });
      show({ ...attempt, progress: 'redeemed', busy: true });
      await check();
    } catch (error) {
      if (mine !== round) return;
      const isFinal = error instanceof CallFailed && [400, 404, 409].includes(error.status);
      if (!isFinal) {
        return show({ ...attempt, progress: 'returned', words: wordsOf(error), next: 'retry' });
      }
      unfinished = undefined;
      if (error.status === 404)
        return show({ ...attempt, progress: 'refused', ...strangersLink(attempt.startedBy, state().user ?? 'you') });
      await check({ progress: 'refused', words: wordsOf(error), next: 'again' });
    }
  }

  /**
   * Asks the API how the session stands, and goes on asking while something is still to come. `otherwise` is shown where
   * the session does not say more.
   *
   * @param {Partial<Attempt> & Pick<Attempt, 'progress'>} [otherwise]
   */
  async function check(otherwise) {
    const known = remembered.attempt();
    if (!known) return;
    round += 1;
    const mine = round;
    const attempt = { id: known.id, ...(known.startedBy !== undefined && { startedBy: known.startedBy }) };
    // Returned without us: the browser that came back, perhaps another one, may still redeem the code.
    const isComing = (/** @type {Session} */ { status }) =>
      status === 'pending' || (status === 'returned' && otherwise === undefined);
    try {
      const session = await askUntil({
        ask: async () => {
          const seen = await api().session(known.id);
          if (mine === round && isComing(seen)) {
            const progress = known.redeemed ? 'redeemed' : seen.status;
            show({ ...attempt, ...about(seen), progress, busy: known.redeemed === true });
          }
          return seen;
        },
        isFinal: seen => mine !== round || !isComing(seen),
        wait: sleep,
        ...(known.redeemed ? {} : { firstMs: 2000, mostMs: 10_000, patienceMs: 900_000 }),
      });
      if (mine !== round) return;
      const shown = isComing(session) && known.redeemed ? late : about(session);
      show({ ...attempt, ...shown, ...(session.status === 'returned' ? otherwise : {}) });
      refresh();
    } catch (error) {
      if (mine !== round) return;
      const isGone = error instanceof CallFailed && error.status === 404;
      if (isGone) remembered.setAttempt(undefined);
      show({
        ...attempt,
        ...(otherwise ??
          (isGone
            ? { progress: 'idle' }
            : { progress: known.redeemed ? 'redeemed' : 'pending', words: wordsOf(error), next: 'retry' })),
      });
    }
  }

  /** The browser is often told less than the webhook that is on its way. */
  async function checkLater() {
    const mine = round;
    await sleep(WEBHOOK_MS);
    if (mine === round) await check();
  }

  return {
    open,
    begin,
    handOver,
    land,
    check,
    /** Shows what this tab remembers of the signed-in user's attempt. */
    resume: () => {
      const { startedBy } = remembered.attempt() ?? {};
      return startedBy === undefined || startedBy === state().user ? check() : Promise.resolve();
    },
    /** Stops asking; what the tab remembers stays. */
    stop() {
      round += 1;
      unfinished = undefined;
    },
    /** Tries the same again after the network or Terra was away. */
    retry: () => (unfinished ? land(unfinished) : check()),
    forget() {
      round += 1;
      unfinished = undefined;
      remembered.setAttempt(undefined);
      change({ attempt: { progress: 'idle' } });
    },
  };
}
