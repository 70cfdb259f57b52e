import { ConnectError } from './error';
import type { Signal } from './platform';

export type RepeatDeps = {
  sleep: (ms: number, signal?: Signal) => Promise<void>;
  now: () => number;
};

/** The total time to retry, and a signal to stop. */
export type Patience = { patienceMs: number; signal?: Signal | undefined };

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 8000;

/**
 * Creates a generator of exponential pauses with jitter, so that clients that failed together do not retry together.
 */
export function pauses(): () => number {
  let pauseMs = FIRST_PAUSE_MS;
  return () => {
    const jittered = pauseMs * (0.5 + Math.random() / 2);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    return jittered;
  };
}

/**
 * Retries until the attempt succeeds, fails permanently or the next one would exceed `patienceMs`; then throws the last
 * error. Honors `Retry-After`.
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
