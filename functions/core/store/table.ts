/**
 * The one table: its keys, its index and the names of its items. Infra builds from it, the local stack emulates it,
 * the store reads and writes by it.
 */
export const table = {
  partitionKey: 'owner',
  sortKey: 'item',
  /** DynamoDB's TTL attribute, in seconds since 1970. Housekeeping only: rules compare with the clock. */
  expiry: 'purgeAt',
  /** Sparse, keys only: holds just the rows somebody must look at by `dueAt` (milliseconds since 1970). `dueShard` is text, `0` to `7`. */
  due: { index: 'due', partitionKey: 'dueShard', sortKey: 'dueAt', shards: 8 },
} as const;

/** The version of the rows that this code writes, in their attribute `schema`. Rows without it are of version 1. */
export const SCHEMA = 2;

/** A row as it lies in the table, before it is known what it is. */
export type Item = Record<string, unknown>;

/** A row that this version cannot read: it is of a kind that it does not know, or not of the shape of its kind. */
export type UnreadableRow = { item: string; stored: Item };

/** Sort keys, made and read in this file only. */
export const itemKey = {
  session: (id: string) => `session#${id}`,
  connection: (terraUserId: string) => `connection#${terraUserId}`,
  mint: (id: string) => `mint#${id}`,
  quota: (kind: QuotaKind, window: number) => `quota#${kind}#${window}`,
  erasure: 'erasure',
} as const;

/** What an owner may do only so often. */
export type QuotaKind = 'sessions' | 'mints' | 'erasures';

/** What kind of row a sort key names, and the id inside it; undefined for a kind this code does not know. */
export function readItemKey(
  item: string,
): { kind: 'session' | 'connection' | 'mint' | 'quota' | 'erasure'; id: string } | undefined {
  const [, kind, id = ''] = /^(session|connection|mint|quota|erasure)(?:#(.*))?$/s.exec(item) ?? [];
  return kind === undefined ? undefined : { kind: kind as 'session', id };
}

/** Returns whether a later version than this one wrote to the row: what it left undone is not ours to forget. */
export const isOfLaterSchema = ({ schema = 0 }: { schema?: number | undefined }): boolean => schema > SCHEMA;
/** The place in a scan of the table that is after this row. */
export const scanCursor = (owner: string, item: string): string =>
  JSON.stringify({ [table.partitionKey]: { S: owner }, [table.sortKey]: { S: item } });

/** Where the check of all connections keeps its place. */
export const reconcileKey = { owner: '#reconcile', item: 'progress' } as const;

/** Where the ends are noted whose owner the check of all connections has to find. */
export const reportedEndsKey = { owner: '#reconcile', item: 'ends' } as const;

/** Where the fingerprint of the reference-id key lies; `#` cannot occur in an opaque reference id. */
export const fingerprintKey = { owner: '#reference-key', item: 'fingerprint' } as const;

/** Returns whether a partition key is one of the table's own, so that it names no owner. */
export const isBookkeeping = (owner: string): boolean =>
  [reconcileKey.owner, fingerprintKey.owner].includes(owner as '#reconcile');

/** The number in a stored attribute; undefined for anything else. */
export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
