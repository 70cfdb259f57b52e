import { defaultKnobs, type Knobs } from './knobs';
import { type ScenarioName, scenarioNamed } from './scenarios';

/**
 * Limits a scenario to one endpoint or event type (`only`), and to a number of uses after which it switches off
 * (`times`).
 */
export type Activation = { only?: string; times?: number };

/** The active scenarios. If two change the same knob, the one switched on last wins. */
export interface Switchboard {
  switchOn(name: ScenarioName, activation?: Activation): void;
  switchOff(name: ScenarioName): void;
  clear(): void;
  active(): ReadonlyMap<ScenarioName, Activation>;
  /** Returns the knob's value for `subject`, an endpoint's last path part or an event type. */
  knob<K extends keyof Knobs>(name: K, subject?: string): Knobs[K];
  /** Like `knob`, and counts one use against the scenario's `times`. */
  take<K extends keyof Knobs>(name: K, subject: string): Knobs[K];
}

export function switchboard(): Switchboard {
  const active = new Map<ScenarioName, Activation>();

  function find<K extends keyof Knobs>(name: K, subject?: string): { value: Knobs[K]; by?: ScenarioName } {
    for (const [scenario, { only }] of [...active].toReversed()) {
      const value = scenarioNamed(scenario).changes[name];
      if (value === undefined) continue;
      if (only === undefined || only.toLowerCase() === subject?.toLowerCase()) return { value, by: scenario };
    }
    return { value: defaultKnobs[name] };
  }

  return {
    switchOn(name, activation = {}) {
      active.delete(name);
      active.set(name, activation);
    },
    switchOff: name => void active.delete(name),
    clear: () => active.clear(),
    active: () => active,
    knob: (name, subject) => find(name, subject).value,
    take(name, subject) {
      const { value, by } = find(name, subject);
      const activation = by === undefined ? undefined : active.get(by);
      if (by === undefined || activation?.times === undefined) return value;
      if (activation.times > 1) active.set(by, { ...activation, times: activation.times - 1 });
      else active.delete(by);
      return value;
    },
  };
}
