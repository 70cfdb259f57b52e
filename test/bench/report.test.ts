import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from './bench-error';
import { ladderChart } from './chart';
import { median, medianQuotient } from './cpu';
import { readOptions } from './options';
import { holds, type Report, type Row, reportTable } from './report';

const row: Row = { target: 1, what: 'a bundle', figure: 200, unit: 'KiB', limit: 225, node: 'v24.0.0' };
const machine = { cpu: 'some processor', cores: 2, platform: 'linux x64' };
const report = (rows: Row[]): Report => ({ machine, measuredAt: '2026-11-23T00:00:00Z', rounds: 15, rows, ladder: [] });

test('a figure passes up to and including its gate, and a missing figure fails', () => {
  const { limit: _, ...ungated } = row;

  expect(holds({ ...row, figure: 225 })).toBe(true);
  expect(holds({ ...row, figure: 225.1 })).toBe(false);
  expect(holds({ ...row, figure: Number.NaN })).toBe(false);
  expect(holds(ungated)).toBe(true);
});

test('the table has a line for each figure with its gate, verdict and Node version, and lists the failures', () => {
  const lines = reportTable(report([{ ...row, target: 2, figure: 2.8, limit: 2.75, unit: '×' }, row])).split('\n');

  expect(lines[1]).toMatch(/^1 +a bundle +200 KiB +≤ 225 +holds +v24\.0\.0$/);
  expect(lines[2]).toMatch(/^2 +a bundle +2\.80 × +≤ 2\.75 +MISSED +v24\.0\.0$/);
  expect(lines.slice(4)).toEqual([
    '1 of 2 figures misses its gate.',
    'Measured on some processor, 2 cores, linux x64; 2026-11-23T00:00:00Z; medians of 15 rounds.',
    '',
  ]);
});

test('a median is the middle value, and a ratio is computed within its round', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  expect(medianQuotient([10, 40, 60], [10, 10, 30])).toBe(2);
});

test('the chart has a bar for each step on each Node, the longest for the slowest, and no markup from a name', () => {
  const step = { name: 'a <b> & c', node: 'v22.0.0', kib: 217, ratio: 2.5 };

  const svg = ladderChart([step, { ...step, node: 'v24.0.0', ratio: 5 }, { ...step, name: 'other', kib: undefined }]);

  const widths = [...svg.matchAll(/class="node\d" x="290" y="[\d.]+" width="(\d+)"/g)].map(([, width]) =>
    Number(width),
  );
  expect(widths).toHaveLength(3);
  expect(widths.map(width => width === Math.max(...widths))).toEqual([false, true, false]);
  expect(svg).toContain('a &lt;b> &amp; c');
  expect(svg).toContain('217 KiB');
  expect(svg).toContain('from node_modules');
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

test('without options the bench measures all except the load, on the current Node', () => {
  const { majors, rounds, wanted } = readOptions([]);

  expect({ majors, rounds, wanted: [...wanted] }).toEqual({
    majors: [process.versions.node.split('.')[0]],
    rounds: 15,
    wanted: ['cold', 'warm', 'counted', 'local'],
  });
  expect([...readOptions(['--only', 'warm', '--load']).wanted]).toEqual(['warm', 'load']);
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
