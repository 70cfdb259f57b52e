import { randomBytes, randomUUID } from 'node:crypto';
import { writeStateToken } from '../../functions/core/state/state-token';
import type { LocalStack } from '../../local/stack';
import type { TableUse } from '../../local/aws/dynamodb/table-use';
import { withProperties } from '../contract/altered-template';
import { eventually, person } from '../support/person';
import { startSharedStack } from '../support/synthesis';

/** Seconds until the next callback is let through. */
const REFILL_S = 2;

const uses: TableUse[] = [];
let stack: LocalStack;
beforeAll(async () => {
  stack = await startSharedStack({
    // One callback at once, so that a single request of a stranger leaves none for a real browser.
    alter: withProperties('AWS::ApiGatewayV2::Stage', {
      RouteSettings: {
        'GET /v1/callback/{state}/success': { ThrottlingBurstLimit: 1, ThrottlingRateLimit: 1 / REFILL_S },
      },
    }),
    onUse: (use, by) => by === 'complete-callback' && uses.push(use),
  });
  // Starts the function by its other route, so that what follows takes milliseconds.
  await fetch(`${stack.apiUrl}/v1/callback/none/failure`);
});
afterAll(() => stack?.close());

/** A made-up callback: well-formed, but without a session. */
function madeUpCallback(): string {
  const state = writeStateToken({
    referenceId: randomBytes(24).toString('base64url'),
    sessionId: randomBytes(16).toString('base64url'),
    secret: randomBytes(32).toString('base64url'),
  });
  return `${stack.apiUrl}/v1/callback/${state}/success?user_id=${randomUUID()}`;
}

/** Asks until the gateway lets the request through. */
const admitted = (url: string) =>
  eventually(
    () => fetch(url, { redirect: 'manual' }),
    ({ status }) => status !== 429,
  );

// The figure of docs/operations.md.
test('a made-up callback costs one refused write, and one that is throttled costs none', async () => {
  const statuses: number[] = [];
  // On a busy machine the next is let through too.
  while (!statuses.includes(429)) statuses.push((await fetch(madeUpCallback())).status);

  const letThrough = statuses.filter(status => status !== 429);
  expect(letThrough.length).toBeGreaterThan(0);
  expect(new Set(letThrough)).toEqual(new Set([200]));
  expect(uses).toMatchObject(letThrough.map(() => ({ kind: 'write', isRefused: true, before: undefined })));
});

test('a real callback that a flood of made-up ones crowds out succeeds when the page is loaded again', async () => {
  const ada = await person(stack, 'ada');
  const returns = async () => {
    const session = await ada.open({ provider: 'GARMIN' });
    await admitted(madeUpCallback());
    return { session, ...(await ada.decide(String(session.url))) };
  };

  // On a busy machine the browser may come late enough to be let through.
  const { session, callback } = await eventually(returns, ({ status }) => status === 429);

  expect(await ada.session(session.id)).toMatchObject({ status: 'pending' });

  const again = await admitted(callback);

  expect(again.status).toBe(303);
  const code = new URL(again.headers.get('location') ?? '').searchParams.get('code');
  expect((await ada.confirm(session.id, code)).body).toMatchObject({ status: 'completed' });
});
