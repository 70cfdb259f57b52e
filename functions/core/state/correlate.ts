import type { Instant } from '../platform/clock';
import { isLive, isPhone } from './connection';
import type { Delivery } from './delivery-mark';
import { fits, type TokenRecord, tokenRecordFor } from './token-record';
import { connectionOf, type OwnerRecords } from './owner-records';
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

/** An authentication that Terra reported. */
export type Authentication = {
  terraUserId: string;
  /** Undefined if neither Terra nor a stored row has it. */
  provider: string | undefined;
  at: Instant;
  /** `reauth`: reported by `user_reauth`, which Terra sends in addition to `auth`. */
  event: 'auth' | 'reauth';
  scopes?: readonly string[] | undefined;
  /** How the provider connects according to Terra's catalogue. Undefined: our own list decides. */
  catalogueKind?: 'web' | 'sdk' | undefined;
  /** When Terra created the user. */
  createdAt?: Instant | undefined;
  terraSessionId?: string | undefined;
  delivery?: Delivery | undefined;
};

/** The session or token record that an authentication belongs to. `isNamed`: Terra named the session. */
export type Origin =
  | { kind: 'session'; session: SessionRow; isNamed: boolean }
  | { kind: 'token'; tokenRecord: TokenRecord; provider: string }
  | { kind: 'none' };

const NONE: Origin = { kind: 'none' };

/**
 * Finds the origin of an authentication. The first that fits:
 * 1. The session that Terra names, by the Terra user of a direct link or by the widget session. If that session is over or is not
 *    ours, there is no origin.
 * 2. A token, if the provider connects on the phone.
 * 3. The session that already has this Terra user.
 * 4. The owner's only open widget session that offers the provider. Not with `referenceId: "subject"`, because another program may
 *    have created the link.
 * 5. A token that was issued for this provider.
 *
 * Without a known provider only 1 and 3 apply.
 */
export function correlate(records: OwnerRecords, event: Authentication, rules: Rules): Origin {
  const { terraUserId, terraSessionId, provider } = event;
  const named =
    records.sessions.find(session => session.terraUserId === terraUserId) ??
    records.sessions.find(each => terraSessionId !== undefined && each.terraSessionId === terraSessionId);
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

/** Returns whether an unused token fits the authentication, so that Terra's catalogue must tell how the provider connects. */
export function mayBeOfTokenRecord(
  records: OwnerRecords,
  event: Pick<Authentication, 'provider' | 'at' | 'createdAt'>,
): boolean {
  return records.tokenRecords.some(
    tokenRecord => !tokenRecord.usedBy && fits(tokenRecord, event.provider, timesOf(event)),
  );
}

type FailedSessions = {
  /** The session that the failure is known to belong to. */
  certain: SessionRow | undefined;
  /** Every session that it may belong to. */
  possible: readonly SessionRow[];
};

/**
 * Finds the sessions that a failure may belong to. `certain` is the one that Terra names by user or widget session, else the one
 * that already has this failure, else the only waiting one without a failure.
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

  // No tolerance for clock differences: a user can open the next session within seconds after a refusal.
  const isDuring = (session: SessionRow) => at >= session.createdAt && at <= session.finishBy;
  const isOfAnotherUser = (session: SessionRow) => terraUserId !== undefined && session.terraUserId !== undefined;
  const possible = failable.filter(session => isDuring(session) && !isOfAnotherUser(session));
  const waiting = possible.filter(session => isOpen(session, rules.confirmation) && !session.returned);
  const repeated = waiting.find(({ cancelled }) => cancelled?.at === at);
  const [first, ...others] = waiting.filter(({ cancelled }) => cancelled === undefined);
  return { certain: repeated ?? (others.length === 0 ? first : undefined), possible };
}

/** Returns whether a failure at this time can change what the session proves. It cannot after the returned user authenticated. */
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
  const row = connectionOf(records, terraUserId);
  const isProved = row !== undefined && isPhone(row.facts) && isLive(row.facts);
  // A phone reconnects by itself with the same user; that uses no further token.
  if (isProved && tokenRecord?.usedBy === undefined) return NONE;
  return tokenRecord ? { kind: 'token', tokenRecord, provider } : NONE;
}
