import type * as z from 'zod/mini';
import type { Connection, Session } from '../routes';
import { type Instant, isoTime } from './clock';
import { type ConnectionRow, connectionState, publicId, reasonOf } from './connection';
import { currentRow, type Partition } from './partition';
import type { Rules } from './rules';
import { codeEnds, provedUser, type SessionRow, sessionFailure, sessionStatus } from './session';
import { itemKey } from './table';

type ConnectionAnswer = z.infer<typeof Connection>;
type SessionAnswer = z.infer<typeof Session>;

/** A connection as callers see it; undefined for a row that stands for nothing they may see. */
export function connectionAnswer(row: ConnectionRow, partition: Partition, now: Instant): ConnectionAnswer | undefined {
  const state = connectionState(row.facts);
  if (state.status === 'unseen' || state.status === 'superseded') return undefined;
  const reason = reasonOf(state) as ConnectionAnswer['reason'];
  const needsAction = actionNeeded(row, state.status, partition, now);
  return {
    id: row.ids[0] ?? publicId(row.terraUserId),
    provider: row.facts.provider ?? 'UNKNOWN',
    status: state.status,
    ...(reason !== undefined && { reason }),
    ...(row.connectedAt !== undefined && { terraUserId: row.terraUserId, connectedAt: isoTime(row.connectedAt) }),
    scopes: row.facts.scopes?.list ?? [],
    ...(row.facts.data && { lastDataAt: isoTime(row.facts.data.at) }),
    ...(needsAction && { needsAction }),
    updatedAt: isoTime(row.updatedAt),
    version: row.version,
  };
}

/** A session as its owner sees it. */
export function sessionAnswer(session: SessionRow, partition: Partition, now: Instant, rules: Rules): SessionAnswer {
  const status = sessionStatus(session, now, rules.confirmation);
  const failure = sessionFailure(session, status);
  const terraUserId = status === 'completed' ? provedUser(session, rules.confirmation) : undefined;
  const row = terraUserId === undefined ? undefined : currentRow(partition, terraUserId);
  const provider = row?.facts.provider ?? (session.flow === 'direct' ? session.providers?.[0] : undefined);
  return {
    id: session.id,
    flow: session.flow,
    status,
    ...(provider !== undefined && { provider }),
    ...(status === 'pending' && session.url !== undefined && now < session.expiresAt && { url: session.url }),
    expiresAt: isoTime(session.expiresAt),
    ...(terraUserId !== undefined && { connectionId: row?.ids[0] ?? publicId(terraUserId) }),
    ...(failure && { failure }),
  };
}

/** `confirm` while the code that would prove the connection is live, else `reconnect` where something is wrong. */
function actionNeeded(
  row: ConnectionRow,
  status: ConnectionAnswer['status'],
  { sessions }: Partition,
  now: Instant,
): ConnectionAnswer['needsAction'] {
  if (status === 'error') return 'reconnect';
  if (status !== 'unconfirmed') return undefined;
  const session = sessions.find(({ id }) => row.facts.auth?.via === itemKey.session(id));
  const isRedeemable = session && !session.redeemed && !session.wrongOwner && !session.closed;
  const isOfThisUser = session?.returned?.terraUserId === row.terraUserId;
  return isRedeemable && isOfThisUser && now <= (codeEnds(session) ?? 0) ? 'confirm' : 'reconnect';
}
