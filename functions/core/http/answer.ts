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

/** A connection as callers see it; undefined for a row that stands for nothing they may see. */
export function connectionAnswer(
  row: ConnectionRow,
  records: OwnerRecords,
  now: Instant,
): ConnectionAnswer | undefined {
  const shown = connectionOf(row);
  const needsAction = shown && actionNeeded(row, shown.status, records, now);
  return shown && { ...shown, ...(needsAction && { needsAction }) };
}

/** What a connection's row alone tells of it: all but `needsAction`, for which it takes the owner's sessions. */
export function connectionOf(row: ConnectionRow): Omit<ConnectionAnswer, 'needsAction'> | undefined {
  const state = connectionState(row.facts);
  if (state.status === 'unseen' || state.status === 'unwanted' || state.status === 'superseded') return undefined;
  const reason = reasonOf(state) as ConnectionAnswer['reason'];
  // A successor takes over since when the link is connected, and is nobody's to know by name until proved itself.
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

/** A session as its owner sees it, with the row of the Terra user that it connected. */
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

/** The Terra user that a completed session connected. */
export const connectedUser = (session: SessionRow, now: Instant, confirmation: Confirmation): string | undefined =>
  sessionStatus(session, now, confirmation) === 'completed' ? provedUser(session, confirmation) : undefined;

/** What a session's row alone tells of it: all but `url`; its connection goes by an id that may have become an older one's. */
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

/** `confirm` while the code that would prove the connection is live, else `reconnect` where something is wrong. */
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
