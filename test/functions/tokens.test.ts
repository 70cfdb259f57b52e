import { HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { journey, terraEvent, told } from '../support/journey';
import { codeOf, referenceIdOf, terraUser, world as newWorld } from '../support/world';

const PHONE = terraUser(7);
const apple = { provider: 'APPLE' };

const setting = (options = {}) => {
  const world = newWorld(options);
  return { world, go: journey(world) };
};

test('a token is returned with its reference id and expiry', async () => {
  const { go, world } = setting();

  expect(await go.mint('alice')).toEqual({
    status: 201,
    body: {
      token: 'token-1',
      referenceId: referenceIdOf('alice'),
      expiresIn: 180,
      expiresAt: new Date(world.clock() + 180_000).toISOString(),
    },
  });
});

test('the token itself is not stored', async () => {
  const { go, world } = setting();
  const { body } = await go.mint('alice');

  expect(JSON.stringify([...world.store.items])).not.toContain(body.token);
});

test('a web provider needs no token', async () => {
  expect(await codeOf(setting().go.mint('alice', 'GARMIN'))).toBe('provider_unavailable');
});

test('a phone that connects before its token expires is proved', async () => {
  const { go, world } = setting();
  await go.mint('alice', 'APPLE');
  world.wait(MINUTE);

  expect(await go.deliver(terraEvent.auth(PHONE, apple))).toBe('applied');
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected', provider: 'APPLE', terraUserId: PHONE }]);
});

test('a webhook that is a day late still proves the phone, because the event’s time counts', async () => {
  const { go, world } = setting();
  await go.mint('alice');
  const connectedAt = world.clock() + MINUTE;
  world.wait(25 * HOUR);

  await go.deliver(terraEvent.auth(PHONE, apple), { ordering: connectedAt });
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
});

test('one token proves one phone', async () => {
  const { go, world } = setting();
  await go.mint('alice');
  await go.deliver(terraEvent.auth(PHONE, apple));
  world.wait(SECOND);
  await go.deliver(terraEvent.auth(terraUser(8), apple));

  expect(await go.connections('alice')).toMatchObject([
    { status: 'unconfirmed', reason: 'unsolicited' },
    { status: 'connected', terraUserId: PHONE },
  ]);
});

test('two phones use two token records, the one that expires first before the other', async () => {
  const { go, world } = setting();
  await go.mint('alice');
  world.wait(10 * SECOND);
  await go.mint('alice');
  await Promise.all([go.deliver(terraEvent.auth(PHONE, apple)), go.deliver(terraEvent.auth(terraUser(8), apple))]);

  expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }, { status: 'connected' }]);
});

test.each([
  ['without a mint', 0, apple, false],
  ['long after the token ended', 180 * SECOND + 121 * SECOND, apple, true],
  ['with another provider than the mint names', MINUTE, { provider: 'SAMSUNG' }, true],
])('a phone that connects %s is not proved', async (_what, after, provider, minted) => {
  const { go, world } = setting();
  if (minted) await go.mint('alice', 'APPLE');
  else await go.open('alice');
  world.wait(after);
  await go.deliver(terraEvent.auth(PHONE, provider));

  expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', reason: 'unsolicited' }]);
});

test('a proved phone that reconnects needs no further token and uses none', async () => {
  const { go, world } = setting();
  await go.mint('alice');
  await go.deliver(terraEvent.auth(PHONE, apple));
  world.wait(HOUR);
  await go.mint('alice');
  await go.deliver(terraEvent.auth(PHONE, apple));
  await go.deliver(terraEvent.auth(terraUser(8), apple));

  expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }, { status: 'connected' }]);
});

test('a reinstalled phone continues the connection under its new Terra user, by a token of its own', async () => {
  const { go, world } = setting();
  await go.mint('alice');
  await go.deliver(terraEvent.auth(PHONE, apple));
  const [before] = await go.connections('alice');
  world.wait(HOUR);
  await go.mint('alice');
  await go.deliver(terraEvent.reauth(told(PHONE, apple), told(terraUser(8), apple)));

  expect(await go.connections('alice')).toMatchObject([
    { id: before?.id, status: 'connected', terraUserId: terraUser(8) },
  ]);
});

test('a user cannot get more tokens than the limit, even by simultaneous requests', async () => {
  const { go } = setting();
  const answers = await Promise.all(Array.from({ length: 100 }, () => codeOf(go.mint('alice'))));

  expect(answers.filter(answer => answer === 'rate_limited')).toHaveLength(90);
});
