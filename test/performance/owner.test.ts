import { countOwners } from './count-owner';
import type { OwnerCount } from './flow-counts';
import { writtenSection } from './page';
import { sectionsOfOwners } from './sections';

let counts: OwnerCount[];
beforeAll(async () => {
  counts = await countOwners();
}, 120_000);

test('a session is read for two read units, whatever its owner has: its own row, and that of its connection', () => {
  expect(counts.find(({ call }) => call === 'a session')).toMatchObject({ ofOrdinary: 2, ofLargest: 2 });
});

test('no call about the user with the most rows that are kept reads more than 140 units', () => {
  expect(Math.max(...counts.map(({ ofLargest }) => ofLargest))).toBeLessThanOrEqual(140);
});

test('docs/performance.md says what was counted (else: node --import tsx test/performance/write.ts)', () => {
  expect(writtenSection('owner')).toBe(sectionsOfOwners(counts).owner);
});
