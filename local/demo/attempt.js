import { about, late, phoneNeeded, wrongUser, wordsOf } from './attempt-words.js';
import { failureOf } from './failure.js';
import { remembered } from './session-store.js';
import { nameOf } from './state.js';
import { sessionWords, wordsForSession } from './words.js';

/**
 * An attempt to connect, from opening the link to its outcome. The client does the work; this shows it.
 *
 * @import { Client, Open, Outcome, Returned } from './client.js'
 * @import { Attempt, State } from './state.js'
 */

/** How long the page shows that the code is being redeemed, before it shows that it waits for Terra. */
const CONFIRM_MS = 4000;
const PROOF_MS = 120_000;
/** How long a pending session is polled, and how often its state is shown at least. */
const WATCH_MS = 900_000;
const SHOW_MS = 60_000;
const WEBHOOK_MS = 1500;

/**
 * @param {{
 *   client: Pick<Client, 'connect' | 'finish' | 'session' | 'settle'>,
 *   state: () => State,
 *   change: (patch: Partial<State>) => void,
 *   say: (text: string) => void,
 *   refresh: () => void,
 *   redirect: Open,
 *   popup: () => Open,
 *   preparePhone: (provider: string) => void,
 * }} deps
 */
export function attempts({ client, state, change, say, refresh, redirect, popup, preparePhone }) {
  /** The return with its code, kept only until the code is redeemed. @type {Returned | undefined} */
  let unfinished;
  let current = new AbortController();

  /** Stops what is running and returns the signal of the new run. */
  function restart() {
    current.abort();
    current = new AbortController();
    return current.signal;
  }

  /** @param {Attempt} attempt */
  function show(attempt) {
    const isNew = attempt.words?.title !== state().attempt.words?.title;
    change({ attempt });
    if (attempt.words && !attempt.busy && isNew) say(`${attempt.words.title}. ${attempt.words.text}`);
  }

  /**
   * Opens a session for the signed-in user and shows its link. A popup must open immediately, or the browser blocks it.
   *
   * @param {string | undefined} provider
   * @param {() => Open} opening
   */
  async function connect(provider, opening) {
    if (state().attempt.busy && state().attempt.progress === 'idle') return;
    const open = opening();
    const signal = restart();
    const startedBy = state().user;
    const wish = provider === undefined ? {} : { provider };
    show({ progress: 'idle', busy: true, openingAt: Date.now(), ...wish });
    /** @type {Open} */
    const showLink = (url, attempt) => {
      const { sessionId: id } = attempt;
      remembered.setAttempt({ id, startedBy });
      show({ ...wish, id, startedBy, url, progress: 'pending', words: sessionWords.pending });
      return open(url, attempt);
    };
    // The client also uses these two properties of `open`.
    const { blocked, cancel } = open;
    Object.assign(showLink, { ...(blocked && { blocked }), ...(cancel && { cancel }) });
    try {
      await conclude(await client.connect({ ...wish, returnTo: 'web', open: showLink, signal }));
    } catch (error) {
      if (!signal.aborted) show({ ...wish, progress: 'idle', words: wordsOf(error), next: 'again' });
    }
  }

  /**
   * Continues after the browser came back.
   *
   * @param {Returned} returned
   */
  async function land(returned) {
    const signal = restart();
    unfinished = returned;
    const { sessionId: id } = returned;
    const known = remembered.attempt();
    const startedBy = known?.id === id ? known.startedBy : undefined;
    remembered.setAttempt({ id, startedBy });
    if (returned.status === 'returned') show({ id, startedBy, progress: 'returned', busy: true });
    try {
      const outcome = await client.finish(returned, { patienceMs: CONFIRM_MS, signal });
      unfinished = undefined;
      await conclude(outcome);
    } catch (error) {
      if (signal.aborted) return;
      const words = wordsOf(error);
      if (![400, 404, 409].includes(failureOf(error).status)) {
        return show({ id, startedBy, progress: 'returned', words, next: 'retry' });
      }
      unfinished = undefined;
      await check({ progress: 'refused', words, next: 'again' });
    }
  }

  /**
   * Shows the outcome.
   *
   * @param {Outcome} outcome
   */
  async function conclude(outcome) {
    const { sessionId: id } = outcome;
    const { startedBy } = remembered.attempt() ?? {};
    const attempt = { id, startedBy };
    switch (outcome.kind) {
      case 'connected':
        remembered.setAttempt({ ...attempt, redeemed: true });
        show({
          ...attempt,
          progress: 'completed',
          words: sessionWords.completed,
          provider: outcome.connection.provider,
        });
        return refresh();
      case 'waiting':
        remembered.setAttempt({ ...attempt, redeemed: true });
        await check();
        return undefined;
      case 'sdk_required':
        preparePhone(outcome.provider);
        return show({ ...attempt, ...phoneNeeded(outcome.provider, nameOf(state().providers, outcome.provider)) });
      case 'left':
        await check();
        return undefined;
      case 'failed': {
        const { failure } = outcome;
        if (failure === 'wrong_owner') {
          await check({ progress: 'refused', ...wrongUser(startedBy, state().user ?? 'you') });
          return undefined;
        }
        const words = wordsForSession({ status: 'failed', failure });
        const signal = await check({ progress: 'failed', words, next: 'again' });
        // The webhook often gives a more precise reason than the redirect.
        if (failure === 'unknown' && signal && !(await isAbortedWithin(WEBHOOK_MS, signal))) await check();
        return undefined;
      }
      default:
        return undefined;
    }
  }

  /**
   * Loads the session and polls it while it can still change. `otherwise` is shown if the session gives no better
   * information. Returns a signal that aborts when another run starts.
   *
   * @param {Partial<Attempt> & Pick<Attempt, 'progress'>} [otherwise]
   * @returns {Promise<AbortSignal | undefined>}
   */
  async function check(otherwise) {
    const known = remembered.attempt();
    if (!known) return undefined;
    const signal = restart();
    const attempt = { id: known.id, startedBy: known.startedBy };
    const isRedeemed = known.redeemed === true;
    try {
      let session = await client.session(known.id, { signal });
      const until = Date.now() + (isRedeemed ? PROOF_MS : WATCH_MS);
      while ((session.status === 'pending' || (session.status === 'returned' && !otherwise)) && Date.now() < until) {
        show({ ...attempt, ...about(session), ...(isRedeemed && { progress: 'redeemed', busy: true }) });
        session = await client.settle(known.id, { patienceMs: Math.min(SHOW_MS, until - Date.now()), signal });
      }
      const isComing = session.status === 'pending' || session.status === 'returned';
      const shown = isComing && isRedeemed ? late : about(session);
      show({ ...attempt, ...shown, ...(session.status === 'returned' ? otherwise : {}) });
      refresh();
    } catch (error) {
      if (signal.aborted) return signal;
      const isGone = failureOf(error).status === 404;
      if (isGone && !otherwise) remembered.setAttempt(undefined);
      const unknown = isGone
        ? { progress: /** @type {const} */ ('idle') }
        : {
            progress: isRedeemed ? /** @type {const} */ ('redeemed') : /** @type {const} */ ('pending'),
            words: wordsOf(error),
            next: /** @type {const} */ ('retry'),
          };
      show({ ...attempt, ...(otherwise ?? unknown) });
    }
    return signal;
  }

  return {
    /** Opens a session and its link, in this window or in a popup. */
    begin: (/** @type {string | undefined} */ provider) =>
      connect(provider, () => (state().popup ? popup() : redirect)),
    /** Opens a link as the signed-in user and follows it as `other`. */
    handOver: (/** @type {string | undefined} */ provider, /** @type {string} */ other) =>
      connect(provider, () => (url, attempt) => {
        remembered.setUser(other);
        return redirect(url, attempt);
      }),
    /** Opens a session and passes its link to `take` instead of following it. */
    passOn: (/** @type {string | undefined} */ provider, /** @type {(url: string) => Promise<void>} */ take) =>
      connect(provider, () => async url => {
        await take(url);
        return undefined;
      }),
    land,
    /** Shows the signed-in user's attempt that this tab remembers. */
    resume: () => {
      const { startedBy } = remembered.attempt() ?? {};
      return startedBy === undefined || startedBy === state().user ? check() : Promise.resolve();
    },
    /** Stops polling. The tab still remembers the attempt. */
    stop() {
      restart();
      unfinished = undefined;
    },
    /** Repeats the last step, after the network or Terra was unavailable. */
    retry: () => (unfinished ? land(unfinished) : check()),
    forget() {
      restart();
      unfinished = undefined;
      remembered.setAttempt(undefined);
      change({ attempt: { progress: 'idle' } });
    },
  };
}

/**
 * Waits, and returns whether the signal was aborted in the meantime.
 *
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>}
 */
function isAbortedWithin(ms, signal) {
  return new Promise(resolve => {
    setTimeout(() => resolve(signal.aborted), ms);
  });
}
