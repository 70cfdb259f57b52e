import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { AbstractValueIterator } from 'abstract-level';
import { table } from '../../functions/core/store/table';
import type { AwsCall } from '../../local/aws/aws-call';
import { type DynamoDb, startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import type { TableChange } from '../../local/aws/dynamodb/table-writer';

const NOON = Date.UTC(2026, 10, 22, 12);
const key = (owner: string, item: string) => ({ owner: { S: owner }, item: { S: item } });

let dynamodb: DynamoDb;
let client: DynamoDBClient;
let changes: TableChange[];
let calls: AwsCall[];
let TableName: string;

beforeEach(async () => {
  changes = [];
  calls = [];
  dynamodb = await startDynamoDb({
    clock: () => NOON,
    onChange: change => changes.push(change),
    onCall: call => void calls.push(call),
  });
  TableName = dynamodb.tableName;
  client = new DynamoDBClient({
    endpoint: dynamodb.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
});

afterEach(async () => {
  client.destroy();
  await dynamodb.close();
});

const put = (item: Record<string, AttributeValue>) => client.send(new PutItemCommand({ TableName, Item: item }));
const get = async (owner: string, item: string) =>
  (await client.send(new GetItemCommand({ TableName, Key: key(owner, item), ConsistentRead: true }))).Item;

test('the table has the keys of functions/core/store/table.ts', async () => {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  const ttl = await client.send(new DescribeTimeToLiveCommand({ TableName }));

  expect(Table?.TableStatus).toBe('ACTIVE');
  expect(Table?.KeySchema?.map(part => part.AttributeName)).toEqual([table.partitionKey, table.sortKey]);
  expect(Table?.GlobalSecondaryIndexes?.map(index => index.IndexName)).toEqual([table.due.index]);
  expect(ttl.TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: table.expiry });
});

test.each(['Put', 'Update', 'Delete'])('a failed condition of a %s returns the item', async kind => {
  await put({ ...key('o', 'i'), version: { N: '1' } });
  const guarded = {
    TableName,
    ConditionExpression: 'version = :v',
    ExpressionAttributeValues: { ':v': { N: '2' } },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  } as const;

  const sent =
    kind === 'Put'
      ? client.send(new PutItemCommand({ ...guarded, Item: key('o', 'i') }))
      : kind === 'Update'
        ? client.send(new UpdateItemCommand({ ...guarded, Key: key('o', 'i') }))
        : client.send(new DeleteItemCommand({ ...guarded, Key: key('o', 'i') }));

  const failure = await sent.catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(ConditionalCheckFailedException);
  expect(failure).toMatchObject({ Item: { ...key('o', 'i'), version: { N: '1' } } });
});

test('a failed condition on an absent item, or without the option, returns no item', async () => {
  const update = (wish: 'ALL_OLD' | 'NONE', owner: string) =>
    client
      .send(
        new UpdateItemCommand({
          TableName,
          Key: key(owner, 'i'),
          ConditionExpression: 'version = :v',
          ExpressionAttributeValues: { ':v': { N: '2' } },
          ReturnValuesOnConditionCheckFailure: wish,
        }),
      )
      .catch((thrown: unknown) => (thrown as ConditionalCheckFailedException).Item);
  await put(key('there', 'i'));

  expect(await update('ALL_OLD', 'absent')).toBeUndefined();
  expect(await update('NONE', 'there')).toBeUndefined();
});

test('of many simultaneous writers with one condition one succeeds, and the others get its item', async () => {
  const writers = Array.from({ length: 20 }, (_, writer) =>
    client
      .send(
        new UpdateItemCommand({
          TableName,
          Key: key('o', 'i'),
          UpdateExpression: 'SET writer = :w',
          ConditionExpression: 'attribute_not_exists(writer)',
          ExpressionAttributeValues: { ':w': { N: `${writer}` } },
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      )
      .then(({ Attributes }) => ({ won: true, seen: Attributes?.writer?.N }))
      .catch((lost: ConditionalCheckFailedException) => ({ won: false, seen: lost.Item?.writer?.N })),
  );
  const outcomes = await Promise.all(writers);

  const winner = outcomes.find(({ won }) => won);
  expect(outcomes.filter(({ won }) => won)).toHaveLength(1);
  expect(new Set(outcomes.map(({ seen }) => seen))).toEqual(new Set([winner?.seen]));
});

test('a map entry grows to a maximum under its own condition', async () => {
  await put({ ...key('o', 's'), authorised: { M: {} } });
  const authorise = (at: number) =>
    client.send(
      new UpdateItemCommand({
        TableName,
        Key: key('o', 's'),
        UpdateExpression: 'SET authorised.#id = :at',
        ConditionExpression: 'attribute_not_exists(authorised.#id) OR authorised.#id < :at',
        ExpressionAttributeNames: { '#id': '0d5f6f1e-terra.user' },
        ExpressionAttributeValues: { ':at': { N: `${at}` } },
      }),
    );

  await authorise(5);
  await authorise(7);
  await expect(authorise(6)).rejects.toThrow(ConditionalCheckFailedException);

  expect((await get('o', 's'))?.authorised).toEqual({ M: { '0d5f6f1e-terra.user': { N: '7' } } });
});

test('size, list_append, if_not_exists, REMOVE and ADD behave as in DynamoDB', async () => {
  await put({
    ...key('o', 'i'),
    authorised: { M: { a: { N: '1' } } },
    notes: { L: [{ S: 'one' }] },
    url: { S: 'https://x' },
  });

  const { Attributes } = await client.send(
    new UpdateItemCommand({
      TableName,
      Key: key('o', 'i'),
      UpdateExpression:
        'SET notes = list_append(notes, :more), seen = if_not_exists(seen, :zero) REMOVE #url ADD hits :one, tags :tags',
      ConditionExpression: 'size(authorised) < :most AND attribute_type(notes, :list)',
      ExpressionAttributeNames: { '#url': 'url' },
      ExpressionAttributeValues: {
        ':more': { L: [{ S: 'two' }] },
        ':zero': { N: '0' },
        ':one': { N: '1' },
        ':tags': { SS: ['x'] },
        ':most': { N: '20' },
        ':list': { S: 'L' },
      },
      ReturnValues: 'ALL_NEW',
    }),
  );

  expect(Attributes).toEqual({
    ...key('o', 'i'),
    authorised: { M: { a: { N: '1' } } },
    notes: { L: [{ S: 'one' }, { S: 'two' }] },
    seen: { N: '0' },
    hits: { N: '1' },
    tags: { SS: ['x'] },
  });
});

test('the due index contains only due rows, in order', async () => {
  const due = (at: number) => ({ dueShard: { S: '3' }, dueAt: { N: `${at}` } });
  await put({ ...key('a', 'late'), ...due(2000), detail: { S: 'not in the index' } });
  await put({ ...key('b', 'early'), ...due(1000) });
  await put(key('c', 'never'));
  const dueBy = async (at: number) => {
    const { Items } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'due',
        KeyConditionExpression: 'dueShard = :shard AND dueAt <= :at',
        ExpressionAttributeValues: { ':shard': { S: '3' }, ':at': { N: `${at}` } },
      }),
    );
    return Items;
  };

  expect(await dueBy(3000)).toEqual([
    { ...key('b', 'early'), ...due(1000) },
    { ...key('a', 'late'), ...due(2000) },
  ]);
  await client.send(
    new UpdateItemCommand({ TableName, Key: key('b', 'early'), UpdateExpression: 'REMOVE dueShard, dueAt' }),
  );
  expect(await dueBy(1500)).toEqual([]);
});

test('a partition larger than 1 MB is read completely, in pages', async () => {
  const items = Array.from({ length: 12 }, (_, at) => `row#${String(at).padStart(2, '0')}`);
  for (const item of items) await put({ ...key('big', item), filler: { S: 'x'.repeat(100_000) } });
  await put(key('bigger', 'row#00'));

  const seen: (string | undefined)[] = [];
  let pages = 0;
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': { S: 'big' } },
        ExclusiveStartKey: from,
      }),
    );
    pages += 1;
    seen.push(...(page.Items ?? []).map(({ item }) => item?.S));
    from = page.LastEvaluatedKey;
  } while (from);

  expect(seen).toEqual(items);
  expect(pages).toBeGreaterThan(1);
});

