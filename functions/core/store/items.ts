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
        return 'stateHash' in stored
          ? add(rows.sessions, readSession(stored))
          : add(
              rows.claims,
              parsed(Claim, stored, ({ id }) => itemKey.session(id)),
            );
      case 'mint':
        return add(
          rows.tokenRecords,
          parsed(TokenRecord, stored, ({ id }) => itemKey.mint(id)),
        );
      case 'connection':
        return add(rows.connections, readConnection(stored));
      case 'quota':
        return add(rows.quotas, item);
      case 'erasure':
        return (erasure = parsed(ErasureRow, stored, () => itemKey.erasure));
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
export const readSession = (item: Item | undefined): SessionRow | undefined =>
  item && 'stateHash' in item ? parsed(SessionRow, item, ({ id }) => itemKey.session(id)) : undefined;

/** Parses a connection. Returns undefined for an unreadable item. */
export const readConnection = (item: Item): ConnectionRow | undefined =>
  parsed(ConnectionRow, item, ({ terraUserId }) => itemKey.connection(terraUserId));

/**
 * Parses a row. Removes `schema` unless it is a later one. Returns undefined if the item does not fit the shape, or if its id
 * differs from its key, because it would be written to another row.
 */
function parsed<S extends z.ZodMiniType<object>>(
  shape: S,
  item: Item,
  keyOf: (row: z.infer<S>) => string,
): z.infer<S> | undefined {
  const { data } = shape.safeParse(item);
  if (!data || keyOf(data) !== item[table.sortKey]) return undefined;
  if (!('schema' in data) || Number(data.schema) > SCHEMA) return data;
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
