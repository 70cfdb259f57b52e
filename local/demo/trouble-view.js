import { button, el, fold } from './view.js';

/**
 * @import { State } from './state.js'
 * @import { Scenario } from './types.js'
 *
 * @typedef {object} TroubleActions
 * @property {(scenario: Scenario) => void} toggle
 * @property {() => void} allOff
 * @property {(seconds: number, label: string) => void} advance
 */

/** The most instructive scenarios, and what each one shows on this page. @type {ReadonlyMap<string, string>} */
const featuredScenarios = new Map([
  ['lost-webhook', 'Connect: it works anyway, because confirming looks the user up at Terra.'],
  ['redirect-never', 'You stay on Terra’s page. Come back here yourself: the connection is not confirmed.'],
  ['429', 'Open the widget: the page shows the error and when to try again.'],
  ['swapped-keys', 'Choose a provider: the page says that the deployment’s keys are wrong.'],
  ['limit-reached', 'Choose a provider: the page says that the Terra account is full.'],
  ['revoked-a-week-later', 'Connect, then advance Terra’s clock by a week below.'],
]);

const timeSteps = [
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
    return el('p', { class: 'soft' }, 'The Terra sandbox is not running, so this page cannot trigger errors.');
  }
  if (sandbox === 'unknown') return el('p', { class: 'soft', role: 'status' }, 'Looking for the sandbox …');

  const on = scenarios.filter(scenario => scenario.on);
  const featured = [...featuredScenarios.keys()].flatMap(
    name => scenarios.find(scenario => scenario.name === name) ?? [],
  );
  const toSwitch = (/** @type {string} */ place) => (/** @type {Scenario} */ scenario) =>
    switchOf(scenario, place, busy.includes(scenario.name), toggle);

  return el(
    'div',
    {},
    el('p', { class: 'soft' }, 'A local sandbox imitates Terra. Switch on an error, then use the page as before.'),
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
        button('all off', allOff, { class: 'small' }, on.length === 1 ? 'Off' : 'All off'),
      ),
    el('div', { class: 'switches' }, featured.map(toSwitch('featured'))),
    fold(
      'all scenarios',
      `All ${scenarios.length} scenarios`,
      byGroup(scenarios).map(([group, members]) => [
        el('h3', {}, group),
        el('div', { class: 'switches' }, members.map(toSwitch('all'))),
      ]),
    ),
    el(
      'div',
      { class: 'row leaps' },
      el('span', {}, 'Advance Terra’s clock'),
      timeSteps.map(({ label, seconds }) =>
        button(label, () => advance(seconds, label), { class: 'small', busy: busy.includes('time') }, label),
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
  const hint = place === 'featured' ? featuredScenarios.get(name) : undefined;
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
