/** The keys and indexes of the table, for the CDK construct, the local stack and the store. */
export const table = {
  partitionKey: 'owner',
  sortKey: 'item',
  /** DynamoDB's TTL attribute, in seconds since 1970. It only deletes rows; no rule depends on it. */
  expiry: 'purgeAt',
  /** A sparse, keys-only index of the rows that the sweep must process by `dueAt` (ms since 1970). `dueShard` is text, `0` to `7`. */
  due: { index: 'due', partitionKey: 'dueShard', sortKey: 'dueAt', shards: 8 },
} as const;

/** The schema version that this code writes, in the attribute `schema`. Rows without it have version 1. */
export const SCHEMA = 2;

/** A stored row before it is parsed. */
export type Item = Record<string, unknown>;

/** A row of an unknown kind or with an unexpected shape. */
export type UnreadableRow = { item: string; stored: Item };

/** Sort keys. Only this file writes and parses them. */
export const itemKey = {
  session: (id: string) => `session#${id}`,
  connection: (terraUserId: string) => `connection#${terraUserId}`,
  mint: (id: string) => `mint#${id}`,
  quota: (kind: QuotaKind, window: number) => `quota#${kind}#${window}`,
  erasure: 'erasure',
} as const;

/** The operations that are limited for each owner. */
export type QuotaKind = 'sessions' | 'mints' | 'erasures';

/** Parses a sort key into the kind of row and its id; undefined for an unknown kind. */
export function readItemKey(
  item: string,
): { kind: 'session' | 'connection' | 'mint' | 'quota' | 'erasure'; id: string } | undefined {
  const [, kind, id = ''] = /^(session|connection|mint|quota|erasure)(?:#(.*))?$/s.exec(item) ?? [];
  return kind === undefined ? undefined : { kind: kind as 'session', id };
}

/** Returns whether a later version wrote to the row, so that it may be due for a reason that this version does not know. */
export const isOfLaterSchema = ({ schema = 0 }: { schema?: number | undefined }): boolean => schema > SCHEMA;

/** Returns the cursor that continues a scan after this row. */
export const scanCursor = (owner: string, item: string): string =>
  JSON.stringify({ [table.partitionKey]: { S: owner }, [table.sortKey]: { S: item } });

/** The key of the row with the progress of the daily check. */
export const reconcileKey = { owner: '#reconcile', item: 'progress' } as const;

/** The key of the row with the ends that Terra reported without a reference id. */
export const reportedEndsKey = { owner: '#reconcile', item: 'ends' } as const;

/** The key of the row with the fingerprint. `#` cannot occur in an opaque reference id. */
export const fingerprintKey = { owner: '#reference-key', item: 'fingerprint' } as const;

/** Returns whether a partition key is reserved for the table's own rows and is not an owner. */
export const isBookkeeping = (owner: string): boolean =>
  [reconcileKey.owner, fingerprintKey.owner].includes(owner as '#reconcile');

export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
