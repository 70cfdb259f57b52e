import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import * as fc from 'fast-check';
import type { BusEvent } from '../../local/aws/eventbridge/bus';
import type { LocalStack } from '../../local/stack';
import { holds } from '../proofs/effort';
import { eventually, person } from '../support/person';
import { byLink, comeBack, decideAndLeave, deliveriesOf, openConsentPage } from '../scenarios/steps';
import { startSharedStack } from '../support/synthesis';

/*
 * The consumer that docs/integrate.md shows, as it is printed there, with the events of the bus and the data of a running
 * stack. The sandbox has one destination, so the data that it delivers there is handed to the consumer as well.
 */

type Payload = { user: { user_id: string; reference_id: string } };
type Consumer = {
  connectionEvent(event: object): void;
  terraData(payload: Payload): 'stored' | 'held' | 'dropped';
};
type HealthData = (options: {
  store: (sub: string, payload: Payload) => void;
  holdMs?: number;
  now?: () => number;
}) => Consumer;

const guide = readFileSync(join(__dirname, '../../docs/integrate.md'), 'utf8');
const [, sample = ''] = /^```js\n(.*?)^```$/ms.exec(guide) ?? [];
const healthData = runInThisContext(`(${sample.replace('export ', '')})`) as HealthData;

const HOLD_MS = 2 * 60 * 60 * 1000;

let stack: LocalStack;
beforeAll(async () => {
  stack = await startSharedStack();
});
afterAll(() => stack?.close());
afterEach(() => stack?.sandbox?.reset());

const sandboxOf = ({ sandbox }: LocalStack) => {
  if (!sandbox) throw new Error('these tests need the sandbox');
  return sandbox;
};

/** A consumer that is given what the bus has for one user, and a clock that can be moved. */
function consumer(sub: string) {
  const stored: [sub: string, terraUserId: string][] = [];
  let wait = 0;
  let fed = 0;
  const app = healthData({
    store: (owner, payload) => void stored.push([owner, payload.user.user_id]),
    now: () => Date.now() + wait,
  });
  const events = () =>
    stack
      .events()
      .filter(({ 'detail-type': type, detail }) => type.startsWith('connection.') && ownerOf(detail).sub === sub);
  return {
    app,
    stored,
    events,
    /** Feeds the events up to the first of this name that is new. */
    async hear(name: string): Promise<BusEvent> {
      const isNew = (event: BusEvent, at: number) => at >= fed && event['detail-type'] === `connection.${name}`;
      const all = await eventually(
        async () => events(),
        heard => heard.some(isNew),
      );
      const until = all.findIndex(isNew);
      for (const event of all.slice(fed, until + 1)) app.connectionEvent(event);
      fed = until + 1;
      return all[until] as BusEvent;
    },
    wait: (ms: number) => {
      wait += ms;
    },
  };
}

const ownerOf = (detail: BusEvent['detail']) => detail.owner as { sub?: string; referenceId: string };
const connectionOf = (event: BusEvent) => event.detail.connection as Record<string, unknown>;

/** The Terra user that was approved last, and the data that Terra delivers for it. */
async function dataOf(userId: string): Promise<Payload> {
  const sandbox = sandboxOf(stack);
  await sandbox.send(userId, 'daily');
  await sandbox.settled();
  return JSON.parse(deliveriesOf(sandbox, 'daily').at(-1)?.body ?? '') as Payload;
}
const newestUser = () => sandboxOf(stack).users().at(-1)?.userId ?? '';

test.each(['direct', 'widget'] as const)(
  'data of a user who approved a forwarded %s link in another browser is never stored for the user who opened it',
  async flow => {
    const mallory = await person(stack, `mallory-${flow}`);
    const { app, stored, hear, wait } = consumer(mallory.name);
    const { consentUrl } = await openConsentPage(mallory, flow);
    await decideAndLeave(consentUrl, 'approve', { account: 'stranger@garmin.example' });
    await sandboxOf(stack).settled();
    const payload = await dataOf(newestUser());
    expect(app.terraData(payload)).toBe('held');

    const unconfirmed = await hear('unconfirmed');

    // A consumer that decides by reference id would store it for Mallory.
    expect(ownerOf(unconfirmed.detail)).toEqual({ sub: mallory.name, referenceId: payload.user.reference_id });
    expect(app.terraData(payload)).toBe('held');
    const [connection] = await mallory.connections();
    await mallory.call('DELETE', `/v1/connections/${String(connection?.id)}`);
    await hear('disconnected');
    wait(HOLD_MS);
    app.terraData(payload);
    expect(stored).toEqual([]);
  },
);

