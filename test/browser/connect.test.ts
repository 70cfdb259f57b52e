import { stage } from './stage';
import { visitor } from './visitor';

const scene = stage();

test(
  'the widget: a user picks a provider, approves, and is connected',
  scene(async on => {
    const ada = await visitor(on, 'ada');
    await ada.openDemo();
    await ada.signIn();
    await ada.openWidget();
    await ada.pickInWidget('Garmin');
    await ada.approve();

    await ada.sees('Garmin is connected');
    await ada.seesConnection('Garmin', 'Connected');
    expect(ada.page.url()).toBe(`${on.apiUrl}/`);
    expect(await ada.connections()).toMatchObject([{ provider: 'GARMIN', status: 'connected' }]);
  }),
);

test(
  'a direct link: a user connects and disconnects',
  scene(async on => {
    const ben = await visitor(on, 'ben');
    await ben.openDemo();
    await ben.signIn();
    await ben.goStraightTo('Oura');
    await ben.approve();
    await ben.sees('Oura is connected');
    await ben.seesConnection('Oura', 'Connected');

    await ben.press('Disconnect Oura');

    await ben.sees('Oura is disconnected');
    await ben.sees('Nothing is connected now');
    await ben.look('disconnected');
    expect(await ben.connections()).toMatchObject([{ provider: 'OURA', reason: 'owner' }]);
  }),
);

test(
  'a popup: the page that opened it continues when the user returns',
  scene(async on => {
    const abe = await visitor(on, 'abe');
    await abe.openDemo();
    await abe.signIn();
    await abe.press(abe.page.getByText(/^Open Terra in a separate window/));
    const opening = abe.page.waitForEvent('popup');
    await abe.press(abe.page.getByRole('button', { name: /^Open the widget/ }));
    const window = abe.inWindow(await opening);
    await window.pickInWidget('Garmin');
    const closing = window.page.waitForEvent('close');
    await window.press('Approve');
    await closing;

    await abe.sees('Garmin is connected');
    await abe.seesConnection('Garmin', 'Connected');
    expect(await abe.connections()).toMatchObject([{ provider: 'GARMIN', status: 'connected' }]);
  }),
);

test(
  'a denial at the provider is shown, and nothing is connected',
  scene(async on => {
    const cleo = await visitor(on, 'cleo');
    await cleo.openDemo();
    await cleo.signIn();
    await cleo.goStraightTo('Garmin');
    await cleo.deny();

    await cleo.sees('You denied access at the provider');
    await cleo.sees('Nothing is connected to cleo yet');
    await cleo.look('denied');
    expect(await cleo.connections()).toEqual([]);

    await cleo.press('Start again');
    await cleo.approve();
    await cleo.seesConnection('Garmin', 'Connected');
  }),
);

test(
  'an SDK provider picked in the widget continues on the phone',
  scene(
    async on => {
      const dora = await visitor(on, 'dora');
      await dora.openDemo();
      await dora.signIn();
      await dora.openWidget();
      await dora.pickInWidget('Apple Health');

      await dora.sees('Apple Health connects on the phone');
      await dora.look('sent to the phone');
      expect(await dora.connections()).toEqual([]);
      await dora.press('Continue on the phone');
      await dora.press('Mint a token');
      await dora.look('token minted');
      await dora.press('Connect on the phone');
      await dora.sees('The phone is connected');
      await dora.seesConnection('Apple Health', 'Connected');

      await dora.press('Reuse the token');
      await dora.sees('Rejected');
      await dora.look('token reused');
      expect(await dora.connections()).toHaveLength(1);
    },
    { answers: [/^POST \/sandbox\/phone\/connect 401$/] },
  ),
);
