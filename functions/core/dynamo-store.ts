import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { Instant } from './clock';
import { ConnectionRow } from './connection';
import { factWrite } from './fact-write';
import { dueShard, type Item, partitionOf, readSession, sessionItem, shardOf } from './items';
import { MintRow } from './mint';
import type { FactWritten, Fingerprint, SessionFact, Store } from './store';
import { fingerprintKey, itemKey, reconcileKey, table } from './table';

type Update = Omit<UpdateItemCommandInput, 'TableName' | 'Key' | 'ExpressionAttributeValues'> & { values: Item };

/** The store on DynamoDB: one command a verb, every condition evaluated by the table itself. */
export function dynamoStore(client: DynamoDBClient, tableName: string): Store {
  const write = { marshall: (row: Item) => marshall(row, { removeUndefinedValues: true }) };

  async function update(owner: string, item: string, { values, ...input }: Update): Promise<Item | undefined> {
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: write.marshall({ owner, item }),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ExpressionAttributeValues: write.marshall(values),
        ...input,
      }),
    );
    return Attributes && unmarshall(Attributes);
  }

  async function put(
    row: Item,
    condition: string,
    values: Item = {},
    names: Record<string, string> = {},
  ): Promise<boolean> {
    return held(
      client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: write.marshall(row),
          ConditionExpression: condition,
          ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: write.marshall(values) }),
          ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
        }),
      ),
    );
  }

  async function get(owner: string, item: string): Promise<Item | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: write.marshall({ owner, item }), ConsistentRead: true }),
    );
    return Item && unmarshall(Item);
  }

  async function addFact(
    owner: string,
    id: string,
    fact: SessionFact,
    due: { at: Instant; isKept: boolean } | undefined,
  ): Promise<FactWritten> {
    const change = factWrite(fact);
    const move = due && !due.isKept ? ['dueAt = :dueAt', 'dueShard = :dueShard'] : [];
    const keep = due?.isKept ? ['dueAt <= :dueAt'] : [];
    const remove = [...(change.remove ?? []), ...(fact.kind === 'closed' ? ['dueAt', 'dueShard'] : [])];
    try {
      const item = await update(owner, itemKey.session(id), {
        UpdateExpression: [
          `SET ${[...change.set, ...move].join(', ')}`,
          ...(remove.length > 0 ? [`REMOVE ${remove.join(', ')}`] : []),
          'ADD version :one',
        ].join(' '),
        ConditionExpression: ['attribute_exists(stateHash)', ...change.condition, ...keep].join(' AND '),
        ...(change.names && { ExpressionAttributeNames: change.names }),
        values: {
          ...change.values,
          ':one': 1,
          ...(due && { ':dueAt': due.at }),
          ...(move.length > 0 && { ':dueShard': shardOf(owner) }),
        },
      });
      const session = readSession(item);
      if (!session) throw new Error('an updated session came back unreadable');
      return { written: true, session };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { written: false, session: readSession(error.Item && unmarshall(error.Item)) };
    }
  }

  return {
    async load(owner) {
      const items: Item[] = [];
      let start: Record<string, AttributeValue> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName: tableName,
            KeyConditionExpression: '#owner = :owner',
            ExpressionAttributeNames: { '#owner': table.partitionKey },
            ExpressionAttributeValues: { ':owner': { S: owner } },
            ConsistentRead: true,
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        items.push(...(page.Items ?? []).map(item => unmarshall(item)));
        start = page.LastEvaluatedKey;
      } while (start);
      return partitionOf(owner, items);
    },

    async findConnection(owner, terraUserId) {
      const item = await get(owner, itemKey.connection(terraUserId));
      return item && ConnectionRow.parse(item);
    },

    async findSession(owner, id) {
      return readSession(await get(owner, itemKey.session(id)));
    },

    openSession(session, attempt) {
      const row = sessionItem(session);
      return attempt === undefined
        ? put(row, 'attribute_not_exists(#item)', {}, { '#item': table.sortKey })
        : put(row, 'attempt = :attempt AND attribute_not_exists(stateHash)', { ':attempt': attempt });
    },

    claimSession(claim, attempt) {
      const row = { ...claim, item: itemKey.session(claim.id) };
      return attempt === undefined
        ? put(row, 'attribute_not_exists(#item)', {}, { '#item': table.sortKey })
        : put(row, 'attempt = :attempt AND attribute_not_exists(stateHash)', { ':attempt': attempt });
    },

    async addSessionFact(owner, id, fact, dueAt, seenDueAt) {
      if (dueAt === undefined) return addFact(owner, id, fact, undefined);
      const isDueByThen = (at: Instant | undefined) => at !== undefined && at <= dueAt;
      const moved = { at: dueAt, isKept: false };
      if (!isDueByThen(seenDueAt)) return addFact(owner, id, fact, moved);
      const kept = await addFact(owner, id, fact, { ...moved, isKept: true });
      // Since it was read, the sweep may have put off when to look.
      return kept.written || isDueByThen(kept.session?.dueAt) ? kept : addFact(owner, id, fact, moved);
    },

    reschedule: (item, { owner, version }, dueAt) =>
      held(
        update(owner, item, {
          UpdateExpression: dueAt === undefined ? 'REMOVE dueAt, dueShard' : 'SET dueAt = :dueAt, dueShard = :dueShard',
          ConditionExpression: 'version = :version',
          values: {
            ':version': version,
            ...(dueAt !== undefined && { ':dueAt': dueAt, ':dueShard': shardOf(owner) }),
          },
        }),
      ),

    putOff: ({ owner, item, dueAt: seen }, dueAt) =>
      held(
        update(owner, item, {
          UpdateExpression: 'SET dueAt = :dueAt',
          ConditionExpression: 'dueAt = :seen',
          values: { ':seen': seen, ':dueAt': dueAt },
        }),
      ),

    putConnection(row, readVersion) {
      const item = { ...row, item: itemKey.connection(row.terraUserId), ...dueShard(row) };
      return readVersion === 0
        ? put(item, 'attribute_not_exists(#item)', {}, { '#item': table.sortKey })
        : put(item, 'version = :version', { ':version': readVersion });
    },

    addMint(mint) {
      return put(
        { ...mint, item: itemKey.mint(mint.id), ...dueShard(mint) },
        'attribute_not_exists(#item)',
        {},
        {
          '#item': table.sortKey,
        },
      );
    },

    async useMint(owner, id, use, { dueAt, purgeAt }) {
      try {
        const item = await update(owner, itemKey.mint(id), {
          UpdateExpression:
            'SET usedBy = :use, purgeAt = :purgeAt, dueAt = :dueAt, dueShard = :dueShard ADD version :one',
          ConditionExpression: 'attribute_exists(expiresAt) AND attribute_not_exists(usedBy)',
          values: { ':use': use, ':purgeAt': purgeAt, ':dueAt': dueAt, ':dueShard': shardOf(owner), ':one': 1 },
        });
        return MintRow.parse(item);
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return error.Item && MintRow.parse(unmarshall(error.Item));
      }
    },

    beginErasure(erasure) {
      const row = { ...erasure, item: itemKey.erasure, ...dueShard(erasure) };
      const values = { ':requestedAt': erasure.requestedAt };
      return put(row, 'attribute_not_exists(requestedAt) OR requestedAt < :requestedAt', values);
    },

    remove: (owner, item, version) =>
      held(
        client.send(
          new DeleteItemCommand({
            TableName: tableName,
            Key: write.marshall({ owner, item }),
            ConditionExpression: version === undefined ? 'attribute_exists(#item)' : 'version = :version',
            ...(version === undefined
              ? { ExpressionAttributeNames: { '#item': table.sortKey } }
              : { ExpressionAttributeValues: write.marshall({ ':version': version }) }),
          }),
        ),
      ),

    countUse: (owner, kind, window, limit, purgeAt) =>
      held(
        update(owner, itemKey.quota(kind, window), {
          UpdateExpression: 'SET purgeAt = :purgeAt ADD used :one',
          ConditionExpression: 'attribute_not_exists(used) OR used < :limit',
          values: { ':one': 1, ':limit': limit, ':purgeAt': purgeAt },
        }),
      ),

    // Versions that do not know `naming` read and write `fingerprint` alone, so it stays as it was.
    async rememberFingerprint({ key, naming }) {
      try {
        return readFingerprint(
          await update(fingerprintKey.owner, fingerprintKey.item, {
            UpdateExpression:
              'SET fingerprint = if_not_exists(fingerprint, :key), naming = if_not_exists(naming, :naming)',
            ConditionExpression: 'attribute_not_exists(fingerprint) OR fingerprint = :key',
            values: { ':key': key, ':naming': naming },
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException) || !error.Item) throw error;
        return readFingerprint(unmarshall(error.Item));
      }
    },

    async findFingerprint() {
      const item = await get(fingerprintKey.owner, fingerprintKey.item);
      return item && readFingerprint(item);
    },

    async scanConnections(cursor) {
      const page = await client.send(
        new ScanCommand({
          TableName: tableName,
          FilterExpression: 'begins_with(#item, :connection)',
          ExpressionAttributeNames: { '#item': table.sortKey },
          ExpressionAttributeValues: { ':connection': { S: itemKey.connection('') } },
          Limit: SCAN_PAGE,
          ...(cursor !== undefined && { ExclusiveStartKey: readCursor(cursor) }),
        }),
      );
      const rows = (page.Items ?? []).map(item => ConnectionRow.parse(unmarshall(item)));
      return { rows, cursor: page.LastEvaluatedKey && JSON.stringify(page.LastEvaluatedKey) };
    },

    async reconcileProgress() {
      const item = await get(reconcileKey.owner, reconcileKey.item);
      if (!item) return undefined;
      const { startedAt, cursor, isDone } = Progress.parse(item);
      return { startedAt, cursor, isDone };
    },

    async saveReconcileProgress(progress) {
      // Only a run that began no earlier may move the place.
      await put({ ...progress, ...reconcileKey }, 'attribute_not_exists(startedAt) OR startedAt <= :startedAt', {
        ':startedAt': progress.startedAt,
      });
    },

    async due(shard, until, cursor) {
      const page = await client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: table.due.index,
          KeyConditionExpression: 'dueShard = :shard AND dueAt <= :until',
          ExpressionAttributeValues: write.marshall({ ':shard': shard, ':until': until }),
          Limit: 100,
          ...(cursor !== undefined && { ExclusiveStartKey: readCursor(cursor) }),
        }),
      );
      const keys = (page.Items ?? []).map(item => unmarshall(item));
      return {
        due: keys.map(key => ({
          owner: String(key[table.partitionKey]),
          item: String(key[table.sortKey]),
          dueAt: Number(key[table.due.sortKey]),
        })),
        cursor: page.LastEvaluatedKey && JSON.stringify(page.LastEvaluatedKey),
      };
    },
  };
}

const SCAN_PAGE = 500;
const Progress = z.object({ startedAt: z.number(), cursor: z.optional(z.string()), isDone: z.boolean() });

const readFingerprint = (item: Item | undefined): Fingerprint => ({
  key: String(item?.fingerprint),
  ...(typeof item?.naming === 'string' && { naming: item.naming }),
});

const readCursor = (cursor: string) => JSON.parse(cursor) as Record<string, AttributeValue>;

/** Whether the condition of a write held. */
async function held(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
