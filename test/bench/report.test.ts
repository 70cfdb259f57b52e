import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from './bench-error';
import { readOptions } from './options';
import { holds, type Row } from './report';

const row: Row = { target: 1, what: 'a bundle', figure: 200, unit: 'KiB', limit: 225, node: 'v24.0.0' };
test('a figure passes up to and including its gate, and a missing figure fails', () => {
  const { limit: _, ...ungated } = row;

  expect(holds({ ...row, figure: 225 })).toBe(true);
  expect(holds({ ...row, figure: 225.1 })).toBe(false);
  expect(holds({ ...row, figure: Number.NaN })).toBe(false);
  expect(holds(ungated)).toBe(true);
});

test.each([
  [['--rounds', '0'], '--rounds is a whole number from 1'],
  [['--node', 'latest'], '--node lists major versions'],
  [['--only', 'everything'], '--only lists some of cold, warm, counted, local, load'],
  [['--fast'], "Unknown option '--fast'"],
])('unknown bench options are refused with a usage text: %j', (args, said) => {
  const refusal = refusalOf(() => readOptions(args));

  expect(refusal).toContain(said);
  expect(refusal).toContain('npm run bench -- [--json]');
});

test('the comparison project’s lock file contains no registry address', () => {
  const lock = readFileSync(join(__dirname, 'usual/package-lock.json'), 'utf8');

  expect(lock).not.toContain('"resolved"');
});

function refusalOf(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    return error.message;
  }
}
