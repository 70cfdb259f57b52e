import { proveLinking } from './linking';

test('a connection is live only for the user who approved it, and no foreign Terra user is ended', async () => {
  expect(await proveLinking(1)).toBeGreaterThan(100);
});
