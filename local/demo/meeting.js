import { timeOf } from './happened.js';

/**
 * The three that must meet before a connection counts, in the order in which they came.
 *
 * @import { Delivery, StoredFact } from './happened.js'
 *
 * Terra's `word` comes by a `webhook`, or by a `lookup` of ours; without the sandbox nobody here can say which.
 * @typedef {'callback' | 'webhook' | 'lookup' | 'word' | 'confirm'} KeyName
 * @typedef {{ name: KeyName, at: number | undefined }} Key
 * @typedef {{ keys: Key[], end: 'met' | 'waiting' | 'over' }} Meeting
 */

/**
 * How far the session of this id came; those still to come are last.
 *
 * @param {string} sessionId
 * @param {readonly StoredFact[]} facts
 * @param {readonly Delivery[] | undefined} deliveries
 * @returns {Meeting}
 */
export function meetingOf(sessionId, facts, deliveries) {
  const own = facts.filter(({ record, id }) => record === 'session' && id === sessionId);
  const find = (/** @type {string} */ name) => own.find(({ fact }) => fact === name);
  const at = (/** @type {string} */ name) => {
    const found = find(name);
    return found && timeOf(found);
  };
  const word = find('authorised');
  /** @type {Key[]} */
  const keys = [
    { name: 'callback', at: at('returned') },
    { name: wayOf(word, deliveries), at: at('authorised') },
    { name: 'confirm', at: at('redeemed') },
  ];
  const isProved = facts.some(({ fact, says }) => fact === 'proof' && says.via === `session#${sessionId}`);
  const isOver = ['failed', 'cancelled', 'wrongOwner', 'closed'].some(name => find(name));
  // Without confirmation nothing is redeemed.
  const needed = isProved ? keys.filter(key => key.at !== undefined) : keys;
  return {
    keys: needed.sort((a, b) => (a.at ?? Infinity) - (b.at ?? Infinity)),
    end: isProved ? 'met' : isOver ? 'over' : 'waiting',
  };
}

/**
 * How Terra's word came: by a webhook that was taken before, else the back end asked Terra itself.
 *
 * @param {StoredFact | undefined} word
 * @param {readonly Delivery[] | undefined} deliveries
 * @returns {KeyName}
 */
function wayOf(word, deliveries) {
  if (!deliveries) return 'word';
  if (!word?.storedAt) return 'webhook';
  const isTold = deliveries.some(
    ({ userId, type, attempts }) =>
      userId === word.says.terraUserId &&
      (type === 'auth' || type === 'user_reauth') &&
      attempts.some(({ status, realAt }) => status === 200 && Date.parse(realAt) <= timeOf(word)),
  );
  return isTold ? 'webhook' : 'lookup';
}
