import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const inPage = readFileSync(join(__dirname, 'in-page.js'), 'utf8');

/** Ends all animations first, because intermediate colors do not count. */
const STANDING_STILL = `Promise.all(
  document
    .getAnimations()
    .filter(animation => animation.effect?.getComputedTiming().iterations !== Infinity)
    .map(animation => animation.finished.catch(() => {})),
)`;

/** What is wrong with the page for those who read it: contrast, targets, width, title, headings, language. */
export async function lookOver(page: Page): Promise<readonly string[]> {
  await page.evaluate(STANDING_STILL);
  return page.evaluate<string[]>(`${inPage}\nflawsOfThisPage()`);
}
