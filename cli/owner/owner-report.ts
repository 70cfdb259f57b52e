import { sessionOf } from '../../functions/core/http/answer';
import { type Instant, isoTime } from '../../functions/core/platform/clock';
import { type ConnectionRow, connectionState, publicId, reasonOf } from '../../functions/core/state/connection';
import { isErasing } from '../../functions/core/state/erasure';
import type { Item } from '../../functions/core/store/table';
import type { TokenRecord } from '../../functions/core/state/token-record';
import type { OwnerRecords } from '../../functions/core/state/owner-records';
import type { Confirmation, SessionRow } from '../../functions/core/state/session';

/** All records of one owner, for support and access requests. Contains no links, codes or hashes. */
export type OwnerReport = {
  referenceId: string;
  known: boolean;
  subs: string[];
  erasure?: { requestedAt: string; state: 'under way' | 'done' };
  connections: ReturnType<typeof connectionReport>[];
  sessions: ReturnType<typeof sessionReport>[];
  /** Token records; the name is part of the `--json` output. */
  mints: ReturnType<typeof tokenReport>[];
  /** Number of stored quota counters. */
  counters: number;
  /** Rows that this version cannot read, as stored but without links, codes and hashes. */
  unreadable: { item: string; stored: Item }[];
};

export function ownerReport(records: OwnerRecords, now: Instant, confirmation: Confirmation): OwnerReport {
  const { owner, known, erasure, connections, sessions, tokenRecords, quotas, unreadable } = records;
  return {
    referenceId: owner,
    known,
    subs: [...new Set([...connections, ...sessions, ...tokenRecords].flatMap(({ sub }) => sub ?? []))],
    ...(erasure && {
      erasure: { requestedAt: isoTime(erasure.requestedAt), state: isErasing(records) ? 'under way' : 'done' },
    }),
    connections: connections.map(connectionReport),
    sessions: sessions
      .toSorted((a, b) => b.createdAt - a.createdAt)
      .map(session => sessionReport(session, now, confirmation)),
    mints: tokenRecords.toSorted((a, b) => b.createdAt - a.createdAt).map(tokenReport),
    counters: quotas.length,
    unreadable: unreadable.map(({ item, stored }) => ({ item, stored: withoutSecrets(stored) as Item })),
  };
}

/** Names of attributes that can grant access, in rows of any kind. */
const SECRET = /hash$|url$|link$|secret|token|code|password|pin$/i;

/** Replaces the values of `SECRET` attributes at any depth. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  const shown = Object.entries(value).map(([name, each]): [string, unknown] => [
    name,
    SECRET.test(name) ? '(hidden)' : withoutSecrets(each),
  ]);
  return Object.fromEntries(shown);
}

function connectionReport(row: ConnectionRow) {
  const state = connectionState(row.facts);
  const { auth, data, error, supersededBy } = row.facts;
  return {
    id: row.ids[0] ?? publicId(row.terraUserId),
    terraUserId: row.terraUserId,
    provider: row.facts.provider ?? 'UNKNOWN',
    status: state.status,
    reason: reasonOf(state),
    cameBy: auth === undefined ? undefined : auth.via || 'nothing of ours',
    authenticatedAt: auth && isoTime(auth.at),
    connectedAt: row.connectedAt === undefined ? undefined : isoTime(row.connectedAt),
    lastDataAt: data && isoTime(data.at),
    lastErrorAt: error && isoTime(error.at),
    supersededBy: supersededBy?.terraUserId,
    scopes: row.facts.scopes?.list ?? [],
    history: row.history.map(({ at, status, reason }) => ({ at: isoTime(at), status, reason })),
  };
}

function sessionReport(session: SessionRow, now: Instant, confirmation: Confirmation) {
  const { id, flow, status, provider, failure } = sessionOf(session, now, confirmation);
  const { createdAt, returned, redeemed } = session;
  return {
    id,
    flow,
    status,
    failure,
    provider,
    createdAt: isoTime(createdAt),
    returnedAt: returned && isoTime(returned.at),
    redeemedAt: redeemed && isoTime(redeemed.at),
  };
}

function tokenReport({ id, provider, createdAt, expiresAt, usedBy }: TokenRecord) {
  return {
    id,
    provider,
    createdAt: isoTime(createdAt),
    expiresAt: isoTime(expiresAt),
    usedBy: usedBy?.terraUserId,
  };
}
