import { span } from './time-words.js';
import { el, icon } from './view.js';

/**
 * @import { Chapter, Entry, Lane } from './happened.js'
 * @import { KeyName, Meeting } from './meeting.js'
 * @import { State } from './state.js'
 */

/** @type {Record<Lane, { title: string, mark: string }>} */
const lanes = {
  webhooks: { title: 'Webhook deliveries', mark: 'Webhook' },
  facts: { title: 'Session facts', mark: 'Fact' },
  events: { title: 'Events published', mark: 'Event' },
};

/** @type {Record<KeyName, { name: string, says: string }>} */
const keyWords = {
  callback: { name: 'Callback', says: 'the browser is back from Terra' },
  webhook: { name: 'Webhook', says: 'Terra’s signed word' },
  lookup: { name: 'Lookup', says: 'Terra was asked for its word' },
  word: { name: 'Terra’s word', says: 'by webhook or lookup' },
  confirm: { name: 'Confirm', says: 'the code, from who started' },
};

/** @type {Record<Meeting['end'], { tone: string, text: string }>} */
const endWords = {
  met: { tone: 'good', text: 'All there: connected' },
  waiting: { tone: 'wait', text: 'Counts once all three are there' },
  over: { tone: 'bad', text: 'Over before all three were there' },
};

/**
 * What happened behind the API, attempt by attempt: what Terra told, what was stored, what was published, in time order.
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
      'A connection counts once three things have met, in whatever order they come: the browser’s callback, Terra’s word, and the code confirmed by who started.',
    ),
    sandbox === 'absent' &&
      el('p', { class: 'soft' }, 'Terra does not run on this machine, so its deliveries cannot be shown.'),
    newest
      ? chapter(newest)
      : el(
          'p',
          { class: 'blank' },
          happened ? 'Nothing yet. Connect something, and watch it arrive here.' : 'Looking …',
        ),
    earlier.length > 0 &&
      el(
        'details',
        { class: 'fold', 'data-key': 'earlier' },
        el('summary', { 'data-key': 'earlier summary' }, `Earlier (${earlier.length})`),
        earlier.map(chapter),
      ),
  );
}

/**
 * @param {Chapter} chapter
 * @returns {HTMLElement}
 */
function chapter({ key, title, at, entries, meeting }) {
  const id = `chapter-${key.replace(/\W/g, '-')}`;
  return el(
    'section',
    { class: 'chapter', 'aria-labelledby': id },
    el('h3', {}, el('span', { id }, title), el('span', { class: 'soft small' }, ' at ', clock(at))),
    meeting && meetingView(meeting, at),
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
 * @param {Meeting} meeting
 * @param {number} begun
 */
function meetingView({ keys, end }, begun) {
  return el(
    'div',
    { class: 'meeting' },
    el(
      'ol',
      { 'aria-label': 'In the order they came' },
      keys.map(({ name, at }, index) =>
        el(
          'li',
          { class: at === undefined ? 'missing' : 'there' },
          el('span', { class: 'node', 'aria-hidden': 'true' }, at === undefined ? '' : String(index + 1)),
          el(
            'span',
            {},
            el('b', {}, keyWords[name].name),
            el('span', { class: 'soft small' }, at === undefined ? missing(end) : `after ${span(at - begun)}`),
            el('span', { class: 'says' }, keyWords[name].says),
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

/** @param {Meeting['end']} end */
const missing = end => (end === 'over' ? 'did not come' : 'still to come');

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
 * Lines may break after a dot or an underscore of a name.
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
