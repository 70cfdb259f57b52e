/** A small generator of repeatable choices: the same seed draws the same. */
export function drawing(seed: number) {
  let state = seed >>> 0;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    chance: (share: number): boolean => next() < share,
    pick: <T>(of: readonly [T, ...T[]] | readonly T[]): T => of[below(of.length)] as T,
    hex: (length: number): string => Array.from({ length }, () => below(16).toString(16)).join(''),
  };
}

export type Draw = ReturnType<typeof drawing>;
