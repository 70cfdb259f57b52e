import { cachedProviders } from '../core/catalogue';
import type { Instant } from '../core/clock';
import * as live from '../core/live';
import type { Log } from '../core/log';
import type { Store } from '../core/store';
import { type SweepDeps, sweepOwner } from '../core/sweep-owner';
import { table } from '../core/table';

type Deps = SweepDeps & {
  store: Pick<Store, 'due'>;
  log: Log;
  /** How long a run may go on taking up new owners. */
  budget: Instant;
  /** Only counts what is due. */
  dryRun: boolean;
};

/** What a run did, and what it left for the next. */
export type Sweep = {
  due: number;
  looked: number;
  closed: number;
  disconnected: number;
  failed: number;
  left: boolean;
};

/** After this many failures of Terra in a row the rest of the run leaves Terra alone. */
const BREAKER = 5;

/**
 * Looks at everything that is due, shard by shard and owner by owner, within its budget. What one owner's rows throw stops
 * no other's; what is left is due again in the next run.
 */
export async function sweep(deps: Deps): Promise<Sweep> {
  const startedAt = deps.clock();
  const sum: Sweep = { due: 0, looked: 0, closed: 0, disconnected: 0, failed: 0, left: false };
  let terraFailedInARow = 0;

  async function sweepShard(shard: string): Promise<void> {
    const done = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await deps.store.due(shard, startedAt, cursor);
      sum.due += page.due.length;
      cursor = page.cursor;
      for (const { owner } of page.due) {
        if (deps.dryRun || done.has(owner)) continue;
        if (deps.clock() - startedAt > deps.budget || terraFailedInARow >= BREAKER) {
          sum.left = true;
          return;
        }
        done.add(owner);
        await sweepOne(owner);
      }
    } while (cursor !== undefined);
  }

  async function sweepOne(owner: string): Promise<void> {
    try {
      const swept = await sweepOwner(owner, deps);
      sum.looked += swept.looked;
      sum.closed += swept.closed;
      sum.disconnected += swept.disconnected;
      if (swept.terraFailed > 0) terraFailedInARow += swept.terraFailed;
      else if (swept.looked + swept.disconnected > 0) terraFailedInARow = 0;
    } catch (error) {
      sum.failed++;
      deps.log('error', 'owner not swept', { error: error instanceof Error ? error.name : typeof error });
    }
  }

  const shards = Array.from({ length: table.due.shards }, (_, shard) => sweepShard(String(shard)));
  // Every shard ends its work before the run fails for one.
  const failed = (await Promise.allSettled(shards)).find(shard => shard.status === 'rejected');
  if (failed) throw failed.reason;
  if (terraFailedInARow >= BREAKER) deps.log('warn', 'sweep stopped early', { alarm: 'sweep_breaker' });
  return sum;
}

let wired: Deps | undefined;

function wire(): Deps {
  const terra = live.terra();
  return {
    ...live.recordDeps(),
    terra,
    offered: cachedProviders(terra, live.clock),
    alarm: live.alarm,
    log: live.log,
    budget: live.positive('SWEEP_BUDGET_MS'),
    dryRun: live.required('SWEEP_DRY_RUN') === 'true',
  };
}

export const handler = async (): Promise<Sweep> => {
  wired ??= wire();
  const startedAt = wired.clock();
  const result = await sweep(wired);
  const { left, ...counts } = result;
  wired.log('info', 'sweep', { ...counts, left: left ? 1 : 0, ms: wired.clock() - startedAt });
  return result;
};
