/**
 * The sandbox's clock. `now` decides what has expired and which retry is due, and `advance` moves it. `stamp` is the
 * time in signatures and records, which other machines compare with their own clocks.
 */
export interface SandboxClock {
  now(): number;
  stamp(): number;
  /** Calls `run` once `now` has advanced by `delayMs`. Returns a function that cancels it. */
  after(delayMs: number, run: () => Promise<void> | void): () => void;
  /**
   * Advances the clock by `ms`. Everything that falls due runs in order and is awaited, including what it schedules in
   * turn.
   */
  advance(ms: number): Promise<void>;
  /** Cancels everything that is scheduled. */
  clear(): void;
}

type Waiting = { dueMs: number; run: () => Promise<void> | void };

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Creates a real-time clock that can be advanced. Stamps stay on the wall clock, because the receiver's clock does not
 * move.
 */
export function realClock(): SandboxClock {
  let movedMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const line = timeline(
    () => Date.now() + movedMs,
    ms => {
      movedMs += ms;
    },
    arm,
  );
  function arm(): void {
    clearTimeout(timer);
    const dueMs = line.nextDueMs();
    if (dueMs === undefined) return;
    const waitMs = Math.min(Math.max(0, dueMs - line.now()), LONGEST_TIMER_MS);
    timer = setTimeout(() => void line.advance(0), waitMs);
    timer.unref();
  }
  return { ...line, stamp: () => Date.now() };
}

/** Creates a clock that moves only when a test advances it; stamps follow. */
export function manualClock(startMs: number): SandboxClock {
  let nowMs = startMs;
  const now = () => nowMs;
  const line = timeline(
    now,
    ms => {
      nowMs += ms;
    },
    () => {},
  );
  return { ...line, stamp: now };
}

function timeline(now: () => number, move: (ms: number) => void, changed: () => void) {
  let waiting: Waiting[] = [];
  const nextDueMs = () => waiting[0]?.dueMs;
  return {
    now,
    nextDueMs,
    after(delayMs: number, run: () => Promise<void> | void): () => void {
      const entry = { dueMs: now() + delayMs, run };
      waiting = [...waiting, entry].toSorted((one, other) => one.dueMs - other.dueMs);
      changed();
      return () => {
        waiting = waiting.filter(other => other !== entry);
        changed();
      };
    },
    async advance(ms: number): Promise<void> {
      let leftMs = ms;
      for (let next = waiting[0]; next && next.dueMs <= now() + leftMs; next = waiting[0]) {
        const stepMs = Math.max(0, next.dueMs - now());
        move(stepMs);
        leftMs -= stepMs;
        waiting = waiting.slice(1);
        await next.run();
      }
      move(leftMs);
      changed();
    },
    clear(): void {
      waiting = [];
      changed();
    },
  };
}
