import { missingChromium } from './chromium';

/** Ends the run before it begins where the browser is missing: these tests are never passed over in silence. */
export default function needChromium(): void {
  const missing = missingChromium();
  if (missing === undefined) return;
  console.error(`\n${missing}`);
  process.exit(1);
}
