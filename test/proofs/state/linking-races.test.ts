import * as fc from 'fast-check';
import { Problem } from '../../../functions/core/http/errors';
import { browserNamed } from '../../support/journey';
import { scheduled } from './faulty-store';
import { holds } from './proof';
import { type BrowserName, type Move, type Person, plain, stage } from './two-people';

/*
 * What two people, Terra and the sweep do at the same moment, in every order of their calls to the table.
 */

type Stage = ReturnType<typeof stage>;
type Racer = (on: Stage) => Promise<unknown>;

const open = (who: Person, direct = false): Move => ({ does: 'open', who, direct });
const approve = (by: BrowserName, flow: number): Move => ({ does: 'approve', by, flow, named: true, returns: true });
const comeBack = (visit: number): Move => ({ does: 'come back', visit });

const visitAs =
  (by: BrowserName, session: number, flow: number): Racer =>
  async on => {
    const opened = on.sessions[session];
    const user = on.flows[flow]?.user;
    if (!opened || user === undefined) throw new Error('there is no such session or flow');
    const { code } = await on.go.visit(opened.state, { user_id: user, resource: 'GARMIN' }, browserNamed(by));
    const inHandsOf = by === 'victor' ? 'victor' : 'mallory';
    if (code !== undefined) on.codes.push({ inHandsOf, session: opened, code });
  };
/** Brings the code of a session, if it is in this person's hands or the session is another's whose return link is opened. */
const confirmAs =
  (who: Person, session: number): Racer =>
  async on => {
    const isTheirs = (held: Stage['codes'][number]) => held.inHandsOf === who || held.session.by !== who;
    const code = on.codes.find(held => held.session === on.sessions[session] && isTheirs(held));
    if (code) await on.go.confirm(who, code.session.id, code.code);
  };
const tellAll: Racer = async on => {
  for (const fact of on.facts.filter(({ isTold }) => !isTold)) {
    await on.go.deliver(fact.event, { ordering: fact.at });
    fact.isTold = true;
  }
};
const sweep: Racer = on => on.go.sweep();

/** Lets the racers of a subset run at once after the moves, and looks at what is live during and after it. */
async function race(moves: readonly Move[], racers: readonly Racer[], scheduler: fc.Scheduler, minutes: number) {
  let isRacing = false;
  const play = stage(plain, store => scheduled(store, scheduler, () => isRacing));
  for (const one of moves) await play.make(one);
  play.world.wait(minutes * 60_000);

  isRacing = true;
  const racing = Promise.all(
    racers.map(racer =>
      racer(play).catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
      }),
    ),
  );
  await scheduler.waitFor(racing);
  isRacing = false;
  const live = await play.look();
  await play.settleDown();
  await play.look({ excuses: false });
  return live;
}

test('no interleaving of two links connects the account of a victim who was lured into one of them', async () => {
  let connected = 0;
  // Mallory finishes a link of his own and keeps the code; Victor is lured into another one of Mallory's.
  const moves = (own: string): Move[] => [
    open('mallory'),
    open('mallory'),
    { does: 'pick', session: 0, provider: own },
    { does: 'pick', session: 1, provider: 'GARMIN' },
    approve('mallory', 0),
    comeBack(0),
    approve('victor', 1),
    comeBack(1),
  ];
  const racers: Racer[] = [
    confirmAs('mallory', 0),
    confirmAs('victor', 1),
    confirmAs('victor', 0),
    tellAll,
    sweep,
    async on => {
      const [connection] = await on.go.connections('mallory');
      if (connection) await on.go.disconnect('mallory', connection.id);
    },
    visitAs('mallory2', 1, 1),
    visitAs('victor', 0, 0),
  ];
  await holds(
    fc.asyncProperty(
      fc.subarray(racers, { minLength: 2 }),
      fc.constantFrom(0, 9, 11, 80),
      fc.constantFrom('GARMIN', 'OURA'),
      fc.scheduler(),
      async (at, minutes, own, scheduler) => {
        connected += await race(moves(own), at, scheduler, minutes);
      },
    ),
    1_000,
    25_000,
  );

  expect(connected).toBeGreaterThan(10);
});

test('no interleaving of lookups of a refused Terra user with the victim’s own return connects the victim’s account', async () => {
  let rejected = 0;
  const deny: Move = { does: 'deny', by: 'mallory', flow: 0, loads: 'nothing', legacy: false };
  const racers: Racer[] = [
    async on => {
      await on.make(approve('victor', 0));
      await visitAs('victor', 0, 0)(on);
    },
    visitAs('mallory', 0, 0),
    visitAs('mallory2', 0, 0),
    visitAs('mallory', 0, 0),
    confirmAs('mallory', 0),
    confirmAs('mallory', 0),
    tellAll,
    tellAll,
    sweep,
  ];
  await holds(
    fc.asyncProperty(
      fc.shuffledSubarray(racers, { minLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      fc.scheduler(),
      async (at, denies, isDirect, scheduler) => {
        const begin: Move[] = [
          open('mallory', isDirect),
          ...(isDirect ? [] : [{ does: 'pick', session: 0, provider: 'GARMIN' } as const]),
        ];
        await race([...begin, ...(denies ? [deny] : [])], at, scheduler, 0);
        rejected++;
      },
    ),
    1_000,
    25_000,
  );

  expect(rejected).toBeGreaterThan(0);
});
