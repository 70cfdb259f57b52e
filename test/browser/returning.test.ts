import { stage } from './stage';
import { type Visitor, visitor } from './visitor';

const scene = stage();

const used = { answers: [/^GET \/sandbox\/consent\/[\w-]+ 410$/] };

test(
  'a link whose tab was closed at the provider can be continued in another tab',
  scene(async on => {
    const ada = await visitor(on, 'ada');
    await ada.openDemo();
    await ada.signIn();
    await ada.goStraightTo('Garmin');
    const provider = ada.page.url();
    await ada.page.close();

    const later = await ada.otherTab();
    await later.page.goto(provider);
    await later.approve();
    await later.sees('One more step:');
    await later.look('asked who it is');
    expect(later.page.url()).toBe(`${on.apiUrl}/`);
    expect(await later.connections()).toMatchObject([{ status: 'unconfirmed', needsAction: 'confirm' }]);
    await later.signIn();

    await later.sees('Garmin is connected');
    await later.seesConnection('Garmin', 'Connected');
  }),
);

test(
  'the same callback opened again gives the same code to the same browser, and connects nothing twice',
  scene(async on => {
    const ben = await visitor(on, 'ben');
    await ben.openDemo();
    await ben.signIn();
    await ben.goStraightTo('Garmin');
    const provider = ben.page.url();
    await ben.page.close();
    const later = await ben.otherTab();
    await later.page.goto(provider);
    await later.approve();
    await later.sees('One more step:');

    const { callbacks, codes } = ben.context.watch;
    await later.page.goto(callbacks[0] ?? '');
    await later.sees('One more step:');
    expect(codes).toHaveLength(2);
    expect(codes[1]).toBe(codes[0]);
    await later.signIn();
    await later.seesConnection('Garmin', 'Connected');

    await later.page.goto(callbacks[0] ?? '');
    await later.seesConnection('Garmin', 'Connected');
    expect(new Set(codes).size).toBe(1);
    expect(await later.connections()).toHaveLength(1);
  }),
);

test(
  'going back, forward and reloading after the return connects nothing a second time',
  scene(async on => {
    const cleo = await visitor(on, 'cleo');
    await cleo.openDemo();
    await cleo.signIn();
    await cleo.openWidget();
    await cleo.pickInWidget('Garmin');
    await cleo.approve();
    await cleo.seesConnection('Garmin', 'Connected');
    expect(cleo.page.url()).toBe(`${on.apiUrl}/`);

    await cleo.page.reload();
    await cleo.sees('Garmin is connected');
    await cleo.page.goBack();
    await cleo.sees(cleo.page.getByRole('heading', { name: 'This link was already used' }));
    await cleo.look('back at the provider');
    await cleo.page.goForward();
    await cleo.seesConnection('Garmin', 'Connected');

    expect(cleo.page.url()).toBe(`${on.apiUrl}/`);
    expect(cleo.context.watch.codes).toHaveLength(1);
    expect(await cleo.connections()).toMatchObject([{ status: 'connected' }]);
  }, used),
);

test(
  'one user connects two providers in two tabs at once',
  scene(async on => {
    const dora = await visitor(on, 'dora');
    await dora.openDemo();
    await dora.signIn();
    const other = await dora.otherTab();
    await other.openDemo();
    await other.signIn();

    await dora.openWidget();
    await other.goStraightTo('Oura');
    await dora.pickInWidget('Garmin');
    await Promise.all([other.approve(), dora.approve()]);

    await dora.sees('Garmin is connected');
    await other.sees('Oura is connected');
    for (const tab of [dora, other]) {
      await tab.seesConnection('Garmin', 'Connected');
      await tab.seesConnection('Oura', 'Connected');
    }
    expect(await dora.connections()).toHaveLength(2);
  }),
);

test(
  'a throttled callback is not retried by the browser, and succeeds on reload',
  scene(
    async on => {
      const eli = await visitor(on, 'eli');
      await eli.openDemo();
      await eli.signIn();
      await eli.goStraightTo('Garmin');
      const throttle = await throttleCallbacks(eli);
      await eli.approve();

      await eli.sees('{"message":"Too Many Requests"}');
      await eli.page.waitForTimeout(3000);
      expect(eli.context.watch.callbacks).toHaveLength(1);
      await throttle.end();
      await eli.page.reload();
      await eli.seesConnection('Garmin', 'Connected');
    },
    { answers: [/^GET \/v1\/callback\/\S+ 429$/] },
  ),
);

/** Answers callbacks as the gateway does that throttles them. Playwright's own routes do not see where a page is redirected to. */
async function throttleCallbacks({ page, context }: Visitor): Promise<{ end(): Promise<void> }> {
  const devtools = await context.newCDPSession(page);
  await devtools.send('Fetch.enable', { patterns: [{ urlPattern: '*/v1/callback/*' }] });
  devtools.on('Fetch.requestPaused', ({ requestId }) => {
    const body = Buffer.from('{"message":"Too Many Requests"}').toString('base64');
    const responseHeaders = [{ name: 'content-type', value: 'application/json' }];
    void devtools.send('Fetch.fulfillRequest', { requestId, responseCode: 429, responseHeaders, body });
  });
  return {
    async end() {
      await devtools.send('Fetch.disable');
    },
  };
}

test(
  'a return that Terra does not confirm yet waits on a page that reloads itself',
  scene(async on => {
    on.stack.sandbox?.switchOn('user-info-lags');
    on.stack.sandbox?.switchOn('lost-webhook');
    const dan = await visitor(on, 'dan');
    await dan.openDemo();
    await dan.signIn();
    await dan.openWidget();
    await dan.pickInWidget('Garmin');
    await dan.approve();
    await dan.sees(dan.page.getByRole('heading', { name: 'One moment' }));
    await dan.look('waiting for Terra');
    on.stack.sandbox?.switchOff('user-info-lags');

    await dan.seesConnection('Garmin', 'Connected');
    expect(new Set(dan.context.watch.codes).size).toBe(1);
  }),
);
