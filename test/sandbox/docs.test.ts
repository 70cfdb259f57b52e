import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarioGroups } from '../../local/sandbox/scenarios';
import { sendable } from '../../local/sandbox/send-now';

const document = readFileSync(join(__dirname, '../../docs/sandbox.md'), 'utf8');

test('the document lists every scenario as it is declared, and no other', () => {
  const declared = Object.values(scenarioGroups)
    .flat()
    .map(({ name, imitates, source }) => `| \`${name}\` | ${imitates} | ${source} |`);
  const [, section = ''] = /^## Scenarios$(.*)^## Left out$/ms.exec(document) ?? [];
  const listed = section.split('\n').filter(line => /^\| `[\w-]+` \| .* \| .* \|$/.test(line));

  expect(listed).toEqual(declared);
});

test('the document names every event that can be sent', () => {
  for (const { name } of sendable()) expect(document).toContain(`\`${name}\``);
});
