import { cachedProviders } from '../core/terra/catalogue';
import { MINUTE, SECOND, type Instant } from '../core/platform/clock';
import * as dependencies from '../core/platform/dependencies';
import type { Log } from '../core/platform/log';
import type { DueKey, Store } from '../core/store/store';
import {
  type DueOwner,
  type DueRow,
  type Pass,
  type SweepDeps,
  type Swept,
  sweepOwner,
  UNREADABLE_AGAIN,
} from '../core/state/sweep-owner';
import { table } from '../core/store/table';
import type { Terra } from '../core/terra/terra';
import { newRun } from '../core/state/turn';

type Deps = SweepDeps & {
  store: Pick<Store, 'due'>;
  terra: Pick<Terra, 'listProviders'>;
  log: Log;
  /** The run starts nothing new after this time. */
  until: Instant;
  /** Only counts what is due. */
  dryRun: boolean;
};

/** The counts of a run. `left`: work remains for the next run. */
export type Sweep = {
  due: number;
  looked: number;
  closed: number;
  disconnected: number;
  refused: number;
  failed: number;
  left: boolean;
};

/** How long work for one owner may start in the first pass. */
const FIRST_PASS_BUDGET = 5 * SECOND;
/** The number of owners that are swept at the same time. */
const CONCURRENCY = 8;
/** The delay before rows are swept again that Terra did not answer for during an outage. */
const LOOK_AGAIN = MINUTE;

/**
 * Processes all due rows in two passes. The first gives every owner a few seconds, earliest due first, alternating between shards.
 * The second uses the remaining time for owners that needed more, and last for those for whom Terra has failed longest. While
 * Terra is unavailable, only work without Terra is done. An error in one owner's rows does not stop the others. Unfinished rows stay
 * due.
 */
export async function sweep(deps: Deps): Promise<Sweep> {
  const startedAt = deps.clock();
  const run = newRun(deps.until, deps.clock);
  const sum: Sweep = { due: 0, looked: 0, closed: 0, disconnected: 0, refused: 0, failed: 0, left: false };
  const later: { due: DueOwner; left: NonNullable<Swept['left']> }[] = [];
  const unanswered: DueRow[] = [];
  const failures: unknown[] = [];
  const isTerraAvailable = () => run.isTerraAvailable(() => deps.terra.listProviders());

  /** Yields the due owners of one shard, earliest first. */
  async function* dueOwners(shard: string): AsyncGenerator<DueOwner, undefined> {
    const seen = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await deps.store.due(shard, startedAt, cursor);
      sum.due += page.due.length;
      cursor = page.cursor;
      for (const due of byOwner(page.due)) {
        if (deps.dryRun || seen.has(due.owner)) continue;
        seen.add(due.owner);
        yield due;
      }
    } while (cursor !== undefined);
    return undefined;
  }

  /** Returns the next due owner, alternating between shards. Skips a shard that cannot be read; the run then throws at its end. */
  async function nextDue(): Promise<DueOwner | undefined> {
    for (let shard = shards.shift(); shard; shard = shards.shift()) {
      const next = await shard.next().catch((error: unknown) => {
        failures.push(error);
        return undefined;
      });
      if (!next?.value) continue;
      shards.push(shard);
      return next.value;
    }
    return undefined;
  }

  async function sweepDue(): Promise<void> {
    for (let due = await takeNext(); due; due = await takeNext()) {
      if (run.hasTime()) await sweepOne(due, 'first');
      else {
        sum.left = true;
        return;
      }
    }
  }

  async function sweepLater(): Promise<void> {
    for (let next = later.shift(); next; next = later.shift()) {
      const mayAsk = run.hasTime() && (await isTerraAvailable());
      if (run.hasTime() && (mayAsk || next.left.needsTime)) await sweepOne(next.due, 'last');
      else sum.left = true;
    }
  }

  async function sweepOne(due: DueOwner, pass: Pass): Promise<void> {
    try {
      const turn = run.unit(pass === 'first' ? FIRST_PASS_BUDGET : Number.POSITIVE_INFINITY);
      const swept = await sweepOwner(due, pass, turn, deps);
      for (const what of ['looked', 'closed', 'disconnected', 'refused'] as const) sum[what] += swept[what];
      unanswered.push(...swept.unanswered);
      if (swept.left && pass === 'first') later.push({ due, left: swept.left });
      else if (swept.left) sum.left = true;
    } catch (error) {
      sum.failed++;
      deps.log('error', 'owner not swept', { error: error instanceof Error ? error.name : typeof error });
      // Otherwise this owner would come first in every run.
      for (const key of due.keys) await deps.store.postpone(key, deps.clock() + UNREADABLE_AGAIN).catch(() => false);
    }
  }

  const shards = Array.from({ length: table.due.shards }, (_, shard) => dueOwners(String(shard)));
  let lastTaken: Promise<unknown> = Promise.resolve();
  const takeNext = (): Promise<DueOwner | undefined> => {
    const taken = lastTaken.then(nextDue);
    lastTaken = taken;
    return taken;
  };
  const concurrently = (work: () => Promise<void>) => Promise.all(Array.from({ length: CONCURRENCY }, work));
  await concurrently(sweepDue);
  later.sort((a, b) => failingSince(b) - failingSince(a));
  await concurrently(sweepLater);
  if (!(await isTerraAvailable())) {
    deps.log('warn', 'sweep stopped early', { alarm: 'sweep_breaker' });
    // Terra was unavailable for all users, so these rows need no growing delay.
    for (const { item, row } of unanswered) await deps.store.reschedule(item, row, deps.clock() + LOOK_AGAIN);
  }
  if (failures.length > 0) throw failures[0];
  return sum;
}

const failingSince = ({ left }: { left: NonNullable<Swept['left']> }): Instant =>
  left.failingSince ?? Number.POSITIVE_INFINITY;

/** Groups the keys of one page by owner, the owner of the earliest first. */
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
  const terra = dependencies.terra();
  return {
    ...dependencies.recordDeps(),
    terra,
    offered: cachedProviders(terra, dependencies.clock),
    alarm: dependencies.alarm,
    log: dependencies.log,
    dryRun: dependencies.required('SWEEP_DRY_RUN') === 'true',
  };
}

export const handler = async (_event: unknown, invocation: dependencies.Invocation): Promise<Sweep> => {
  wired ??= wire();
  const startedAt = wired.clock();
  const result = await sweep({ ...wired, until: dependencies.runUntil(invocation) });
  const { left, ...counts } = result;
  wired.log('info', 'sweep', { ...counts, left: left ? 1 : 0, ms: wired.clock() - startedAt });
  return result;
};
