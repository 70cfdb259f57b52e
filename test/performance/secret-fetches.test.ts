import { countSecretFetches } from './count-secret-fetches';
import type { SecretCount } from './flow-counts';
import { writtenSection } from './page';
import { sectionsOfSecrets } from './sections';

let counts: SecretCount[];
beforeAll(async () => {
  counts = await countSecretFetches();
});

test('50 simultaneous calls of a cold process fetch each secret once, and 1,000 warm ones none', () => {
  expect(counts).toEqual(
    ['terra-webhook', 'reference-key', 'terra-api'].map(secret => ({
      secret,
      coldCallers: 50,
      fetchesForColdCallers: 1,
      warmCalls: 1000,
      fetchesForWarmCalls: 0,
    })),
  );
});

test('docs/performance.md shows the counted figures (node --import tsx test/performance/write.ts updates it)', () => {
  expect(writtenSection('secrets')).toBe(sectionsOfSecrets(counts).secrets);
});
