import type { Page } from 'playwright-core';
import { type AppLook, pageReply } from '../../functions/core/http/page';
import { languages, type Language } from '../../functions/core/http/page-texts';
import { nextTryNumber, readTryNumber } from '../../functions/core/http/waiting-page';
import { person } from '../support/person';
import { type Scene, stage } from './stage';
import { type Visitor, visitor } from './visitor';

const TARGET = 'myapp://connected';
const scene = stage(apiUrl => ({ returnTargets: { web: `${apiUrl}/`, mobile: TARGET } }));
const branded = stage(() => ({
  returnTargets: { mobile: TARGET },
  app: { name: 'Fit & <b>Well</b>', accent: '#ffd500', background: '#102030' },
}));
const intoTheApp = { apps: [/^myapp:\/\/connected\?session_id=/] };

/** Follows a link that the phone's app opened in the browser. */
async function followsLink(on: Scene, who: Visitor, wish: object = {}): Promise<string> {
  const { id, url } = await (await person(on.stack, who.name)).open({ returnTo: 'mobile', ...wish });
  await who.page.goto(String(url));
  return String(id);
}

/**
 * Where the page's one link leads, after it was reached and pressed without a mouse. The page is opened once more in another
 * tab, and kept from opening the app by itself: Chromium may ask about that in a window of its own, which takes the keyboard.
 */
async function pressesTheLink(who: Visitor): Promise<URL> {
  const { page, context } = await who.otherTab();
  await page.route('**/v1/callback/**', async route => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/<meta http-equiv="refresh"[^>]*>/, '');
    await route.fulfill({ response, body });
  });
  await page.goto(context.watch.callbacks[0] ?? '');

  const link = page.getByRole('link');
  const target = (await link.getAttribute('href')) ?? '';
  await page.keyboard.press('Tab');
  expect(await link.evaluate(element => element.matches(':focus-visible'))).toBe(true);
  expect(await styleOfTheLink(page, 'outlineStyle')).toBe('solid');
  const opened = page.waitForRequest(target);
  await page.keyboard.press('Enter');
  await opened;
  // By itself at first, by the key now: the same place.
  expect(context.watch.apps).toEqual([target, target]);
  return new URL(target);
}

const styleOfTheLink = (page: Page, property: string) =>
  page.evaluate<string>(`getComputedStyle(document.querySelector('a')).${property}`);

/** Holds for every page that the callback shows: it is only text, and reads well in light and dark. */
async function isPlain({ page, look }: Visitor, step: string): Promise<void> {
  expect(await page.evaluate('[document.scripts.length, document.images.length, document.forms.length]')).toEqual([
    0, 0, 0,
  ]);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await look(`${step}, ${colorScheme}`);
  }
}

test(
  'after success the browser opens the app, and the remaining page shows the link',
  scene(async on => {
    const ada = await visitor(on, 'ada');
    const id = await followsLink(on, ada, { provider: 'GARMIN' });
    await ada.approve();
    await ada.sees(ada.page.getByRole('heading', { name: 'Almost done' }));
    await isPlain(ada, 'success');

    const { searchParams } = await pressesTheLink(ada);
    expect(Object.fromEntries(searchParams)).toMatchObject({ session_id: id, status: 'returned' });
    const confirmed = await (await person(on.stack, 'ada')).confirm(id, searchParams.get('code'));
    expect(confirmed.body).toMatchObject({ status: 'completed' });
  }, intoTheApp),
);

test(
  'the page that opens the app does not block the back button',
  scene(
    async on => {
      const abe = await visitor(on, 'abe');
      await followsLink(on, abe, { provider: 'GARMIN' });
      await abe.approve();
      await abe.sees(abe.page.getByRole('heading', { name: 'Almost done' }));
      await abe.page.goBack();
      await abe.sees(abe.page.getByRole('heading', { name: 'This link was already used' }));
      expect(abe.context.watch.apps).toHaveLength(1);
    },
    { ...intoTheApp, answers: [/^GET \/sandbox\/consent\/[\w-]+ 410$/] },
  ),
);

