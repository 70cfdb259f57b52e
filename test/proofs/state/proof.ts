import { isDeepStrictEqual } from 'node:util';
import { PATIENCE } from '../effort';

export { holds, isLong, size } from '../effort';

jest.setTimeout(PATIENCE);

/** `expect(…).toEqual`, at the price of a comparison where they are. */
export function same(received: unknown, expected: unknown): true {
  if (!isDeepStrictEqual(received, expected)) expect(received).toEqual(expected);
  return true;
}
