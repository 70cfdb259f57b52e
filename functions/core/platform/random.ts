import { randomBytes } from 'node:crypto';

/** Bytes from a cryptographic source; tests pass their own. */
export type Random = (bytes: number) => Buffer;

export const systemRandom: Random = randomBytes;

/** 128 random bits, 22 characters of base64url. */
export const newId = (random: Random): string => random(16).toString('base64url');

/** 256 random bits, 43 characters of base64url. */
export const newSecret = (random: Random): string => random(32).toString('base64url');
