import { samplePage } from './sample-page';
import { type Scene, stage } from './stage';
import { type Visitor, visitor } from './visitor';

const sample = samplePage();
const scene = stage(apiUrl => ({
  returnTargets: { web: `${apiUrl}/`, app: `${sample.origin}/` },
  allowedOrigins: [apiUrl, sample.origin],
}));

async function atTheSample(on: Scene, name: string): Promise<Visitor> {
  sample.signsIn(name, on.stack);
  const who = await visitor(on, name);
  await who.page.goto(sample.origin);
  await who.look('the app');
  return who;
}

/** Clicks to open a window, and continues in that window. */
async function opensTheWindow(who: Visitor): Promise<Visitor> {
  const opening = who.page.waitForEvent('popup');
  await who.press('Connect in a window');
  return who.inWindow(await opening);
}

test(
  'an app on another origin navigates to the link and is connected on return',
  scene(async on => {
    const ada = await atTheSample(on, 'ada');
    await ada.press('Connect on this page');
    await ada.pickInWidget('Garmin');
    await ada.approve();

    await ada.sees('Connected: GARMIN');
    await ada.look('connected');
    expect(ada.page.url()).toBe(`${sample.origin}/`);

    await ada.page.reload();
    await ada.sees('Nothing connected yet.');
    expect(await ada.connections()).toMatchObject([{ provider: 'GARMIN', status: 'connected' }]);
  }),
);

test(
  'with a popup the user connects, the popup closes, and the page continues',
  scene(async on => {
    const ben = await atTheSample(on, 'ben');
    const window = await opensTheWindow(ben);
    await window.pickInWidget('Oura');
    const closing = window.page.waitForEvent('close');
    await window.press('Approve');
    await closing;

    await ben.sees('Connected: OURA');
    await ben.look('connected');
    expect(await ben.connections()).toMatchObject([{ provider: 'OURA', status: 'connected' }]);
  }),
);

test(
  'a denial in the popup is shown on the page',
  scene(async on => {
    const cleo = await atTheSample(on, 'cleo');
    const window = await opensTheWindow(cleo);
    await window.pickInWidget('Oura');
    await window.press('Deny');

    await cleo.sees(cleo.page.getByText(/^Not connected: (denied|unknown)$/));
    expect(await cleo.connections()).toEqual([]);
  }),
);

test(
  'closing the popup shows that nothing was connected',
  scene(async on => {
    const dora = await atTheSample(on, 'dora');
    const window = await opensTheWindow(dora);
    await window.sees(window.page.getByRole('heading', { name: 'Connect your device' }));
    await window.page.close();

    await dora.sees('Not connected: you left before finishing.');
    await dora.look('left');
    expect(await dora.connections()).toEqual([]);
  }),
);

test(
  'if the page that opened it is closed, the popup completes the connection',
  scene(async on => {
    const eve = await atTheSample(on, 'eve');
    const window = await opensTheWindow(eve);
    await window.pickInWidget('Oura');
    await eve.page.close();
    await window.approve();

    await window.sees('Connected: OURA');
    expect(await eve.connections()).toMatchObject([{ provider: 'OURA', status: 'connected' }]);
  }),
);

test(
  'a blocked popup shows an error, and no session is opened',
  scene(async on => {
    sample.signsIn('fay', on.stack);
    const fay = await visitor(on, 'fay');
    // A scripted click: the browser opens no window for it.
    await fay.page.addInitScript('addEventListener("load", () => document.querySelector("#popup").click())');
    await fay.page.goto(sample.origin);

    await fay.sees(fay.page.getByText(/^The browser did not let a window open/));
    await fay.look('blocked');
    expect(fay.context.pages()).toHaveLength(1);
    expect(on.stack.sandbox?.history()).toEqual([]);
  }),
);
