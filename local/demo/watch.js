import { wordsOf } from './attempt-words.js';
import { withChanges } from './changes.js';
import { chaptersOf } from './chapters.js';
import { failureOf } from './failure.js';

/**
 * Keeps an eye on the connections and on what happened behind the API: closely after something was done, calmly otherwise,
 * not at all in the background.
 *
 * @import { Client } from './client.js'
 * @import { behindTheApi } from './local-run.js'
 * @import { State } from './state.js'
 */

const LIVELY_MS = 30_000;
const LIVELY_PAUSE_MS = 1500;
const CALM_PAUSE_MS = 15_000;

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
  let livelyUntil = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let nextLook;

  async function look() {
    clearTimeout(nextLook);
    const { user } = state();
    if (user === undefined) return;
    // Somebody may well look on while Terra's page lies before this one.
    if (!document.hidden) {
      const news = await Promise.all([seen(), happenedTo(user)]);
      if (state().user !== user) return;
      change(Object.assign({}, ...news));
    }
    clearTimeout(nextLook);
    nextLook = setTimeout(look, Date.now() < livelyUntil ? LIVELY_PAUSE_MS : CALM_PAUSE_MS);
  }

  /** @returns {Promise<Partial<State>>} */
  async function seen() {
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
  async function happenedTo(user) {
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
      // The connections say that nothing answers.
      failureOf(error);
      return {};
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

/** @param {import('./happened.js').Chapter[]} chapters */
function entryCount(chapters) {
  return chapters.reduce((sum, { entries }) => sum + entries.length, 0);
}
