import { ConnectionRow } from '../../functions/core/state/connection';
import { ErasureRow } from '../../functions/core/state/tombstone';
import { TokenRecord } from '../../functions/core/state/token-record';
import { SessionRow } from '../../functions/core/state/session';
import { readItemKey, table } from '../../functions/core/store/table';

/** A row of the table as plain values. */
export type Row = Readonly<Record<string, unknown>>;

/** One fact of a row with its details. It never contains a link, a secret or a hash of one. */
export type RecordFact = {
  readonly record: 'session' | 'connection' | 'mint' | 'erasure';
  /** The record's public id. */
  readonly id: string;
  readonly fact: string;
  /** The fact's own time in milliseconds since 1970: Terra's time if Terra gave one, otherwise ours. */
  readonly at: number;
  readonly says: Readonly<Record<string, unknown>>;
};

type Named = [fact: string, value: ({ at: number } & Readonly<Record<string, unknown>>) | undefined];

/** Returns the facts of a row; none if the row cannot be read or its kind has no facts. */
export function factsOf(row: Row): RecordFact[] {
  switch (readItemKey(String(row[table.sortKey]))?.kind) {
    case 'session':
      return factsOfSession(SessionRow.safeParse(row).data);
    case 'connection':
      return factsOfConnection(ConnectionRow.safeParse(row).data);
    case 'mint':
      return factsOfToken(TokenRecord.safeParse(row).data);
    case 'erasure':
      return factsOfErasure(ErasureRow.safeParse(row).data);
    default:
      return [];
  }
}

function factsOfSession(session: SessionRow | undefined): RecordFact[] {
  if (!session) return [];
  const { id, flow, providers, returnTo, createdAt, expiresAt, finishBy, returned } = session;
  return toFacts('session', id, [
    ['created', { at: createdAt, flow, providers, returnTo, expiresAt: iso(expiresAt), finishBy: iso(finishBy) }],
    ['returned', returned && { at: returned.at, terraUserId: returned.terraUserId }],
    ...Object.entries(session.authorised).map(
      ([terraUserId, { at, provider, scopes }]): Named => ['authorised', { at, terraUserId, provider, scopes }],
    ),
    ['redeemed', session.redeemed],
    ['failed', session.failed],
    ['cancelled', session.cancelled],
    ['wrongOwner', session.wrongOwner],
    ...(session.refusedAt ?? []).map((at): Named => ['refused', { at }]),
    ['closed', session.closed],
  ]);
}

function factsOfConnection(row: ConnectionRow | undefined): RecordFact[] {
  if (!row) return [];
  const { ids, terraUserId, facts } = row;
  // In order of cause, for facts with the same time.
  const all: Named[] = [
    ['auth', facts.auth && { at: facts.auth.at, via: facts.auth.via }],
    ['scopes', facts.scopes],
    ['proof', facts.proof],
    ['data', facts.data],
    ['reported', facts.reported],
    ['error', facts.error],
    ['missed', facts.missed],
    ['seen', facts.seen],
    ['supersededBy', facts.supersededBy && { at: facts.supersededBy.at, by: facts.supersededBy.terraUserId }],
    ['wrongOwner', facts.wrongOwner],
    ['disproved', facts.disproved],
    ['disconnect', facts.disconnect],
    ['attempt', facts.attempt],
    ['gone', facts.gone],
  ];
  const about = { terraUserId, provider: facts.provider };
  return toFacts(
    'connection',
    ids[0] ?? '',
    all.map(([fact, value]) => [fact, value && { ...value, ...about }]),
  );
}

function factsOfToken(tokenRecord: TokenRecord | undefined): RecordFact[] {
  if (!tokenRecord) return [];
  const { id, provider, createdAt, expiresAt, usedBy } = tokenRecord;
  return toFacts('mint', id, [
    ['created', { at: createdAt, provider, expiresAt: iso(expiresAt) }],
    ['usedBy', usedBy],
  ]);
}

const factsOfErasure = (erasure: ErasureRow | undefined): RecordFact[] =>
  erasure ? toFacts('erasure', '', [['requested', { at: erasure.requestedAt }]]) : [];

function toFacts(record: RecordFact['record'], id: string, named: readonly Named[]): RecordFact[] {
  return named.flatMap(([fact, value]) => {
    if (!value) return [];
    const { at, ...says } = value;
    return [{ record, id, fact, at, says }];
  });
}

const iso = (at: number): string => new Date(at).toISOString();
