import { CallFailed } from './api.js';
import { withChanges } from './changes.js';
import { wordsForProblem } from './words.js';

/**
 * Keeps an eye on the connections: closely after something was done, calmly otherwise, not at all in the background.
 *
 * @import { apiClient } from './api.js'
 * @import { State } from './state.js'
 */

const LIVELY_MS = 30_000;
const LIVELY_PAUSE_MS = 1500;
const CALM_PAUSE_MS = 15_000;

/**
 * @param {{
 *   api: ReturnType<typeof apiClient>,
 *   state: () => State,
 *   change: (patch: Partial<State>) => void,
 * }} deps
 */
export function watcher({ api, state, change }) {
  let livelyUntil = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let nextLook;

  async function look() {
    clearTimeout(nextLook);
    const { user } = state();
    if (user === undefined) return;
    if (!document.hidden) {
      const news = await seen();
      if (state().user !== user) return;
      change(news);
    }
    clearTimeout(nextLook);
    nextLook = setTimeout(look, Date.now() < livelyUntil ? LIVELY_PAUSE_MS : CALM_PAUSE_MS);
  }

  /** @returns {Promise<Partial<State>>} */
  async function seen() {
    try {
      const connections = await api.connections();
      const { connections: before, changes } = state();
      return { connections, connectionsWords: undefined, changes: withChanges(changes, before, connections) };
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      return { connectionsWords: wordsForProblem(error) };
    }
  }

  return {
    /** Looks now, and often for a while: something was just done. */
    closely() {
      livelyUntil = Date.now() + LIVELY_MS;
      void look();
    },
    stop: () => clearTimeout(nextLook),
  };
}
