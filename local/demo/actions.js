import { wordsOf } from './attempt-words.js';
import { failureOf } from './failure.js';
import { nameOf } from './state.js';

/**
 * The page's actions, except signing in and opening a session.
 *
 * @import { Client } from './client.js'
 * @import { sandboxClient } from './local-run.js'
 * @import { State } from './state.js'
 * @import { Connection, Scenario, Words } from './types.js'
 */

const NOTICE_MS = 10_000;

/**
 * @param {{
 *   client: Client,
 *   sandbox: ReturnType<typeof sandboxClient>,
 *   state: () => State,
 *   change: (patch: Partial<State>) => void,
 *   say: (text: string) => void,
 *   refresh: () => void,
 * }} deps
 */
export function pageActions({ client, sandbox, state, change, say, refresh }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let fading;

  /**
   * Runs an action unless the same one is running, and shows its result or error.
   *
   * @param {string} key
   * @param {() => Promise<Words | undefined>} work
   */
  async function once(key, work) {
    if (state().busy.includes(key)) return;
    change({ busy: [...state().busy, key], notice: undefined });
    let notice;
    try {
      notice = await work();
    } catch (error) {
      notice = wordsOf(error);
    } finally {
      change({ busy: state().busy.filter(other => other !== key), notice });
      refresh();
    }
    if (!notice) return;
    say(`${notice.title}. ${notice.text}`);
    clearTimeout(fading);
    fading = setTimeout(() => change({ notice: undefined }), NOTICE_MS);
  }

  async function loadScenarios() {
    try {
      change({ scenarios: await sandbox.scenarios(), sandbox: 'here' });
    } catch {
      change({ scenarios: [], sandbox: 'absent' });
    }
  }

  return {
    loadScenarios,

    async loadProviders() {
      change({ providersWords: undefined });
      try {
        change({ providers: await client.providers() });
      } catch (error) {
        change({ providersWords: wordsOf(error) });
      }
    },

    /** @param {Connection} connection */
    disconnect: ({ id, provider }) =>
      once(id, async () => {
        await client.disconnect(id);
        const name = nameOf(state().providers, provider);
        return {
          tone: 'good',
          title: `${name} is disconnected`,
          text: 'It is disconnected here now, and at Terra as soon as Terra confirms.',
        };
      }),

    /**
     * @param {Connection} connection
     * @param {string} event
     * @param {string} label
     */
    sendEvent: ({ id, terraUserId }, event, label) =>
      once(id, async () => {
        try {
          await sandbox.send(terraUserId ?? '', event);
        } catch (error) {
          if (failureOf(error).status !== 404) throw error;
          return { tone: 'warn', title: label, text: 'Terra no longer has this user.' };
        }
        return {
          tone: 'off',
          title: label,
          text: 'Terra sent the event to the back end. The connection changes in a moment.',
        };
      }),

    /** @param {Scenario} scenario */
    toggle: ({ name, on }) =>
      once(name, async () => {
        await (on ? sandbox.switchOff(name) : sandbox.switchOn(name));
        await loadScenarios();
        say(`${name} is ${on ? 'off' : 'on'}`);
        return undefined;
      }),

    allOff: () =>
      once('scenarios', async () => {
        for (const { name } of state().scenarios.filter(({ on }) => on)) await sandbox.switchOff(name);
        await loadScenarios();
        say('All scenarios are off');
        return undefined;
      }),

    /**
     * @param {number} seconds
     * @param {string} label
     */
    advance: (seconds, label) =>
      once('time', async () => {
        await sandbox.advance(seconds);
        return {
          tone: 'off',
          title: `Terra’s clock was advanced by ${label}`,
          text: 'Everything that was due has happened.',
        };
      }),
  };
}
