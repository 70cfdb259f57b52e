import { type Clock, HOUR, type Instant, MINUTE } from '../platform/clock';
import { Problem } from '../http/errors';
import type { Terra, TerraProvider } from './terra';

const FRESH_FOR = 10 * MINUTE;
/** While Terra is away, a catalogue of the same day is better than none. */
const GOOD_FOR = 24 * HOUR;

/** Returns a function that reads Terra's catalogue at most every ten minutes, and once for simultaneous callers. */
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
