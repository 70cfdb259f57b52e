import { cachedProviders } from '../core/catalogue';
import { MINUTE, SECOND, type Instant } from '../core/clock';
import * as live from '../core/live';
import type { Log } from '../core/log';
import type { DueKey, Store } from '../core/store';
import {
  type DueOwner,
  type DueRow,
  type Pass,
  type SweepDeps,
  type Swept,
  sweepOwner,
  UNREADABLE_AGAIN,
} from '../core/sweep-owner';
import { table } from '../core/table';
import type { Terra } from '../core/terra';
import { newRun } from '../core/turn';

type Deps = SweepDeps & {
  store: Pick<Store, 'due'>;
  terra: Pick<Terra, 'listProviders'>;
  log: Log;
  /** When the run begins nothing more. */
  until: Instant;
  /** Only counts what is due. */
  dryRun: boolean;
};

/** What a run did, and what it left for the next. */
export type Sweep = {
  due: number;
  looked: number;
  closed: number;
  disconnected: number;
  refused: number;
  failed: number;
  left: boolean;
};

/** How long one owner may go on beginning something while others wait. */
const FIRST_PASS_FOR_ONE = 5 * SECOND;
/** What is left because Terra is away is looked at again no sooner than this. */
const LOOK_AGAIN = MINUTE;

/**
 * Does what is due, in two passes. In the first every owner gets a few seconds, in the order in which they became due, shard by
 * shard. The second goes on, in what time is left, with the owners who needed more and those for whom Terra has failed
 * before, the longest last. If Terra is away, the rest of the run does what needs no Terra. What one owner's rows throw stops no
 * other's; what is left stays due.
 */
export async function sweep(deps: Deps): Promise<Sweep> {
  const startedAt = deps.clock();
  const run = newRun(deps.until, deps.clock);
  const sum: Sweep = { due: 0, looked: 0, closed: 0, disconnected: 0, refused: 0, failed: 0, left: false };
  const later: { due: DueOwner; left: NonNullable<Swept['left']> }[] = [];
  const unanswered: DueRow[] = [];

  async function sweepShard(shard: string): Promise<void> {
    const seen = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await deps.store.due(shard, startedAt, cursor);
      sum.due += page.due.length;
      cursor = page.cursor;
      for (const due of byOwner(page.due)) {
        if (deps.dryRun || seen.has(due.owner)) continue;
        if (!run.hasTime()) {
          sum.left = true;
          return;
        }
        seen.add(due.owner);
        await sweepOne(due, 'first');
      }
    } while (cursor !== undefined);
  }

  async function sweepLater(waiting: typeof later): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const mayAsk = run.hasTime() && (await run.isTerraThere(() => deps.terra.listProviders()));
      if (run.hasTime() && (mayAsk || next.left.needsTime)) await sweepOne(next.due, 'last');
      else sum.left = true;
    }
  }

  async function sweepOne(due: DueOwner, pass: Pass): Promise<void> {
    try {
      const turn = run.unit(pass === 'first' ? FIRST_PASS_FOR_ONE : deps.until);
      const swept = await sweepOwner(due, pass, turn, deps);
      for (const what of ['looked', 'closed', 'disconnected', 'refused'] as const) sum[what] += swept[what];
      unanswered.push(...swept.unanswered);
      if (swept.left && pass === 'first') later.push({ due, left: swept.left });
      else if (swept.left) sum.left = true;
    } catch (error) {
      sum.failed++;
      deps.log('error', 'owner not swept', { error: error instanceof Error ? error.name : typeof error });
      // It would be the first again in each run.
      for (const key of due.keys) await deps.store.putOff(key, deps.clock() + UNREADABLE_AGAIN).catch(() => false);
    }
  }

  const shards = Array.from({ length: table.due.shards }, (_, shard) => sweepShard(String(shard)));
  // Every shard ends its work before the run fails for one.
  const failed = (await Promise.allSettled(shards)).find(shard => shard.status === 'rejected');
  const waiting = later.splice(0).toSorted((a, b) => failingSince(b) - failingSince(a));
  await Promise.all(shards.map(() => sweepLater(waiting)));
  if (run.isUnanswered()) {
    deps.log('warn', 'sweep stopped early', { alarm: 'sweep_breaker' });
    // Terra was away and did not fail for these alone: they need not wait longer each time.
    for (const { item, row } of unanswered) await deps.store.reschedule(item, row, deps.clock() + LOOK_AGAIN);
  }
  if (failed) throw failed.reason;
  return sum;
}

const failingSince = ({ left }: { left: NonNullable<Swept['left']> }): Instant =>
  left.failingSince ?? Number.POSITIVE_INFINITY;

/** Keys of one page by their owners, the owner of the earliest first. */
function byOwner(keys: readonly DueKey[]): DueOwner[] {
  const owners = new Map<string, DueOwner>();
  for (const key of keys) {
    const known = owners.get(key.owner);
    if (known) known.keys.push(key);
    else owners.set(key.owner, { owner: key.owner, keys: [key] });
  }
  return [...owners.values()];
}

let wired: Omit<Deps, 'until'> | undefined;

function wire(): Omit<Deps, 'until'> {
  const terra = live.terra();
  return {
    ...live.recordDeps(),
    terra,
    offered: cachedProviders(terra, live.clock),
    alarm: live.alarm,
    log: live.log,
    dryRun: live.required('SWEEP_DRY_RUN') === 'true',
  };
}

export const handler = async (_event: unknown, invocation: live.Invocation): Promise<Sweep> => {
  wired ??= wire();
  const startedAt = wired.clock();
  const result = await sweep({ ...wired, until: live.runUntil(invocation) });
  const { left, ...counts } = result;
  wired.log('info', 'sweep', { ...counts, left: left ? 1 : 0, ms: wired.clock() - startedAt });
  return result;
};
