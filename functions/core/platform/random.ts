import { randomBytes } from 'node:crypto';

/** Returns random bytes from a cryptographic source; tests replace it. */
export type Random = (bytes: number) => Buffer;

export const systemRandom: Random = randomBytes;

/** Returns 128 random bits as 22 characters of base64url. */
export const newId = (random: Random): string => random(16).toString('base64url');

/** Returns 256 random bits as 43 characters of base64url. */
export const newSecret = (random: Random): string => random(32).toString('base64url');
