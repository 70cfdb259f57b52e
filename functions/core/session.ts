import * as z from 'zod/mini';
import { HOUR, type Instant, MINUTE } from './clock';
import { providerId } from './providers';

/** `required`: connected only after the owner redeemed the code. `off`: whatever the session authorised is proved. */
export type Confirmation = 'required' | 'off';

/** How long after `expiresAt` a callback still counts: people take their time at the provider. */
export const FINISH_WITHIN = HOUR;
/** How long the code of a returned session is live. */
export const CODE_LIFE = 10 * MINUTE;
/** How long a redeemed session waits for Terra's proof; Terra's webhook retries end after about a day. */
export const PROOF_WAIT = 26 * HOUR;
/** How far before the session's creation an event of it may lie, for clocks that differ. */
export const CLOCK_SLACK = MINUTE;
/** A fact of a session or mint makes it due after this long, should its writer not live to see to what follows. */
export const PROJECT_WITHIN = MINUTE;
/** Most Terra users one session may authorise. */
export const AUTHORISED_LIMIT = 8;

export const FailureCause = z.enum(['cancelled', 'denied', 'provider_error', 'unknown']);
export type FailureCause = z.infer<typeof FailureCause>;

const Failure = z.object({ at: z.number(), cause: FailureCause });

/** The place of a session that is being opened under an idempotency key. */
export const Claim = z.object({
  owner: z.string(),
  id: z.string(),
  sub: z.string(),
  bodyHash: z.string(),
  /** 0 once the attempt failed. */
  claimedAt: z.number(),
  attempt: z.string(),
  purgeAt: z.number(),
});
export type Claim = z.infer<typeof Claim>;

/**
 * One attempt to connect, as stored: what was asked, and facts that are each written once (`authorised` grows).
 * Its status is computed, never stored.
 */
export const SessionRow = z.object({
  owner: z.string(),
  id: z.string(),
  sub: z.string(),
  flow: z.enum(['widget', 'direct']),
  /** Upper case; undefined: any. One for a direct link. */
  providers: z.optional(z.array(z.string())),
  returnTo: z.string(),
  /** As it was asked for, such as `de-AT`: that of the pages the person meets. */
  language: z.optional(z.string()),
  createdAt: z.number(),
  /** Until when the link may be opened. */
  expiresAt: z.number(),
  /** Until when a callback is accepted. */
  finishBy: z.number(),
  /** Removed once returned. */
  url: z.optional(z.string()),
  stateHash: z.string(),
  /** Of the request it was opened with, under an idempotency key. */
  bodyHash: z.optional(z.string()),
  /** Terra's id of the widget session, and the Terra user a direct link was made for. */
  terraSessionId: z.optional(z.string()),
  terraUserId: z.optional(z.string()),
  returned: z.optional(z.object({ at: z.number(), terraUserId: z.string(), codeHash: z.string() })),
  redeemed: z.optional(z.object({ at: z.number() })),
  /** By Terra user id: the newest time at which Terra said that the user authenticated in this session. */
  authorised: z.record(
    z.string(),
    z.object({ at: z.number(), provider: z.string(), scopes: z.optional(z.array(z.string())) }),
  ),
  wrongOwner: z.optional(z.object({ at: z.number() })),
  /** The browser came back to the failure URL. */
  failed: z.optional(Failure),
  /** Terra told of a failure; an end for a direct link, a note for a widget, where people choose again. */
  cancelled: z.optional(Failure),
  closed: z.optional(z.object({ at: z.number() })),
  dueAt: z.optional(z.number()),
  purgeAt: z.number(),
  version: z.number(),
});
export type SessionRow = z.infer<typeof SessionRow>;

export type SessionStatus = 'pending' | 'returned' | 'completed' | 'failed' | 'expired' | 'rejected';
export type SessionFailure = FailureCause | 'expired' | 'wrong_owner';

/** Whether the session is what proves this Terra user to be its owner's. */
export function proves(session: SessionRow, terraUserId: string, confirmation: Confirmation): boolean {
  if (session.wrongOwner || session.authorised[terraUserId] === undefined) return false;
  if (confirmation === 'off') return true;
  return session.redeemed !== undefined && session.returned?.terraUserId === terraUserId;
}

