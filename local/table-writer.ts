import { isDeepStrictEqual } from 'node:util';
import { type AwsAnswer, parseObject } from './aws-call';
import type { Ask } from './dynamodb';
import type { TableDefinition } from './tables';

export type Item = Record<string, Record<string, unknown>>;

/** One item as a write found it and left it: `before` is absent for a new item, `after` for a deleted one. */
export type TableChange = {
  readonly table: string;
  readonly keys: Item;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  /** Deleted by TTL and not by a caller. */
  readonly expired: boolean;
};

type Target = { table: string; keys: Item };
export type Write = (action: string, body: string, by?: 'caller' | 'ttl') => Promise<AwsAnswer>;

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

  const writeNow = async (action: string, text: string, expired: boolean): Promise<AwsAnswer> => {
    const request = parseObject(text) ?? {};
    const targets = onChange ? targetsOf(tables, action, request) : [];
    const before = await Promise.all(targets.map(read));
    const answer = await ask(action, text);
    if (wantsFailedItem(request, answer)) return withFailedItem(answer, await failedItem(action, request));
    if (answer.status !== 200) return answer;
    const after = await Promise.all(targets.map(read));
    targets.forEach((target, at) => {
      if (isDeepStrictEqual(before[at], after[at])) return;
      onChange?.({ ...target, before: before[at], after: after[at], expired });
    });
    return answer;
  };

  // Nothing else is written between the failed condition and this read: the item is the one that failed it.
  const failedItem = async (action: string, request: Record<string, unknown>): Promise<Item | undefined> => {
    const [target] = targetsOf(tables, action, request);
    return target && read(target);
  };

  return (action, body, by = 'caller') => {
    const turn = lastWrite.then(() => writeNow(action, body, by === 'ttl'));
    lastWrite = turn.catch(() => undefined);
    return turn;
  };
}

function wantsFailedItem(request: Record<string, unknown>, { body }: AwsAnswer): boolean {
  return (
    request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' &&
    '__type' in body &&
    String(body.__type).endsWith('#ConditionalCheckFailedException')
  );
}

function withFailedItem(answer: AwsAnswer, item: Item | undefined): AwsAnswer {
  return item === undefined ? answer : { ...answer, body: { ...answer.body, Item: item } };
}

/** The items a request writes, as far as it is well formed and its table is known. */
function targetsOf(tables: readonly TableDefinition[], action: string, request: Record<string, unknown>): Target[] {
  const target = (table: unknown, item: unknown): Target[] => {
    const definition = tables.find(({ TableName }) => TableName === table);
    if (definition === undefined || typeof item !== 'object' || item === null) return [];
    const names = definition.KeySchema.map(({ AttributeName }) => AttributeName);
    const keys = Object.fromEntries(Object.entries(item as Item).filter(([name]) => names.includes(name)));
    return [{ table: definition.TableName, keys }];
  };
  if (action !== 'BatchWriteItem') return target(request.TableName, request.Item ?? request.Key);

  type Batch = Record<string, { PutRequest?: { Item?: unknown }; DeleteRequest?: { Key?: unknown } }[]>;
  return Object.entries((request.RequestItems ?? {}) as Batch).flatMap(([table, writes]) =>
    writes.flatMap(({ PutRequest, DeleteRequest }) => target(table, PutRequest?.Item ?? DeleteRequest?.Key)),
  );
}
