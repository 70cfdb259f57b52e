import { entriesOf, timeOf } from './happened.js';
import { meetingOf } from './meeting.js';
import { nameOf } from './state.js';

/**
 * @import { Chapter, Sources, StoredFact } from './happened.js'
 * @import { Provider } from './types.js'
 */

const MOST_ENTRIES = 150;

/**
 * What happened, attempt by attempt, the newest first. An attempt begins where a session is opened or a token minted; what a
 * session stores belongs to its own attempt, everything else to the one under way at the time.
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
  const before = { key: 'before', title: 'Before that', at: known[0]?.at ?? 0, entries: [], meeting: undefined };
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
  const isMint = record === 'mint';
  const way = isMint
    ? `${provider ?? 'a source'} on the phone`
    : says.flow === 'direct'
      ? (provider ?? 'one provider')
      : 'the widget';
  return {
    key: `${record} ${id}`,
    title: `Attempt ${count}: ${way}`,
    at: timeOf(beginning),
    entries: [],
    meeting: isMint ? undefined : meetingOf(id, records.facts, deliveries),
  };
}
