import type { Throttle } from './api';

/** A token bucket for each route: `admit` says whether one more request may pass now. */
export function throttling(
  throttleOf: (routeKey: string) => Throttle,
  clock: () => number = () => performance.now(),
): { admit(routeKey: string): boolean } {
  const buckets = new Map<string, { tokens: number; filledAt: number }>();

  return {
    admit(routeKey) {
      const { rate, burst } = throttleOf(routeKey);
      const now = clock();
      const { tokens, filledAt } = buckets.get(routeKey) ?? { tokens: burst, filledAt: now };
      const filled = Math.min(burst, tokens + ((now - filledAt) / 1000) * rate);
      const admitted = filled >= 1;
      buckets.set(routeKey, { tokens: admitted ? filled - 1 : filled, filledAt: now });
      return admitted;
    },
  };
}
