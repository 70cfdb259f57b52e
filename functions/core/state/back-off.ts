import { HOUR, type Instant, MINUTE } from '../platform/clock';

const LEAST = MINUTE;
const MOST = 6 * HOUR;

/** Returns the delay before the next retry: the time since the first attempt, between 1 minute and 6 hours. */
export const backOff = (since: Instant, now: Instant): Instant => Math.min(Math.max(now - since, LEAST), MOST);
