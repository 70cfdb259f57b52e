import { connectionOf, sessionOf } from '../http/answer';
import { isoTime } from '../platform/clock';
import { type ConnectionRow, type ConnectionState, connectionState, shownStatuses } from '../state/connection';
import { knownOf } from '../state/open-enum';
import { type Confirmation, provedUser, type SessionRow, type SessionStatus } from '../state/session';

export const EVENT_SOURCE = 'terra-connect';

type FinalStatus = Extract<SessionStatus, 'completed' | 'failed' | 'expired' | 'rejected'>;
type ConnectionChange =
  | 'unconfirmed'
  | 'connected'
  | 'error'
  | 'recovered'
  | 'reauthorized'
  | 'scopes_changed'
  | 'disconnecting'
  | 'disconnected';

/** Has `needsAction` only if the row alone decides it, because a stream record does not contain the owner's sessions. */
type ConnectionView = NonNullable<ReturnType<typeof connectionOf>> & { needsAction?: 'reconnect' };
type SessionView = ReturnType<typeof sessionOf>;

/** The fields of every event. Contains no secrets. */
type Detail = {
  /** `<record id>:<version>`, the same for every delivery of this event. */
  eventId: string;
  occurredAt: string;
  owner: { sub?: string; referenceId: string };
  version: number;
  previousStatus?: string;
};

/** An event that is published to the bus. */
export type PublishedEvent =
  | { detailType: `session.${FinalStatus}`; detail: Detail & { session: SessionView } }
  | {
      detailType: `connection.${ConnectionChange}`;
      /** `previousIds` comes with `reauthorized`: other ids that this connection had. */
      detail: Detail & { connection: ConnectionView; previousIds?: string[] };
    };

/**
 * Returns the event for a session's change: its final status, once. `completed` and `rejected` are published at once; `failed`
 * and `expired` only when the session is closed, because before that it can still succeed.
 */
export function sessionEvent(
  before: SessionRow | undefined,
  after: SessionRow,
  confirmation: Confirmation,
): PublishedEvent | undefined {
  const status = finalStatus(after, confirmation);
  if (status === undefined || (before && finalStatus(before, confirmation) === status)) return undefined;
  const previousStatus = before && sessionOf(before, before.createdAt, confirmation).status;
  return {
    detailType: `session.${status}`,
    detail: {
      eventId: `${after.id}:${after.version}`,
      occurredAt: isoTime(decidedAt(after, status, confirmation)),
      owner: { sub: after.sub, referenceId: after.owner },
      session: sessionOf(after, after.createdAt, confirmation),
      version: after.version,
      ...(previousStatus !== undefined && previousStatus !== status && { previousStatus }),
    },
  };
}

/**
 * Returns the event for a connection's change: another status, else other scopes, else none. A row that took over the id of an
 * older connection counts as new, because the last event under that id was about another row.
 */
export function connectionEvent(before: ConnectionRow | undefined, after: ConnectionRow): PublishedEvent | undefined {
  const shown = connectionOf(after);
  if (!shown) return undefined;
  const known = before && connectionOf(before)?.id === shown.id ? before : undefined;
  const change = changeOf(known, after);
  if (!change) return undefined;

  const previousStatus = known ? connectionState(known.facts).status : statusBefore(after);
  return {
    detailType: `connection.${change}`,
    detail: {
      eventId: `${shown.id}:${after.version}`,
      occurredAt: shown.updatedAt,
      owner: { ...(after.sub !== undefined && { sub: after.sub }), referenceId: after.owner },
      connection: { ...shown, ...(needsReconnect(after) && { needsAction: 'reconnect' }) },
      version: after.version,
      ...(previousStatus !== undefined && { previousStatus }),
      ...(change === 'reauthorized' && { previousIds: after.ids.filter(id => id !== shown.id) }),
    },
  };
}

/** Returns a session's final status, which only a wrong owner's code can change. Depends only on facts, never on the current time. */
function finalStatus(session: SessionRow, confirmation: Confirmation): FinalStatus | undefined {
  const { status } = sessionOf(session, session.createdAt, confirmation);
  switch (status) {
    case 'completed':
    case 'rejected':
    case 'expired':
      return status;
    case 'failed':
      return session.closed && status;
    case 'pending':
    case 'returned':
      return undefined;
    default:
      return status satisfies never;
  }
}

/** Returns the time of the last fact that made the status final. */
function decidedAt(session: SessionRow, status: FinalStatus, confirmation: Confirmation): number {
  const { wrongOwner, closed, redeemed, authorised, returned, createdAt } = session;
  const usedAgainAt = authorised[returned?.terraUserId ?? '']?.lastAuthAt ?? createdAt;
  if (status === 'rejected') return wrongOwner?.at ?? usedAgainAt;
  if (status !== 'completed') return closed?.at ?? createdAt;
  const proof = authorised[provedUser(session, confirmation) ?? '']?.at ?? createdAt;
  return confirmation === 'required' ? Math.max(proof, redeemed?.at ?? 0) : proof;
}

/** `known` is the row as last published under the same id. */
function changeOf(known: ConnectionRow | undefined, after: ConnectionRow): ConnectionChange | undefined {
  const is = connectionState(after.facts).status as ShownStatus;
  const was = known && connectionState(known.facts).status;
  if (was === is) return scopesOf(known) === scopesOf(after) ? undefined : 'scopes_changed';
  if (is !== 'connected') return is;
  if (was === 'error') return 'recovered';
  // A row that was connected before has been proved before.
  const isFirst = known?.facts.proof === undefined;
  return isFirst && after.ids.length > 1 ? 'reauthorized' : 'connected';
}

type ShownStatus = Exclude<ConnectionState['status'], 'unseen' | 'unwanted' | 'superseded'>;

/** Sorted, because Terra lists scopes in any order. */
const scopesOf = (row: ConnectionRow | undefined): string => (row?.facts.scopes?.list ?? []).toSorted().join('\n');

/** Returns the status before the row's own, from the history that the row took over. */
function statusBefore({ history }: ConnectionRow): string | undefined {
  return history.flatMap(({ status }) => knownOf(shownStatuses, status) ?? []).at(-2);
}

/** Returns whether the user must connect again. If a code may still be valid, that depends on a session, so it returns false. */
function needsReconnect({ facts }: ConnectionRow): boolean {
  const state = connectionState(facts);
  return state.status === 'error' || (state.status === 'unconfirmed' && state.reason === 'unsolicited');
}
