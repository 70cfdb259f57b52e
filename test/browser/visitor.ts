import type { BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { person } from '../support/person';
import type { Scene } from './stage';
import type { Watch } from './watch';

/** Somebody with a browser: sees and presses what is on the page, by the names that are read out. */
export type Visitor = {
  readonly name: string;
  readonly page: Page;
  readonly context: BrowserContext & { readonly watch: Watch };
  /** Clicks or taps, depending on the device; a label is that of a button. */
  press(control: string | Locator): Promise<void>;
  /** Waits until this stands on the page. */
  sees(what: string | Locator): Promise<void>;
  openDemo(): Promise<void>;
  signIn(): Promise<void>;
  openWidget(): Promise<void>;
  pickInWidget(provider: string): Promise<void>;
  goStraightTo(provider: string): Promise<void>;
  approve(): Promise<void>;
  deny(): Promise<void>;
  /** What the demo page shows of a connection. */
  card(provider: string): Locator;
  seesConnection(provider: string, status: string): Promise<void>;
  /** The same user with another tab of the same browser. */
  otherTab(): Promise<Visitor>;
  /** The same user in a window that a page opened. */
  inWindow(window: Page): Visitor;
  /** What the API returns for this user. */
  connections(): Promise<Record<string, unknown>[]>;
  /** Looks the page over at this step. */
  look(step: string): Promise<void>;
};

/** Opens a browser for a user who is not signed in yet. */
export async function visitor(scene: Scene, name: string, device: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await scene.profile(device);
  return inTab(scene, name, context, await context.newPage(), device.hasTouch === true);
}

function inTab(
  scene: Scene,
  name: string,
  context: BrowserContext & { readonly watch: Watch },
  page: Page,
  touches: boolean,
): Visitor {
  const press = (control: string | Locator) => {
    const found = typeof control === 'string' ? page.getByRole('button', { name: control, exact: true }) : control;
    return touches ? found.tap() : found.click();
  };
  const look = (step: string) => scene.look(page, step);
  const sees = (what: string | Locator) =>
    (typeof what === 'string' ? page.getByText(what, { exact: true }) : what).first().waitFor();
  const card = (provider: string) => page.getByRole('article', { name: provider, exact: true });
  const decide = async (decision: 'Approve' | 'Deny') => {
    await sees(page.getByRole('button', { name: decision, exact: true }));
    await look(`before ${decision}`);
    await press(decision);
    await page.waitForURL(url => !url.pathname.startsWith('/sandbox/'));
  };

  return {
    name,
    page,
    context,
    press,
    sees,
    card,
    look,
    async openDemo() {
      await page.goto(scene.apiUrl);
      await sees(page.getByRole('heading', { level: 1 }));
      await look('before signing in');
    },
    async signIn() {
      await page.getByLabel('Or use another name').fill(name);
      await press('Sign in');
      await sees(page.getByRole('button', { name: 'Garmin', exact: true }));
    },
    async openWidget() {
      await look('before the widget');
      await press(page.getByRole('button', { name: /^Open the widget/ }));
      await sees(page.getByRole('heading', { name: 'Connect your device' }));
    },
    async pickInWidget(provider) {
      await sees(page.getByRole('heading', { name: 'Connect your device' }));
      await look('the widget');
      await press(page.getByRole('button', { name: new RegExp(`^${provider}`) }));
      await page.waitForURL(url => !url.pathname.startsWith('/session/'));
    },
    async goStraightTo(provider) {
      await look(`before ${provider}`);
      await press(provider);
      await sees(page.getByRole('heading', { name: `Share your ${provider} data?` }));
    },
    approve: () => decide('Approve'),
    deny: () => decide('Deny'),
    async seesConnection(provider, status) {
      await sees(card(provider).locator('header').getByText(status, { exact: true }));
      await look(`${provider} ${status}`);
    },
    inWindow: window => inTab(scene, name, context, window, touches),
    otherTab: async () => inTab(scene, name, context, await context.newPage(), touches),
    connections: async () => (await person(scene.stack, name)).connections(),
  };
}