test(
  'a denial shows that nothing was connected, with a link back to the app',
  scene(async on => {
    on.stack.sandbox?.switchOn('redirect-with-reason');
    const ben = await visitor(on, 'ben');
    const id = await followsLink(on, ben, { provider: 'GARMIN' });
    await ben.deny();
    await ben.sees(ben.page.getByText(/^Nothing was connected\./));
    await isPlain(ben, 'failure');
    const { searchParams } = await pressesTheLink(ben);
    expect(Object.fromEntries(searchParams)).toEqual({ session_id: id, status: 'failed', error: 'denied' });
  }, intoTheApp),
);

test(
  'picking an SDK provider shows that the app continues with it',
  scene(async on => {
    const cleo = await visitor(on, 'cleo');
    const id = await followsLink(on, cleo);
    await cleo.pickInWidget('Apple Health');
    await cleo.sees('Apple Health is connected in the app itself.');
    await isPlain(cleo, 'goes on in the app');
    const { searchParams } = await pressesTheLink(cleo);
    expect(Object.fromEntries(searchParams)).toEqual({ session_id: id, status: 'sdk_required', provider: 'APPLE' });
  }, intoTheApp),
);

test(
  'every invalid callback shows the same page without a link',
  scene(async on => {
    const dora = await visitor(on, 'dora');
    const shown = new Set<string>();
    for (const callback of ['nonsense/success', 'nonsense/failure', 'a.b.c/success?user_id=x']) {
      await dora.page.goto(`${on.apiUrl}/v1/callback/${callback}`);
      await dora.sees(dora.page.getByRole('heading', { name: 'You can close this page' }));
      expect(await dora.page.getByRole('link').count()).toBe(0);
      shown.add(await dora.page.content());
    }
    expect(shown.size).toBe(1);
    await isPlain(dora, 'nowhere');
  }),
);

test.each([
  ['de-AT', 'de', 'ltr', 'Fast geschafft'],
  ['ar-EG', 'ar', 'rtl', undefined],
])('a browser that asks for %s gets the page in %s', (locale, language, direction, title) =>
  scene(async on => {
    const name = `guest-${language}`;
    const guest = await visitor(on, name, { locale, viewport: { width: 360, height: 740 } });
    await followsLink(on, guest, { provider: 'GARMIN' });
    await guest.approve();
    if (title) await guest.sees(guest.page.getByRole('heading', { name: title }));
    expect(
      await guest.page.evaluate('[document.documentElement.lang, getComputedStyle(document.body).direction]'),
    ).toEqual([language, direction]);
    await isPlain(guest, `in ${language}`);
  }, intoTheApp)(),
);

test(
  'the pages are readable with the app’s own name and colors',
  branded(async on => {
    const eve = await visitor(on, 'eve', { viewport: { width: 320, height: 568 } });
    await followsLink(on, eve, { provider: 'GARMIN' });
    await eve.approve();
    const link = eve.page.getByRole('link', { name: 'Back to the Fit & <b>Well</b> app' });
    await eve.sees(link);
    expect(await styleOfTheLink(eve.page, 'backgroundColor')).toBe('rgb(255, 213, 0)');
    await isPlain(eve, 'success');
  }, intoTheApp),
);

type Waiting = {
  /** Seconds that the page for this try pauses; undefined: it does not try again by itself. */
  pauseAfter(tryNumber: number): number | undefined;
  language?: Language;
  look?: AppLook;
};

/** Long enough that the page never loads the next try during a test. */
const NEVER_IN_A_TEST = 3600;

