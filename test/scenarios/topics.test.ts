import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { scenarioGroups } from '../../local/sandbox/scenarios';

/** The file of each topic. Its table does not compile without one of its scenarios. */
const tables: Record<keyof typeof scenarioGroups, string> = {
  'Faults of the API': 'faults.test.ts',
  'Answers of the API': 'answers.test.ts',
  'Connecting and identity': 'connecting.test.ts',
  'Webhook deliveries': 'deliveries.test.ts',
};

test.each(Object.entries(tables))('%s: every scenario has a test of its effect on the product', (topic, file) => {
  const text = readFileSync(join(__dirname, file), 'utf8');

  expect(text).toContain(`const effects: Record<ScenarioOf<'${topic}'>, Effect> = {`);
  expect(text).toMatch(/^testScenarios\(effects\);$/m);
});
