import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  type ScanCommandInput,
  type ScanCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { Instant } from '../platform/clock';
import { factWrite } from './fact-write';
import {
  connectionUpdate,
  dueShard,
  findingsIn,
  toOwnerRecords,
  type RowFindings,
  type RowUpdate,
  sessionItem,
  shardOf,
  toRowUpdate,
} from './items';
import type { Item } from './table';
import type { OwnerRecords } from '../state/owner-records';
import { ReportedEnds } from '../state/reported-ends';
import type { SessionRow } from '../state/session';
import type { FactWritten, Fingerprint, ReconcileProgress, SessionFact, Store } from './store';
import {
  fingerprintKey,
  isBookkeeping,
  itemKey,
  numberOf,
  reconcileKey,
  reportedEndsKey,
  SCHEMA,
  table,
} from './table';

/** The clauses of an update expression, with their names and values. */
type Update = {
  set?: string[];
  remove?: string[];
  add?: string[];
  condition: string;
  names?: Record<string, string>;
  values?: Item;
};

type StoredItem = Record<string, AttributeValue>;
type Page = { items: Item[]; cursor: string | undefined };

/** The condition of a write that creates its row. Needs the name `#item`. */
const IS_NEW = 'attribute_not_exists(#item)';
const itemName = { '#item': table.sortKey };

/**
 * Returns the store on DynamoDB. `PutItem` only creates rows; updates set only attributes that this version knows, so that those of
 * later versions are kept. Calls `found` after reads of rows that this version cannot read, or not fully.
 */