/** Answers every callback of this tab with the waiting page, as if Terra never said that the Terra user is authenticated. */
async function keepWaiting({ page }: Visitor, { pauseAfter, language = 'en', look }: Waiting): Promise<void> {
  await page.route('**/v1/callback/**', async route => {
    const url = new URL(route.request().url());
    const tryNumber = readTryNumber(url.searchParams.get('try') ?? undefined);
    const again = `${url.pathname}?user_id=a%26b&try=${nextTryNumber(tryNumber)}`;
    const view = { kind: 'waiting', again, afterSeconds: pauseAfter(tryNumber) } as const;
    const { status, headers, page: body } = pageReply(view, language, look);
    await route.fulfill({ status, headers, body });
  });
}

test(
  'the waiting page reloads itself; later its button does, also by keyboard',
  scene(async on => {
    const flo = await visitor(on, 'flo', { viewport: { width: 320, height: 568 } });
    const { page, context } = flo;
    await keepWaiting(flo, { pauseAfter: tryNumber => (tryNumber < 3 ? 1 : undefined) });
    const callback = `${on.apiUrl}/v1/callback/a.b.c/success?user_id=a%26b`;

    await page.goto(callback);
    await flo.sees(page.getByRole('heading', { name: 'This is taking longer than usual' }));

    const automatic = [callback, `${callback}&try=2`, `${callback}&try=3`];
    expect(context.watch.callbacks).toEqual(automatic);
    const button = page.getByRole('link');
    await page.keyboard.press('Tab');
    expect(await button.evaluate(element => element.matches(':focus-visible'))).toBe(true);
    expect(await styleOfTheLink(page, 'outlineStyle')).toBe('solid');
    const pressed = page.waitForURL(`${callback}&try=4`);
    await page.keyboard.press('Enter');
    await pressed;
    expect(context.watch.callbacks).toEqual([...automatic, `${callback}&try=4`]);
  }),
);

test(
  'the button of the waiting page can be pressed before the page reloads itself',
  scene(async on => {
    const gus = await visitor(on, 'gus', { viewport: { width: 320, height: 568 } });
    await keepWaiting(gus, { pauseAfter: () => NEVER_IN_A_TEST });
    await gus.page.goto(`${on.apiUrl}/v1/callback/a.b.c/success`);
    await gus.sees(gus.page.getByRole('heading', { name: 'One moment' }));

    await gus.page.keyboard.press('Tab');
    expect(await gus.page.getByRole('link', { name: 'Try again' }).evaluate(one => one.matches(':focus-visible'))).toBe(
      true,
    );
    const pressed = gus.page.waitForURL(/&try=2$/);
    await gus.page.keyboard.press('Enter');
    await pressed;
  }),
);

const inColours: AppLook = {
  name: 'W'.repeat(40),
  accent: { color: '#ffd500', text: '#000000' },
  background: { color: '#102030', text: '#ffffff' },
};

test.each(languages)('the waiting page is readable on a narrow phone in %s', language =>
  scene(async on => {
    const hal = await visitor(on, 'hal', { viewport: { width: 320, height: 568 } });
    for (const [form, pause, look] of [
      ['tries by itself', NEVER_IN_A_TEST, undefined],
      ['tries by its button, with a long name and colours of the app', undefined, inColours],
    ] as const) {
      // Playwright asks the route that was added last.
      await keepWaiting(hal, { pauseAfter: () => pause, language, ...(look && { look }) });
      await hal.page.goto(`${on.apiUrl}/v1/callback/a.b.c/success`);

      const [shown, direction] = await hal.page.evaluate<[string, string]>(
        '[document.documentElement.lang, getComputedStyle(document.body).direction]',
      );
      expect([shown, direction]).toEqual([language, language === 'ar' ? 'rtl' : 'ltr']);
      expect(await hal.page.getByRole('link').count()).toBe(1);
      // The style is applied, so the policy allows it.
      expect(await styleOfTheLink(hal.page, 'display')).toBe('block');
      await isPlain(hal, form);
    }
  })(),
);
