import * as fc from 'fast-check';
import { Problem } from '../../../functions/core/http/errors';
import type { Secret, WebhookSecrets } from '../../../functions/core/platform/secrets';
import { receiveDelivery } from '../../../functions/receive-webhook';
import { NOON, world as newWorld } from '../../support/world';
import { drawing } from './draw';
import { check, size } from '../effort';
import { type Delivery, mutations, original, RETIRED, SECRET } from './mutants';

const always = (value: WebhookSecrets): Secret<WebhookSecrets> => ({
  read: async () => value,
  reread: async () => value,
});
const secrets = always({ current: SECRET, previous: { secret: RETIRED, validUntil: NOON } });

const world = newWorld();
const deps = { ...world, secrets };

/** The way of a delivery down to the verdict; what lies behind finds an empty table. */
const take = ({ headers, body }: Delivery, from = deps) =>
  receiveDelivery({ path: {}, query: {}, headers, body: undefined, rawBody: body, note: () => {} }, from);

async function verdictOn(delivery: Delivery): Promise<string> {
  try {
    return (await take(delivery)).status === 200 ? 'accepted' : 'another answer';
  } catch (error) {
    const isRefusal = error instanceof Problem && error.code === 'unauthenticated';
    return isRefusal && error.message === 'The signature was not accepted.' ? 'refused' : `thrown: ${String(error)}`;
  }
}

const names = Object.keys(mutations);
const runs = size(20_000, 1_000_000);

test(`${runs} deliveries altered in ${names.length} ways are refused, and each original is accepted`, async () => {
  const tried = new Map<string, number>();
  const spoiled = fc.record({ way: fc.constantFrom(...names), seed: fc.nat() });
  await check(
    spoiled,
    async ({ way, seed }) => {
      const draw = drawing(seed);
      const authentic = original(draw);
      const mutant = mutations[way]?.(authentic, draw) ?? authentic;

      const verdicts = [await verdictOn(authentic), await verdictOn(mutant)];

      if (verdicts.join() !== 'accepted,refused') throw new Error(`${verdicts.join()}: ${JSON.stringify(mutant)}`);
      tried.set(way, (tried.get(way) ?? 0) + 1);
    },
    runs,
  );
  expect([...tried.keys()].toSorted()).toEqual(names.toSorted());
  expect(names.length).toBeGreaterThanOrEqual(24);
});

test.each([
  [
    '1723808700',
    '{"type":"healthcheck","status":"success"}',
    '85dcefd01e47386e0a77c085c7644ff69b9b5b45c512c3a0b00855be09d30c23',
  ],
  [
    '1764000000',
    '{"type":"deauth","status":"success","message":"User has deauthenticated","user":{"user_id":"40f7b0e1-89e2-43ac-a5b8-1e29c8d47cad","provider":"GARMIN","reference_id":"zoë-1"}}',
    '2a1889f59156029118c995bfcdc10430b3237d7a479f537a43dd9c76ed018c25',
  ],
])(
  'the published vector of %s is accepted at its time, and refused one second after 26 hours',
  async (t, text, mac) => {
    const at = (seconds: number) => ({
      ...deps,
      secrets: always({ current: 'terra_test_secret' }),
      clock: () => (Number(t) + seconds) * 1000,
    });
    const delivery = { headers: { 'x-terra-signature': `t=${t},v1=${mac}` }, body: Buffer.from(text) };

    expect((await take(delivery, at(0))).status).toBe(200);
    expect((await take(delivery, at(26 * 3600))).status).toBe(200);
    await expect(take(delivery, at(26 * 3600 + 1))).rejects.toMatchObject({
      code: 'unauthenticated',
      reason: 'too_old',
    });
    await expect(take(delivery, at(-301))).rejects.toMatchObject({ code: 'unauthenticated', reason: 'too_new' });
  },
);

test.each([-26 * 3600 - 1, -26 * 3600, -301, -300, 0, 299, 300, 301])(
  'signed %i seconds from now, it is accepted within 26 hours behind and 300 s ahead',
  async offset => {
    const { sign } = await import('../../../functions/core/terra/signature');
    const body = Buffer.from('{"type":"healthcheck"}');
    const delivery = { headers: { 'terra-signature': sign(body, SECRET, NOON / 1000 + offset) }, body };

    expect(await verdictOn(delivery)).toBe(offset >= -26 * 3600 && offset <= 300 ? 'accepted' : 'refused');
  },
);

test('a delivery that is refused for its form or time reads neither a secret nor the table', async () => {
  const asked = jest.fn();
  const unreachable = {
    ...deps,
    secrets: { read: asked, reread: asked },
    store: new Proxy(world.store, { get: () => asked }),
  };
  const cheap = [
    'no signature header',
    't twice, the same',
    'signed more than 26 hours ago',
    'twin headers that differ',
  ];
  for (const way of [...cheap, 'no body, truly signed']) {
    const draw = drawing(7);
    const mutant = mutations[way]?.(original(draw), draw);
    await expect(take(mutant ?? { headers: {}, body: Buffer.alloc(0) }, unreachable)).rejects.toBeInstanceOf(Problem);
  }
  expect(asked).not.toHaveBeenCalled();
});

test('a forged delivery of any form never reaches the table', async () => {
  const reached = jest.fn();
  const guarded = { ...deps, store: new Proxy(world.store, { get: () => reached }) };
  for (const [index, mutate] of Object.values(mutations).entries()) {
    const draw = drawing(index);
    await take(mutate(original(draw), draw), guarded).catch(() => {});
  }
  expect(reached).not.toHaveBeenCalled();
});
