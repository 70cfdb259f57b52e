import type { Instant } from '../platform/clock';
import { connectionState, isPhone } from './connection';
import type { Delivery } from './delivery-mark';
import { fits, type TokenRecord, tokenRecordFor } from './token-record';
import type { OwnerRecords } from './owner-records';
import { providerId, providerKind } from '../terra/providers';
import type { Rules } from './rules';
import {
  isAuthenticatedBy,
  isContested,
  isOpen,
  mayContain,
  offers,
  refusableUntil,
  type SessionRow,
  mayContainNamed,
} from './session';

/** A success that Terra reported. */
export type Authentication = {
  terraUserId: string;
  /** Undefined if neither Terra nor anything stored says it. */
  provider: string | undefined;
  at: Instant;
  /** `auth`: the event of this authentication. `reauth`: `user_reauth`, which comes in addition to such an event. */
  event: 'auth' | 'reauth';
  scopes?: readonly string[] | undefined;
  /** How the provider connects, if Terra's catalogue was asked; else our own list decides. */
  catalogueKind?: 'web' | 'sdk' | undefined;
  /** When Terra made the user, if it says so. */
  createdAt?: Instant | undefined;
  terraSessionId?: string | undefined;
  delivery?: Delivery | undefined;
};

/** The session or SDK token of ours that an authentication belongs to. */
export type Origin =
  | { kind: 'session'; session: SessionRow; isNamed: boolean }
  | { kind: 'token'; tokenRecord: TokenRecord; provider: string }
  | { kind: 'none' };

const NONE: Origin = { kind: 'none' };

/**
 * Finds the session or token that an authentication belongs to. What Terra names decides first: the Terra user of a direct
 * link, then the widget session. A named session of ours that is over, or one that is not ours, leaves no origin. Otherwise:
 * a token, for a provider that connects on the phone; the session that has this Terra user already; the owner's only open
 * widget session that offers the provider (not with `referenceId: "subject"`, where another program may have opened the link); a
 * token that was issued for exactly this provider. Without a known provider only what names the user counts.
 */
export function correlate(records: OwnerRecords, event: Authentication, rules: Rules): Origin {
  const { terraUserId, terraSessionId, provider } = event;
  const named =
    records.sessions.find(session => session.terraUserId === terraUserId) ??
    (terraSessionId === undefined
      ? undefined
      : records.sessions.find(session => session.terraSessionId === terraSessionId));
  if (named)
    return !named.closed && mayContainNamed(named, event.at)
      ? { kind: 'session', session: named, isNamed: true }
      : NONE;
  if (terraSessionId !== undefined) return NONE;
  const kind = event.catalogueKind ?? (provider === undefined ? undefined : providerKind(provider));
  if (kind === 'sdk') return correlateTokenRecord(records, event, records.tokenRecords);

  const sessions = records.sessions.filter(session => !session.closed && mayContain(session, event.at));
  const known = sessions.find(
    session => session.authorised[terraUserId] !== undefined || session.returned?.terraUserId === terraUserId,
  );
  if (known) return { kind: 'session', session: known, isNamed: false };
  if (provider === undefined) return NONE;
  const open = sessions.filter(
    session => session.terraUserId === undefined && isOpen(session, rules.confirmation) && offers(session, provider),
  );
  const [only, ...others] = rules.referenceId === 'subject' ? [] : open;
  if (only && others.length === 0) return { kind: 'session', session: only, isNamed: false };
  const tokenRecords = records.tokenRecords.filter(tokenRecord => tokenRecord.provider === providerId(provider));
  return correlateTokenRecord(records, event, tokenRecords);
}

/**
 * Returns whether a token without a provider may have made this authentication, so that Terra's catalogue has to say whether
 * the provider connects on the phone.
 */
export function mayBeOfTokenRecord(
  records: OwnerRecords,
  event: Pick<Authentication, 'provider' | 'at' | 'createdAt'>,
): boolean {
  return records.tokenRecords.some(
    tokenRecord => !tokenRecord.usedBy && fits(tokenRecord, event.provider, timesOf(event)),
  );
}

/** The sessions that a failure concerns. */
export type FailedSessions = {
  /** The session that the failure is known to belong to. */
  certain: SessionRow | undefined;
  /** Every session that it may belong to. */
  possible: readonly SessionRow[];
};

/**
 * Finds the sessions that a failure concerns. Certain is the one that Terra names by user or widget session; else the one
 * that has this very failure already; else the only one that still waits and has had none.
 */
export function correlateFailure(
  records: OwnerRecords,
  failure: { at: Instant; terraUserId?: string | undefined; terraSessionId?: string | undefined },
  rules: Rules,
): FailedSessions {
  const { at, terraUserId, terraSessionId } = failure;
  const failable = records.sessions.filter(session => !session.closed && mayFail(session, at));
  const only = (session: SessionRow | undefined) => ({ certain: session, possible: session ? [session] : [] });
  const direct = terraUserId === undefined ? undefined : failable.find(session => session.terraUserId === terraUserId);
  if (direct) return only(direct);
  if (terraSessionId !== undefined) return only(failable.find(session => session.terraSessionId === terraSessionId));

  // No slack for clocks here: a user who was refused may open the next session within seconds.
  const isDuring = (session: SessionRow) => at >= session.createdAt && at <= session.finishBy;
  const isOfAnotherUser = (session: SessionRow) => terraUserId !== undefined && session.terraUserId !== undefined;
  const possible = failable.filter(session => isDuring(session) && !isOfAnotherUser(session));
  const waiting = possible.filter(session => isOpen(session, rules.confirmation) && !session.returned);
  const repeated = waiting.find(({ cancelled }) => cancelled?.at === at);
  const [first, ...others] = waiting.filter(({ cancelled }) => cancelled === undefined);
  return { certain: repeated ?? (others.length === 0 ? first : undefined), possible };
}

/** Returns whether a failure at this time can change what the session proves: it cannot once a returned user is authenticated. */
function mayFail(session: SessionRow, at: Instant): boolean {
  const { returned } = session;
  const isBeforeReturn = returned === undefined || at <= refusableUntil(returned);
  return !isContested(session) && (isBeforeReturn || !isAuthenticatedBy(session, returned.terraUserId, at));
}

const timesOf = ({ at, createdAt }: Pick<Authentication, 'at' | 'createdAt'>): Instant[] =>
  createdAt === undefined ? [at] : [createdAt, at];

function correlateTokenRecord(
  records: OwnerRecords,
  event: Authentication,
  tokenRecords: readonly TokenRecord[],
): Origin {
  const { terraUserId, provider } = event;
  if (provider === undefined) return NONE;
  const tokenRecord = tokenRecordFor(tokenRecords, terraUserId, provider, timesOf(event));
  const row = records.connections.find(known => known.terraUserId === terraUserId);
  const isProved =
    row !== undefined && isPhone(row.facts) && ['connected', 'error'].includes(connectionState(row.facts).status);
  // A phone reconnects silently under the same user; that uses up no further mint.
  if (isProved && tokenRecord?.usedBy === undefined) return NONE;
  return tokenRecord ? { kind: 'token', tokenRecord, provider } : NONE;
}
