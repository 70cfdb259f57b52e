import { proveLinking } from './linking';

test('no connection is ever live for anybody but the person who approved it, and no foreign user is ended', async () => {
  expect(await proveLinking(1)).toBeGreaterThan(100);
});
