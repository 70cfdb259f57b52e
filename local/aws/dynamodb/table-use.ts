import type { Ask, AwsRequest } from '../aws-call';

export type Item = Record<string, Record<string, unknown>>;

/** What one request met in a table: from it follows what the request would cost on AWS. */
export type TableUse = TableRead | TableWrite;

export type TableRead = {
  readonly kind: 'read';
  readonly action: string;
  readonly table: string;
  /** Undefined for the table itself. */
  readonly index: string | undefined;
  readonly isConsistent: boolean;
  /** Everything it went through, also what a filter then left out. */
  readonly items: readonly Item[];
};

/** One item as a request found it and left it. */
export type TableWrite = {
  readonly kind: 'write';
  readonly action: string;
  readonly table: string;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  /** What a put asked to store. */
  readonly put: Item | undefined;
  /** Its condition did not hold: `after` is `before`. */
  readonly isRefused: boolean;
};

/** What a read met, by its answer; where a filter hid some of that, the table is asked again without it. */
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
