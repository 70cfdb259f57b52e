import * as fc from 'fast-check';
import { holds } from './proof';
import { habits, move, stage } from './two-people';

test('no connection is ever live for anybody but the person who approved it, and no foreign user is ended', async () => {
  let connected = 0;
  await holds(
    fc.asyncProperty(habits, fc.array(move, { minLength: 4, maxLength: 26, size: 'max' }), async (how, moves) => {
      const { make, look, settleDown, foreign, world } = stage(how);
      let live = 0;
      for (const one of [{ does: 'open', who: 'mallory', direct: true } as const, ...moves]) {
        await make(one);
        live = Math.max(live, await look());
      }
      await settleDown();
      await look({ excuses: false });
      for (const user of world.terra.asked('deauthenticate')) expect(foreign).not.toContain(user);
      connected += live;
    }),
    18_000,
    1_000_000,
  );

  expect(connected).toBeGreaterThan(100);
});
