import { countFlows } from './count-flows';
import { countCleanup, countScale } from './count-scale';
import type { CleanupCount, FlowCounts, ScaleCount } from './flow-counts';

/** Owners with something stale: as many as the gate of the cleanup asks for. */
export const STALE_OWNERS = 100;
/** Rows of the smaller and of the larger table. */
export const SMALL = 100;
export const LARGE = 1000;

export type Flows = { flows: FlowCounts; sweepAfterwards: CleanupCount };

/** Every flow, and the sweep's look at what a completed one leaves. */
export async function measureFlows(): Promise<Flows> {
  const flows = await countFlows();
  return { flows, sweepAfterwards: await countCleanup(SMALL / 4, STALE_OWNERS, 'completed session') };
}

/** The same work on tables of several sizes, and its cleanups one after the other. */
export async function measureScale(
  sizes: readonly number[] = [SMALL, LARGE],
): Promise<{ scales: ScaleCount[]; cleanups: CleanupCount[] }> {
  const scales: ScaleCount[] = [];
  for (const rows of sizes) scales.push(await countScale(rows, STALE_OWNERS));
  return { scales, cleanups: scales.flatMap(scale => scale.cleanups) };
}
