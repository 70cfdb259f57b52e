import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type * as z from 'zod/mini';
import { ConnectionFacts, ConnectionRow, isOfLaterVersion } from '../state/connection';
import { ErasureRow } from '../state/tombstone';
import { TokenRecord } from '../state/token-record';
import type { OwnerRecords } from '../state/owner-records';
import { Claim, hasLaterValue, SessionRow } from '../state/session';
import { type Item, itemKey, readItemKey, SCHEMA, table, type UnreadableRow } from './table';

/** The number of rows that could not be read, and of rows with a value that only a later version knows. */
export type RowFindings = { unreadableRows: number; laterValues: number };

/** Returns the shard of the due index for an owner's rows. */
export function shardOf(owner: string): string {
  return String((createHash('sha256').update(owner).digest()[0] ?? 0) % table.due.shards);
}

/** Parses the rows of an owner. A row that cannot be read goes to `unreadable`. */
export function toOwnerRecords(owner: string, items: readonly Item[]): OwnerRecords {
  const unreadable: UnreadableRow[] = [];
  const rows = {
    sessions: [] as SessionRow[],
    claims: [] as Claim[],
    tokenRecords: [] as TokenRecord[],
    quotas: [] as string[],
    connections: [] as ConnectionRow[],
  };
  let erasure: ErasureRow | undefined;
  for (const stored of items) {
    const item = String(stored[table.sortKey]);
    if (!classify(item, stored)) unreadable.push({ item, stored });
  }
  return { owner, known: items.length > 0, ...rows, erasure, unreadable };

  function classify(item: string, stored: Item): unknown {
    switch (readItemKey(item)?.kind) {
      case 'session':
        return 'stateHash' in stored ? add(rows.sessions, readSession(stored)) : add(rows.claims, readClaim(stored));
      case 'mint':
        return add(rows.tokenRecords, readTokenRecord(stored));
      case 'connection':
        return add(rows.connections, readConnection(stored));
      case 'quota':
        return add(rows.quotas, item);
      case 'erasure':
        return (erasure = parsed(ErasureRow, stored));
      default:
        return undefined;
    }
  }
}

/** Returns the findings of a read; undefined if there are none. */
export function findingsIn({ sessions, connections, unreadable }: OwnerRecords): RowFindings | undefined {
  const later = [...sessions.filter(hasLaterValue), ...connections.filter(({ facts }) => isOfLaterVersion(facts))];
  const isAny = unreadable.length + later.length > 0;
  return isAny ? { unreadableRows: unreadable.length, laterValues: later.length } : undefined;
}

/** Parses a session. Returns undefined for a claim, an unreadable item or no item. */
export function readSession(item: Item | undefined): SessionRow | undefined {
  const session = item && 'stateHash' in item ? parsed(SessionRow, item) : undefined;
  return session && isAt(item, itemKey.session(session.id)) ? session : undefined;
}

/** Parses a token record. Returns undefined for an unreadable item or no item. */
export function readTokenRecord(item: Item | undefined): TokenRecord | undefined {
  const tokenRecord = item && parsed(TokenRecord, item);
  return tokenRecord && isAt(item, itemKey.mint(tokenRecord.id)) ? tokenRecord : undefined;
}

/** Parses a connection. Returns undefined for an unreadable item. */
export function readConnection(item: Item): ConnectionRow | undefined {
  const row = parsed(ConnectionRow, item);
  return row && isAt(item, itemKey.connection(row.terraUserId)) ? row : undefined;
}

function readClaim(item: Item): Claim | undefined {
  const claim = parsed(Claim, item);
  return claim && isAt(item, itemKey.session(claim.id)) ? claim : undefined;
}

/** Returns whether the item has this sort key. A row whose id differs from its key would be written to another row. */
const isAt = (item: Item | undefined, key: string): boolean => item?.[table.sortKey] === key;

/** Parses a row. Removes `schema` unless it is a later one. Returns undefined if the item does not fit the shape. */
function parsed<S extends z.ZodMiniType<{ schema?: number | undefined } | object>>(
  shape: S,
  item: Item,
): z.infer<S> | undefined {
  const { data } = shape.safeParse(item);
  if (!data || !('schema' in data) || Number(data.schema) > SCHEMA) return data;
  const { schema: _, ...row } = data;
  return row as z.infer<S>;
}

function add<R>(rows: R[], row: R | undefined): R | undefined {
  if (row !== undefined) rows.push(row);
  return row;
}

export function sessionItem(session: SessionRow): Item {
  return { ...session, item: itemKey.session(session.id), ...dueShard(session) };
}

/** Returns the attribute that puts a due row into the due index. */
export const dueShard = (row: { owner: string; dueAt?: number | undefined }): Item =>
  row.dueAt === undefined ? {} : { dueShard: shardOf(row.owner) };

/** Returns the `schema` of a row after a write by this version, which never lowers it. */
export const schemaOf = ({ schema = SCHEMA }: { schema?: number | undefined }): number => Math.max(schema, SCHEMA);

/** The attributes that a write sets and removes, by their paths. All others stay as stored. */
export type RowUpdate = { set: [path: string[], value: unknown][]; remove: string[][] };

/**
 * Returns the update from the stored connection (undefined: none) to the new one. Only facts that differ are written, so that fields
 * that later versions added to the others are kept.
 */
export function connectionUpdate(row: ConnectionRow, before: ConnectionRow | undefined): RowUpdate {
  const { owner: _, facts, ...rest } = row;
  const known = Object.keys(ConnectionRow.shape).filter(name => !['owner', 'facts', 'schema'].includes(name));
  const absent = [...known, 'dueShard'].map(name => [name, undefined]);
  const update = toRowUpdate({ ...Object.fromEntries(absent), ...rest, ...dueShard(row), schema: schemaOf(row) });
  if (!before) return { set: [...update.set, [['facts'], facts]], remove: [] };
  for (const name of Object.keys(ConnectionFacts.shape) as (keyof ConnectionFacts)[]) {
    if (isDeepStrictEqual(facts[name], before.facts[name])) continue;
    if (facts[name] === undefined) update.remove.push(['facts', name]);
    else update.set.push([['facts', name], facts[name]]);
  }
  return update;
}

/** Returns the update that sets the attributes of an item and removes those that are undefined. */
export function toRowUpdate(item: Item): RowUpdate {
  const entries = Object.entries(item);
  return {
    set: entries.filter(([, value]) => value !== undefined).map(([name, value]) => [[name], value]),
    remove: entries.filter(([, value]) => value === undefined).map(([name]) => [name]),
  };
}
