import type { Instant } from '../platform/clock';
import {
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  needsDeauthentication,
  mergeFacts,
} from './connection';
import { Problem } from '../http/errors';
import { connectionOf, type OwnerRecords } from './owner-records';
import { NO_FACT_UPDATES, factUpdateOf, type RecordDeps, record } from './record';
import type { Terra } from '../terra/terra';

export type EndDeps = RecordDeps & { terra: Pick<Terra, 'deauthenticate'> };

/** The records after the end, and what Terra did: agreed, failed (it is asked again later), or need not be asked. */
type EndResult =
  | { records: OwnerRecords; terra: 'agreed' | 'unneeded' }
  | { records: OwnerRecords; terra: 'failed'; problem: Problem };

/** Returns the time of a decision: no earlier than the authentication it ends, so that our clock is not compared with Terra's. */
export function decidedAt(row: ConnectionRow | undefined, now: Instant): Instant {
  return Math.max(now, row?.facts.auth?.at ?? 0);
}

/**
 * Ends a connection. Stores the facts that `decide` returns for the row; if the row is then `disconnecting`, also stores the attempt
 * and asks Terra to deauthenticate. The end has the time of the attempt, so that a newer authentication wins over it. `decide` is
 * called again after a collision with another writer. It returns `{}` to repeat the request to Terra, undefined to do nothing.
 */
export async function endConnection(
  loaded: OwnerRecords,
  terraUserId: string,
  decide: (row: ConnectionRow | undefined, records: OwnerRecords) => ConnectionFacts | undefined,
  deps: EndDeps,
): Promise<EndResult> {
  let attemptAt: Instant | undefined;
  const { records } = await record(
    loaded,
    now => {
      attemptAt = undefined;
      const row = connectionOf(now, terraUserId);
      const decision = decide(row, now);
      if (!decision) return NO_FACT_UPDATES;
      const facts = mergeFacts(row?.facts ?? {}, decision);
      if (!needsDeauthentication(connectionState(facts))) return factUpdateOf(terraUserId, decision);
      attemptAt = decidedAt(row, deps.clock());
      return factUpdateOf(terraUserId, { ...decision, attempt: { at: attemptAt } });
    },
    deps,
  );
  if (attemptAt === undefined) return { records, terra: 'unneeded' };

  try {
    await deps.terra.deauthenticate(terraUserId);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { records, terra: 'failed', problem: error };
  }
  const gone: ConnectionFacts = { gone: { at: attemptAt, reason: 'agreed' } };
  // An erasure may have deleted the row meanwhile; it must not be created again.
  const recorded = await record(
    records,
    now => (connectionOf(now, terraUserId) ? factUpdateOf(terraUserId, gone) : NO_FACT_UPDATES),
    deps,
  );
  return { records: recorded.records, terra: 'agreed' };
}
