import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Which browser the tests drive: Debian's and Ubuntu's own place for Chromium, or what `CHROMIUM` says. */
export const chromiumPath = process.env.CHROMIUM || '/usr/bin/chromium';

/** What to do on a machine without the browser; undefined where it is there. */
export function missingChromium(path = chromiumPath): string | undefined {
  if (existsSync(path)) return undefined;
  return `The browser tests need Chromium, and there is none at ${path}.

  Debian   sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium fonts-liberation
  others   install Chromium or Chrome and name it: CHROMIUM=/path/to/chromium npm run test:browser
`;
}

/** Starts the browser so that nothing but this machine can be reached from it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    // Windows that open without a click are blocked, as in every browser.
    ignoreDefaultArgs: ['--disable-popup-blocking'],
    args: [
      // The sandbox of Chromium needs rights that containers and root do not have; only our own pages are opened.
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  });
}
