import type { BrowserContextOptions } from 'playwright-core';
import { stage } from './stage';
import { visitor } from './visitor';

const scene = stage();

const smallPhone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

const screens: [what: string, who: string, screen: BrowserContextOptions][] = [
  ['a small phone', 'ann', smallPhone],
  ['a small phone in the dark', 'bea', { ...smallPhone, colorScheme: 'dark' }],
  ['a desktop in the dark', 'cia', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }],
  ['a large desktop', 'dot', { viewport: { width: 1920, height: 1080 } }],
];

test.each(screens)('every screen looks right on %s', (_, who, screen) =>
  scene(async on => {
    const person = await visitor(on, who, screen);
    await person.openDemo();
    await person.signIn();
    await person.openWidget();
    await person.pickInWidget('Garmin');
    await person.approve();
    await person.seesConnection('Garmin', 'Connected');

    // A denial within 5 s after the return could be of the same attempt, and would count against it.
    await person.page.waitForTimeout(6000);
    await person.goStraightTo('Oura');
    await person.deny();
    await person.sees('You denied access at the provider');
    await person.look('denied');
    await person.press(person.page.getByText(/^All \d+ scenarios$/));
    await person.press(person.page.getByText('Trigger an event at Terra'));
    await person.press(person.page.getByText('Try to steal a connection'));
    await person.look('everything unfolded');

    await person.press('Disconnect Garmin');
    await person.sees('Garmin is disconnected');
    await person.press(person.page.getByText('Past connections (1)'));
    await person.look('disconnected');
    await person.press('Sign out');
    await person.sees('Or use another name');
    await person.look('signed out');
    expect(await person.connections()).toMatchObject([{ provider: 'GARMIN', reason: 'owner' }]);
  })(),
);
