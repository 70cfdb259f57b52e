import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startStack } from '../../local/stack';
import { launchChromium } from './chromium';

/*
 * Takes the picture of the demo page for the README, from a running local stack:
 * `node --import tsx test/browser/picture.ts`.
 */

const PICTURE = join(__dirname, '../../docs/demo.png');

async function takePicture(): Promise<void> {
  const browser = await launchChromium();
  // The demo page expects the sandbox and the issuer on the two ports after its own.
  const stack = await startStack({ port: 20_000 + Math.floor(Math.random() * 12_000) });
  try {
    const page = await browser.newPage({
      viewport: { width: 1440, height: 1000 },
      // As wide as a README shows a picture.
      deviceScaleFactor: 0.7,
      locale: 'en-GB',
      colorScheme: 'light',
    });
    await page.goto(stack.apiUrl);
    await connectGarmin(page);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: PICTURE });
  } finally {
    await browser.close();
    await stack.close();
  }
}

async function connectGarmin(page: Page): Promise<void> {
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  await page.getByLabel('Or under any other name').fill('alice');
  await press('Sign in');
  await press('Garmin');
  await press('Approve');
  await page.getByText('Garmin is connected', { exact: true }).first().waitFor();
  // Events are published shortly after the page shows the connection.
  await page.waitForTimeout(3000);
}

void takePicture();