test('TTL deletes expired rows, logs it, and keeps the rest', async () => {
  const seconds = NOON / 1000;
  await put({ ...key('o', 'expired'), purgeAt: { N: `${seconds - 1}` } });
  await put({ ...key('o', 'alive'), purgeAt: { N: `${seconds + 60}` } });
  await put({ ...key('o', 'no expiry') });
  await put({ ...key('o', 'milliseconds by mistake'), purgeAt: { N: '1' } });
  changes.length = 0;

  expect(await dynamodb.purgeExpired()).toBe(1);

  expect(await get('o', 'expired')).toBeUndefined();
  expect(await get('o', 'alive')).toBeDefined();
  expect(await get('o', 'milliseconds by mistake')).toBeDefined();
  expect(changes).toMatchObject([{ keys: key('o', 'expired'), after: undefined, expired: true }]);
});

test('every change is reported once with both images, in order; a write without a change is not', async () => {
  await put({ ...key('o', 'i'), n: { N: '1' } });
  await put({ ...key('o', 'i'), n: { N: '1' } });
  await client.send(
    new UpdateItemCommand({
      TableName,
      Key: key('o', 'i'),
      UpdateExpression: 'SET n = n + :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    }),
  );
  await client.send(
    new BatchWriteItemCommand({
      RequestItems: {
        [TableName]: [{ DeleteRequest: { Key: key('o', 'i') } }, { PutRequest: { Item: key('o', 'j') } }],
      },
    }),
  );

  const one = { ...key('o', 'i'), n: { N: '1' } };
  const two = { ...key('o', 'i'), n: { N: '2' } };
  const change = { table: TableName, keys: key('o', 'i'), expired: false };
  expect(changes).toEqual([
    { ...change, before: undefined, after: one },
    { ...change, before: one, after: two },
    { ...change, before: two, after: undefined },
    { ...change, keys: key('o', 'j'), before: undefined, after: key('o', 'j') },
  ]);
});

test('simultaneous writes of one item are reported as a chain of images', async () => {
  await Promise.all(
    Array.from({ length: 20 }, () =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key('o', 'i'),
          UpdateExpression: 'ADD n :one',
          ExpressionAttributeValues: { ':one': { N: '1' } },
        }),
      ),
    ),
  );

  expect(changes.map(({ before, after }) => [before?.n?.N, after?.n?.N])).toEqual(
    Array.from({ length: 20 }, (_, at) => [at === 0 ? undefined : `${at}`, `${at + 1}`]),
  );
});

