import * as fc from 'fast-check';
import { MINUTE } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { journey } from '../support/journey';
import { terraUser, world as newWorld } from '../support/world';

const WINDOW_MS = 10 * MINUTE;
const ERASURE_LIMIT = 10;

type Call = 'open' | 'mint' | 'erase' | 'fail' | 'disconnect';
const call = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Call>('open', 'mint') },
  { weight: 3, arbitrary: fc.constant<Call>('erase') },
  { weight: 1, arbitrary: fc.constantFrom<Call>('fail', 'disconnect') },
);
const step = fc.record({ call, waitMinutes: fc.constantFrom(0, 0, 0, 1, 9) });

test('no user gets more sessions, tokens or erasures in a window of ten minutes than the limit', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async steps => {
      const world = newWorld();
      const go = journey({ ...world, limit: 4 });
      const made = new Map<string, number>();
      const does = {
        open: () => go.open('alice'),
        mint: () => go.mint('alice'),
        erase: () => go.erase('alice'),
        fail: () => go.fail('not-a-state'),
        disconnect: () => go.disconnect('alice', terraUser(1)),
      };
      for (const { call: name, waitMinutes } of steps) {
        world.wait(waitMinutes * MINUTE);
        const window = `${name} ${Math.floor(world.clock() / WINDOW_MS)}`;
        try {
          await does[name]();
          made.set(window, (made.get(window) ?? 0) + 1);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          refused += Number(error.code === 'rate_limited');
        }
      }
      for (const [window, count] of made) {
        if (window.startsWith('open') || window.startsWith('mint')) expect(count).toBeLessThanOrEqual(4);
        if (window.startsWith('erase')) expect(count).toBeLessThanOrEqual(ERASURE_LIMIT);
      }
    }),
    { numRuns: 200, seed: 20_261_128 },
  );

  expect(refused).toBeGreaterThan(100);
});
