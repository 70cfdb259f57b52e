import { type Clock, HOUR, type Instant, MINUTE } from '../core/clock';
import { Problem } from '../core/errors';
import * as live from '../core/live';
import { type Behaviour, on, serve } from '../core/serve';
import type { Terra, TerraProvider } from '../core/terra';
import { listProviders } from '../routes';

type Deps = { offered: () => Promise<TerraProvider[]> };

const FRESH_FOR = 10 * MINUTE;
/** While Terra is away a list of the same day is better than none. */
const GOOD_FOR = 24 * HOUR;

/** Terra's list, kept for ten minutes; asked for once for simultaneous callers. */
export function cachedProviders(terra: Pick<Terra, 'listProviders'>, clock: Clock): () => Promise<TerraProvider[]> {
  let kept: { providers: TerraProvider[]; at: Instant } | undefined;
  let underWay: Promise<TerraProvider[]> | undefined;

  async function ask(): Promise<TerraProvider[]> {
    try {
      const providers = await terra.listProviders();
      kept = { providers, at: clock() };
      return providers;
    } catch (error) {
      const isOutage = error instanceof Problem && ['terra_unavailable', 'terra_timeout'].includes(error.code);
      if (isOutage && kept && clock() - kept.at < GOOD_FOR) return kept.providers;
      throw error;
    }
  }

  return async () => {
    if (kept && clock() - kept.at < FRESH_FOR) return kept.providers;
    underWay ??= ask().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

/** The providers this Terra account offers, by name. */
export const list: Behaviour<typeof listProviders, Deps> = async (_request, { offered }) => {
  const providers = await offered();
  return { status: 200, body: { providers: providers.toSorted((a, b) => a.name.localeCompare(b.name)) } };
};

export const handler = serve([on(listProviders, list)], () => ({
  serve: live.serveDeps(),
  offered: cachedProviders(live.terra(), live.clock),
}));
