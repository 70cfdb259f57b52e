import { createHash } from 'node:crypto';
import { ConnectionRow } from './connection';
import { ErasureRow } from './erasure';
import { MintRow } from './mint';
import type { Partition } from './partition';
import { Claim, SessionRow } from './session';
import { itemKey, readItemKey, table } from './table';

/** A row as it lies in the table, before it is known what it is. */
export type Item = Record<string, unknown>;

/** Which shard of the due index an owner's rows are in. */
export function shardOf(owner: string): string {
  return String((createHash('sha256').update(owner).digest()[0] ?? 0) % table.due.shards);
}

/** Sorts the rows of an owner by what they are; rows of a kind this code does not know are only counted as known. */
export function partitionOf(owner: string, items: readonly Item[]): Partition {
  const of = (kind: string) => items.filter(item => readItemKey(String(item[table.sortKey]))?.kind === kind);
  return {
    owner,
    known: items.length > 0,
    sessions: of('session').flatMap(item => readSession(item) ?? []),
    claims: of('session').flatMap(item => ('stateHash' in item ? [] : [Claim.parse(item)])),
    quotas: of('quota').map(item => String(item[table.sortKey])),
    erasure: of('erasure').map(item => ErasureRow.parse(item))[0],
    mints: of('mint').map(item => MintRow.parse(item)),
    connections: of('connection').map(item => ConnectionRow.parse(item)),
  };
}

/** The session in an item; undefined for one that is only being opened, or for none. */
export function readSession(item: Item | undefined): SessionRow | undefined {
  return item && 'stateHash' in item ? SessionRow.parse(item) : undefined;
}

export function sessionItem(session: SessionRow): Item {
  return { ...session, item: itemKey.session(session.id), ...dueShard(session) };
}

/** What puts a row into the due index, where it is due at all. */
export const dueShard = (row: { owner: string; dueAt?: number | undefined }): Item =>
  row.dueAt === undefined ? {} : { dueShard: shardOf(row.owner) };
