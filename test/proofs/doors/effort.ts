import * as fc from 'fast-check';

/** Long sizes are for a person who asks for them; the quick ones belong to every `npm test`. */
export const isLong = process.env.PROOFS === 'long';

/** How many cases a proof goes through. */
export const size = (quick: number, long: number): number => (isLong ? long : quick);

/** Long proofs take minutes. */
export const PATIENCE = isLong ? 600_000 : 60_000;

/** The seed of this run: a new one each time, or the one a failure told. */
const seed = process.env.PROOFS_SEED === undefined ? Date.now() & 0x7fffffff : Number(process.env.PROOFS_SEED);

/** Runs a property; a failure tells the seed and the smallest case that fails, and PROOFS_SEED repeats it. */
export const check = <T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => Promise<void>, runs: number): Promise<void> =>
  fc.assert(fc.asyncProperty(arbitrary, holds), { numRuns: runs, seed, endOnFailure: !isLong });
