import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { scenarioGroups } from '../../local/sandbox/scenarios';

/** Where each topic's table is. A topic that is missing here does not compile, nor does a table without one of its scenarios. */
const tables: Record<keyof typeof scenarioGroups, readonly string[]> = {
  'Faults of the API': ['faults.test.ts', 'slow-faults.test.ts'],
  'Answers of the API': ['answers.test.ts'],
  'Connecting and identity': ['connecting.test.ts'],
  'Webhook deliveries': ['deliveries.test.ts'],
};

test.each(Object.entries(tables))('%s: every scenario is shown to have its effect on the product', (topic, files) => {
  for (const file of files) {
    const text = readFileSync(join(__dirname, file), 'utf8');
    expect(text).toMatch(/^const effects: Record<.*ScenarioOf<|^const effects: Record<SlowScenario, /m);
    expect(text).toMatch(/^testScenarios\(effects\);$/m);
    if (!file.startsWith('slow')) expect(text).toContain(`ScenarioOf<'${topic}'>`);
  }
});
