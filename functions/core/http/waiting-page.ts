/** Seconds between the first and second try, the second and third, and so on: 59 s in all. */
const pausesInSeconds: readonly number[] = [2, 4, 8, 15, 30];

/**
 * Returns the seconds that the waiting page pauses after try `tryNumber` (counted from 1), or undefined if the page no longer
 * tries again by itself.
 */
export function secondsToNextTry(tryNumber: number): number | undefined {
  return pausesInSeconds[tryNumber - 1];
}

/**
 * Returns the number of the try after `tryNumber`. It stops at the first try without a pause (6): the button then loads the
 * same URL again, so that pressing it many times neither restarts the automatic tries nor fills the tab's history.
 */
export function nextTryNumber(tryNumber: number): number {
  return Math.min(tryNumber + 1, pausesInSeconds.length + 1);
}

/** Reads the `try` query value: one ASCII digit from 1 to 9. Returns 1 for anything else, including a repeated parameter. */
export function readTryNumber(value: string | undefined): number {
  return value !== undefined && /^[1-9]$/.test(value) ? Number(value) : 1;
}
