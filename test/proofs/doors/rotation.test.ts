import * as fc from 'fast-check';
import { Problem } from '../../../functions/core/http/errors';
import { cachedSecret, parseWebhookSecrets } from '../../../functions/core/platform/secrets';
import { sign } from '../../../functions/core/terra/signature';
import { HOUR, isoTime, MINUTE, SECOND } from '../../../functions/core/platform/clock';
import { receiveDelivery } from '../../../functions/receive-webhook';
import { NOON, world as newWorld } from '../../support/world';
import { drawing } from './draw';
import { check, size } from '../effort';

const OLD = 'the-old-secret-0123456789';
const NEW = 'the-new-secret-0123456789';
const BODY = Buffer.from('{"type":"healthcheck"}');
/** A warm function looks a secret up again after this long by itself. */
const FRESH = 5 * MINUTE;
/** And serves what it knows this long while the secrets cannot be reached. */
const GOOD = 15 * MINUTE;

/** A warm function, and the stored secret. */
function setting(value: object = { current: OLD }) {
  const world = newWorld();
  let kept = JSON.stringify(value);
  let failure: Error | undefined;
  let fetches = 0;
  const fetch = async () => {
    fetches++;
    await new Promise(setImmediate);
    if (failure) throw failure;
    return kept;
  };
  const deps = { ...world, secrets: cachedSecret('terra-webhook', fetch, parseWebhookSecrets, world.clock) };
  const deliver = async (secret: string) => {
    const headers = { 'x-terra-signature': sign(BODY, secret, Math.floor(world.clock() / SECOND)) };
    const request = { path: {}, query: {}, headers, body: undefined, rawBody: BODY, note: () => {} };
    return receiveDelivery(request, deps).then(
      () => 'accepted',
      error => (error instanceof Problem ? error.code : String(error)),
    );
  };
  return {
    world,
    deliver,
    put: (next: object) => {
      kept = JSON.stringify(next);
    },
    fail: (error: Error | undefined) => {
      failure = error;
    },
    fetches: () => fetches,
  };
}

test('ten seconds after a rotation every valid delivery is accepted, and none signed with the old secret after its end', async () => {
  const deliveries = size(10_000, 100_000);
  await check(
    fc.nat(),
    async seed => {
      const draw = drawing(seed);
      const { world, deliver, put } = setting();
      const window = 10 * MINUTE + draw.below(HOUR);
      const step = (window * 2) / (deliveries / 10);
      await deliver(OLD);
      world.wait(draw.below(FRESH));
      put({ current: NEW, previous: OLD, previousValidUntil: isoTime(world.clock() + window) });
      const ends = world.clock() + window;
      world.wait(10 * SECOND);
      for (let n = 0; n < deliveries / 10; n++) {
        const isOld = draw.chance(0.5);
        const isValid = !isOld || world.clock() < ends;
        const verdict = await deliver(isOld ? OLD : NEW);
        if (verdict !== (isValid ? 'accepted' : 'unauthenticated'))
          throw new Error(`${isOld ? 'old' : 'new'} ${world.clock() - ends} ms after the end: ${verdict}`);
        world.wait(1 + draw.below(Math.ceil(step)));
      }
      if (world.clock() < ends) world.wait(ends - world.clock());
      expect([await deliver(OLD), await deliver(NEW)]).toEqual(['unauthenticated', 'accepted']);
    },
    10,
  );
});

test('the old secret ends at the configured millisecond', async () => {
  const { world, deliver, put } = setting();
  put({ current: NEW, previous: OLD, previousValidUntil: isoTime(NOON + MINUTE) });

  world.wait(MINUTE - 1);
  expect(await deliver(OLD)).toBe('accepted');
  world.wait(1);
  expect(await deliver(OLD)).toBe('unauthenticated');
});

test('an old secret that is removed without an overlap is accepted for at most five more minutes', async () => {
  const { world, deliver, put } = setting();
  await deliver(OLD);
  put({ current: NEW });

  world.wait(FRESH - 1);
  expect(await deliver(OLD)).toBe('accepted');
  world.wait(1);
  expect(await deliver(OLD)).toBe('unauthenticated');
});

test('and one delivery under the new secret ends it at once', async () => {
  const { world, deliver, put } = setting();
  await deliver(OLD);
  world.wait(10 * SECOND);
  put({ current: NEW });

  expect(await deliver(NEW)).toBe('accepted');
  expect(await deliver(OLD)).toBe('unauthenticated');
});

test('while Secrets Manager does not answer the cached secrets are used for fifteen minutes, then none', async () => {
  const { world, deliver, fail } = setting();
  await deliver(OLD);
  fail(new Error('away'));

  world.wait(GOOD - 1);
  expect(await deliver(OLD)).toBe('accepted');
  world.wait(1);
  expect(await deliver(OLD)).toBe('unavailable');
  fail(undefined);
  expect(await deliver(OLD)).toBe('accepted');
});

