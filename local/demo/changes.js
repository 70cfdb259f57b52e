import { reasonWords, statusWords } from './words.js';

/**
 * The changes of connections since this page was opened.
 *
 * @import { Connection } from './types.js'
 *
 * @typedef {{ at: string, text: string }} Change
 * @typedef {Record<string, Change[]>} Changes
 */

const MOST_KEPT = 6;

/**
 * Adds the changes since the last poll. A new connection has one entry, its first status.
 *
 * @param {Changes} known
 * @param {readonly Connection[] | undefined} before
 * @param {readonly Connection[]} after
 * @returns {Changes}
 */
export function withChanges(known, before, after) {
  /** @type {Changes} */
  const all = {};
  for (const connection of after) {
    const earlier = before?.find(({ id }) => id === connection.id);
    const added = changesOf(earlier, connection).map(text => ({ at: connection.updatedAt, text }));
    all[connection.id] = [...added, ...(known[connection.id] ?? [])].slice(0, MOST_KEPT);
  }
  return all;
}

/**
 * @param {Connection | undefined} before
 * @param {Connection} after
 * @returns {string[]}
 */
function changesOf(before, after) {
  if (!before) return [statusLine(after)];
  if (before.version === after.version) return [];
  const gained = after.scopes.filter(scope => !before.scopes.includes(scope));
  const lost = before.scopes.filter(scope => !after.scopes.includes(scope));
  const sameStatus = before.status === after.status && before.reason === after.reason;
  return [
    ...(sameStatus ? [] : [statusLine(after)]),
    ...(gained.length > 0 ? [`Permission granted: ${gained.join(', ')}`] : []),
    ...(lost.length > 0 ? [`Permission revoked: ${lost.join(', ')}`] : []),
    ...(after.lastDataAt && before.lastDataAt !== after.lastDataAt ? ['New data arrived'] : []),
    ...(before.terraUserId && after.terraUserId && before.terraUserId !== after.terraUserId
      ? ['Reconnected with a new Terra user id']
      : []),
  ];
}

/**
 * @param {Connection} connection
 * @returns {string}
 */
function statusLine({ status, reason }) {
  const { label } = statusWords[status];
  const why = reason === undefined ? undefined : shortReason[reason];
  return why === undefined ? label : `${label}: ${why}`;
}

/** Short reasons, for a list. @type {Record<string, string>} */
export const shortReason = {
  awaiting_confirmation: 'waiting for confirmation',
  unsolicited: 'not started here',
  provider_rejected: 'rejected by the provider',
  owner: 'by you',
  erased: 'records erased',
  wrong_owner: 'finished by another user',
  not_confirmed: 'never confirmed',
  revoked: 'revoked at the provider',
  deauthorised: 'ended at Terra',
  absent: 'unknown to Terra',
};

/**
 * Returns the reason for a connection's status as a sentence; undefined if there is none.
 *
 * @param {Connection} connection
 * @returns {string | undefined}
 */
export function whyOf({ reason }) {
  return reason === undefined ? undefined : reasonWords[reason];
}
