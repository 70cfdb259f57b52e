import { DAY, HOUR, type Instant, MINUTE } from '../../../functions/core/platform/clock';
import { referenceIdOf, terraUser } from '../../support/world';
import { slowWorld } from '../../support/slow-world';
import { seed } from '../effort';
import { isLong, size } from './proof';

const OWNERS = size(1_000, 100_000);
/** One owner in a hundred is bad, in one of these ways. */
const bad = ['heavy', 'hangs', 'refused', 'unreadable', 'lost', 'refused in the check', 'hangs in the check'] as const;
type Kind = (typeof bad)[number];

/** How many disconnects, and sessions whose time is over, each minute brings: in two and a half hours a tenth of all owners. */
const EACH_MINUTE = Math.ceil(OWNERS / 1_500);

/** A number below `below` that only the seed decides. */
function drawing(): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const ownerOf = (n: number) => referenceIdOf(`owner-${n}`);

test('one bad owner in a hundred, and an hour without Terra, delay no other owner', async () => {
  const world = slowWorld();
  const draw = drawing();
  const startedAt = world.clock();
  const kindOf = new Map<number, Kind>();
  for (let n = 0; n < OWNERS; n++) {
    if (n % 100 === 99) kindOf.set(n, bad[Math.floor(n / 100) % bad.length] ?? 'heavy');
    const kind = kindOf.get(n);
    const isEnding = kind !== undefined && ['heavy', 'hangs', 'refused', 'unreadable'].includes(kind);
    if (isEnding) world.putEnding(ownerOf(n), terraUser(n), startedAt + draw(60) * MINUTE);
    else world.putConnected(ownerOf(n), terraUser(n), startedAt);
    if (kind === 'heavy') world.heavy.set(ownerOf(n), 8_000);
    if (kind === 'unreadable') world.broken.add(ownerOf(n));
    if (kind === 'lost') world.lost.add(terraUser(n));
    if (kind?.startsWith('hangs')) world.behaviour.set(terraUser(n), 'hangs');
    if (kind?.startsWith('refused')) world.behaviour.set(terraUser(n), 'refuses');
  }
  const isHealthy = (terraUserId: string) => !kindOf.has(Number(terraUserId.slice(-12)));
  const healthyEnding = () => world.ending().filter(row => isHealthy(row.terraUserId)).length;

  // The sweep, each minute.
  const away = { from: 60, to: 120 };
  let [began, runsAfter, longest, callsWhileAway] = [0, 0, 0, 0];
  for (let minute = 0; minute < 150; minute++) {
    const nextMinute = startedAt + minute * MINUTE;
    world.pass(Math.max(0, nextMinute - world.clock()));
    const isAway = minute >= away.from && minute < away.to;
    world.setAway(isAway);
    for (let one = 0; one < EACH_MINUTE; one++) {
      const n = draw(OWNERS);
      if (kindOf.has(n)) continue;
      world.putEnding(ownerOf(n), terraUser(n));
      world.putExpired(ownerOf(draw(OWNERS)), `session-${began++}`);
    }
    const [calls, runAt] = [world.asked.length, world.clock()];
    await world.sweep();
    longest = Math.max(longest, world.clock() - runAt);
    if (isAway) callsWhileAway = Math.max(callsWhileAway, world.asked.length - calls);
    // What needs no Terra is done in the run that finds it, also while Terra is away.
    const open = world.open().filter(({ owner }) => !world.broken.has(owner));
    expect(open).toEqual([]);
    if (minute >= away.to) runsAfter++;
    if (!isAway && runsAfter !== 1) expect(healthyEnding()).toBe(0);
  }
  // Users that fail are asked about less and less often.
  const tries = new Map<string, number>();
  for (const { what, about } of world.asked)
    if (what === 'deauthenticate') tries.set(about, (tries.get(about) ?? 0) + 1);
  const bads = [...tries].filter(([user]) => !isHealthy(user)).map(([, count]) => count);
  expect(Math.max(...bads)).toBeLessThan(24);
  expect(longest).toBeLessThan(60_000);
  expect(callsWhileAway).toBeLessThan(20);

  // The daily check, on two days.
  async function checkAll(): Promise<{ runs: number; asked: number; skipped: number; time: Instant }> {
    const [begun, sum] = [world.clock(), { runs: 0, asked: 0, skipped: 0 }];
    for (let isDone = false; !isDone; isDone = (await world.store.reconcileProgress())?.isDone === true) {
      const run = await world.reconcile();
      sum.runs++;
      sum.asked += run.asked;
      sum.skipped += run.skipped;
      world.pass(10 * MINUTE);
    }
    return { ...sum, time: world.clock() - begun };
  }
  const live = world.connected().length;
  const isSkipped = (kind: Kind) => kind.endsWith('in the check');
  const skipped = [...kindOf.values()].filter(isSkipped).length;
  world.pass(DAY);
  const first = await checkAll();
  world.pass(DAY);
  await checkAll();

  expect(first).toMatchObject({ asked: live - skipped, skipped });
  expect(first.time).toBeLessThan(DAY - HOUR);
  expect(world.connected().filter(user => world.lost.has(user))).toEqual([]);
  expect(world.connected().length).toBe(live - world.lost.size);
  if (isLong || process.env.PROOFS_FIGURES)
    console.info({ OWNERS, seed, longest, callsWhileAway, asked: world.asked.length, first });
});
