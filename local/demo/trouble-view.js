import { el } from './view.js';

/**
 * @import { State } from './state.js'
 * @import { Scenario } from './types.js'
 *
 * @typedef {object} TroubleActions
 * @property {(scenario: Scenario) => void} toggle
 * @property {() => void} allOff
 * @property {(seconds: number, label: string) => void} advance
 */

/** Those that show most, and what to look out for on this page. @type {ReadonlyMap<string, string>} */
const worthATry = new Map([
  ['lost-webhook', 'Connect: it works all the same, by the lookup at confirm.'],
  ['redirect-never', 'You stay at Terra. Come back by hand, and it is not confirmed.'],
  ['429', 'Open the widget: one clear problem, and when to try again.'],
  ['swapped-keys', 'Go straight to one: the deployment’s keys are at fault.'],
  ['limit-reached', 'Go straight to one: the Terra account is full.'],
  ['revoked-a-week-later', 'Connect, then let a week pass below.'],
]);

const leaps = [
  { label: '1 minute', seconds: 60 },
  { label: '1 hour', seconds: 3600 },
  { label: '1 week', seconds: 604_800 },
];

/**
 * @param {State} state
 * @param {TroubleActions} actions
 * @returns {HTMLElement}
 */
export function trouble({ sandbox, scenarios, busy }, { toggle, allOff, advance }) {
  if (sandbox === 'absent') {
    return el(
      'p',
      { class: 'soft' },
      'The Terra sandbox does not run here, so nothing can be made to go wrong from this page.',
    );
  }
  if (sandbox === 'unknown') return el('p', { class: 'soft', role: 'status' }, 'Looking for the sandbox …');

  const on = scenarios.filter(scenario => scenario.on);
  const featured = [...worthATry.keys()].flatMap(name => scenarios.find(scenario => scenario.name === name) ?? []);
  const toSwitch = (/** @type {string} */ place) => (/** @type {Scenario} */ scenario) =>
    switchOf(scenario, place, busy.includes(scenario.name), toggle);

  return el(
    'div',
    {},
    el(
      'p',
      { class: 'soft' },
      'Terra is played by a sandbox on this machine. Switch on what it should do wrong, then use the page as before.',
    ),
    on.length > 0 &&
      el(
        'p',
        { class: 'notice warn' },
        el(
          'span',
          { class: 'grow' },
          el('b', {}, on.length === 1 ? 'On: ' : `${on.length} on: `),
          on.map(({ name }) => name).join(', '),
        ),
        el(
          'button',
          { type: 'button', class: 'small', 'data-key': 'all off', onclick: allOff },
          on.length === 1 ? 'Off' : 'All off',
        ),
      ),
    el('div', { class: 'switches' }, featured.map(toSwitch('featured'))),
    el(
      'details',
      { class: 'fold', 'data-key': 'all scenarios' },
      el('summary', { 'data-key': 'all scenarios summary' }, `All ${scenarios.length} scenarios`),
      byGroup(scenarios).map(([group, members]) => [
        el('h3', {}, group),
        el('div', { class: 'switches' }, members.map(toSwitch('all'))),
      ]),
    ),
    el(
      'div',
      { class: 'row leaps' },
      el('span', {}, 'Let time pass at Terra'),
      leaps.map(({ label, seconds }) =>
        el(
          'button',
          {
            type: 'button',
            class: 'small',
            'data-key': label,
            'aria-disabled': busy.includes('time') ? 'true' : undefined,
            onclick: () => advance(seconds, label),
          },
          label,
        ),
      ),
    ),
  );
}

/**
 * @param {readonly Scenario[]} scenarios
 * @returns {[group: string, members: Scenario[]][]}
 */
function byGroup(scenarios) {
  const groups = [...new Set(scenarios.map(({ group }) => group))];
  return groups.map(group => [group, scenarios.filter(scenario => scenario.group === group)]);
}

/**
 * @param {Scenario} scenario
 * @param {string} place
 * @param {boolean} isBusy
 * @param {(scenario: Scenario) => void} toggle
 */
function switchOf(scenario, place, isBusy, toggle) {
  const { name, imitates, source, on } = scenario;
  const hint = place === 'featured' ? worthATry.get(name) : undefined;
  const nameId = `${place}-${name}-name`;
  const textId = `${place}-${name}-text`;
  return el(
    'button',
    {
      type: 'button',
      class: 'switch',
      role: 'switch',
      'aria-checked': String(on),
      'aria-labelledby': nameId,
      'aria-describedby': textId,
      'aria-disabled': isBusy ? 'true' : undefined,
      'data-key': `${place} ${name}`,
      onclick: () => toggle(scenario),
    },
    el(
      'span',
      { class: 'grow' },
      el('b', { id: nameId }, name),
      el('span', { id: textId }, imitates, hint && el('span', { class: 'hint' }, hint)),
      place === 'all' && el('span', { class: 'source' }, source),
    ),
    el('span', { class: 'lever', 'aria-hidden': 'true' }, el('span', {}, on ? 'on' : 'off')),
  );
}
