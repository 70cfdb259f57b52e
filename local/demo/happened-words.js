import { shortReason } from './changes.js';
import { failureWords } from './words.js';

/**
 * The texts for stored facts, deliveries and events.
 *
 * @import { Attempt, Delivery, PublishedEvent, StoredFact } from './happened.js'
 * @import { Tone } from './types.js'
 *
 * @typedef {{ tone: Tone, title: string, note: string }} EntryWords
 * @typedef {(says: Record<string, unknown>) => string} Note
 */

/** @type {Record<string, [tone: Tone, title: string, note: string | Note]>} */
export const factWords = {
  'session.created': ['off', 'Session opened', 'A link for this user only'],
  'session.returned': ['wait', 'Browser came back', 'The code is not redeemed yet'],
  'session.authorised': ['good', 'Authentication reported', says => `${text(says.provider)} authenticated`],
  'session.redeemed': ['good', 'Code redeemed', 'By the user who started'],
  'session.failed': ['bad', 'Returned with a failure', says => reason(says.cause)],
  'session.cancelled': ['bad', 'Terra reported a failure', says => reason(says.cause)],
  'session.refused': ['bad', 'An attempt was rejected', 'Its account is not proved'],
  'session.wrongOwner': ['bad', 'Redeemed by another user', 'Permanently rejected'],
  'session.closed': ['off', 'Session closed', 'Nothing can complete it now'],
  'connection.auth': [
    'wait',
    'Account authenticated',
    says => (says.via === '' ? 'Not requested here' : 'Not proved yet'),
  ],
  'connection.scopes': ['off', 'Permissions', says => `${Array.isArray(says.list) ? says.list.length : 0} granted`],
  'connection.proof': ['good', 'Proved', 'The user who started also finished'],
  'connection.data': ['off', 'Health data arrived', 'Only the time is stored'],
  'connection.reported': ['wait', 'Unclear event', 'The back end asks Terra'],
  'connection.error': ['warn', 'Provider rejects Terra', 'No data until the user reconnects'],
  'connection.missed': ['warn', 'Not found at Terra', 'If it is missing twice, it counts as ended'],
  'connection.seen': ['off', 'Found at Terra again', 'The connection continues'],
  'connection.supersededBy': ['off', 'Replaced', 'Terra gave a new user id'],
  'connection.wrongOwner': ['bad', 'Finished by another user', 'Permanently rejected'],
  'connection.disproved': ['bad', 'Proof withdrawn', 'Two users used one link'],
  'connection.disconnect': ['wait', 'To be disconnected', says => reason(says.reason)],
  'connection.attempt': ['off', 'Deauthentication requested', 'deauthenticateUser'],
  'connection.gone': [
    'off',
    'Ended at Terra',
    says => (says.reason === 'agreed' ? 'Terra confirmed' : reason(says.reason)),
  ],
  'mint.created': ['off', 'Token minted', 'The token itself is not stored'],
  'mint.usedBy': ['good', 'Token used', 'By one phone, once'],
  'erasure.requested': ['wait', 'Erasure requested', 'Every record is deleted'],
};

/**
 * @param {StoredFact} fact
 * @returns {EntryWords}
 */
export function wordsForFact({ record, fact, says }) {
  const [tone, title, note] = factWords[`${record}.${fact}`] ?? ['off', `${record} ${fact}`, ''];
  return { tone, title, note: typeof note === 'string' ? note : note(says) };
}

/** The results of an accepted delivery. @type {Record<string, string>} */
export const outcomeWords = {
  applied: 'applied',
  unchanged: 'no change',
  foreign: 'not a user of this deployment',
  noted: 'stored until its owner is found',
  ignored: 'not relevant',
  poison: 'unreadable',
};

/** The states of a delivery that was not attempted. @type {Record<Delivery['state'], string>} */
const waitingWords = {
  waiting: 'waiting',
  retrying: 'waiting',
  delivered: '',
  gave_up: 'abandoned',
  lost: 'lost',
  no_destination: 'no destination',
  disabled: 'destination disabled',
};

/**
 * Returns the text for one delivery attempt, or for a delivery without attempts.
 *
 * @param {Delivery} delivery
 * @param {{ attempt: Attempt, count: number, isLast: boolean } | undefined} made
 * @returns {EntryWords}
 */
export function wordsForDelivery({ type, state }, made) {
  if (!made) return { tone: state === 'waiting' ? 'wait' : 'bad', title: type, note: waitingWords[state] };
  const { attempt, count, isLast } = made;
  const isAccepted = attempt.status >= 200 && attempt.status < 300;
  const again = isLast && state === 'retrying' && 'will be retried';
  const givenUp = isLast && state === 'gave_up' && 'abandoned';
  const notes = [
    isSigned(attempt) ? 'signed' : 'not signed',
    isAccepted ? undefined : String(attempt.status),
    isAccepted ? outcomeOf(attempt) : again || givenUp || undefined,
  ];
  return {
    tone: isAccepted ? 'good' : 'bad',
    title: count > 1 ? `${type}, attempt ${count}` : type,
    note: notes.filter(note => note !== undefined).join(' · '),
  };
}

/** @param {Attempt} attempt */
export function isSigned({ headers }) {
  return Object.keys(headers).some(name => name.endsWith('terra-signature'));
}

/** @param {Attempt} attempt */
function outcomeOf({ answer }) {
  const [, outcome = ''] = /"outcome":"(\w+)"/.exec(answer ?? '') ?? [];
  return outcomeWords[outcome] ?? 'accepted';
}

/** @type {Record<string, Tone>} */
const eventTones = {
  'connection.unconfirmed': 'wait',
  'connection.connected': 'good',
  'connection.recovered': 'good',
  'connection.reauthorized': 'good',
  'connection.error': 'warn',
  'session.completed': 'good',
  'session.rejected': 'bad',
  'session.failed': 'bad',
};

/**
 * @param {PublishedEvent} event
 * @returns {EntryWords}
 */
export function wordsForEvent({ 'detail-type': type, detail }) {
  const { previousStatus, session, connection } = detail;
  const provider = connection?.provider ?? session?.provider;
  const notes = [provider, previousStatus && `was ${previousStatus}`];
  return { tone: eventTones[type] ?? 'off', title: type, note: notes.filter(Boolean).join(' · ') };
}

/** @param {unknown} given */
function text(given) {
  return typeof given === 'string' ? given : 'The account';
}

/**
 * Returns a short text for a reason or cause.
 *
 * @param {unknown} given
 */
function reason(given) {
  const name = text(given);
  const said = shortReason[name] ?? failureWords[name]?.title ?? name;
  return said.charAt(0).toUpperCase() + said.slice(1);
}
