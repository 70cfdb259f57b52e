import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';

/** `PROOFS=long` asks for the sizes of a release; without it a property is as large as a commit can wait for. */
export const isLong = process.env.PROOFS === 'long';

const LONG_ENOUGH = 30 * 60_000;
jest.setTimeout(isLong ? LONG_ENOUGH : 120_000);

export const size = (quick: number, long: number): number => (isLong ? long : quick);

/**
 * Runs a property. A failure says its seed and path, and the shrunken counterexample; `PROOFS_SEED` and `PROOFS_PATH`
 * run it again.
 */
export async function holds<T>(property: fc.IAsyncProperty<T> | fc.IProperty<T>, quick: number, long: number) {
  const { PROOFS_SEED: seed, PROOFS_PATH: path } = process.env;
  await fc.assert(property as fc.IAsyncProperty<T>, {
    numRuns: size(quick, long),
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path }),
  });
}

/** `expect(…).toEqual`, at the price of a comparison where they are. */
export function same(received: unknown, expected: unknown): true {
  if (!isDeepStrictEqual(received, expected)) expect(received).toEqual(expected);
  return true;
}
