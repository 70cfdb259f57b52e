import { entriesOf, timeOf } from './happened.js';
import { nameOf } from './state.js';

/**
 * @import { Chapter, Delivery, Sources, StoredFact } from './happened.js'
 * @import { Provider } from './types.js'
 *
 * A requirement of a connection. The `authentication` is reported by a `webhook` or found by a `lookup`; without the sandbox
 * the page cannot tell which.
 *
 * @typedef {'callback' | 'webhook' | 'lookup' | 'authentication' | 'confirm'} RequirementName
 *
 * The requirements of one session in the order in which they were met; the missing ones are last.
 *
 * @typedef {{
 *   list: { name: RequirementName, at: number | undefined }[],
 *   end: 'met' | 'waiting' | 'over',
 * }} Requirements
 */

const MOST_ENTRIES = 150;

/**
 * Returns everything that happened, grouped by attempt, newest first. An attempt begins when a session is opened or a token
 * minted. A session's facts belong to its own attempt, everything else to the attempt that was running at the time.
 *
 * @param {Sources} sources
 * @param {readonly Provider[] | undefined} providers
 * @returns {Chapter[]}
 */
export function chaptersOf(sources, providers) {
  const { facts } = sources.records;
  const beginnings = facts.filter(({ fact, record }) => fact === 'created' && record !== 'connection');
  const begun = beginnings.sort((a, b) => timeOf(a) - timeOf(b));
  const chapters = begun.map((beginning, index) => chapterOf(beginning, index + 1, sources, providers));
  const known = entriesOf(sources).slice(-MOST_ENTRIES);
  /** @type {Chapter} */
  const before = { key: 'before', title: 'Earlier', at: known[0]?.at ?? 0, entries: [], requirements: undefined };
  for (const entry of known) {
    const own = chapters.find(({ key }) => entry.key.startsWith(`${key} `));
    const current = chapters.findLast(({ at }) => at <= entry.at);
    (own ?? current ?? before).entries.push(entry);
  }
  return [before, ...chapters].filter(({ entries }) => entries.length > 0).reverse();
}

/**
 * @param {StoredFact} beginning
 * @param {number} count
 * @param {Sources} sources
 * @param {readonly Provider[] | undefined} providers
 * @returns {Chapter}
 */
function chapterOf(beginning, count, { records, deliveries }, providers) {
  const { record, id, says } = beginning;
  const [only] = Array.isArray(says.providers) ? says.providers : [says.provider];
  const provider = typeof only === 'string' ? nameOf(providers, only) : undefined;
  const isToken = record === 'mint';
  const way = isToken
    ? `${provider ?? 'a source'} on the phone`
    : says.flow === 'direct'
      ? (provider ?? 'one provider')
      : 'the widget';
  return {
    key: `${record} ${id}`,
    title: `Attempt ${count}: ${way}`,
    at: timeOf(beginning),
    entries: [],
    requirements: isToken ? undefined : requirementsOf(id, records.facts, deliveries),
  };
}

/**
 * Returns which requirements of a session are met.
 *
 * @param {string} sessionId
 * @param {readonly StoredFact[]} facts
 * @param {readonly Delivery[] | undefined} deliveries
 * @returns {Requirements}
 */
function requirementsOf(sessionId, facts, deliveries) {
  const own = facts.filter(({ record, id }) => record === 'session' && id === sessionId);
  const find = (/** @type {string} */ name) => own.find(({ fact }) => fact === name);
  const at = (/** @type {string} */ name) => {
    const found = find(name);
    return found && timeOf(found);
  };
  const authentication = find('authorised');
  /** @type {Requirements['list']} */
  const all = [
    { name: 'callback', at: at('returned') },
    { name: reportOf(authentication, deliveries), at: at('authorised') },
    { name: 'confirm', at: at('redeemed') },
  ];
  const isProved = facts.some(({ fact, says }) => fact === 'proof' && says.via === `session#${sessionId}`);
  const isOver = ['failed', 'cancelled', 'wrongOwner', 'closed'].some(name => find(name));
  // A deployment without confirmation redeems no code.
  const needed = isProved ? all.filter(({ at: metAt }) => metAt !== undefined) : all;
  return {
    list: needed.sort((a, b) => (a.at ?? Infinity) - (b.at ?? Infinity)),
    end: isProved ? 'met' : isOver ? 'over' : 'waiting',
  };
}

/**
 * Returns how the authentication became known: by a webhook that was accepted before, or else by a lookup of the back end.
 *
 * @param {StoredFact | undefined} authentication
 * @param {readonly Delivery[] | undefined} deliveries
 * @returns {RequirementName}
 */
function reportOf(authentication, deliveries) {
  if (!deliveries) return 'authentication';
  if (!authentication?.storedAt) return 'webhook';
  const isReported = deliveries.some(
    ({ userId, type, attempts }) =>
      userId === authentication.says.terraUserId &&
      (type === 'auth' || type === 'user_reauth') &&
      attempts.some(({ status, realAt }) => status === 200 && Date.parse(realAt) <= timeOf(authentication)),
  );
  return isReported ? 'webhook' : 'lookup';
}
