import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { HOUR } from '../functions/core/platform/clock';
import { dynamoStore } from '../functions/core/store/dynamo-store';
import { shardOf } from '../functions/core/store/items';
import { readStateToken } from '../functions/core/state/state-token';
import type { LocalStack } from '../local/stack';
import { eventually, person } from './support/person';
import { startSharedStack } from './support/synthesis';

let stack: LocalStack;
let client: DynamoDBClient;
beforeAll(async () => {
  stack = await startSharedStack();
  client = new DynamoDBClient({
    endpoint: stack.table.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});
afterAll(async () => {
  client?.destroy();
  await stack?.close();
});
afterEach(() => stack.sandbox?.reset({ keepUsers: true }));

const sandbox = () => {
  if (!stack.sandbox) throw new Error('these tests need the sandbox');
  return stack.sandbox;
};
const connectionIs = (status: string) => (connections: Record<string, unknown>[]) => connections[0]?.status === status;

/** Moves all sessions of an owner back in time, instead of waiting. */
async function age(callback: string, by: number): Promise<void> {
  const stateToken = readStateToken(new URL(callback).pathname.split('/').at(-2));
  if (!stateToken) throw new Error('no state in the callback');
  const records = await dynamoStore(client, stack.table.name).load(stateToken.referenceId);
  for (const session of records.sessions) {
    const times = {
      createdAt: session.createdAt,
      expiresAt: session.expiresAt,
      finishBy: session.finishBy,
      dueAt: session.dueAt ?? 0,
    };
    const names = Object.keys(times);
    await client.send(
      new UpdateItemCommand({
        TableName: stack.table.name,
        Key: { owner: { S: session.owner }, item: { S: `session#${session.id}` } },
        UpdateExpression: `SET ${names.map(name => `${name} = :${name}`).join(', ')}, dueShard = :shard`,
        ExpressionAttributeValues: {
          ...Object.fromEntries(Object.entries(times).map(([name, at]) => [`:${name}`, { N: String(at - by) }])),
          ':shard': { S: shardOf(session.owner) },
        },
      }),
    );
  }
}

test('the widget: a user picks a provider, approves, returns and is connected', async () => {
  const alice = await person(stack, 'alice');
  const session = await alice.open({ language: 'de' });
  expect(session).toMatchObject({ flow: 'widget', status: 'pending' });

  const { status, sent } = await alice.pick(String(session.url), 'GARMIN');
  expect([status, sent.status, sent.session_id]).toEqual([303, 'returned', session.id]);

  const confirmed = await alice.confirm(session.id, sent.code);
  expect(confirmed.status).toBe(200);
  expect(confirmed.headers.get('cache-control')).toBe('no-store');
  expect(confirmed.body).toMatchObject({
    status: 'completed',
    connection: { provider: 'GARMIN', status: 'connected' },
  });
  expect(await alice.session(session.id)).toMatchObject({ status: 'completed', provider: 'GARMIN' });
  expect(await alice.session(session.id)).not.toHaveProperty('url');
});

test('a direct link: a user connects, data arrives, the user disconnects, and the Terra user is deleted', async () => {
  const bob = await person(stack, 'bob');
  const session = await bob.open({ provider: 'oura' });
  const { sent } = await bob.decide(String(session.url));
  await bob.confirm(session.id, sent.code);
  const [connection] = await bob.connections();
  const terraUserId = String(connection?.terraUserId);
  expect(connection).toMatchObject({ status: 'connected', provider: 'OURA', version: expect.any(Number) });

  await sandbox().send(terraUserId, 'daily');
  await eventually(bob.connections, connections => connections[0]?.lastDataAt !== undefined);

  const ended = await bob.call('DELETE', `/v1/connections/${String(connection?.id)}`);
  expect([ended.status, ended.body.status, ended.body.reason]).toEqual([202, 'disconnected', 'owner']);
  expect(
    sandbox()
      .users()
      .some(user => user.userId === terraUserId),
  ).toBe(false);
});

test('the mobile SDK: a phone redeems its token once and is connected', async () => {
  const carol = await person(stack, 'carol');
  const minted = await carol.call('POST', '/v1/tokens', { provider: 'APPLE' });
  expect(minted).toMatchObject({ status: 201, body: { expiresIn: 180 } });

  expect(await carol.redeem(minted.body.token, 'APPLE')).toMatchObject({ success: true });
  expect(await carol.redeem(minted.body.token, 'APPLE')).toMatchObject({ success: false });

  await eventually(carol.connections, connectionIs('connected'));
});

test('denied: the browser gets the reason, and nothing is connected', async () => {
  const dave = await person(stack, 'dave');
  const session = await dave.open({ provider: 'GARMIN' });

  const { sent } = await dave.decide(String(session.url), 'deny');

  expect(sent).toMatchObject({ status: 'failed', session_id: session.id });
  expect(sent).not.toHaveProperty('code');
  await sandbox().settled();
  expect(await dave.session(session.id)).toMatchObject({
    status: 'failed',
    failure: expect.stringMatching(/denied|unknown/),
  });
  expect(await dave.connections()).toEqual([]);
});

test('a different user finishes the link: no one is connected, and the Terra user is deleted', async () => {
  const eve = await person(stack, 'eve');
  const frank = await person(stack, 'frank');
  const session = await eve.open({ provider: 'GARMIN' });
  const { sent } = await frank.decide(String(session.url));
  await eventually(eve.connections, connectionIs('unconfirmed'));

  const stolen = await frank.confirm(session.id, sent.code);
  const missing = await frank.confirm('no-such-session-0000000', sent.code);

  expect(stolen.status).toBe(404);
  expect(missing.status).toBe(400);
  expect(await eve.session(session.id)).toMatchObject({ status: 'rejected', failure: 'wrong_owner' });
  expect(await eve.connections()).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
  expect(await frank.connections()).toEqual([]);
  expect((await eve.confirm(session.id, sent.code)).body).toMatchObject({ code: 'session_closed' });
});

test('expired: the sweep closes an unfinished session, and a late browser gets the neutral page', async () => {
  const ivan = await person(stack, 'ivan');
  const session = await ivan.open({ provider: 'GARMIN' });
  const denied = await ivan.decide(String((await ivan.open({ provider: 'OURA' })).url), 'deny');
  await age(denied.callback, 3 * HOUR);
  expect(await ivan.session(session.id)).toMatchObject({ status: 'expired', failure: 'expired' });

  await stack.invokeSchedule('sweep-stale');

  const late = await ivan.decide(String(session.url));
  expect([late.status, late.sent]).toEqual([200, {}]);
  expect(await ivan.session(session.id)).toMatchObject({ status: 'expired' });
});

test('with every webhook lost the widget and the direct link still connect, by the lookup at confirm', async () => {
  sandbox().switchOn('lost-webhook');
  const judy = await person(stack, 'judy');
  const widget = await judy.open();
  const direct = await judy.open({ provider: 'OURA' });

  for (const [session, back] of [
    [widget, await judy.pick(String(widget.url), 'GARMIN')],
    [direct, await judy.decide(String(direct.url))],
  ] as const) {
    expect(await judy.confirm(session.id, back.sent.code)).toMatchObject({
      status: 200,
      body: { status: 'completed' },
    });
  }
  expect(await judy.connections()).toMatchObject([{ status: 'connected' }, { status: 'connected' }]);
});