export function dynamoStore(
  client: DynamoDBClient,
  tableName: string,
  found: (findings: RowFindings) => void = () => {},
): Store {
  const toAttributes = (row: Item) => marshall(row, { removeUndefinedValues: true });

  async function update(owner: string, item: string, change: Update): Promise<Item | undefined> {
    const { set = [], remove = [], add = [], condition, names, values } = change;
    const setsSchema = set.some(each => each.startsWith('#schema ='));
    const sets = setsSchema ? set : [...set, '#schema = if_not_exists(#schema, :schema)'];
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: toAttributes({ owner, item }),
        UpdateExpression: [
          `SET ${sets.join(', ')}`,
          ...(remove.length > 0 ? [`REMOVE ${remove.join(', ')}`] : []),
          ...(add.length > 0 ? [`ADD ${add.join(', ')}`] : []),
        ].join(' '),
        ConditionExpression: condition,
        ExpressionAttributeNames: { '#schema': 'schema', ...names },
        ExpressionAttributeValues: toAttributes({ ...(!setsSchema && { ':schema': SCHEMA }), ...values }),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    const stored = Attributes && itemOf(Attributes);
    if (!setsSchema && Number(stored?.schema) < SCHEMA) await raiseSchema(owner, item);
    return stored;
  }

  /** Updates a row if the condition is met. Returns the row after the update, or as stored. */
  async function updateIf(
    owner: string,
    item: string,
    change: Update,
  ): Promise<{ written: boolean; item: Item | undefined }> {
    try {
      return { written: true, item: await update(owner, item, change) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { written: false, item: error.Item && itemOf(error.Item) };
    }
  }

  /** Sets `schema` of a row of an earlier version after this version wrote to it. */
  const raiseSchema = (owner: string, item: string) =>
    conditionMet(
      update(owner, item, {
        set: ['#schema = :schema'],
        condition: '#schema < :schema',
        values: { ':schema': SCHEMA },
      }),
    );

  function updatePaths(
    owner: string,
    item: string,
    { set, remove }: RowUpdate,
    { condition, names, values }: Pick<Update, 'condition' | 'names' | 'values'>,
  ): Promise<boolean> {
    const all: Record<string, string> = { ...names };
    const expressionOf = (path: readonly string[]) =>
      path
        .map(name => {
          all[`#${name}`] = name;
          return `#${name}`;
        })
        .join('.');
    const sets = set.map(([path], at) => `${expressionOf(path)} = :v${at}`);
    const removes = remove.map(expressionOf);
    const valuesByPath = Object.fromEntries(set.map(([, value], at) => [`:v${at}`, value]));
    return conditionMet(
      update(owner, item, {
        set: sets,
        remove: removes,
        condition,
        names: all,
        values: { ...values, ...valuesByPath },
      }),
    );
  }

  const create = (row: Item): Promise<boolean> =>
    conditionMet(
      client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: toAttributes({ ...row, schema: SCHEMA }),
          ConditionExpression: IS_NEW,
          ExpressionAttributeNames: itemName,
        }),
      ),
    );

  function read(owner: string, items: readonly Item[]): OwnerRecords {
    const records = toOwnerRecords(owner, items);
    const findings = findingsIn(records);
    if (findings) found(findings);
    return records;
  }

  async function get(owner: string, item: string): Promise<Item | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: toAttributes({ owner, item }), ConsistentRead: true }),
    );
    return Item && itemOf(Item);
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
    const { written, item } = await updateIf(owner, itemKey.session(id), {
      set: [...change.set, ...move],
      remove: [...(change.remove ?? []), ...(fact.kind === 'closed' ? ['dueAt', 'dueShard'] : [])],
      add: ['version :one'],
      condition: ['attribute_exists(stateHash)', ...change.condition, ...keep].join(' AND '),
      ...(change.names && { names: change.names }),
      values: {
        ...change.values,
        ':one': 1,
        ...(due && { ':dueAt': due.at }),
        ...(move.length > 0 && { ':dueShard': shardOf(owner) }),
      },
    });
    const session = sessionIn(owner, item);
    // If this version cannot read the session, the fact stays for a version that can.
    return written && session ? { written, session } : { written: false, session };
  }

  function sessionIn(owner: string, item: Item | undefined): SessionRow | undefined {
    return item && read(owner, [item]).sessions[0];
  }

  async function scan(cursor: string | undefined, filter: Partial<ScanCommandInput> = {}): Promise<Page> {
    const from = { TableName: tableName, Limit: SCAN_PAGE, ...startAt(cursor) };
    return pageOf(await client.send(new ScanCommand({ ...from, ...filter })));
  }

  return {
    async load(owner) {
      const items: Item[] = [];
      let start: StoredItem | undefined;
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
        items.push(...(page.Items ?? []).map(itemOf));
        start = page.LastEvaluatedKey;
      } while (start);
      return read(owner, items);
    },

    async findConnection(owner, terraUserId) {
      const item = await get(owner, itemKey.connection(terraUserId));
      return item && read(owner, [item]).connections[0];
    },

    async findSession(owner, id) {
      return sessionIn(owner, await get(owner, itemKey.session(id)));
    },

    openSession(session, attempt) {
      if (attempt === undefined) return create(sessionItem(session));
      const { item: _item, owner: _owner, ...opened } = sessionItem(session);
      const change = toRowUpdate({ ...opened, claimedAt: undefined, attempt: undefined });
      return updatePaths(session.owner, itemKey.session(session.id), change, claimedBy(attempt));
    },

    claimSession(claim, attempt) {
      const item = itemKey.session(claim.id);
      if (attempt === undefined) return create({ ...claim, item });
      const { owner, ...claimed } = claim;
      return updatePaths(owner, item, toRowUpdate(claimed), claimedBy(attempt));
    },

    async addSessionFact(owner, id, fact, dueAt, readDueAt) {
      if (dueAt === undefined) return addFact(owner, id, fact, undefined);
      const isDueByThen = (at: Instant | undefined) => at !== undefined && at <= dueAt;
      const moved = { at: dueAt, isKept: false };
      if (!isDueByThen(readDueAt)) return addFact(owner, id, fact, moved);
      const kept = await addFact(owner, id, fact, { ...moved, isKept: true });
      // The sweep may have rescheduled the session since it was read.
      return kept.written || isDueByThen(kept.session?.dueAt) ? kept : addFact(owner, id, fact, moved);
    },

    reschedule(item, { owner, version }, dueAt) {
      const due = { dueAt, dueShard: dueAt === undefined ? undefined : shardOf(owner) };
      return updatePaths(owner, item, toRowUpdate(due), atVersion(version));
    },

    postpone: ({ owner, item, dueAt: seen }, dueAt) =>
      conditionMet(
        update(owner, item, {
          set: ['dueAt = :dueAt'],
          condition: 'dueAt = :seen',
          values: { ':seen': seen, ':dueAt': dueAt },
        }),
      ),

    putConnection: (row, before) =>
      updatePaths(
        row.owner,
        itemKey.connection(row.terraUserId),
        connectionUpdate(row, before),
        before ? atVersion(before.version) : { condition: IS_NEW, names: itemName },
      ),

    addTokenRecord: tokenRecord =>
      create({ ...tokenRecord, item: itemKey.mint(tokenRecord.id), ...dueShard(tokenRecord) }),

    async useTokenRecord(owner, id, use, { dueAt, purgeAt }) {
      const { item } = await updateIf(owner, itemKey.mint(id), {
        set: ['usedBy = :use', 'purgeAt = :purgeAt', 'dueAt = :dueAt', 'dueShard = :dueShard'],
        add: ['version :one'],
        condition: 'attribute_exists(expiresAt) AND attribute_not_exists(usedBy)',
        values: { ':use': use, ':purgeAt': purgeAt, ':dueAt': dueAt, ':dueShard': shardOf(owner), ':one': 1 },
      });
      return item && read(owner, [item]).tokenRecords[0];
    },

    beginErasure(erasure) {
      const { owner, ...tombstone } = { dueAt: undefined, dueShard: undefined, ...erasure, ...dueShard(erasure) };
      return updatePaths(owner, itemKey.erasure, toRowUpdate(tombstone), {
        condition: `${isNoNumber('requestedAt')} OR requestedAt < :requestedAt`,
        values: { ':requestedAt': erasure.requestedAt, ':number': 'N' },
      });
    },

    remove: (owner, item, version) => {
      const { condition, names, values } = atVersion(version);
      return conditionMet(
        client.send(
          new DeleteItemCommand({
            TableName: tableName,
            Key: toAttributes({ owner, item }),
            ConditionExpression: condition,
            ...(names && { ExpressionAttributeNames: names }),
            ...(values && { ExpressionAttributeValues: toAttributes(values) }),
          }),
        ),
      );
    },

    countUse: (owner, kind, window, limit, purgeAt) =>
      conditionMet(
        update(owner, itemKey.quota(kind, window), {
          set: ['purgeAt = :purgeAt'],
          add: ['used :one'],
          condition: 'attribute_not_exists(used) OR used < :limit',
          values: { ':one': 1, ':limit': limit, ':purgeAt': purgeAt },
        }),
      ),

    // Versions without `naming` only know `fingerprint`, so its format does not change.
    async rememberFingerprint({ key, naming }) {
      const { item } = await updateIf(fingerprintKey.owner, fingerprintKey.item, {
        set: ['fingerprint = if_not_exists(fingerprint, :key)', 'naming = if_not_exists(naming, :naming)'],
        condition: 'attribute_not_exists(fingerprint) OR fingerprint = :key',
        values: { ':key': key, ':naming': naming },
      });
      return readFingerprint(item);
    },

    async findFingerprint() {
      const item = await get(fingerprintKey.owner, fingerprintKey.item);
      return item && readFingerprint(item);
    },

    async scanConnections(cursor) {
      const page = await scan(cursor, {
        FilterExpression: 'begins_with(#item, :connection)',
        ExpressionAttributeNames: itemName,
        ExpressionAttributeValues: { ':connection': { S: itemKey.connection('') } },
      });
      return { rows: page.items.flatMap(item => read(keyOf(item).owner, [item]).connections), cursor: page.cursor };
    },

    async scanUnreadable(cursor) {
      const page = await scan(cursor);
      const unreadable = page.items.filter(item => !isReadable(item)).map(keyOf);
      return { looked: page.items.length, unreadable, cursor: page.cursor };
    },

    async reconcileProgress() {
      const item = await get(reconcileKey.owner, reconcileKey.item);
      const progress = item && readProgress(item);
      // The check then starts again from the beginning.
      if (item && !progress) found({ unreadableRows: 1, laterValues: 0 });
      return progress;
    },

    async saveReconcileProgress({ startedAt, cursor, isDone }) {
      // A run that started earlier must not overwrite the progress.
      await updatePaths(reconcileKey.owner, reconcileKey.item, toRowUpdate({ startedAt, cursor, isDone }), {
        condition: `${isNoNumber('startedAt')} OR startedAt <= :startedAt`,
        values: { ':startedAt': startedAt, ':number': 'N' },
      });
    },

    async reportedEnds() {
      const item = await get(reportedEndsKey.owner, reportedEndsKey.item);
      if (!item) return undefined;
      const { data } = ReportedEnds.safeParse(item);
      // The daily check finds the ends that are lost with it.
      if (!data) found({ unreadableRows: 1, laterValues: 0 });
      return data ?? { ends: [], purgeAt: 0, version: numberOf(item.version) ?? 0 };
    },

    saveReportedEnds: (ends, readVersion) =>
      updatePaths(
        reportedEndsKey.owner,
        reportedEndsKey.item,
        toRowUpdate(ends),
        readVersion === 0 ? { condition: IS_NEW, names: itemName } : atVersion(readVersion),
      ),

    async due(shard, until, cursor) {
      const response = await client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: table.due.index,
          KeyConditionExpression: 'dueShard = :shard AND dueAt <= :until',
          ExpressionAttributeValues: toAttributes({ ':shard': shard, ':until': until }),
          Limit: 100,
          ...startAt(cursor),
        }),
      );
      const { items, cursor: next } = pageOf(response);
      return { due: items.map(key => ({ ...keyOf(key), dueAt: Number(key[table.due.sortKey]) })), cursor: next };
    },
  };
}

