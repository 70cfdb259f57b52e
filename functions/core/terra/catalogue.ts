import { type Clock, HOUR, type Instant, MINUTE } from '../platform/clock';
import { Problem } from '../http/errors';
import type { Terra, TerraProvider } from './terra';

const FRESH_FOR = 10 * MINUTE;
/** How long the last list is used while Terra is unavailable. */
const USABLE_FOR = 24 * HOUR;

/** Returns a function that reads Terra's list of providers at most every ten minutes, and once for simultaneous callers. */
export function cachedProviders(terra: Pick<Terra, 'listProviders'>, clock: Clock): () => Promise<TerraProvider[]> {
  let cached: { providers: TerraProvider[]; at: Instant } | undefined;
  let pending: Promise<TerraProvider[]> | undefined;

  async function fetchProviders(): Promise<TerraProvider[]> {
    try {
      const providers = await terra.listProviders();
      cached = { providers, at: clock() };
      return providers;
    } catch (error) {
      const isOutage = error instanceof Problem && ['terra_unavailable', 'terra_timeout'].includes(error.code);
      if (isOutage && cached && clock() - cached.at < USABLE_FOR) return cached.providers;
      throw error;
    }
  }

  return async () => {
    if (cached && clock() - cached.at < FRESH_FOR) return cached.providers;
    pending ??= fetchProviders().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}