test('data of a link that is used a second time is dropped once its connection is no longer confirmed', async () => {
  const sandbox = sandboxOf(stack);
  sandbox.switchOn('link-used-twice');
  const mallory = await person(stack, 'mallory-twice');
  const { app, stored, hear } = consumer(mallory.name);
  const { session, consentUrl } = await openConsentPage(mallory, 'direct');
  const { code } = await comeBack(await decideAndLeave(consentUrl, 'approve'));
  await mallory.confirm(session.id, code);
  await hear('connected');
  const terraUserId = newestUser();

  await decideAndLeave(consentUrl, 'approve', { account: 'stranger@garmin.example' });
  await sandbox.settled();
  await hear('unconfirmed');

  expect(newestUser()).toBe(terraUserId);
  expect(app.terraData(await dataOf(terraUserId))).toBe('dropped');
  expect(stored).toEqual([]);
});

test('data before connection.connected is held and then stored, and after disconnecting it is dropped', async () => {
  const ana = await person(stack, 'ana');
  const { app, stored, hear } = consumer('ana');
  const { session, consentUrl } = await openConsentPage(ana, 'direct');
  const callback = await decideAndLeave(consentUrl, 'approve');
  await sandboxOf(stack).settled();
  const terraUserId = newestUser();
  const payload = await dataOf(terraUserId);
  expect(app.terraData(payload)).toBe('held');

  const { code } = await comeBack(callback);
  await ana.confirm(session.id, code);
  const connected = await hear('connected');

  expect(stored).toEqual([['ana', terraUserId]]);
  expect(app.terraData(payload)).toBe('stored');
  await ana.call('DELETE', `/v1/connections/${String(connectionOf(connected).id)}`);
  await hear('disconnecting');
  expect(app.terraData(payload)).toBe('dropped');
  expect(stored).toHaveLength(2);
});

test('held data is dropped after two hours', async () => {
  const eve = await person(stack, 'eve');
  const { app, stored, hear, wait } = consumer('eve');
  const { session, consentUrl } = await openConsentPage(eve, 'direct');
  const callback = await decideAndLeave(consentUrl, 'approve');
  await sandboxOf(stack).settled();
  app.terraData(await dataOf(newestUser()));
  wait(HOLD_MS);
  const { code } = await comeBack(callback);
  await eve.confirm(session.id, code);
  await hear('connected');

  expect(stored).toEqual([]);
});

test('after a reauthorization the new Terra user’s data is stored, and the old one’s is not, in any order of events', async () => {
  const ben = await person(stack, 'ben');
  const { app, stored, hear, events } = consumer('ben');
  await byLink(ben);
  const old = newestUser();
  const oldData = await dataOf(old);
  await hear('connected');
  expect(app.terraData(oldData)).toBe('stored');

  await byLink(ben);
  await sandboxOf(stack).settled();
  const next = newestUser();
  const nextData = await dataOf(next);
  expect(next).not.toBe(old);
  expect(app.terraData(nextData)).toBe('held');
  const reauthorized = await hear('reauthorized');

  expect(connectionOf(reauthorized)).toMatchObject({ terraUserId: next, status: 'connected' });
  expect([app.terraData(nextData), app.terraData(oldData)]).toEqual(['stored', 'dropped']);
  expect(stored.map(([sub]) => sub)).toEqual(['ben', 'ben', 'ben']);

  const all = events();
  const anyOrder = fc.tuple(fc.shuffledSubarray(all), fc.shuffledSubarray(all, { minLength: all.length }));
  await holds(
    fc.property(anyOrder, ([some, every]) => {
      const owners: string[] = [];
      const other = healthData({ store: sub => void owners.push(sub) });
      for (const event of [...some, ...every]) {
        other.connectionEvent(event);
        for (const payload of [oldData, nextData]) other.terraData(payload);
      }
      expect(other.terraData(nextData)).toBe('stored');
      expect(other.terraData(oldData)).not.toBe('stored');
      expect(new Set(owners)).toEqual(new Set(['ben']));
    }),
    200,
    2_000,
  );
});
