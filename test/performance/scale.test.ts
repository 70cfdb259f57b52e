import { isLong } from '../proofs/effort';
import type { CleanupCount, ScaleCount, Stale } from './flow-counts';
import { LARGE, measureScale, SMALL } from './measure';
import { writtenSection } from './page';
import { sectionsOfScale } from './sections';

// Many rows take minutes to write: only where `PROOFS=long` asks for them.
const sizes = [SMALL, LARGE, ...(isLong ? [30 * LARGE] : [])];

let scales: ScaleCount[];
let all: CleanupCount[];
beforeAll(async () => {
  ({ scales, cleanups: all } = await measureScale(sizes));
});

const cleanups = (stale: Stale): CleanupCount[] => all.filter(each => each.stale === stale);

test('finding due rows costs at most 0.05 read units a row', () => {
  const perRow = all.map(({ findUnits, dueRows }) => findUnits / dueRows);

  expect(perRow).toHaveLength(4 * sizes.length);
  expect(Math.max(...perRow)).toBeLessThanOrEqual(0.05);
});

test('an owner is processed with one read of all records', () => {
  expect(new Set(cleanups('abandoned session').map(each => each.judgeUnits))).toEqual(new Set([1]));
});

test.each<Stale>(['completed session', 'used token', 'abandoned session', 'unconfirmed connection'])(
  'the cleanup of a %s costs the same in a table ten times as large',
  stale => {
    const figures = cleanups(stale).map(({ findUnits, judgeUnits, writeUnits, roundTrips }) => [
      findUnits,
      judgeUnits,
      writeUnits,
      roundTrips,
    ]);
    const growth = figures
      .slice(1)
      .flatMap((larger, at) => larger.map((count, of) => count / (figures[at]?.[of] ?? 0)));

    expect(growth).toHaveLength(4 * (sizes.length - 1));
    expect(Math.max(...growth)).toBeLessThanOrEqual(1.05);
  },
);

test('closing a session or a used token record costs two write units', () => {
  for (const stale of ['completed session', 'used token', 'abandoned session'] as const) {
    expect(new Set(cleanups(stale).map(each => each.writeUnits))).toEqual(new Set([2]));
  }
});

test('an unconfirmed connection is deauthenticated by one call to Terra', () => {
  expect(new Set(cleanups('unconfirmed connection').map(each => each.terraCalls))).toEqual(new Set([1]));
});

test('a list costs the same in a table of any size', () => {
  const listings = scales.map(scale => scale.listing);
  const [first] = listings;

  expect(first).toMatchObject({ connections: 10, roundTrips: 1 });
  for (const each of listings) expect(each).toEqual({ ...first, tableRows: each.tableRows });
});

test('the daily check asks Terra about a hundred connections at a time', () => {
  for (const { connections, tableRows, terraCalls } of scales.map(scale => scale.reconcile)) {
    const pages = Math.ceil((tableRows + 100) / 500);

    expect(connections).toBeGreaterThan(tableRows / 4);
    expect((terraCalls * connections) / 100).toBeLessThanOrEqual(Math.ceil(connections / 100) + pages);
  }
});

test('docs/performance.md shows the counted figures (node --import tsx test/performance/write.ts updates it)', () => {
  expect(writtenSection('cleanup')).toBe(sectionsOfScale(scales.slice(0, 2)).cleanup);
});
