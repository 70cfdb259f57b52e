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

/** `needsAction` only where the row alone decides it: a stream image comes without the owner's sessions. */
type ConnectionView = NonNullable<ReturnType<typeof connectionOf>> & { needsAction?: 'reconnect' };
type SessionView = ReturnType<typeof sessionOf>;

/** What every event says of the record it is about; nothing in it is secret. */
type Detail = {
  /** `<record id>:<version>`: the same however often it is delivered. */
  eventId: string;
  occurredAt: string;
  owner: { sub?: string; referenceId: string };
  version: number;
  previousStatus?: string;
};

/** A change as the rest of the team's system hears of it. */
export type PublishedEvent =
  | { detailType: `session.${FinalStatus}`; detail: Detail & { session: SessionView } }
  | {
      detailType: `connection.${ConnectionChange}`;
      /** `previousIds`, with `reauthorized`: the other ids under which the same link may be known. */
      detail: Detail & { connection: ConnectionView; previousIds?: string[] };
    };

/**
 * What a session's change amounts to: its final status, once. `completed` and `rejected` at once; `failed` and `expired`
 * only when it is closed, since until then a late success may still come.
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
 * What a connection's change amounts to: another status, else other scopes, else nothing. A row that has taken over an
 * older link's id is told of anew under that id, since what was last told there was another row's.
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

/** The status nothing but a wrong owner's code can change any more; told by the row's facts alone, never by the clock. */
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

/** When the last of the facts came about that made the status final. */
function decidedAt(session: SessionRow, status: FinalStatus, confirmation: Confirmation): number {
  const { wrongOwner, closed, redeemed, authorised, returned, createdAt } = session;
  const usedAgainAt = authorised[returned?.terraUserId ?? '']?.lastAuthAt ?? createdAt;
  if (status === 'rejected') return wrongOwner?.at ?? usedAgainAt;
  if (status !== 'completed') return closed?.at ?? createdAt;
  const proof = authorised[provedUser(session, confirmation) ?? '']?.at ?? createdAt;
  return confirmation === 'required' ? Math.max(proof, redeemed?.at ?? 0) : proof;
}

/** `known` is the row as it was last told of under the same id. */
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

/** In whatever order Terra lists them. */
const scopesOf = (row: ConnectionRow | undefined): string => (row?.facts.scopes?.list ?? []).toSorted().join('\n');

/** The last status people saw of the link before the row's own, from the history it took over. */
function statusBefore({ history }: ConnectionRow): string | undefined {
  return history.flatMap(({ status }) => knownOf(shownStatuses, status) ?? []).at(-2);
}

/** Whether only a new attempt helps. While a code may be live that depends on the session, and the row alone does not say. */
function needsReconnect({ facts }: ConnectionRow): boolean {
  const state = connectionState(facts);
  return state.status === 'error' || (state.status === 'unconfirmed' && state.reason === 'unsolicited');
}
