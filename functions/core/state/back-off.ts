import { HOUR, type Instant, MINUTE } from '../platform/clock';

const LEAST = MINUTE;
const MOST = 6 * HOUR;

/** Returns how long to wait until something is tried again that has failed since `since`: as long as it has been tried, 1 min to 6 h. */
export const backOff = (since: Instant, now: Instant): Instant => Math.min(Math.max(now - since, LEAST), MOST);
