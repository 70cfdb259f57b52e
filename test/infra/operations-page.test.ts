import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { alarms } from '../../infra/parts/alarm-list';

const page = readFileSync(join(__dirname, '../../docs/operations.md'), 'utf8');

test('the operations page quotes every alarm, and no other', () => {
  const section = page.slice(page.indexOf('## Alarms'), page.indexOf('Words in the logs'));
  const rows = section.split('\n').filter(line => line.startsWith('| `'));

  expect(rows).toEqual(alarms.map(({ name, description }) => `| \`${name}\` | ${description} |`));
});
