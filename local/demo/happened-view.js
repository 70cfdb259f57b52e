import { span } from './time-words.js';
import { el, fold, icon } from './view.js';

/**
 * @import { Chapter, Entry, Lane } from './happened.js'
 * @import { RequirementName, Requirements } from './chapters.js'
 * @import { State } from './state.js'
 */

/** @type {Record<Lane, { title: string, mark: string }>} */
const lanes = {
  webhooks: { title: 'Webhook deliveries', mark: 'Webhook' },
  facts: { title: 'Session facts', mark: 'Fact' },
  events: { title: 'Events published', mark: 'Event' },
};

/** @type {Record<RequirementName, { name: string, says: string }>} */
const requirementWords = {
  callback: { name: 'Callback', says: 'the browser came back from Terra' },
  webhook: { name: 'Webhook', says: 'Terra reported the authentication' },
  lookup: { name: 'Lookup', says: 'the back end asked Terra' },
  authentication: { name: 'Authentication', says: 'by webhook or lookup' },
  confirm: { name: 'Confirm', says: 'the user who started sent the code' },
};

/** @type {Record<Requirements['end'], { tone: string, text: string }>} */
const endWords = {
  met: { tone: 'good', text: 'All requirements met: connected' },
  waiting: { tone: 'wait', text: 'Connected once all three are met' },
  over: { tone: 'bad', text: 'Ended before all three were met' },
};

/**
 * The timeline behind the API, by attempt: webhook deliveries, stored facts and published events.
 *
 * @param {State} state
 * @returns {HTMLElement}
 */
export function happenedView({ happened, sandbox }) {
  const [newest, ...earlier] = happened?.chapters ?? [];
  return el(
    'div',
    { class: 'happened' },
    el(
      'p',
      { class: 'soft' },
      'A connection needs three things, in any order: the browser’s callback, Terra’s report of the authentication, and the code confirmed by the user who started.',
    ),
    sandbox === 'absent' &&
      el('p', { class: 'soft' }, 'The Terra sandbox is not running, so deliveries cannot be shown.'),
    newest
      ? chapter(newest)
      : el('p', { class: 'blank' }, happened ? 'Nothing yet. Connect a source to see what happens.' : 'Loading …'),
    earlier.length > 0 && fold('earlier', `Earlier (${earlier.length})`, earlier.map(chapter)),
  );
}

/**
 * @param {Chapter} chapter
 * @returns {HTMLElement}
 */
function chapter({ key, title, at, entries, requirements }) {
  const id = `chapter-${key.replace(/\W/g, '-')}`;
  return el(
    'section',
    { class: 'chapter', 'aria-labelledby': id },
    el('h3', {}, el('span', { id }, title), el('span', { class: 'soft small' }, ' at ', clock(at))),
    requirements && requirementsView(requirements, at),
    el(
      'div',
      { class: 'timeline' },
      el(
        'div',
        { class: 'lanes', 'aria-hidden': 'true' },
        el('span', {}),
        Object.entries(lanes).map(([lane, words]) => el('span', { class: lane }, words.title)),
      ),
      el(
        'ol',
        { 'aria-label': `What happened, ${title}` },
        entries.map(entry => entryView(entry, at)),
      ),
    ),
  );
}

/**
 * @param {Requirements} requirements
 * @param {number} begun
 */
function requirementsView({ list, end }, begun) {
  return el(
    'div',
    { class: 'requirements' },
    el(
      'ol',
      { 'aria-label': 'Requirements, in the order they were met' },
      list.map(({ name, at }, index) =>
        el(
          'li',
          { class: at === undefined ? 'missing' : 'there' },
          el('span', { class: 'node', 'aria-hidden': 'true' }, at === undefined ? '' : String(index + 1)),
          el(
            'span',
            {},
            el('b', {}, requirementWords[name].name),
            el('span', { class: 'soft small' }, at === undefined ? missing(end) : `after ${span(at - begun)}`),
            el('span', { class: 'says' }, requirementWords[name].says),
          ),
        ),
      ),
    ),
    el(
      'p',
      { class: `verdict ${endWords[end].tone}` },
      icon(end === 'met' ? 'check' : end === 'over' ? 'cross' : 'clock'),
      endWords[end].text,
    ),
  );
}

/** @param {Requirements['end']} end */
const missing = end => (end === 'over' ? 'missing' : 'not yet');

/**
 * @param {Entry} entry
 * @param {number} begun
 */
function entryView({ key, lane, at, tone, title, note, json }, begun) {
  return el(
    'li',
    { class: `entry ${lane} ${tone}` },
    el('time', { class: 'when', datetime: new Date(at).toISOString(), title: clock(at) }, `+${span(at - begun)}`),
    el(
      'details',
      { 'data-key': `entry ${key}` },
      el(
        'summary',
        { 'data-key': `entry summary ${key}` },
        el('span', { class: 'mark' }, lanes[lane].mark, el('span', { class: 'unseen' }, ': ')),
        el('b', {}, breakable(title)),
        note !== '' && el('span', { class: 'note' }, note),
      ),
      el('pre', { tabindex: '0', role: 'region', 'aria-label': `${title} as JSON` }, JSON.stringify(json, null, 2)),
    ),
  );
}

/**
 * Allows line breaks after dots and underscores.
 *
 * @param {string} title
 */
function breakable(title) {
  return title.split(/(?<=[._])/).flatMap((part, index) => (index === 0 ? [part] : [el('wbr'), part]));
}

/** @param {number} at */
function clock(at) {
  return new Date(at).toLocaleTimeString();
}
