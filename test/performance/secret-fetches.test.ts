import { countSecretFetches } from './count-secret-fetches';
import type { SecretCount } from './flow-counts';
import { writtenSection } from './page';
import { sectionsOfSecrets } from './sections';

let counts: SecretCount[];
beforeAll(async () => {
  counts = await countSecretFetches();
});

test('50 simultaneous callers of a cold process fetch each secret once, and 1,000 warm ones never', () => {
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

test('docs/performance.md says what was counted (else: node --import tsx test/performance/write.ts)', () => {
  expect(writtenSection('secrets')).toBe(sectionsOfSecrets(counts).secrets);
});
