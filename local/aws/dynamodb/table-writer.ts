import { isDeepStrictEqual } from 'node:util';
import { type Ask, type AwsAnswer, parseObject } from '../aws-call';
import type { Item, TableWrite } from './table-use';
import type { TableDefinition } from './tables';

/** One changed item. `before` is undefined for a new item, `after` for a deleted one. */
export type TableChange = {
  readonly table: string;
  readonly keys: Item;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  /** Deleted by TTL and not by a caller. */
  readonly expired: boolean;
};

type Target = { table: string; keys: Item; put?: Item | undefined };
type How = {
  /** Deleted by TTL and not by a caller. */
  expired?: boolean;
  /** Hears of every item that was written or that a condition kept. */
  onUse?: ((use: TableWrite) => void) | undefined;
};
export type Write = (action: string, body: string, how?: How) => Promise<AwsAnswer>;

/** Writes one after the other, so that what an item held before and after a write is certain. */
export function tableWriter(deps: {
  ask: Ask;
  tables: readonly TableDefinition[];
  onChange?: ((change: TableChange) => void) | undefined;
}): Write {
  const { ask, tables, onChange } = deps;
  let lastWrite: Promise<unknown> = Promise.resolve();

  const read = async ({ table, keys }: Target): Promise<Item | undefined> => {
    const { body } = await ask('GetItem', { TableName: table, Key: keys, ConsistentRead: true });
    return body.Item as Item | undefined;
  };

  const writeNow = async (action: string, text: string, { expired = false, onUse }: How): Promise<AwsAnswer> => {
    const request = parseObject(text) ?? {};
    const targets = onChange || onUse ? targetsOf(tables, action, request) : [];
    const before = await Promise.all(targets.map(read));
    const answer = await ask(action, text);
    const isRefused = isConditionFailure(answer);
    if (answer.status !== 200 && !isRefused) return answer;
    const after = isRefused ? before : await Promise.all(targets.map(read));
    targets.forEach(({ table, keys, put }, at) => {
      const images = { before: before[at], after: after[at] };
      onUse?.({ kind: 'write', action, table, ...images, put, isRefused });
      if (!isDeepStrictEqual(before[at], after[at])) onChange?.({ table, keys, ...images, expired });
    });
    return wantsFailedItem(request, answer) ? withFailedItem(answer, await failedItem(action, request)) : answer;
  };

  // Nothing else is written between the failed condition and this read: the item is the one that failed it.
  const failedItem = async (action: string, request: Record<string, unknown>): Promise<Item | undefined> => {
    const [target] = targetsOf(tables, action, request);
    return target && read(target);
  };

  return (action, body, how = {}) => {
    const turn = lastWrite.then(() => writeNow(action, body, how));
    lastWrite = turn.catch(() => undefined);
    return turn;
  };
}

function isConditionFailure({ body }: AwsAnswer): boolean {
  return '__type' in body && String(body.__type).endsWith('#ConditionalCheckFailedException');
}

function wantsFailedItem(request: Record<string, unknown>, answer: AwsAnswer): boolean {
  return request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && isConditionFailure(answer);
}

function withFailedItem(answer: AwsAnswer, item: Item | undefined): AwsAnswer {
  return item === undefined ? answer : { ...answer, body: { ...answer.body, Item: item } };
}

/** The items a request writes, as far as it is well formed and its table is known. */
function targetsOf(tables: readonly TableDefinition[], action: string, request: Record<string, unknown>): Target[] {
  const target = (table: unknown, put: unknown, key: unknown): Target[] => {
    const item = put ?? key;
    const definition = tables.find(({ TableName }) => TableName === table);
    if (definition === undefined || typeof item !== 'object' || item === null) return [];
    const names = definition.KeySchema.map(({ AttributeName }) => AttributeName);
    const keys = Object.fromEntries(Object.entries(item as Item).filter(([name]) => names.includes(name)));
    return [{ table: definition.TableName, keys, put: put as Item | undefined }];
  };
  if (action !== 'BatchWriteItem') return target(request.TableName, request.Item, request.Key);

  type Batch = Record<string, { PutRequest?: { Item?: unknown }; DeleteRequest?: { Key?: unknown } }[]>;
  return Object.entries((request.RequestItems ?? {}) as Batch).flatMap(([table, writes]) =>
    writes.flatMap(({ PutRequest, DeleteRequest }) => target(table, PutRequest?.Item, DeleteRequest?.Key)),
  );
}
