import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type * as z from 'zod/mini';
import { ConnectionFacts, ConnectionRow, isOfLaterVersion } from '../state/connection';
import { ErasureRow } from '../state/tombstone';
import { TokenRecord } from '../state/token-record';
import type { OwnerRecords } from '../state/owner-records';
import { Claim, hasLaterValue, SessionRow } from '../state/session';
import { type Item, itemKey, readItemKey, SCHEMA, table, type UnreadableRow } from './table';

/** How many rows of a kind were read that somebody should know of. `laterValues`: rows with a value that only a later version knows. */
export type RowFindings = { unreadableRows: number; laterValues: number };

/** Which shard of the due index an owner's rows are in. */
export function shardOf(owner: string): string {
  return String((createHash('sha256').update(owner).digest()[0] ?? 0) % table.due.shards);
}

/** Sorts the rows of an owner by what they are. A row that cannot be read is kept aside and stops none of the others. */
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

/** What is to be said of a partition's rows; undefined if nothing is. */
export function findingsIn({ sessions, connections, unreadable }: OwnerRecords): RowFindings | undefined {
  const later = [...sessions.filter(hasLaterValue), ...connections.filter(({ facts }) => isOfLaterVersion(facts))];
  const isAny = unreadable.length + later.length > 0;
  return isAny ? { unreadableRows: unreadable.length, laterValues: later.length } : undefined;
}

/** The session in an item; undefined for one that is only being opened, for one that cannot be read, or for none. */
export function readSession(item: Item | undefined): SessionRow | undefined {
  const session = item && 'stateHash' in item ? parsed(SessionRow, item) : undefined;
  return session && isAt(item, itemKey.session(session.id)) ? session : undefined;
}

/** The token record in an item; undefined for one that cannot be read, or for none. */
export function readTokenRecord(item: Item | undefined): TokenRecord | undefined {
  const tokenRecord = item && parsed(TokenRecord, item);
  return tokenRecord && isAt(item, itemKey.mint(tokenRecord.id)) ? tokenRecord : undefined;
}

/** The connection in an item; undefined for one that cannot be read. */
export function readConnection(item: Item): ConnectionRow | undefined {
  const row = parsed(ConnectionRow, item);
  return row && isAt(item, itemKey.connection(row.terraUserId)) ? row : undefined;
}

function readClaim(item: Item): Claim | undefined {
  const claim = parsed(Claim, item);
  return claim && isAt(item, itemKey.session(claim.id)) ? claim : undefined;
}

/** A row that names another one than its key would be written there. */
const isAt = (item: Item | undefined, key: string): boolean => item?.[table.sortKey] === key;

/** The row without `schema`, unless that is a later one; undefined if it is not of this shape. */
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

/** What puts a row into the due index, where it is due at all. */
export const dueShard = (row: { owner: string; dueAt?: number | undefined }): Item =>
  row.dueAt === undefined ? {} : { dueShard: shardOf(row.owner) };

/** The `schema` of a row after a write of this version: never lowered. */
export const schemaOf = ({ schema = SCHEMA }: { schema?: number | undefined }): number => Math.max(schema, SCHEMA);

/** What a write changes of a row, by the paths of attributes. Everything else of the row stays as it is stored. */
export type RowUpdate = { set: [path: string[], value: unknown][]; remove: string[][] };

/**
 * Returns what turns the connection that was read (undefined: there is none) into the new one. Of the facts only those that
 * differ are written, so that what later versions added to the others is kept.
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

/** Sets the attributes of an item, and removes those that are undefined. */
export function toRowUpdate(item: Item): RowUpdate {
  const entries = Object.entries(item);
  return {
    set: entries.filter(([, value]) => value !== undefined).map(([name, value]) => [[name], value]),
    remove: entries.filter(([, value]) => value === undefined).map(([name]) => [name]),
  };
}
