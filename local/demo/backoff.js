/**
 * Asks until the answer is final, less and less often; the last answer where patience ends first.
 *
 * @template T
 * @param {{
 *   ask: () => Promise<T>,
 *   isFinal: (answer: T) => boolean,
 *   wait: (ms: number) => Promise<void>,
 *   firstMs?: number,
 *   mostMs?: number,
 *   patienceMs?: number,
 * }} options
 * @returns {Promise<T>}
 */
export async function askUntil({ ask, isFinal, wait, firstMs = 400, mostMs = 5000, patienceMs = 120_000 }) {
  let pauseMs = firstMs;
  let waitedMs = 0;
  for (;;) {
    const answer = await ask();
    if (isFinal(answer) || waitedMs >= patienceMs) return answer;
    await wait(pauseMs);
    waitedMs += pauseMs;
    pauseMs = Math.min(mostMs, Math.round(pauseMs * 1.6));
  }
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function sleep(ms) {
  return new Promise(resolve => {
    setTimeout(resolve, ms);
  });
}
