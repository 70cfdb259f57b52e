import { isDeepStrictEqual } from 'node:util';

export { holds, isLong, size } from '../effort';

/** `expect(…).toEqual`, at the price of a comparison where they are. */
export function same(received: unknown, expected: unknown): true {
  if (!isDeepStrictEqual(received, expected)) expect(received).toEqual(expected);
  return true;
}
