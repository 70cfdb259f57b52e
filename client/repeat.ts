import { ConnectError } from './error';
import type { Signal } from './platform';

export type RepeatDeps = {
  sleep: (ms: number, signal?: Signal) => Promise<void>;
  now: () => number;
};

/** How long to wait, altogether and on whose word to stop. */
export type Patience = { patienceMs: number; signal?: Signal | undefined };

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 8000;

/** Makes pauses that grow, with jitter, so that clients which failed together do not come again together. */
export function pauses(): () => number {
  let pauseMs = FIRST_PAUSE_MS;
  return () => {
    const jittered = pauseMs * (0.5 + Math.random() / 2);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    return jittered;
  };
}

/**
 * Tries until it succeeds, fails for good, or patience does not reach to the next attempt; then throws the last failure.
 * Waits at least as long as the API asked for.
 */
export async function repeat<T>(
  attempt: () => Promise<T>,
  { patienceMs, signal }: Patience,
  deps: RepeatDeps,
): Promise<T> {
  const deadline = deps.now() + patienceMs;
  const nextPause = pauses();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ConnectError) || !error.retryable) throw error;
      const pauseMs = Math.max(nextPause(), error.retryAfterMs ?? 0);
      if (deps.now() + pauseMs > deadline) throw error;
      await deps.sleep(pauseMs, signal);
    }
  }
}
