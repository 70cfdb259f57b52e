import { wordsOf } from './attempt-words.js';
import { phoneWords } from './words.js';

/**
 * The simulated phone. It holds one token at a time, which is not shown.
 *
 * @import { Client } from './client.js'
 * @import { sandboxClient } from './local-run.js'
 * @import { State } from './state.js'
 */

/**
 * @param {{
 *   client: Client,
 *   sandbox: ReturnType<typeof sandboxClient>,
 *   state: () => State,
 *   change: (patch: Partial<State>) => void,
 *   say: (text: string) => void,
 *   copy: (text: string, what: string) => Promise<void>,
 *   refresh: () => void,
 * }} deps
 */
export function phoneActions({ client, sandbox, state, change, say, copy, refresh }) {
  let token = '';

  /** @param {State['phone']} phone */
  function show(phone) {
    change({ phone });
    if (phone.says) say(phone.says);
  }

  /** @param {unknown} error */
  function errorText(error) {
    const { title, text } = wordsOf(error);
    return `${title}. ${text}`;
  }

  const source = () => state().phone.provider ?? state().providers?.find(({ kind }) => kind === 'sdk')?.id;
  const isWorking = () => state().phone.step === 'minting' || state().phone.step === 'connecting';

  return {
    /** @param {string} provider */
    chooseOnPhone(provider) {
      token = '';
      show({ step: 'idle', provider });
    },

    reset() {
      token = '';
      show({ step: 'idle' });
    },

    async mint() {
      const provider = source();
      if (provider === undefined || isWorking()) return;
      show({ step: 'minting', provider });
      try {
        const minted = await client.mintToken({ provider });
        token = minted.token;
        show({ step: 'ready', provider, expiresAt: Date.parse(minted.expiresAt) });
        say('The token is ready');
      } catch (error) {
        token = '';
        show({ step: 'idle', provider });
        const says = errorText(error);
        show({ step: 'refused', provider, says });
      }
    },

    async redeem() {
      const { phone, user = '' } = state();
      const provider = source();
      if (provider === undefined || isWorking()) return;
      show({ ...phone, step: 'connecting', provider });
      try {
        const error = await sandbox.connectPhone({ token, provider, device: `phone-of-${user}` });
        show(
          error === undefined
            ? { step: 'connected', provider, says: 'The connection appears in the list.' }
            : { step: 'refused', provider, says: phoneWords[error] ?? 'Terra rejected the phone.' },
        );
      } catch (error) {
        show({ step: 'refused', provider, says: errorText(error) });
      }
      refresh();
    },

    copyToken: () => copy(token, 'The token'),
  };
}
