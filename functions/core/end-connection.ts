import type { Instant } from './clock';
import { type ConnectionFacts, type ConnectionRow, connectionState, isEnding, mergeFacts } from './connection';
import { Problem } from './errors';
import type { Partition } from './partition';
import { NO_NEWS, newsOf, type RecordDeps, record } from './record';
import type { Terra } from './terra';

export type EndDeps = RecordDeps & { terra: Pick<Terra, 'deauthenticate'> };

/** What came of it: Terra agreed, Terra failed and will be asked again, or there is nothing to ask. */
export type Ending =
  | { partition: Partition; terra: 'agreed' | 'unneeded' }
  | { partition: Partition; terra: 'failed'; problem: Problem };

/** A decision of ours, at a time no earlier than the authentication it ends: our clock is never compared with Terra's. */
export function decidedAt(row: ConnectionRow | undefined, now: Instant): Instant {
  return Math.max(now, row?.facts.auth?.at ?? 0);
}

/**
 * Ends a connection: writes down what `decide` says of the row and, where that leaves it disconnecting, the attempt; only
 * then asks Terra. Terra's agreement is recorded as of the attempt, so that a newer authentication outlives it.
 * `decide` is asked again whenever somebody else wrote in between; it may say nothing (a retry) or undefined (leave it).
 */
export async function endConnection(
  seen: Partition,
  terraUserId: string,
  decide: (row: ConnectionRow | undefined, partition: Partition) => ConnectionFacts | undefined,
  deps: EndDeps,
): Promise<Ending> {
  let attemptAt: Instant | undefined;
  const { partition } = await record(
    seen,
    now => {
      attemptAt = undefined;
      const row = now.connections.find(known => known.terraUserId === terraUserId);
      const decision = decide(row, now);
      if (!decision) return new Map();
      const facts = mergeFacts(row?.facts ?? {}, decision);
      if (!isEnding(connectionState(facts))) return newsOf(terraUserId, decision);
      attemptAt = decidedAt(row, deps.clock());
      return newsOf(terraUserId, { ...decision, attempt: { at: attemptAt } });
    },
    deps,
  );
  if (attemptAt === undefined) return { partition, terra: 'unneeded' };

  try {
    await deps.terra.deauthenticate(terraUserId);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { partition, terra: 'failed', problem: error };
  }
  const gone: ConnectionFacts = { gone: { at: attemptAt, reason: 'agreed' } };
  // A row that somebody else has deleted meanwhile, of an erased owner, must not come back.
  const recorded = await record(
    partition,
    now => (isThere(now, terraUserId) ? newsOf(terraUserId, gone) : NO_NEWS),
    deps,
  );
  return { partition: recorded.partition, terra: 'agreed' };
}

const isThere = ({ connections }: Partition, terraUserId: string): boolean =>
  connections.some(row => row.terraUserId === terraUserId);