/** The Terra user a completed session connected. With `off` that is the one the browser came back with, else the newest. */
export function provedUser(session: SessionRow, confirmation: Confirmation): string | undefined {
  const users = Object.keys(session.authorised).filter(id => proves(session, id, confirmation));
  const returned = session.returned?.terraUserId;
  if (returned !== undefined && users.includes(returned)) return returned;
  const at = (id: string) => session.authorised[id]?.at ?? 0;
  return users.toSorted((a, b) => at(b) - at(a) || (a < b ? -1 : 1))[0];
}

/** Until when the session's code may be redeemed; undefined while there is none. */
export const codeEnds = (session: SessionRow): Instant | undefined =>
  session.returned && session.returned.at + CODE_LIFE;

/** When nothing can complete the session any more, so that it may be closed. */
export function closesAt(session: SessionRow, confirmation: Confirmation): Instant {
  if (confirmation === 'required' && session.redeemed) return session.redeemed.at + PROOF_WAIT;
  return Math.max(session.finishBy, confirmation === 'required' ? (codeEnds(session) ?? 0) : 0);
}

/**
 * | status | when |
 * | --- | --- |
 * | `rejected` | somebody else redeemed its code |
 * | `completed` | proved for a Terra user |
 * | `failed`, `expired` | closed, or past its time; `failed` where a failure was noted |
 * | `returned` | the browser came back, proof is outstanding |
 * | `failed` | the browser or (direct link) Terra told of a failure; may still return until `finishBy` |
 * | `pending` | otherwise |
 */
export function sessionStatus(session: SessionRow, now: Instant, confirmation: Confirmation): SessionStatus {
  if (session.wrongOwner) return 'rejected';
  if (provedUser(session, confirmation) !== undefined) return 'completed';
  const over = session.closed !== undefined || now > closesAt(session, confirmation);
  if (over) return session.failed || session.cancelled ? 'failed' : 'expired';
  if (session.returned) return 'returned';
  if (session.failed || (session.cancelled && session.flow === 'direct')) return 'failed';
  return 'pending';
}

/** Why a session ended without a connection. */
export function sessionFailure(session: SessionRow, status: SessionStatus): SessionFailure | undefined {
  if (status === 'rejected') return 'wrong_owner';
  if (status === 'expired') return 'expired';
  if (status !== 'failed') return undefined;
  // Terra's signed word goes before what a browser's query says.
  const causes = [session.cancelled, session.failed].flatMap(failure => failure?.cause ?? []);
  return causes.find(cause => cause !== 'unknown') ?? causes[0];
}

/** Whether an event at this time can belong to the session at all. */
export function spans(session: SessionRow, at: Instant): boolean {
  return at >= session.createdAt - CLOCK_SLACK && at <= session.finishBy;
}

/** Whether the person could have chosen this provider in the session. */
export function offers(session: SessionRow, provider: string): boolean {
  return session.providers === undefined || session.providers.includes(providerId(provider));
}

/** Neither completed, rejected nor closed: a further success may still be its own. */
export function isOpen(session: SessionRow, confirmation: Confirmation): boolean {
  return !session.closed && !session.wrongOwner && provedUser(session, confirmation) === undefined;
}

const LOOKUPS_AFTER = [MINUTE, 5 * MINUTE, 30 * MINUTE, 6 * HOUR];

/** The Terra user to ask Terra about, where the browser returned and only Terra's word is missing. */
export function unansweredUser(
  session: SessionRow,
  confirmation: Confirmation,
): { terraUserId: string; since: Instant } | undefined {
  const { returned, redeemed, wrongOwner } = session;
  if (!returned || session.closed || session.authorised[returned.terraUserId] !== undefined) return undefined;
  const since = confirmation === 'off' ? returned.at : (redeemed ?? wrongOwner)?.at;
  return since === undefined ? undefined : { terraUserId: returned.terraUserId, since };
}

/**
 * When the sweep must look at the session next, given that it looked at `lookedAt`; undefined: never again.
 * Lookups come 1, 5, 30 min and 6 h after the redemption (with `off`, after the return), the closing when its time is over.
 */
export function sessionDueAt(session: SessionRow, lookedAt: Instant, confirmation: Confirmation): Instant | undefined {
  if (session.closed) return undefined;
  const settled = session.wrongOwner !== undefined || provedUser(session, confirmation) !== undefined;
  const closing = settled ? [] : [closesAt(session, confirmation) + 1];
  const waiting = unansweredUser(session, confirmation);
  const lookups = waiting ? LOOKUPS_AFTER.map(delay => waiting.since + delay).filter(at => at > lookedAt) : [];
  const next = Math.min(...closing, ...lookups);
  return Number.isFinite(next) ? next : undefined;
}
