import * as fc from 'fast-check';
import { HOUR, MINUTE, SECOND } from '../../../functions/core/platform/clock';
import { sign } from '../../../functions/core/terra/signature';
import { terraEvent, told, WEBHOOK_SECRET } from '../../support/journey';
import { NOON, referenceIdOf, terraUser } from '../../support/world';
import { signedInAs } from './doors';
import { drawing, type Draw } from './draw';
import { check, size } from '../effort';
import { populated, type Population } from './population';

const runs = size(60, 2_000);

const anEvent = (draw: Draw): object => {
  const known = terraUser(10 + draw.below(4));
  const unknown = terraUser(30 + draw.below(3));
  const user = draw.chance(0.7) ? known : unknown;
  const session = draw.chance(0.5) ? { session: `terra-session-${1 + draw.below(6)}` } : {};
  const provider = { provider: draw.pick(['GARMIN', 'OURA', 'APPLE']) };
  return draw.pick<() => object>([
    () => terraEvent.auth(user, { ...session, ...provider }),
    () => terraEvent.authError(user, { ...session, ...provider }),
    () => terraEvent.cancelled(referenceIdOf('alice')),
    () => terraEvent.reauth(draw.chance(0.3) ? null : told(known), told(unknown, provider)),
    () => terraEvent.deauth(user),
    () => terraEvent.revoked(user),
    () => terraEvent.error(user),
    () => terraEvent.permissions(user, draw.pick(['DAILY', 'SLEEP, BODY'])),
    () => terraEvent.data(user),
  ])();
};

/**
 * What the app sees of every user, except what an unsigned time can change: when a row was written, when data came last,
 * and the order of the list.
 */
async function shown({ doors }: Population): Promise<string> {
  const answers: unknown[] = [];
  for (const sub of ['alice', 'mallory']) {
    const { body = '{}' } =
      (await doors.ask({ method: 'GET', path: '/v1/connections', claims: signedInAs(sub) })) ?? {};
    const { connections } = JSON.parse(body) as { connections: Record<string, unknown>[] };
    const rows = connections.map(({ version: _, updatedAt: __, lastDataAt: ___, ...rest }) => JSON.stringify(rest));
    answers.push(rows.toSorted());
  }
  return JSON.stringify(answers);
}

const bystanders = (draw: Draw): [string, string][] =>
  ['x-terra-trace-id', 'terra-reference', 'user-agent', 'x-forwarded-for', 'x-real-ip', 'content-type', 'cookie']
    .filter(() => draw.chance(0.5))
    .map(name => [name, name === 'content-type' ? draw.pick(['application/json', 'image/png']) : draw.hex(12)]);

const scenario = (change: (draw: Draw, ordering: number) => [string, string][]) => async (seed: number) => {
  const draw = drawing(seed);
  const people = await populated();
  const { doors, world } = people;
  const deliveries: { at: number; ordering: number; body: string; signature: string }[] = [];
  const deliver = async ({ body, signature }: (typeof deliveries)[number], headers: [string, string][]) => {
    const answer = await doors.ask({
      method: 'POST',
      path: '/v1/webhooks/terra',
      headers: [['x-terra-signature', signature], ...headers],
      body,
    });
    return answer?.statusCode;
  };

  for (let n = 1 + draw.below(4); n > 0; n--) {
    world.wait(draw.pick([10 * SECOND, MINUTE, HOUR]));
    const at = Math.floor(world.clock() / SECOND);
    const body = JSON.stringify(anEvent(draw));
    const delivery = { at, ordering: at * SECOND, body, signature: sign(body, WEBHOOK_SECRET, at) };
    deliveries.push(delivery);
    const ordering: [string, string] = ['x-terra-ordering-timestamp', String(delivery.ordering)];
    expect(await deliver(delivery, [ordering])).toBe(200);
    const state = doors.state();
    for (let again = 0; again < 3; again++) {
      expect(await deliver(delivery, [...bystanders(draw), ordering])).toBe(200);
      expect(doors.state()).toBe(state);
    }
  }
  world.wait(draw.pick([0, SECOND, HOUR, 20 * HOUR]));
  const before = await shown(people);
  for (let n = 0; n < 8; n++) {
    const delivery = draw.pick(deliveries);
    expect(await deliver(delivery, [...bystanders(draw), ...change(draw, delivery.ordering)])).toBe(200);
  }
  expect(await shown(people)).toBe(before);
};

test(`in ${runs} histories a replay with other trace ids, references and addresses changes no byte, and later no status`, async () => {
  const replay = scenario((_draw, ordering) => [['x-terra-ordering-timestamp', String(ordering)]]);
  await expect(check(fc.nat(), replay, runs)).resolves.toBeUndefined();
});

test(`in ${runs} histories a replay with an older or newer time, or none, changes no status, reason, user or scope`, async () => {
  const replay = scenario((draw, ordering) => {
    const claimed = draw.pick([
      '',
      '0',
      '1000000000000',
      '9999999999999',
      String(NOON + 50 * HOUR),
      String(ordering - draw.below(26 * HOUR)),
      String(ordering + draw.below(HOUR)),
    ]);
    return claimed === '' ? [] : [['x-terra-ordering-timestamp', claimed]];
  });
  await expect(check(fc.nat(), replay, runs)).resolves.toBeUndefined();
});

test.each([
  [
    'can let a mint of the same owner, unused in the 26 hours before, prove a phone if it comes first: the known limit',
    { age: 25 * HOUR, comesFirst: true, status: 'connected' },
  ],
  ['reaches no mint once the event was taken', { age: 25 * HOUR, comesFirst: false, status: 'unconfirmed' }],
  ['reaches no mint older than that', { age: 27 * HOUR, comesFirst: true, status: 'unconfirmed' }],
])('a replay with an older time %s', async (_when, { age, comesFirst, status }) => {
  const { go, world, doors } = await populated();
  const mintedAt = world.clock();
  await go.mint('alice');
  world.wait(age);
  const at = Math.floor(world.clock() / SECOND);
  const body = JSON.stringify(terraEvent.auth(terraUser(30), { provider: 'SAMSUNG' }));
  const post = (ordering: number) =>
    doors.ask({
      method: 'POST',
      path: '/v1/webhooks/terra',
      headers: [
        ['x-terra-signature', sign(body, WEBHOOK_SECRET, at)],
        ['x-terra-ordering-timestamp', String(ordering)],
      ],
      body,
    });
  const phone = async () => (await go.connections('alice')).find(({ provider }) => provider === 'SAMSUNG');

  if (!comesFirst) {
    await post(at * SECOND);
    expect(await phone()).toMatchObject({ status: 'unconfirmed', reason: 'unsolicited' });
  }
  await post(mintedAt);
  expect(await phone()).toMatchObject({ status });
});
