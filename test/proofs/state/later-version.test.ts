import * as fc from 'fast-check';
import { NO_NEWS, record } from '../../../functions/core/record';
import { referenceIdOf } from '../../support/world';
import { laterParts, mixedStore } from './later-version';
import { holds, same } from './proof';
import { outcome, play, type Played, scenarios } from './scenario';

/** What the later version makes of it in the end. */
async function settled(played: Played) {
  for (const sub of ['alice', 'bob']) {
    const partition = await played.store.load(referenceIdOf(sub));
    await record(partition, () => NO_NEWS, { ...played.world, store: played.store });
  }
  return outcome(played);
}

test('two versions that write in turn lose nothing of the later one, and come to what one version comes to', async () => {
  let withLater = 0;
  await holds(
    fc.asyncProperty(
      scenarios(),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      async (scenario, versions) => {
        const one = await settled(await play(scenario, 'shuffled'));
        let calls = 0;
        let isOver = false;
        const { store, items } = mixedStore(() => isOver || versions[calls++ % versions.length] === true);
        const played = await play(scenario, 'shuffled', store);
        isOver = true;
        expect(same(await settled(played), one)).toBe(true);
        withLater += [...items.values()].filter(row => laterParts(row).length > 0).length;
      },
    ),
    300,
    10_000,
  );
  expect(withLater).toBeGreaterThan(100);
});
