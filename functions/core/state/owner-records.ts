import {
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  needsLookup,
  isSuperseded,
  publicId,
} from './connection';
import { successor } from './replacements';
import type { ErasureRow } from './tombstone';
import type { TokenRecord } from './token-record';
import type { Claim, SessionRow } from './session';
import { itemKey, readItemKey, type UnreadableRow } from '../store/table';

/** All records of one owner, as one strongly consistent query reads them. */
export type OwnerRecords = {
  owner: string;
  /** Whether the owner has any row. */
  known: boolean;
  sessions: readonly SessionRow[];
  /** Sessions that are being opened under an idempotency key. */
  claims: readonly Claim[];
  tokenRecords: readonly TokenRecord[];
  /** Sort keys of the quota counters. */
  quotas: readonly string[];
  /** Kept for 35 days after the owner requested the erasure. */
  erasure: ErasureRow | undefined;
  connections: readonly ConnectionRow[];
  /** Rows that this version cannot read. */
  unreadable: readonly UnreadableRow[];
};

/** Facts to be merged, by Terra user id. */
export type FactUpdates = ReadonlyMap<string, ConnectionFacts>;

/** A row to be stored, and the row that was read before (undefined: none). */
export type RowChange = { row: ConnectionRow; before: ConnectionRow | undefined };

/** The maximum number of sessions, of token records and of connections kept for one owner. */
export const OWNER_ROWS = 100;

/** Returns the row of a Terra user. */
export const connectionOf = (
  { connections }: Pick<OwnerRecords, 'connections'>,
  terraUserId: string | undefined,
): ConnectionRow | undefined => connections.find(row => row.terraUserId === terraUserId);

/** Returns the records after the changes are stored. */
export function withChanges(records: OwnerRecords, changes: readonly RowChange[]): OwnerRecords {
  const changed = new Map(changes.map(({ row }) => [row.terraUserId, row]));
  const kept = records.connections.filter(row => !changed.has(row.terraUserId));
  return { ...records, known: true, connections: [...kept, ...changed.values()] };
}

export function withSession(records: OwnerRecords, session: SessionRow): OwnerRecords {
  return { ...records, sessions: [...records.sessions.filter(({ id }) => id !== session.id), session] };
}

export function withTokenRecord(records: OwnerRecords, tokenRecord: TokenRecord): OwnerRecords {
  return { ...records, tokenRecords: [...records.tokenRecords.filter(({ id }) => id !== tokenRecord.id), tokenRecord] };
}

/** Returns the current row of the connection with this public id. */
export function findConnection(records: OwnerRecords, id: string): ConnectionRow | undefined {
  const named = records.connections.filter(row => row.ids.includes(id) || publicId(row.terraUserId) === id);
  const current = named.flatMap(row => currentRow(records, row.terraUserId) ?? []);
  // If a row in the chain was deleted or cannot be read, the rows before it do not lead to the last one.
  return current.find(row => !isSuperseded(row.facts)) ?? current[0];
}

/** Returns the row that replaced this Terra user's row, or that row itself. */
export function currentRow(records: OwnerRecords, terraUserId: string): ConnectionRow | undefined {
  const facts = new Map(records.connections.map(row => [row.terraUserId, row.facts]));
  return connectionOf(records, successor(facts, terraUserId));
}

/**
 * Returns whether the row can be deleted before its `purgeAt` to make room: the Terra user has a successor, or no longer exists
 * at Terra and was never proved.
 */
export function isDeletable(facts: ConnectionFacts): boolean {
  const { status } = connectionState(facts);
  if (status === 'unseen') return !needsLookup(facts);
  return status === 'superseded' || (status === 'disconnected' && facts.proof === undefined);
}

export const countRetained = ({ connections }: Pick<OwnerRecords, 'connections'>): number =>
  connections.filter(({ facts }) => !isDeletable(facts)).length;

/** Returns the Terra user id in the sort key of a connection; undefined for any other sort key. */
export function terraUserOf(item: string): string | undefined {
  const key = readItemKey(item);
  return key?.kind === 'connection' ? key.id : undefined;
}

/** Returns whether the Terra user has a row that this version cannot read. */
export const isUnreadable = ({ unreadable }: Pick<OwnerRecords, 'unreadable'>, terraUserId: string): boolean =>
  unreadable.some(({ item }) => item === itemKey.connection(terraUserId));
