import * as z from 'zod/mini';

declare const later: unique symbol;

/** An enum value that a later version stored and this version does not know. It is kept unchanged. */
export type LaterValue = string & { readonly [later]: true };

/** Returns the schema of a stored enum that later versions may extend. It accepts their values, so that they are kept. */
export const openEnum = <const V extends string>(_values: readonly V[]) =>
  z.custom<V | LaterValue>(value => typeof value === 'string');

/** Returns the value if this version knows it. */
export const knownOf = <const V extends string>(
  values: readonly V[],
  value: V | LaterValue | undefined,
): V | undefined => values.find(each => each === value);
