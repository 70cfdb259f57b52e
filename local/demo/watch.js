import { wordsOf } from './attempt-words.js';
import { withChanges } from './changes.js';
import { chaptersOf } from './chapters.js';
import { failureOf } from './failure.js';

/**
 * Polls the connections and the data behind the API: often after an action, otherwise slowly, and not while the page is
 * hidden.
 *
 * @import { Client } from './client.js'
 * @import { behindTheApi } from './local-run.js'
 * @import { State } from './state.js'
 */

const FAST_MS = 30_000;
const FAST_PAUSE_MS = 1500;
const SLOW_PAUSE_MS = 15_000;

/**
 * @param {{
 *   client: Pick<Client, 'connections'>,
 *   behind: ReturnType<typeof behindTheApi>,
 *   state: () => State,
 *   change: (patch: Partial<State>) => void,
 *   tell: (added: number) => void,
 * }} deps
 */
export function watcher({ client, behind, state, change, tell }) {
  let fastUntil = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let nextPoll;

  async function poll() {
    clearTimeout(nextPoll);
    const { user } = state();
    if (user === undefined) return;
    // Continues while a Terra window is in front: the page is then still visible.
    if (!document.hidden) {
      const updates = await Promise.all([loadConnections(), loadTimeline(user)]);
      if (state().user !== user) return;
      change(Object.assign({}, ...updates));
    }
    clearTimeout(nextPoll);
    nextPoll = setTimeout(poll, Date.now() < fastUntil ? FAST_PAUSE_MS : SLOW_PAUSE_MS);
  }

  /** @returns {Promise<Partial<State>>} */
  async function loadConnections() {
    try {
      const connections = await client.connections();
      const { connections: before, changes } = state();
      return { connections, connectionsWords: undefined, changes: withChanges(changes, before, connections) };
    } catch (error) {
      return { connectionsWords: wordsOf(error) };
    }
  }

  /**
   * @param {string} user
   * @returns {Promise<Partial<State>>}
   */
  async function loadTimeline(user) {
    const { sandbox, providers, happened } = state();
    try {
      const [records, published, deliveries] = await Promise.all([
        behind.records(user),
        behind.events(user),
        sandbox === 'absent' ? undefined : behind.deliveries(),
      ]);
      const chapters = chaptersOf({ records, published, deliveries }, providers);
      if (JSON.stringify(chapters) === JSON.stringify(happened?.chapters)) return {};
      const added = entryCount(chapters) - entryCount(happened?.chapters ?? chapters);
      if (added > 0) tell(added);
      return { happened: { chapters, version: (happened?.version ?? 0) + 1 } };
    } catch (error) {
      // The connections already show the error.
      failureOf(error);
      return {};
    }
  }

  return {
    /** Polls now, and often for a while, because something changed. */
    closely() {
      fastUntil = Date.now() + FAST_MS;
      void poll();
    },
    stop: () => clearTimeout(nextPoll),
  };
}

/** @param {import('./happened.js').Chapter[]} chapters */
function entryCount(chapters) {
  return chapters.reduce((sum, { entries }) => sum + entries.length, 0);
}
