import * as fc from 'fast-check';
import { holds } from './proof';
import { habits, move, stage } from './two-people';

const QUICK = 18_000;
const LONG = 1_000_000;
/** Test files run side by side, so the proof has one for each part. */
const PARTS = 2;

/** Runs one part of the histories of two people against each other. Returns how many connections were live at once, added up. */
export async function proveLinking(part: number): Promise<number> {
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
      const ended = world.terra.asked('deauthenticate').filter(user => foreign.has(user));
      if (ended.length > 0) throw new Error(`foreign users were ended: ${ended}`);
      connected += live;
    }),
    QUICK / PARTS,
    LONG / PARTS,
    part,
  );

  return connected;
}
