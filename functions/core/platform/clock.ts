/** Milliseconds since 1970. Every instant in this code is one, unless its name says otherwise. */
export type Instant = number;

export type Clock = () => Instant;

export const systemClock: Clock = () => Date.now();

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** ISO 8601 in UTC with `Z`, as every answer writes times. */
export const isoTime = (at: Instant): string => new Date(at).toISOString();
