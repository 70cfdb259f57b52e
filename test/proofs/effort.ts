import * as fc from 'fast-check';

/** `PROOFS=long` runs long sizes with new cases each time; every `npm test` runs the short ones. */
export const isLong = process.env.PROOFS === 'long';

/** How many cases a proof goes through. */
export const size = (quick: number, long: number): number => (isLong ? long : quick);

/** The same cases for every commit, so that a commit is judged by what it changed; new ones for a long run. */
const QUICK_SEED = 20_261_122;
export const seed = Number(process.env.PROOFS_SEED ?? (isLong ? Date.now() & 0x7fffffff : QUICK_SEED));

/**
 * Runs a property; a failure prints the seed, the path and the smallest case; `PROOFS_SEED` and `PROOFS_PATH` repeat it. `part`:
 * which share of the cases this is, of a proof whose shares run side by side.
 */
export async function holds<T>(
  property: fc.IAsyncProperty<T> | fc.IProperty<T>,
  quick: number,
  long: number,
  part = 0,
) {
  const { PROOFS_PATH: path } = process.env;
  const parameters = { numRuns: size(quick, long), seed: seed + part, ...(path !== undefined && { path }) };
  await fc.assert(property as fc.IAsyncProperty<T>, parameters);
}

/** The same for one arbitrary whose cases are not worth minimal counterexamples in a quick run. */
export const check = <T>(arbitrary: fc.Arbitrary<T>, hold: (value: T) => Promise<void>, runs: number): Promise<void> =>
  fc.assert(fc.asyncProperty(arbitrary, hold), { numRuns: runs, seed, endOnFailure: !isLong });
