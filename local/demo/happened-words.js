import { shortReason } from './changes.js';
import { failureWords } from './words.js';

/**
 * What each stored fact, delivery and event is called.
 *
 * @import { Attempt, Delivery, PublishedEvent, StoredFact } from './happened.js'
 * @import { Tone } from './types.js'
 *
 * @typedef {{ tone: Tone, title: string, note: string }} EntryWords
 * @typedef {(says: Record<string, unknown>) => string} Note
 */

/** @type {Record<string, [tone: Tone, title: string, note: string | Note]>} */
export const factWords = {
  'session.created': ['off', 'Session opened', 'A link for this person alone'],
  'session.returned': ['wait', 'Browser came back', 'Its code is not redeemed yet'],
  'session.authorised': ['good', 'Terra’s word is in', says => `${text(says.provider)} authenticated`],
  'session.redeemed': ['good', 'Code redeemed', 'With the token of who started'],
  'session.failed': ['bad', 'Came back without success', says => reason(says.cause)],
  'session.cancelled': ['bad', 'Terra told of a failure', says => reason(says.cause)],
  'session.refused': ['bad', 'An attempt was refused', 'Its account proves nothing here'],
  'session.wrongOwner': ['bad', 'Redeemed by somebody else', 'Rejected for good'],
  'session.closed': ['off', 'Session closed', 'Nothing can complete it now'],
  'connection.auth': [
    'wait',
    'Account authenticated',
    says => (says.via === '' ? 'Nobody here asked for it' : 'Not proved by this alone'),
  ],
  'connection.scopes': ['off', 'Permissions', says => `${Array.isArray(says.list) ? says.list.length : 0} given`],
  'connection.proof': ['good', 'Proved', 'Who started is who finished'],
  'connection.data': ['off', 'Health data came', 'Only the time is kept'],
  'connection.reported': ['wait', 'Unclear event', 'Terra is asked whether it authenticated'],
  'connection.error': ['warn', 'Provider refuses Terra', 'No data until they reconnect'],
  'connection.missed': ['warn', 'Not found at Terra', 'Twice, and it is gone'],
  'connection.seen': ['off', 'Found at Terra again', 'Nothing is lost'],
  'connection.supersededBy': ['off', 'Replaced', 'Terra gave a new user id'],
  'connection.wrongOwner': ['bad', 'Somebody else finished it', 'Never counts again'],
  'connection.disproved': ['bad', 'Proof withdrawn', 'Two people, one link'],
  'connection.disconnect': ['wait', 'To be disconnected', says => reason(says.reason)],
  'connection.attempt': ['off', 'Terra asked to end it', 'deauthenticateUser'],
  'connection.gone': [
    'off',
    'Gone at Terra',
    says => (says.reason === 'agreed' ? 'Terra agreed' : reason(says.reason)),
  ],
  'mint.created': ['off', 'Token minted', 'The token itself is not kept'],
  'mint.usedBy': ['good', 'Token used', 'By one phone, once'],
  'erasure.requested': ['wait', 'Erasure asked for', 'Every record is deleted'],
};

/**
 * @param {StoredFact} fact
 * @returns {EntryWords}
 */
export function wordsForFact({ record, fact, says }) {
  const [tone, title, note] = factWords[`${record}.${fact}`] ?? ['off', `${record} ${fact}`, ''];
  return { tone, title, note: typeof note === 'string' ? note : note(says) };
}

/** What the back end did with a delivery it took. @type {Record<string, string>} */
export const outcomeWords = {
  applied: 'applied',
  unchanged: 'nothing new',
  foreign: 'not one of ours',
  noted: 'kept until its owner is found',
  ignored: 'of no interest here',
  poison: 'unreadable',
};

/** What became of a delivery that was not attempted. @type {Record<Delivery['state'], string>} */
const waitingWords = {
  waiting: 'held back for now',
  retrying: 'held back for now',
  delivered: '',
  gave_up: 'given up',
  lost: 'lost on the way',
  no_destination: 'nowhere to go',
  disabled: 'destination switched off',
};

/**
 * One attempt to deliver, or none where it never left Terra.
 *
 * @param {Delivery} delivery
 * @param {{ attempt: Attempt, count: number, isLast: boolean } | undefined} made
 * @returns {EntryWords}
 */
export function wordsForDelivery({ type, state }, made) {
  if (!made) return { tone: state === 'waiting' ? 'wait' : 'bad', title: type, note: waitingWords[state] };
  const { attempt, count, isLast } = made;
  const isTaken = attempt.status >= 200 && attempt.status < 300;
  const again = isLast && state === 'retrying' && 'will be repeated';
  const givenUp = isLast && state === 'gave_up' && 'given up';
  const notes = [
    isSigned(attempt) ? 'signed' : 'not signed',
    isTaken ? undefined : String(attempt.status),
    isTaken ? outcomeOf(attempt) : again || givenUp || undefined,
  ];
  return {
    tone: isTaken ? 'good' : 'bad',
    title: count > 1 ? `${type}, time ${count}` : type,
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
  return outcomeWords[outcome] ?? 'taken';
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
 * A reason or cause in a few words.
 *
 * @param {unknown} given
 */
function reason(given) {
  const name = text(given);
  const said = shortReason[name] ?? failureWords[name]?.title ?? name;
  return said.charAt(0).toUpperCase() + said.slice(1);
}