test('while Secrets Manager does not answer it is asked once in ten seconds, not for each delivery', async () => {
  const { world, deliver, fail, fetches } = setting();
  await deliver(OLD);
  fail(new Error('away'));
  world.wait(FRESH);
  const before = fetches();

  for (let second = 0; second < 60; second++) {
    expect(await deliver(OLD)).toBe('accepted');
    world.wait(SECOND);
  }
  expect(fetches() - before).toBeLessThanOrEqual(6);
});

test('a wrong signature makes the function read the secret again at most once in ten seconds', async () => {
  const { world, deliver, fetches } = setting();
  await deliver(OLD);
  const before = fetches();

  for (let second = 0; second < 100; second++) {
    for (let n = 0; n < 20; n++) expect(await deliver('nobody’s')).toBe('unauthenticated');
    world.wait(SECOND);
  }
  expect(fetches() - before).toBeLessThanOrEqual(10);
});

test('a flood of wrong signatures delays a new secret by at most ten seconds', async () => {
  const { world, deliver, put } = setting();
  await deliver(OLD);
  world.wait(MINUTE);
  await deliver('nobody’s');
  put({ current: NEW });

  const verdicts: string[] = [];
  for (let second = 0; second <= 10; second++) {
    await deliver('nobody’s');
    verdicts.push(await deliver(NEW));
    world.wait(SECOND);
  }
  expect(verdicts).toEqual([...Array.from({ length: 10 }, () => 'unauthenticated'), 'accepted']);
});

test('simultaneous deliveries share one read of the secret, at the first use and after a wrong signature', async () => {
  const { world, deliver, put, fetches } = setting();

  const first = await Promise.all(Array.from({ length: 200 }, () => deliver(OLD)));
  expect([new Set(first), fetches()]).toEqual([new Set(['accepted']), 1]);

  world.wait(MINUTE);
  put({ current: NEW, previous: OLD, previousValidUntil: isoTime(NOON + HOUR) });
  const mixed = await Promise.all(Array.from({ length: 200 }, (_, n) => deliver(n % 2 === 0 ? NEW : OLD)));
  expect([new Set(mixed), fetches()]).toEqual([new Set(['accepted']), 2]);
});

test.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['not filled yet', '{}'],
  ['no object', '[]'],
  ['a text', '"the-old-secret-0123456789"'],
  ['null', 'null'],
  ['no current one', '{"previous":"the-old-secret-0123456789"}'],
  ['an empty one', '{"current":""}'],
  ['fifteen characters', '{"current":"123456789012345"}'],
  ['white space within', '{"current":"the old secret 0123456789"}'],
  ['a line end behind', '{"current":"the-old-secret-0123456789\\n"}'],
  ['white space before', '{"current":" the-old-secret-0123456789"}'],
  ['no ASCII', '{"current":"thé-old-secret-0123456789"}'],
  ['a control character', '{"current":"the-old-secret-\\u00000123456789"}'],
  ['a number', '{"current":1234567890123456}'],
  ['a list of secrets', '{"current":["the-old-secret-0123456789"]}'],
  ['null for the current one', '{"current":null}'],
  ['too long a one', JSON.stringify({ current: 'x'.repeat(513) })],
  ['a field nobody knows', '{"current":"the-old-secret-0123456789","next":"x"}'],
  [
    'an end that is no time',
    '{"current":"the-old-secret-0123456789","previous":"the-older-secret-012345","previousValidUntil":"soon"}',
  ],
  [
    'a short previous one',
    '{"current":"the-old-secret-0123456789","previous":"x","previousValidUntil":"2027-01-01T00:00:00Z"}',
  ],
])('with a secret that is %s no delivery is accepted', async (_what, text) => {
  const world = newWorld();
  const deps = { ...world, secrets: cachedSecret('terra-webhook', async () => text, parseWebhookSecrets, world.clock) };
  for (const secret of [OLD, '', 'undefined', 'null', text]) {
    const headers = { 'x-terra-signature': sign(BODY, secret, NOON / SECOND) };
    const request = { path: {}, query: {}, headers, body: undefined, rawBody: BODY, note: () => {} };
    await expect(receiveDelivery(request, deps)).rejects.toMatchObject({ code: 'unavailable' });
  }
});

test('a previous secret without an end is not used', async () => {
  const { deliver } = setting({ current: NEW, previous: OLD });

  expect([await deliver(OLD), await deliver(NEW)]).toEqual(['unauthenticated', 'accepted']);
});
