import { HOUR, MINUTE, SECOND } from '../../../functions/core/platform/clock';
import { journey, terraEvent, told } from '../../support/journey';
import { terraUser, world as newWorld } from '../../support/world';
import * as fc from 'fast-check';
import { holds, same } from './proof';
import { outcome, play, scenarios } from './scenario';

test('events in any order, repeated or interrupted by a crash, lead to the same state (I10, I11, I12)', async () => {
  await holds(
    fc.asyncProperty(scenarios(), async scenario => {
      const once = await outcome(await play(scenario, 'as told'));
      const shuffled = await outcome(await play(scenario, 'shuffled'));
      expect(same(shuffled, once)).toBe(true);
    }),
    1_000,
    20_000,
  );
});

test('a phone that reconnects by a token stays connected, whenever the end of its old connection is reported', async () => {
  const phone = { provider: 'APPLE' };
  for (const order of [
    ['deauth', 'auth'],
    ['auth', 'deauth'],
  ] as const) {
    const world = newWorld();
    const go = journey(world);
    await go.mint('alice');
    await go.deliver(terraEvent.auth(terraUser(7), phone));
    world.wait(HOUR);
    await go.mint('alice');
    const at = { deauth: world.clock(), auth: world.clock() + 5 * SECOND };
    world.wait(MINUTE);
    for (const kind of order) await go.deliver(terraEvent[kind](terraUser(7), phone), { ordering: at[kind] });

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  }
});

test('a Terra user that replaces its own replacement is shown again, under the connection’s first id', async () => {
  const [first, second] = [terraUser(1), terraUser(2)];
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const world = newWorld({ confirmation: 'off' });
    const go = journey(world);
    await go.open('alice');
    await go.deliver(terraEvent.auth(first, { session: 'terra-session-1' }));
    const [before] = await go.connections('alice');
    const reauths = [terraEvent.reauth(told(first), told(second)), terraEvent.reauth(told(second), told(first))];
    const start = world.clock();
    world.wait(3 * HOUR);
    for (const n of order) await go.deliver(reauths[n] ?? {}, { ordering: start + (n + 1) * HOUR });

    expect(await go.connections('alice')).toMatchObject([{ terraUserId: first, status: 'connected' }]);
    expect(await go.disconnect('alice', before?.id ?? '')).toMatchObject({ status: 'disconnected', reason: 'owner' });
    expect(world.terra.asked('deauthenticate')).toEqual([first]);
  }
});

test('an authentication that names no session belongs to the only open one, and to none if several are open', async () => {
  for (const [sessions, reason] of [
    [1, 'awaiting_confirmation'],
    [2, 'unsolicited'],
  ] as const) {
    const go = journey(newWorld());
    for (let n = 0; n < sessions; n++) await go.open('alice');
    await go.deliver(terraEvent.auth(terraUser(1)));

    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed', reason }]);
  }
});
