import { countOwners } from './count-owner';
import type { OwnerCount } from './flow-counts';
import { writtenSection } from './page';
import { sectionsOfOwners } from './sections';

let counts: OwnerCount[];
beforeAll(async () => {
  counts = await countOwners();
}, 120_000);

test('reading a session costs two read units for any owner: its row, and its connection’s', () => {
  expect(counts.find(({ call }) => call === 'a session')).toMatchObject({ ofOrdinary: 2, ofLargest: 2 });
});

test('no call about a user with the maximum number of rows reads more than 140 units', () => {
  expect(Math.max(...counts.map(({ ofLargest }) => ofLargest))).toBeLessThanOrEqual(140);
});

test('docs/performance.md shows the counted figures (node --import tsx test/performance/write.ts updates it)', () => {
  expect(writtenSection('owner')).toBe(sectionsOfOwners(counts).owner);
});
