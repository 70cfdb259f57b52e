import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { DeleteMessageCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DeadLetter } from '../functions/core/events/dead-letter';
import { dynamoStore } from '../functions/core/store/dynamo-store';
import { eventBridge } from '../functions/core/events/event-bus';
import { itemKey } from '../functions/core/store/table';
import { readStateToken } from '../functions/core/state/state-token';
import { redrive } from '../functions/publish-changes';
import type { BusEvent } from '../local/aws/eventbridge/bus';
import type { LocalStack } from '../local/stack';
import { type StreamRecord, streamOf } from '../local/aws/dynamodb/stream';
import { eventually, person } from './support/person';
import { startSharedStack } from './support/synthesis';

type Told = BusEvent & {
  detail: {
    eventId: string;
    occurredAt: string;
    owner: { sub?: string; referenceId: string };
    version: number;
    previousStatus?: string;
    connection?: Record<string, unknown>;
    session?: Record<string, unknown>;
  };
};

let stack: LocalStack;
let table: DynamoDBClient;
let queues: SQSClient;
let inStream: StreamRecord[] = [];
const secrets = new Set<string>();
const local = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

beforeAll(async () => {
  const record = streamOf('arn:of:the:stream');
  stack = await startSharedStack({ onChange: change => void inStream.push(record(change)) });
  table = new DynamoDBClient({ ...local, endpoint: stack.table.endpoint });
  queues = new SQSClient({ ...local, endpoint: stack.queues.endpoint });
});
afterAll(async () => {
  table?.destroy();
  queues?.destroy();
  await stack?.close();
});
beforeEach(() => {
  inStream = [];
});

const toldOf = (sub: string): Told[] => (stack.events() as Told[]).filter(({ detail }) => detail.owner.sub === sub);
const namesOf = (sub: string): string[] => toldOf(sub).map(event => event['detail-type']);
const told = (sub: string, ...names: string[]) =>
  eventually(
    async () => namesOf(sub),
    heard => names.every(name => heard.includes(name)),
  );
const letters = () => stack.queues.bodies(deadLetterQueue()).map(body => DeadLetter.parse(JSON.parse(body)));
const deadLetterQueue = () => stack.queues.urls.find(url => /-ConnectDeadLetters/.test(url)) ?? 'none';

/** Connects this user to Oura by a direct link. */
async function connected(sub: string) {
  const who = await person(stack, sub);
  const session = await who.open({ provider: 'OURA' });
  const { sent, callback } = await who.decide(String(session.url));
  const state = String(new URL(callback).pathname.split('/').at(-2));
  await who.confirm(session.id, sent.code);
  const [connection] = await who.connections();
  for (const secret of [sent.code, state, who.token, session.url, state.split('.')[2]]) secrets.add(String(secret));
  return { who, session, connection, referenceId: readStateToken(state)?.referenceId ?? '' };
}

/** Connects this user, and then makes the connection's row unreadable. */
async function poisoned(sub: string) {
  const { connection, referenceId } = await connected(sub);
  await told(sub, 'connection.connected');
  const key = { owner: referenceId, item: itemKey.connection(String(connection?.terraUserId)) };
  const stored = { owner: { S: key.owner }, item: { S: key.item } };
  const { Item: item } = await table.send(new GetItemCommand({ TableName: stack.table.name, Key: stored }));

  await table.send(new PutItemCommand({ TableName: stack.table.name, Item: { ...stored, facts: { S: 'poison' } } }));
  await eventually(
    async () => letters(),
    found => found.some(letter => letter.row.item === key.item),
  );
  return { key, item };
}

test('connecting publishes session.completed once, connection.unconfirmed and then connection.connected', async () => {
  const { session, connection, referenceId } = await connected('alice');

  await told('alice', 'session.completed', 'connection.connected');
  const events = toldOf('alice');
  expect(
    namesOf('alice')
      .filter(name => name !== 'connection.unconfirmed')
      .toSorted(),
  ).toEqual(['connection.connected', 'session.completed']);
  const completed = events.find(event => event['detail-type'] === 'session.completed');
  expect(completed).toMatchObject({
    source: 'terra-connect',
    bus: 'terra-connect-local',
    detail: {
      eventId: `${String(session.id)}:${completed?.detail.version}`,
      owner: { sub: 'alice', referenceId },
      previousStatus: 'returned',
      session: { id: session.id, flow: 'direct', status: 'completed', provider: 'OURA', connectionId: connection?.id },
    },
  });
  const now = events.find(event => event['detail-type'] === 'connection.connected');
  expect(now?.detail).toMatchObject({
    eventId: expect.stringMatching(new RegExp(`^${String(connection?.id)}:\\d+$`)),
    // A repeated event of the same authentication may have written the row again, without a new status.
    connection: { ...connection, version: expect.any(Number), updatedAt: expect.any(String) },
  });
});

