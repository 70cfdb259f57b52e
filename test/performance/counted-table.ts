import { type AttributeValue, BatchWriteItemCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { dynamoStore } from '../../functions/core/store/dynamo-store';
import { shardOf } from '../../functions/core/store/items';
import type { Store } from '../../functions/core/store/store';
import { table } from '../../functions/core/store/table';
import { startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import type { TableUse } from '../../local/aws/dynamodb/table-use';
import { readUnits, writeUnits } from './units';

type Item = Record<string, AttributeValue>;

/** What requests to a table came to. */
export type TableCount = {
  readonly roundTrips: number;
  /** Of reads of the table, and of its index. */
  readonly readUnits: number;
  readonly indexReadUnits: number;
  /** Table and index together. */
  readonly writeUnits: number;
};

/** A table on the emulated DynamoDB, at whose endpoint everything is counted. */
export type CountedTable = {
  readonly store: Store;
  /** The items of an owner, as they lie there. */
  itemsOf(owner: string): Promise<Item[]>;
  /** Gives the items to so many further owners, named after `prefix` as reference ids are long; the names. */
  copy(items: readonly Item[], prefix: string, owners: number): Promise<string[]>;
  /** What it takes to do something, and what came of it. */
  count<T>(act: () => Promise<T>): Promise<TableCount & { done: T }>;
  close(): Promise<void>;
};

/** As long as a reference id. */
const NAME_LENGTH = 32;
/** The most one BatchWriteItem takes. */
const BATCH = 25;
const WRITERS = 4;

export async function startCountedTable(): Promise<CountedTable> {
  const uses: TableUse[] = [];
  let calls = 0;
  const { endpoint, tableName, close } = await startDynamoDb({
    onCall() {
      calls += 1;
      return undefined;
    },
    onUse: use => void uses.push(use),
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });

  async function put(items: readonly Item[]): Promise<void> {
    const batches = Array.from({ length: Math.ceil(items.length / BATCH) }, (_, at) =>
      items.slice(at * BATCH, (at + 1) * BATCH),
    );
    const write = async () => {
      for (let batch = batches.pop(); batch; batch = batches.pop()) {
        const requests = batch.map(Item => ({ PutRequest: { Item } }));
        await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } }));
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  }

  return {
    store: dynamoStore(client, tableName),
    async itemsOf(owner) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: tableName,
          KeyConditionExpression: '#owner = :owner',
          ExpressionAttributeNames: { '#owner': table.partitionKey },
          ExpressionAttributeValues: { ':owner': { S: owner } },
        }),
      );
      return Items;
    },
    async copy(items, prefix, owners) {
      const names = Array.from({ length: owners }, (_, at) => `${prefix}${at}`.padEnd(NAME_LENGTH, '-'));
      await put(names.flatMap(owner => items.map(item => givenTo(owner, item))));
      return names;
    },
    async count(act) {
      const [callsBefore, usesBefore] = [calls, uses.length];
      const done = await act();
      const used = uses.slice(usesBefore);
      const reads = used.filter(use => use.kind === 'read');
      const writes = used.flatMap(use => (use.kind === 'write' ? [writeUnits(use)] : []));
      return {
        done,
        roundTrips: calls - callsBefore,
        readUnits: sum(reads.filter(({ index }) => index === undefined).map(readUnits)),
        indexReadUnits: sum(reads.filter(({ index }) => index !== undefined).map(readUnits)),
        writeUnits: sum(writes.map(units => units.table + units.index)),
      };
    },
    async close() {
      client.destroy();
      await close();
    },
  };
}

function givenTo(owner: string, item: Item): Item {
  const { owner: _, dueShard, ...rest } = item;
  return { ...rest, owner: { S: owner }, ...(dueShard && { dueShard: { S: shardOf(owner) } }) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