/**
 * Converts an item. A number too large for JavaScript becomes an object, so that one such value, which this code never writes, does
 * not prevent the other rows of a page from being read.
 */
function itemOf(stored: StoredItem): Item {
  try {
    return unmarshall(stored);
  } catch {
    return unmarshall(stored, { wrapNumbers: true });
  }
}

const SCAN_PAGE = 500;
const Progress = z.object({ startedAt: z.number(), cursor: z.optional(z.string()), isDone: z.boolean() });
const Key = z.object({ S: z.string() });
const Cursor = z.strictObject({ [table.partitionKey]: Key, [table.sortKey]: Key });

/** Returns the condition that a row is still at this version; undefined: that it exists, for rows without a version. */
const atVersion = (version: number | undefined): Pick<Update, 'condition' | 'names' | 'values'> =>
  version === undefined
    ? { condition: 'attribute_exists(#item)', names: itemName }
    : { condition: 'version = :version', values: { ':version': version } };

/** Returns the condition that this attempt still holds the claim. */
const claimedBy = (attempt: string) => ({
  condition: 'attempt = :attempt AND attribute_not_exists(stateHash)',
  values: { ':attempt': attempt },
});

/** Returns the condition that an attribute is absent or not a number. Needs the value `:number`. */
const isNoNumber = (attribute: string): string => `NOT attribute_type(${attribute}, :number)`;

