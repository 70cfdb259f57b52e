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
/** So many owners are looked at at a time, so that one who takes long keeps only those waiting who share the place. */
const SIDE_BY_SIDE = 8;
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
  const failures: unknown[] = [];
  const isTerraThere = () => run.isTerraThere(() => deps.terra.listProviders());

  /** The owners of one shard who are due, the earliest first. */
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

  /** Who is due next, from one shard after the other. A shard that cannot be read is left out, and fails the run at its end. */
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
    for (let due = await take(); due; due = await take()) {
      if (run.hasTime()) await sweepOne(due, 'first');
      else {
        sum.left = true;
        return;
      }
    }
  }

  async function sweepLater(): Promise<void> {
    for (let next = later.shift(); next; next = later.shift()) {
      const mayAsk = run.hasTime() && (await isTerraThere());
      if (run.hasTime() && (mayAsk || next.left.needsTime)) await sweepOne(next.due, 'last');
      else sum.left = true;
    }
  }

  async function sweepOne(due: DueOwner, pass: Pass): Promise<void> {
    try {
      const turn = run.unit(pass === 'first' ? FIRST_PASS_FOR_ONE : Number.POSITIVE_INFINITY);
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

  const shards = Array.from({ length: table.due.shards }, (_, shard) => dueOwners(String(shard)));
  let underWay: Promise<unknown> = Promise.resolve();
  const take = (): Promise<DueOwner | undefined> => {
    const taken = underWay.then(nextDue);
    underWay = taken;
    return taken;
  };
  const sideBySide = (work: () => Promise<void>) => Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  await sideBySide(sweepDue);
  later.sort((a, b) => failingSince(b) - failingSince(a));
  await sideBySide(sweepLater);
  if (!(await isTerraThere())) {
    deps.log('warn', 'sweep stopped early', { alarm: 'sweep_breaker' });
    // Terra was away and did not fail for these alone: they need not wait longer each time.
    for (const { item, row } of unanswered) await deps.store.reschedule(item, row, deps.clock() + LOOK_AGAIN);
  }
  if (failures.length > 0) throw failures[0];
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
