import { type Client, createClient, type Open, takeReturn } from '../../client/index';
import type { Page } from '../../client/browser';
import type { LocalStack } from '../../local/stack';
import { person } from '../support/person';
import { failureOf } from './answering';
import { startSharedStack } from '../support/synthesis';

let stack: LocalStack;
beforeAll(async () => {
  stack = await startSharedStack();
});
afterAll(async () => stack?.close());
afterEach(() => stack.sandbox?.reset({ keepUsers: true }));

const clientOf = (name: string): Client => createClient({ apiUrl: stack.apiUrl, token: () => stack.token(name) });

/** A browser in which the user decides at the provider of a direct link, and returns to the app. */
function deciding(decision: 'approve' | 'deny', seen: (url: string) => void = () => {}): Open {
  return async url => {
    const { callback } = await (await person(stack, 'anybody')).decide(url, decision);
    const back = await fetch(callback, { redirect: 'manual' });
    const returnUrl = back.headers.get('location') ?? undefined;
    if (returnUrl !== undefined) seen(returnUrl);
    return returnUrl;
  };
}
const wish = { returnTo: 'web', provider: 'GARMIN' };

test('a user connects, lists the connection, disconnects and is erased', async () => {
  const ann = clientOf('ann');
  const outcome = await ann.connect({ ...wish, open: deciding('approve') });
  expect(outcome).toMatchObject({ kind: 'connected', connection: { provider: 'GARMIN', status: 'connected' } });
  const [connection] = await ann.connections();
  expect(outcome).toMatchObject({ connection: { id: connection?.id } });
  expect(await ann.connection(connection?.id ?? '')).toEqual(connection);
  expect(await ann.session(outcome.sessionId)).toMatchObject({ status: 'completed', connectionId: connection?.id });
  expect((await ann.disconnect(connection?.id ?? '')).status).toMatch(/^disconnect/);
  expect(await ann.providers()).toEqual(
    expect.arrayContaining([expect.objectContaining({ id: 'GARMIN', kind: 'web' })]),
  );
  await ann.eraseMe();
});

test('a return is removed from the address, and stays connected if it is finished again after a reload', async () => {
  const bea = clientOf('bea');
  let returnUrl = '';
  await bea.connect({ ...wish, open: deciding('approve', url => (returnUrl = url)) });
  const location = { href: returnUrl };
  const history = { state: null, replaceState: (_: unknown, __: string, url: string) => (location.href = url) };
  const returned = takeReturn({ location, history } as unknown as Page);
  expect(location.href).toBe(`${stack.apiUrl}/`);
  expect(await bea.finish(returned ?? '')).toMatchObject({ kind: 'connected' });
  expect(await bea.finish(returnUrl)).toMatchObject({ kind: 'connected' });
  expect(await bea.connections()).toHaveLength(1);
});

test('a denial is reported', async () => {
  expect(await clientOf('dan').connect({ ...wish, open: deciding('deny') })).toMatchObject({ kind: 'failed' });
});

test('a link that a different user finishes connects no one, and both users get an error', async () => {
  let returnUrl = '';
  const eve = clientOf('eve');
  const handedOver: Open = async url => {
    await deciding('approve', back => (returnUrl = back))(url, { sessionId: '', session: () => Promise.reject() });
    expect(await clientOf('fay').finish(returnUrl)).toMatchObject({ kind: 'failed', failure: 'wrong_owner' });
    return undefined;
  };
  expect(await eve.connect({ ...wish, open: handedOver })).toMatchObject({ kind: 'failed', failure: 'wrong_owner' });
});

test('a user who left can return to the same link', async () => {
  const gus = clientOf('gus');
  const outcome = await gus.connect({ ...wish, open: async () => undefined });
  expect(outcome.kind).toBe('left');
  const { url, status } = await gus.session(outcome.sessionId);
  expect(status).toBe('pending');
  const attempt = { sessionId: outcome.sessionId, session: () => gus.session(outcome.sessionId) };
  const returnUrl = await deciding('approve')(url ?? '', attempt);
  expect(await gus.finish(returnUrl ?? '')).toMatchObject({ kind: 'connected' });
});

test('one idempotency key opens one session, and a different body with it is refused', async () => {
  const hal = clientOf('hal');
  const idempotencyKey = 'a-key-of-the-app';
  const { id } = await hal.openSession({ ...wish, idempotencyKey });
  expect((await hal.openSession({ ...wish, idempotencyKey })).id).toBe(id);
  const other = hal.openSession({ returnTo: 'web', idempotencyKey });
  expect(await failureOf(other)).toMatchObject({ code: 'idempotency_conflict', status: 409 });
});

test('a token for the phone is returned, and an expired sign-in is renewed once', async () => {
  const asked: unknown[] = [];
  const ida = createClient({
    apiUrl: stack.apiUrl,
    token: async wished => {
      asked.push(Object.keys(wished));
      return stack.token('ida', wished.rejected === undefined ? { exp: 1 } : {});
    },
  });
  expect(await ida.mintToken({ provider: 'APPLE' })).toMatchObject({ expiresIn: 180 });
  expect(asked).toEqual([[], ['rejected']]);
});

test('refusals of the API and of the gateway have their codes', async () => {
  const jan = clientOf('jan');
  const nowhere = createClient({ apiUrl: `${stack.apiUrl}/nowhere`, token: () => stack.token('jan') });
  const refusals: [() => Promise<unknown>, object][] = [
    [() => jan.openSession({ returnTo: 'nowhere' }), { code: 'invalid_request', status: 400 }],
    [() => jan.openSession({ returnTo: 'web', provider: 'NOT_ONE' }), { code: 'terra_rejected', status: 502 }],
    [() => jan.session('unknown'), { code: 'not_found', status: 404 }],
    [() => jan.confirm('unknown', 'no code'), { code: 'code_invalid', status: 400 }],
    [() => nowhere.connections(), { code: 'not_found', status: 404 }],
    [() => createClient({ apiUrl: stack.apiUrl, token: () => 'forged' }).connections(), { code: 'unauthenticated' }],
    [() => createClient({ apiUrl: stack.issuerUrl, token: () => 'token' }).connections(), { name: 'ConnectError' }],
  ];
  for (const [refused, expected] of refusals) expect(await failureOf(refused())).toMatchObject(expected);
});