const keyOf = (item: Item) => ({ owner: String(item[table.partitionKey]), item: String(item[table.sortKey]) });

/** Returns undefined if a check cannot continue from this item. */
function readProgress(item: Item): ReconcileProgress | undefined {
  const { data } = Progress.safeParse(item);
  if (!data || (data.cursor !== undefined && !isCursor(data.cursor))) return undefined;
  return { startedAt: data.startedAt, cursor: data.cursor, isDone: data.isDone };
}

/** Returns whether the text is a key of the table, so that a scan can continue from it. */
function isCursor(text: string): boolean {
  try {
    return Cursor.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** Returns whether this version can read the row. */
function isReadable(item: Item): boolean {
  const { owner, item: sortKey } = keyOf(item);
  if (!isBookkeeping(owner)) return toOwnerRecords(owner, [item]).unreadable.length === 0;
  return owner === reconcileKey.owner
    ? sortKey === reconcileKey.item && readProgress(item) !== undefined
    : typeof item.fingerprint === 'string';
}

const readFingerprint = (item: Item | undefined): Fingerprint => ({
  key: String(item?.fingerprint),
  ...(typeof item?.naming === 'string' && { naming: item.naming }),
});

const startAt = (cursor: string | undefined) =>
  cursor === undefined ? {} : { ExclusiveStartKey: JSON.parse(cursor) as StoredItem };

const pageOf = ({ Items = [], LastEvaluatedKey }: ScanCommandOutput): Page => ({
  items: Items.map(itemOf),
  cursor: LastEvaluatedKey && JSON.stringify(LastEvaluatedKey),
});

/** Returns whether the condition of a write was met. */
async function conditionMet(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
