import type * as fc from 'fast-check';

/** What becomes of one call: it never reaches the table, or reaches it and the answer is lost. */
export type Fate = 'fails before' | 'answer lost' | 'succeeds';

export class Crash extends Error {}

/** The store (or Terra), each call of which meets the fate that `fateOf` names for it. */
export function faulty<T extends object>(real: T, fateOf: (verb: string) => Fate): T {
  return new Proxy(real, {
    get(target, verb) {
      const method: unknown = Reflect.get(target, verb);
      if (typeof method !== 'function' || typeof verb !== 'string') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        const fate = fateOf(verb);
        if (fate === 'fails before') throw new Crash(`${verb} failed`);
        const answer: unknown = await method.apply(target, args);
        if (fate === 'answer lost') throw new Crash(`the answer of ${verb} was lost`);
        return answer;
      };
    },
  });
}

/** Where the process dies: at which call, counted from 1, and whether that call still took effect. */
export type CrashPoint = { call: number; fate: Exclude<Fate, 'succeeds'> };

/** A switch that makes everything that goes through it die at one call; after that nothing works until it is reset. */
export function crashSwitch() {
  let point: CrashPoint | undefined;
  let calls = 0;
  return {
    arm: (next: CrashPoint | undefined) => {
      point = next;
      calls = 0;
    },
    calls: () => calls,
    through: <T extends object>(real: T): T =>
      faulty(real, () => {
        calls++;
        if (!point || calls < point.call) return 'succeeds';
        return calls === point.call ? point.fate : 'fails before';
      }),
  };
}

/** Each call of the store waits until the scheduler lets it go. */
export function scheduled<T extends object>(store: T, scheduler: fc.Scheduler, isOn: () => boolean): T {
  return new Proxy(store, {
    get(target, verb) {
      const method: unknown = Reflect.get(target, verb);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        if (isOn()) await scheduler.schedule(Promise.resolve(), String(verb));
        return method.apply(target, args);
      };
    },
  });
}
