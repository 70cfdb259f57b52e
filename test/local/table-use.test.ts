import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type DynamoDb, startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import type { TableUse } from '../../local/aws/dynamodb/table-use';

let uses: TableUse[] = [];
let keys: string[] = [];
let dynamodb: DynamoDb;
let client: DynamoDBClient;
beforeAll(async () => {
  dynamodb = await startDynamoDb({
    onUse(use, { accessKey }) {
      uses.push(use);
      keys.push(accessKey);
    },
  });
  const credentials = { accessKeyId: 'a-key', secretAccessKey: 'test' };
  client = new DynamoDBClient({ endpoint: dynamodb.endpoint, region: 'us-east-1', credentials });
});
afterAll(async () => {
  client.destroy();
  await dynamodb.close();
});
beforeEach(async () => {
  for (const item of ['1', '2', '3']) await put(item, 'old');
  [uses, keys] = [[], []];
});

const TableName = 'terra-connect';
const key = (item: string) => ({ owner: { S: 'alice' }, item: { S: item } });
const row = (item: string, name: string) => ({ ...key(item), name: { S: name } });
const put = (item: string, name: string, condition?: string) =>
  client.send(new PutItemCommand({ TableName, Item: row(item, name), ConditionExpression: condition }));
const refused = (write: Promise<unknown>) => expect(write).rejects.toThrow('conditional');

test('a put reports the item before and after', async () => {
  await put('1', 'new');

  const images = { before: row('1', 'old'), after: row('1', 'new'), put: row('1', 'new') };
  expect(uses).toEqual([{ kind: 'write', action: 'PutItem', table: TableName, ...images, isRefused: false }]);
  expect(keys).toEqual(['a-key']);
});

test('a write without a change is reported', async () => {
  await put('1', 'old');

  expect(uses).toMatchObject([{ before: row('1', 'old'), after: row('1', 'old') }]);
});

test('a refused put reports the requested item, a refused update the stored one', async () => {
  await refused(put('1', 'new', 'attribute_exists(a)'));
  const update = { UpdateExpression: 'SET a = :a', ConditionExpression: 'attribute_exists(a)' };
  await refused(
    client.send(
      new UpdateItemCommand({ TableName, Key: key('2'), ...update, ExpressionAttributeValues: { ':a': { S: 'a' } } }),
    ),
  );

  const [first, second] = [row('1', 'old'), row('2', 'old')];
  expect(uses).toMatchObject([
    { action: 'PutItem', before: first, after: first, put: row('1', 'new'), isRefused: true },
    { action: 'UpdateItem', before: second, after: second, put: undefined, isRefused: true },
  ]);
});

test('a deletion reports the deleted item', async () => {
  await client.send(new DeleteItemCommand({ TableName, Key: key('1') }));

  expect(uses).toMatchObject([{ action: 'DeleteItem', before: row('1', 'old'), after: undefined, isRefused: false }]);
});

test('a read reports the items it read and its consistency', async () => {
  await client.send(new GetItemCommand({ TableName, Key: key('1'), ConsistentRead: true }));
  await client.send(new GetItemCommand({ TableName, Key: key('none') }));
  await client.send(
    new QueryCommand({
      TableName,
      IndexName: 'due',
      KeyConditionExpression: 'dueShard = :shard',
      ExpressionAttributeValues: { ':shard': { S: '0' } },
    }),
  );

  expect(uses).toEqual([
    {
      kind: 'read',
      action: 'GetItem',
      table: TableName,
      index: undefined,
      isConsistent: true,
      items: [row('1', 'old')],
    },
    { kind: 'read', action: 'GetItem', table: TableName, index: undefined, isConsistent: false, items: [] },
    { kind: 'read', action: 'Query', table: TableName, index: 'due', isConsistent: false, items: [] },
  ]);
});

test('a filtered scan reports the items that the filter removed, page by page', async () => {
  const filter = { FilterExpression: '#item = :two', ExpressionAttributeNames: { '#item': 'item' } };
  const scan = (start?: Record<string, never>) =>
    client.send(
      new ScanCommand({ TableName, Limit: 2, ...filter, ExpressionAttributeValues: { ':two': { S: '2' } }, ...start }),
    );

  const first = await scan();
  const second = await scan({ ExclusiveStartKey: first.LastEvaluatedKey } as never);

  expect([first.Count, second.Count]).toEqual([1, 0]);
  expect(uses).toMatchObject([
    { action: 'Scan', items: [row('1', 'old'), row('2', 'old')] },
    { action: 'Scan', items: [row('3', 'old')] },
  ]);
});
