import { isSigned, wordsForDelivery, wordsForEvent, wordsForFact } from './happened-words.js';

/**
 * The timeline of one user, combined from stored facts, Terra's deliveries and published events.
 *
 * @import { EntryWords } from './happened-words.js'
 * @import { Requirements } from './chapters.js'
 *
 * @typedef {object} StoredFact
 * @property {'session' | 'connection' | 'mint' | 'erasure'} record
 * @property {string} id
 * @property {string} fact
 * @property {string} at The fact's own time: Terra's if Terra gave one.
 * @property {string} [storedAt] When it was written; unknown if an earlier run wrote it.
 * @property {Record<string, unknown>} says
 *
 * @typedef {object} Attempt
 * @property {string} realAt
 * @property {number} signedAtSeconds
 * @property {Record<string, string>} headers
 * @property {number} status
 * @property {string} [answer]
 * @property {string} [cause]
 * @property {number} ms
 *
 * @typedef {object} Delivery
 * @property {string} id
 * @property {string} type
 * @property {string | null} userId
 * @property {string} body
 * @property {'waiting' | 'retrying' | 'delivered' | 'gave_up' | 'lost' | 'no_destination' | 'disabled'} state
 * @property {Attempt[]} attempts
 * @property {string} realAt
 * @property {string} [nextAttemptAt]
 *
 * @typedef {{ id?: string, provider?: string, status?: string }} About
 * @typedef {{ eventId: string, previousStatus?: string, session?: About, connection?: About }} Detail
 * @typedef {{ id: string, 'detail-type': string, detail: Detail }} PublishedEvent
 * @typedef {'facts' | 'webhooks' | 'events'} Lane
 *
 * One timeline entry; `at` is this machine's time in milliseconds since 1970.
 * @typedef {{ key: string, lane: Lane, at: number, json: unknown } & EntryWords} Entry
 *
 * The entries from the start of one attempt to the start of the next.
 * @typedef {object} Chapter
 * @property {string} key
 * @property {string} title
 * @property {number} at
 * @property {Entry[]} entries In time order.
 * @property {Requirements | undefined} requirements
 *
 * @typedef {object} Sources
 * @property {{ referenceIds: string[], facts: StoredFact[] }} records
 * @property {Delivery[] | undefined} deliveries Of all users; undefined if Terra is not the sandbox.
 * @property {{ events: PublishedEvent[], receivedAt: string[] }} published
 */

/**
 * Returns all entries about the user, in time order.
 *
 * @param {Sources} sources
 * @returns {Entry[]}
 */
export function entriesOf({ records, deliveries, published }) {
  const ours = (deliveries ?? []).filter(delivery => isAbout(delivery, records));
  return [
    ...records.facts.filter(fact => !goesWithAuth(fact, records.facts)).map(factEntry),
    ...ours.flatMap(deliveryEntries),
    ...published.events.map((event, index) => eventEntry(event, published.receivedAt[index] ?? '')),
  ].sort((a, b) => a.at - b.at || laneOrder[a.lane] - laneOrder[b.lane]);
}

/** The order of entries with the same time: delivery, fact, event. @type {Record<Lane, number>} */
const laneOrder = { webhooks: 0, facts: 1, events: 2 };

/**
 * Returns when a fact was written, or its own time if that is unknown.
 *
 * @param {StoredFact} fact
 */
export const timeOf = ({ at, storedAt }) => Date.parse(storedAt ?? at);

/**
 * Returns whether a `scopes` fact belongs to an authentication, which then needs no entry for it.
 *
 * @param {StoredFact} fact
 * @param {readonly StoredFact[]} facts
 */
function goesWithAuth({ fact, id, at }, facts) {
  return fact === 'scopes' && facts.some(other => other.fact === 'auth' && other.id === id && other.at === at);
}

/**
 * @param {StoredFact} fact
 * @returns {Entry}
 */
function factEntry(fact) {
  const { record, id, fact: name, at, storedAt, says } = fact;
  const json = { record, id, fact: name, at, ...(storedAt !== undefined && { storedAt }), ...says };
  const key = `${record} ${id} ${name} ${typeof says.terraUserId === 'string' ? says.terraUserId : ''}`;
  return { key, lane: 'facts', at: timeOf(fact), json, ...wordsForFact(fact) };
}

/**
 * Returns one entry per attempt, or a single one if there was no attempt.
 *
 * @param {Delivery} delivery
 * @returns {Entry[]}
 */
function deliveryEntries(delivery) {
  const { id, type, state, attempts, realAt, nextAttemptAt } = delivery;
  const body = readable(delivery.body);
  const shared = { type, state, ...(nextAttemptAt !== undefined && { nextAttemptAt }) };
  if (attempts.length === 0) {
    const json = { ...shared, body };
    return [{ key: id, lane: 'webhooks', at: Date.parse(realAt), json, ...wordsForDelivery(delivery, undefined) }];
  }
  return attempts.map((attempt, index) => {
    const { status, answer, cause, ms, signedAtSeconds } = attempt;
    const json = {
      ...shared,
      attempt: index + 1,
      signed: isSigned(attempt),
      signedAt: new Date(signedAtSeconds * 1000).toISOString(),
      answer: {
        status,
        ...(cause !== undefined && { cause }),
        ...(answer !== undefined && { body: readable(answer) }),
        ms,
      },
      body,
    };
    const words = wordsForDelivery(delivery, { attempt, count: index + 1, isLast: index === attempts.length - 1 });
    return { key: `${id} ${index}`, lane: 'webhooks', at: Date.parse(attempt.realAt), json, ...words };
  });
}

/**
 * @param {PublishedEvent} event
 * @param {string} receivedAt
 * @returns {Entry}
 */
function eventEntry(event, receivedAt) {
  const at = Date.parse(receivedAt);
  return { key: event.id, lane: 'events', at, json: event, ...wordsForEvent(event) };
}

/**
 * @param {Delivery} delivery
 * @param {Sources['records']} records
 */
function isAbout({ userId, body }, { referenceIds, facts }) {
  if (userId !== null && facts.some(({ says }) => says.terraUserId === userId)) return true;
  const event = readable(body);
  const named = [event, ...['user', 'new_user', 'old_user'].map(name => field(event, name))];
  return named.some(one => referenceIds.some(id => id === field(one, 'reference_id')));
}

/**
 * Parses JSON; returns the text itself if it is not JSON.
 *
 * @param {string} text
 * @returns {unknown}
 */
function readable(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {unknown}
 */
function field(value, name) {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
