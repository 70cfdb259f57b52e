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

/** Everything stored about one owner, as one strongly consistent read found it. */
export type OwnerRecords = {
  owner: string;
  /** Whether any row was found, of whatever kind. */
  known: boolean;
  sessions: readonly SessionRow[];
  /** Sessions that are being opened under an idempotency key. */
  claims: readonly Claim[];
  tokenRecords: readonly TokenRecord[];
  /** Sort keys of the counters of uses. */
  quotas: readonly string[];
  /** Set from when the owner asked to be erased until 35 days later. */
  erasure: ErasureRow | undefined;
  connections: readonly ConnectionRow[];
  /** Rows that this version cannot read. Nothing is concluded from them, nor from their absence among the others. */
  unreadable: readonly UnreadableRow[];
};

/** New facts, by the Terra user they are about. */
export type FactUpdates = ReadonlyMap<string, ConnectionFacts>;

/** A row as it should be stored, and as it was read (undefined: there was none). */
export type RowChange = { row: ConnectionRow; before: ConnectionRow | undefined };

/** Most sessions, SDK tokens and connections, of each kind, that are kept of one owner. */
export const OWNER_ROWS = 100;

/** The partition as it is once the changes are stored. */
export function withChanges(records: OwnerRecords, changes: readonly RowChange[]): OwnerRecords {
  const changed = new Map(changes.map(({ row }) => [row.terraUserId, row]));
  const kept = records.connections.filter(row => !changed.has(row.terraUserId));
  return { ...records, known: true, connections: [...kept, ...changed.values()] };
}

/** The partition with this session in place of the one of the same id. */
export function withSession(records: OwnerRecords, session: SessionRow): OwnerRecords {
  return { ...records, sessions: [...records.sessions.filter(({ id }) => id !== session.id), session] };
}

/** The partition with this mint in place of the one of the same id. */
export function withTokenRecord(records: OwnerRecords, tokenRecord: TokenRecord): OwnerRecords {
  return { ...records, tokenRecords: [...records.tokenRecords.filter(({ id }) => id !== tokenRecord.id), tokenRecord] };
}

/** The row that now stands for the connection people know by this public id. */
export function findConnection(records: OwnerRecords, id: string): ConnectionRow | undefined {
  const named = records.connections.filter(row => row.ids.includes(id) || publicId(row.terraUserId) === id);
  const current = named.flatMap(row => currentRow(records, row.terraUserId) ?? []);
  // A superseded user's successor may be deleted before it; and if a row of a chain cannot be read, the rows before it do not lead
  // to the last one any more.
  return current.find(row => !isSuperseded(row.facts)) ?? current[0];
}

/** The row that now stands for this Terra user. */
export function currentRow(records: OwnerRecords, terraUserId: string): ConnectionRow | undefined {
  const facts = new Map(records.connections.map(row => [row.terraUserId, row.facts]));
  const last = successor(facts, terraUserId);
  return records.connections.find(row => row.terraUserId === last);
}

/** Returns whether a row of an owner with too many may be deleted before its time: its user is at Terra no more, and never was the owner's, or has a successor. */
export function isDeletable(facts: ConnectionFacts): boolean {
  const { status } = connectionState(facts);
  if (status === 'unseen') return !needsLookup(facts);
  return status === 'superseded' || (status === 'disconnected' && facts.proof === undefined);
}

/** Returns how many connections of the owner cannot be spared. */
export const countRetained = ({ connections }: Pick<OwnerRecords, 'connections'>): number =>
  connections.filter(({ facts }) => !isDeletable(facts)).length;

/** The Terra user whose connection has this sort key; undefined for any other row. */
export function terraUserOf(item: string): string | undefined {
  const key = readItemKey(item);
  return key?.kind === 'connection' ? key.id : undefined;
}

/** Returns whether the Terra user has a row that this version cannot read, so that nothing can be told or written of it. */
export const isUnreadable = ({ unreadable }: Pick<OwnerRecords, 'unreadable'>, terraUserId: string): boolean =>
  unreadable.some(({ item }) => item === itemKey.connection(terraUserId));
