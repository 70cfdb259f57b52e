import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { type LocalStack, type LocalStackOptions, startStack } from '../../local/stack';
import { StartError } from '../../local/start-error';
import { launchChromium } from './chromium';
import { lookOver } from './look-over';
import { type Expected, faultsIn, type Watch, watch } from './watch';

/** One test in the browser. */
export type Scene = {
  readonly stack: LocalStack;
  readonly apiUrl: string;
  /** A browser profile of its own: other cookies, other storage. Everything that happens in it is watched. */
  profile(options?: BrowserContextOptions): Promise<BrowserContext & { readonly watch: Watch }>;
  /** Looks the page over, and keeps a picture of it where `SCREENSHOTS=1` asks for one of each step. */
  look(page: Page, step: string): Promise<void>;
};

/** Kept out of git. */
const PICTURES = join(__dirname, 'screenshots');
const PATIENCE_MS = 10_000;

/** Laid over the local run's own, for a stack that answers at `apiUrl`. */
type Settings = (apiUrl: string) => NonNullable<LocalStackOptions['settings']>;

/** One local stack and one Chromium for the tests of a file; each test gets profiles of its own. */
export function stage(settings: Settings = () => ({})) {
  let stack: LocalStack | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    [stack, browser] = await Promise.all([onPortsInARow(settings), launchChromium()]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  /**
   * What a test does in the browser. Beside its own claims it fails when anything a page did was amiss, except for what is
   * expected; then pictures and texts of all pages are kept.
   */
  return (act: (scene: Scene) => Promise<void>, expected: Expected = {}) =>
    async () => {
      if (!stack || !browser) throw new Error('the stage is not set up');
      const open: (BrowserContext & { readonly watch: Watch })[] = [];
      const name = expect.getState().currentTestName ?? 'test';
      const watches = () => open.map(one => one.watch);
      let steps = 0;
      const scene: Scene = {
        stack,
        apiUrl: stack.apiUrl,
        async profile(how) {
          const context = await browser!.newContext({ locale: 'en-GB', ...how });
          context.setDefaultTimeout(PATIENCE_MS);
          const watched = Object.assign(context, { watch: watch(context) });
          open.push(watched);
          return watched;
        },
        async look(page, step) {
          steps += 1;
          if (process.env.SCREENSHOTS) await keepPicture(page, name, `${String(steps).padStart(2, '0')} ${step}`);
          const flaws = await lookOver(page);
          expect({ step, flaws }).toEqual({ step, flaws: [] });
        },
      };
      try {
        await act(scene);
        expect(await faultsIn(watches(), expected)).toEqual([]);
      } catch (error) {
        const faults = await faultsIn(watches(), expected);
        const folder = await keepAll(open, name);
        throw new Error(['The pages as they were:', folder, ...faults].join('\n'), { cause: error });
      } finally {
        await Promise.all(open.map(context => context.close()));
        stack.sandbox?.reset({ keepUsers: true });
      }
    };
}

/** The demo page finds the sandbox and the issuer on the two ports after its own. */
async function onPortsInARow(settings: Settings): Promise<LocalStack> {
  for (let tries = 1; ; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      return await startStack({ port, settings: settings(`http://localhost:${port}`) });
    } catch (error) {
      if (!(error instanceof StartError) || tries === 5) throw error;
    }
  }
}

async function keepAll(contexts: readonly BrowserContext[], name: string): Promise<string> {
  const pages = contexts.flatMap(context => context.pages());
  for (const [index, page] of pages.entries()) await keepPicture(page, name, `failed, page ${index + 1}`);
  return folderOf(name);
}

async function keepPicture(page: Page, name: string, step: string): Promise<void> {
  const folder = folderOf(name);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, fileName(step));
  await page.screenshot({ path: `${path}.png`, fullPage: true }).catch(() => {});
  const text = await page.evaluate<string>('document.body.innerText').catch(() => '');
  writeFileSync(`${path}.txt`, `${page.url().split('?')[0]}\n\n${text}\n`);
}

function folderOf(name: string): string {
  return join(PICTURES, fileName(name));
}

function fileName(text: string): string {
  return text
    .replace(/[^\w]+/g, '-')
    .slice(0, 90)
    .toLowerCase();
}
