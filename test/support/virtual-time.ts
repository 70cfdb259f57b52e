import { setImmediate as idle } from 'node:timers/promises';
import type { Instant } from '../../functions/core/platform/clock';

/**
 * Time that moves only when nothing else can happen: work that waits together waits once, and no test waits for real.
 * `during` runs something to its end and says what came of it.
 */
export function virtualTime(startsAt: Instant) {
  let now = startsAt;
  const waiting: { until: Instant; wake: () => void }[] = [];

  return {
    clock: () => now,
    wait: (time: Instant) =>
      new Promise<void>(wake => {
        const until = now + time;
        const at = waiting.findIndex(other => other.until > until);
        waiting.splice(at < 0 ? waiting.length : at, 0, { until, wake });
      }),
    /** Moves the clock while nothing is under way. */
    pass: (time: Instant) => {
      now += time;
    },
    async during<T>(work: Promise<T>): Promise<T> {
      let isDone = false;
      const settled = work.finally(() => {
        isDone = true;
      });
      settled.catch(() => undefined);
      for (;;) {
        await idle();
        if (isDone) return settled;
        const next = waiting.shift();
        if (!next) throw new Error('the work waits for nothing that comes');
        now = Math.max(now, next.until);
        next.wake();
      }
    },
  };
}