test('every call is identified by the credentials of its function', async () => {
  await get('o', 'i');

  expect(calls).toEqual([{ service: 'dynamodb', action: 'GetItem', accessKey: 'AKIATEST' }]);
});

test('an invalid write gets DynamoDB’s error message', async () => {
  await expect(put({ owner: { S: 'no sort key' } })).rejects.toMatchObject({ name: 'ValidationException' });
});

test('every query closes its iterator', async () => {
  await put({ ...key('owner-1', 'session#1'), n: { N: '1' } });
  const query = new QueryCommand({
    TableName,
    KeyConditionExpression: '#owner = :owner',
    ExpressionAttributeNames: { '#owner': 'owner' },
    ExpressionAttributeValues: { ':owner': { S: 'owner-1' } },
  });
  const ended = jest.spyOn(AbstractValueIterator.prototype, 'close');

  for (let times = 0; times < 5; times += 1) expect((await client.send(query)).Count).toBe(1);

  expect(ended).toHaveBeenCalledTimes(5);
  ended.mockRestore();
});

test('closing waits for running writes and refuses later ones', async () => {
  let received = 0;
  const other = await startDynamoDb({
    onChange: () => {},
    onCall() {
      received += 1;
      return undefined;
    },
  });
  const writer = new DynamoDBClient({
    endpoint: other.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
  const puts = Array.from({ length: 25 }, (_, at) => ({
    PutRequest: { Item: { ...key('owner-1', `session#${at}`), text: { S: 'x'.repeat(500) } } },
  }));
  const write = () => writer.send(new BatchWriteItemCommand({ RequestItems: { [other.tableName]: puts } }));
  await write();

  const writes = Promise.allSettled(Array.from({ length: 40 }, write));
  while (received < 41) await new Promise(done => setTimeout(done, 5));
  await other.close();

  expect((await writes).map(({ status }) => status)).toEqual(Array(40).fill('fulfilled'));
  await expect(write()).rejects.toThrow(/ECONN|hang up/);
  writer.destroy();
});
