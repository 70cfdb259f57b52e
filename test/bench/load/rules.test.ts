import type { LoadStep } from './figures';
import { kneeOf } from './knee';
import { judged, type Sample } from './measure-soak';
import { median, percentile } from './percentile';
import { trendOf } from './trend';

const step = (connections: number, requestsPerSecond: number): LoadStep => ({
  connections,
  requestsPerSecond,
  p50Ms: 1,
  p99Ms: 2,
  answered: 1,
  errors: 0,
});

test.each<[string, [number, number][], number]>([
  [
    'stops growing',
    [
      [1, 100],
      [2, 190],
      [4, 205],
      [8, 200],
    ],
    2,
  ],
  [
    'grows to its end',
    [
      [1, 100],
      [2, 190],
      [4, 300],
    ],
    4,
  ],
  [
    'never grows',
    [
      [1, 100],
      [2, 90],
      [4, 109],
    ],
    1,
  ],
  [
    'grows by just over a tenth',
    [
      [1, 100],
      [2, 111],
    ],
    2,
  ],
  [
    'creeps, and has grown by a tenth over the knee',
    [
      [1, 100],
      [2, 106],
      [4, 112],
    ],
    4,
  ],
])('the knee of a load that %s', (_, steps, connections) => {
  expect(kneeOf(steps.map(([each, rate]) => step(each, rate))).connections).toBe(connections);
});

test('the trend of readings is their least-squares line, even with noise', () => {
  const readings = [10, 12, 11, 13, 12, 14].map((level, at) => ({ at: at * 1000, level }));

  const { from, to, growth, scatter } = trendOf(readings);

  expect([from, to, growth, scatter].map(number => Number(number.toFixed(3)))).toEqual([10.429, 13.571, 0.262, 0.717]);
});

test('constant readings, a single reading and zeros have no trend', () => {
  expect(trendOf([5, 5, 5].map((level, at) => ({ at, level })))).toEqual({ from: 5, to: 5, growth: 0, scatter: 0 });
  expect(trendOf([{ at: 7, level: 3 }])).toEqual({ from: 3, to: 3, growth: 0, scatter: 0 });
  expect(trendOf([0, 0].map((level, at) => ({ at, level }))).growth).toBe(0);
});

const quiet: Sample = {
  at: 0,
  heapBytes: 50 * 2 ** 20,
  residentBytes: 200 * 2 ** 20,
  functionResidentBytes: 90 * 2 ** 20,
  openFiles: 100,
  handles: 60,
  functionProcesses: 9,
};
const soaked = (change: (at: number) => Partial<Sample>) =>
  judged(Array.from({ length: 20 }, (_, at) => ({ ...quiet, ...change(at), at: at * 3000 }))).grew;

test('a soak test reports growth, and ignores jitter', () => {
  expect(soaked(at => ({ heapBytes: quiet.heapBytes + (at % 3) * 2 ** 20, handles: 50 + (at % 5) * 8 }))).toEqual([]);
  expect(soaked(at => ({ heapBytes: quiet.heapBytes + at * 250_000 }))).toEqual(['heapBytes']);
  expect(soaked(at => ({ openFiles: 100 + at, functionProcesses: 4 + at / 2 }))).toEqual([
    'openFiles',
    'functionProcesses',
  ]);
  // Much for its size but little in all, and the other way about.
  expect(soaked(at => ({ handles: 10 + at / 5, residentBytes: 2 ** 30 + at * 2 ** 21 }))).toEqual([]);
  expect(soaked(at => ({ residentBytes: quiet.residentBytes - at * 10 * 2 ** 20 }))).toEqual([]);
});

test('a percentile is one of the values', () => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at);

  expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)]).toEqual([50, 99, 100]);
  expect([median([3, 1, 2]), percentile([7], 0.99), percentile([], 0.5)]).toEqual([2, 7, 0]);
});
