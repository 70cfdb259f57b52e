import type { Knobs } from './knobs';

// Docs, data-destinations/webhooks: ten retries, the first after 30 s, each twice as late.
const docsSeconds = Array.from({ length: 10 }, (_, retry) => 30 * 2 ** retry);

// FAQ, retry-policy-and-redelivery: about 5 min, 30 min, 1 h, 2 h, 4 h, up to some eight tries within a little over 24 h.
// The last three are not published; these make the sum 25 h 35 min.
const faqSeconds = [300, 1800, 3600, 7200, 14_400, 21_600, 21_600, 21_600];

/** How long Terra waits before the next retry when `retries` have failed already; undefined when it gives up. */
export function retryDelaySeconds(schedule: Knobs['retrySchedule'], retries: number): number | undefined {
  return (schedule === 'docs' ? docsSeconds : faqSeconds)[retries];
}
