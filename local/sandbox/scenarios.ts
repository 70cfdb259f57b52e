import type { Scenario } from './knobs';
import { apiScenarios } from './scenarios-api';
import { connectScenarios } from './scenarios-connect';
import { deliveryScenarios } from './scenarios-delivery';
import { faultScenarios } from './scenarios-faults';

/** All scenarios, by topic. The home page, the control API and docs/sandbox.md read this list. */
export const scenarioGroups = {
  'Faults of the API': faultScenarios,
  'Answers of the API': apiScenarios,
  'Connecting and identity': connectScenarios,
  'Webhook deliveries': deliveryScenarios,
} as const satisfies Record<string, readonly Scenario[]>;

export type ScenarioName = (typeof scenarioGroups)[keyof typeof scenarioGroups][number]['name'];

const all: ReadonlyMap<string, Scenario> = new Map(
  Object.values(scenarioGroups)
    .flat()
    .map(scenario => [scenario.name, scenario]),
);

export const scenarioNames: readonly string[] = [...all.keys()];

export function isScenarioName(name: string): name is ScenarioName {
  return all.has(name);
}

export function scenarioNamed(name: ScenarioName): Scenario {
  const scenario = all.get(name);
  if (!scenario) throw new Error(`There is no scenario called ${name}`);
  return scenario;
}
