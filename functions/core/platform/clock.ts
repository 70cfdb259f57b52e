/** A time or duration in milliseconds; times count from 1970. Other units are in the name. */
export type Instant = number;

export type Clock = () => Instant;

export const systemClock: Clock = () => Date.now();

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Formats a time as ISO 8601 in UTC with `Z`. */
export const isoTime = (at: Instant): string => new Date(at).toISOString();
