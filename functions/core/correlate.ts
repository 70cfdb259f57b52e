import type { Instant } from './clock';
import { connectionState } from './connection';
import { type MintRow, mintFor } from './mint';
import type { Partition } from './partition';
import { providerKind } from './providers';
import type { Rules } from './rules';
import { isOpen, offers, type SessionRow, spans } from './session';

/** A success Terra told of: who authenticated where, when, and in which widget session if Terra says so. */
export type Authentication = {
  terraUserId: string;
  provider: string;
  at: Instant;
  scopes?: readonly string[] | undefined;
  /** When Terra made the user, where it says so. */
  createdAt?: Instant | undefined;
  terraSessionId?: string | undefined;
};

/** What of ours asked for an authentication. */
export type Cause = { kind: 'session'; session: SessionRow } | { kind: 'mint'; mint: MintRow } | { kind: 'none' };

const NONE: Cause = { kind: 'none' };

/**
 * Finds what of ours asked for an authentication: a mint for SDK providers; else the direct session made for this
 * Terra user; else the widget session Terra names; else, where Terra names none, the owner's only open session that fits.
 */
export function correlate(partition: Partition, event: Authentication, rules: Rules): Cause {
  if (providerKind(event.provider) === 'sdk') return correlateMint(partition, event);

  const inTime = partition.sessions.filter(session => !session.closed && spans(session, event.at));
  const direct = inTime.find(session => session.terraUserId === event.terraUserId);
  if (direct) return { kind: 'session', session: direct };

  if (event.terraSessionId !== undefined) {
    const named = inTime.find(session => session.terraSessionId === event.terraSessionId);
    return named ? { kind: 'session', session: named } : NONE;
  }

  const again = inTime.find(session => session.authorised[event.terraUserId] !== undefined);
  const open = inTime.filter(session => isOpen(session, rules.confirmation) && offers(session, event.provider));
  const only = again ?? (open.length === 1 ? open[0] : undefined);
  return only ? { kind: 'session', session: only } : NONE;
}

/**
 * The session a failure belongs to: the one Terra names by user or widget session; else the one that has had this very
 * failure already; else the only one that still waits and has had none.
 */
export function correlateFailure(
  partition: Partition,
  failure: { at: Instant; terraUserId?: string | undefined; terraSessionId?: string | undefined },
  rules: Rules,
): SessionRow | undefined {
  const waiting = partition.sessions.filter(
    session => isOpen(session, rules.confirmation) && !session.returned && spans(session, failure.at),
  );
  const { terraUserId, terraSessionId } = failure;
  const direct = terraUserId === undefined ? undefined : waiting.find(session => session.terraUserId === terraUserId);
  if (direct) return direct;
  if (terraSessionId !== undefined) return waiting.find(session => session.terraSessionId === terraSessionId);
  const repeated = waiting.find(({ cancelled }) => cancelled?.at === failure.at);
  if (repeated) return repeated;
  const [only, ...others] = waiting.filter(({ cancelled }) => cancelled === undefined);
  return others.length === 0 ? only : undefined;
}

function correlateMint(partition: Partition, { terraUserId, provider, at, createdAt }: Authentication): Cause {
  const times = createdAt === undefined ? [at] : [createdAt, at];
  const mint = mintFor(partition.mints, terraUserId, provider, times);
  const row = partition.connections.find(known => known.terraUserId === terraUserId);
  const proved = row !== undefined && ['connected', 'error'].includes(connectionState(row.facts).status);
  // A phone reconnects silently under the same user; that uses up no further mint.
  if (proved && mint?.usedBy === undefined) return NONE;
  return mint ? { kind: 'mint', mint } : NONE;
}
