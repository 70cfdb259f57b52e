import * as z from 'zod/mini';

declare const later: unique symbol;

/** A value that a later version of this code stored in an enum. It is kept as it is, and is none of the known ones. */
export type LaterValue = string & { readonly [later]: true };

/** The schema of a stored enum that later versions may extend: it reads their values too, so that they are not lost. */
export const openEnum = <const V extends string>(_values: readonly V[]) =>
  z.custom<V | LaterValue>(value => typeof value === 'string');

/** Returns the value if this version knows it. */
export const knownOf = <const V extends string>(
  values: readonly V[],
  value: V | LaterValue | undefined,
): V | undefined => values.find(each => each === value);