test('no event contains the Terra user id before the connection is connected', async () => {
  const who = await person(stack, 'boris');
  const session = await who.open({ provider: 'OURA' });
  await who.decide(String(session.url));
  await told('boris', 'connection.unconfirmed');

  const [unconfirmed] = toldOf('boris');
  expect(unconfirmed?.detail.connection).toMatchObject({ status: 'unconfirmed', reason: 'awaiting_confirmation' });
  expect(unconfirmed?.detail.connection).not.toHaveProperty('terraUserId');
  for (const user of stack.sandbox?.users() ?? []) expect(JSON.stringify(unconfirmed)).not.toContain(user.userId);
});

test('a repeated stream delivery publishes the same events with the same ids', async () => {
  await connected('carol');
  await told('carol', 'session.completed', 'connection.connected');
  const once = toldOf('carol');

  const { outcome } = await stack.invoke('publish-changes', { Records: inStream });

  const twice = toldOf('carol').slice(once.length);
  expect(outcome).toEqual({ ok: true, payload: '{"batchItemFailures":[]}' });
  const inOrderOfIds = (events: Told[]) =>
    events
      .map(event => ({ name: event['detail-type'], detail: event.detail }))
      .toSorted((a, b) => a.detail.eventId.localeCompare(b.detail.eventId));
  expect(inOrderOfIds(twice)).toEqual(inOrderOfIds(once));
});

test('a disconnect publishes two events: at once, and when Terra agreed', async () => {
  const { who, connection } = await connected('dora');

  await who.call('DELETE', `/v1/connections/${String(connection?.id)}`);

  await told('dora', 'connection.disconnected');
  const [stopping, stopped] = toldOf('dora').slice(-2);
  expect([stopping?.['detail-type'], stopping?.detail.previousStatus]).toEqual([
    'connection.disconnecting',
    'connected',
  ]);
  expect([stopped?.['detail-type'], stopped?.detail.previousStatus]).toEqual([
    'connection.disconnected',
    'disconnecting',
  ]);
  expect(stopped?.detail.version).toBeGreaterThan(stopping?.detail.version ?? 0);
  expect(stopped?.detail.connection).toMatchObject({ reason: 'owner' });
});

test('an unreadable row becomes a dead letter, and the next change is published', async () => {
  const { key } = await poisoned('emil');

  await connected('frieda');

  await told('frieda', 'session.completed', 'connection.connected');
  expect(letters()).toContainEqual({ row: key, reason: 'unreadable', at: expect.any(Number) });
});

test('a redrive publishes the row’s present state, and nothing for a deleted row', async () => {
  const { key, item } = await poisoned('gerd');
  const letter = letters().find(({ row }) => row.item === key.item);
  if (!letter) throw new Error('there was no letter');
  const version = Number(item?.version?.N) + 7;
  const mended = { ...item, version: { N: String(version) } };
  await table.send(new PutItemCommand({ TableName: stack.table.name, Item: mended }));
  await eventually(
    async () => toldOf('gerd').at(-1)?.detail.version,
    heard => heard === version,
  );
  const before = toldOf('gerd');
  const deps = {
    store: dynamoStore(table, stack.table.name),
    bus: eventBridge(new EventBridgeClient({ ...local, endpoint: stack.bus.endpoint }), stack.bus.name),
    confirmation: 'required' as const,
  };

  expect(await redrive(letter, deps)).toBe('published');
  expect(await redrive({ ...letter, row: { ...key, item: 'connection#gone' } }, deps)).toBe('nothing');

  const after = toldOf('gerd').slice(before.length);
  expect(after).toMatchObject([{ 'detail-type': 'connection.connected', detail: before.at(-1)?.detail }]);
});

test('an operator can read a dead letter and delete it', async () => {
  await poisoned('hanna');
  const waiting = async () => {
    const { Attributes } = await queues.send(
      new GetQueueAttributesCommand({ QueueUrl: deadLetterQueue(), AttributeNames: ['All'] }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages);
  };
  const before = await waiting();

  const { Messages: [message] = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl: deadLetterQueue() }));
  await queues.send(new DeleteMessageCommand({ QueueUrl: deadLetterQueue(), ReceiptHandle: message?.ReceiptHandle }));

  expect(DeadLetter.parse(JSON.parse(message?.Body ?? ''))).toMatchObject({ reason: 'unreadable' });
  expect(await waiting()).toBe(before - 1);
});

test('the local events page shows the published events, without secrets', async () => {
  const page = (await (await fetch(`${stack.apiUrl}/_local/events`)).json()) as { events: unknown[] };

  expect(page.events).toEqual(stack.events());
  expect(page.events.length).toBeGreaterThan(0);
  expect(secrets.size).toBeGreaterThan(10);
  for (const secret of secrets) expect(JSON.stringify(page)).not.toContain(secret);
  expect(JSON.stringify(page)).not.toMatch(/"url"|codeHash|stateHash|bodyHash/);
});
