import type { Ask, AwsRequest } from '../aws-call';

export type Item = Record<string, Record<string, unknown>>;

/** What one request read or wrote in a table; the cost on AWS follows from it. */
export type TableUse = TableRead | TableWrite;

export type TableRead = {
  readonly kind: 'read';
  readonly action: string;
  readonly table: string;
  /** Undefined if the table itself was read. */
  readonly index: string | undefined;
  readonly isConsistent: boolean;
  /** Every item that was read, including those a filter removed. */
  readonly items: readonly Item[];
};

/** One item before and after a write. */
export type TableWrite = {
  readonly kind: 'write';
  readonly action: string;
  readonly table: string;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  /** The item of a put request. */
  readonly put: Item | undefined;
  /** Whether its condition failed; `after` then equals `before`. */
  readonly isRefused: boolean;
};

/**
 * Returns what a read request read. If a filter removed items from the answer, the table is scanned again without it.
 */
export async function readUse(action: string, request: AwsRequest, answer: object, ask: Ask): Promise<TableRead> {
  const { TableName, IndexName, ConsistentRead, ExclusiveStartKey, Limit } = request;
  const whole = { TableName, IndexName, ConsistentRead, ExclusiveStartKey, Limit };
  if (request.FilterExpression !== undefined && action !== 'Scan')
    throw new Error(`a filtered ${action} is not counted`);
  const { Item, Items } = (request.FilterExpression === undefined ? answer : (await ask('Scan', whole)).body) as {
    Item?: Item;
    Items?: Item[];
  };
  return {
    kind: 'read',
    action,
    table: String(TableName),
    index: typeof IndexName === 'string' ? IndexName : undefined,
    isConsistent: ConsistentRead === true,
    items: Items ?? (Item ? [Item] : []),
  };
}
