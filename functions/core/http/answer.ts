import type * as z from 'zod/mini';
import type { Connection, Session } from '../../routes';
import { type Instant, isoTime } from '../platform/clock';
import { type ConnectionRow, connectionState, publicId, reasonOf } from '../state/connection';
import type { OwnerRecords } from '../state/owner-records';
import { providerId } from '../terra/providers';
import type { Rules } from '../state/rules';
import {
  type Confirmation,
  codeExpiresAt,
  flowOf,
  isContested,
  isRefused,
  provedUser,
  type SessionRow,
  sessionFailure,
  sessionStatus,
} from '../state/session';

type ConnectionAnswer = z.infer<typeof Connection>;
type SessionAnswer = z.infer<typeof Session>;

/** Returns a connection as the API shows it, or undefined if the row's connection is not shown. */
export function connectionAnswer(
  row: ConnectionRow,
  records: OwnerRecords,
  now: Instant,
): ConnectionAnswer | undefined {
  const shown = connectionOf(row);
  const needsAction = shown && actionNeeded(row, shown.status, records, now);
  return shown && { ...shown, ...(needsAction && { needsAction }) };
}

/** Returns the part of a connection that follows from its row alone: all except `needsAction`, which depends on sessions. */
export function connectionOf(row: ConnectionRow): Omit<ConnectionAnswer, 'needsAction'> | undefined {
  const state = connectionState(row.facts);
  if (state.status === 'unseen' || state.status === 'unwanted' || state.status === 'superseded') return undefined;
  const reason = reasonOf(state) as ConnectionAnswer['reason'];
  // A Terra user that replaced another inherits `connectedAt`, but its id is not shown before it is proved itself.
  const isProved = row.connectedAt !== undefined && row.facts.proof !== undefined;
  return {
    id: row.ids[0] ?? publicId(row.terraUserId),
    provider: row.facts.provider ?? 'UNKNOWN',
    status: state.status,
    ...(reason !== undefined && { reason }),
    ...(isProved && { terraUserId: row.terraUserId }),
    ...(row.connectedAt !== undefined && { connectedAt: isoTime(row.connectedAt) }),
    scopes: row.facts.scopes?.list ?? [],
    ...(row.facts.data && { lastDataAt: isoTime(row.facts.data.at) }),
    updatedAt: isoTime(row.updatedAt),
    version: row.version,
  };
}

/** Returns a session as the API shows it. `row` is the connection of the Terra user that the session connected. */
export function sessionAnswer(
  session: SessionRow,
  row: ConnectionRow | undefined,
  now: Instant,
  { confirmation }: Pick<Rules, 'confirmation'>,
): SessionAnswer {
  const shown = sessionOf(session, now, confirmation);
  const isOpenable = shown.status === 'pending' && session.url !== undefined && now < session.expiresAt;
  return {
    ...shown,
    ...(isOpenable && { url: session.url }),
    ...(row?.facts.provider !== undefined && { provider: row.facts.provider }),
    ...(row?.ids[0] !== undefined && { connectionId: row.ids[0] }),
  };
}

/** Returns the Terra user that a completed session connected. */
export const connectedUser = (session: SessionRow, now: Instant, confirmation: Confirmation): string | undefined =>
  sessionStatus(session, now, confirmation) === 'completed' ? provedUser(session, confirmation) : undefined;

/**
 * Returns the part of a session that follows from its row alone: all except `url`. Its `connectionId` can differ from the id
 * that the API shows, because a connection keeps the id of the one it replaced.
 */
export function sessionOf(session: SessionRow, now: Instant, confirmation: Confirmation): Omit<SessionAnswer, 'url'> {
  const status = sessionStatus(session, now, confirmation);
  const failure = sessionFailure(session, status);
  const terraUserId = connectedUser(session, now, confirmation);
  const proved = terraUserId === undefined ? undefined : session.authorised[terraUserId];
  const asked = flowOf(session) === 'direct' ? session.providers?.[0] : undefined;
  const provider = proved?.provider === undefined ? asked : providerId(proved.provider);
  return {
    id: session.id,
    flow: flowOf(session) ?? 'widget',
    status,
    ...(provider !== undefined && { provider }),
    expiresAt: isoTime(session.expiresAt),
    ...(terraUserId !== undefined && { connectionId: publicId(terraUserId) }),
    ...(failure && { failure }),
  };
}

/** Returns `confirm` while a valid code can still prove the connection, else `reconnect` if the user must connect again. */
function actionNeeded(
  row: ConnectionRow,
  status: ConnectionAnswer['status'],
  { sessions }: OwnerRecords,
  now: Instant,
): ConnectionAnswer['needsAction'] {
  if (status === 'error') return 'reconnect';
  if (status !== 'unconfirmed') return undefined;
  const isRedeemable = sessions.some(
    session =>
      session.returned?.terraUserId === row.terraUserId &&
      !session.redeemed &&
      !session.closed &&
      !isContested(session) &&
      !isRefused(session, row.terraUserId) &&
      now <= (codeExpiresAt(session) ?? 0),
  );
  return isRedeemable ? 'confirm' : 'reconnect';
}
