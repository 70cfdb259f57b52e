import type { Instant } from '../platform/clock';
import {
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  needsDeauthentication,
  mergeFacts,
} from './connection';
import { Problem } from '../http/errors';
import type { OwnerRecords } from './owner-records';
import { NO_FACT_UPDATES, factUpdateOf, type RecordDeps, record } from './record';
import type { Terra } from '../terra/terra';

export type EndDeps = RecordDeps & { terra: Pick<Terra, 'deauthenticate'> };

/** What came of it: Terra agreed, Terra failed and will be asked again, or there is nothing to ask. */
export type EndResult =
  | { records: OwnerRecords; terra: 'agreed' | 'unneeded' }
  | { records: OwnerRecords; terra: 'failed'; problem: Problem };

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
      const row = now.connections.find(known => known.terraUserId === terraUserId);
      const decision = decide(row, now);
      if (!decision) return new Map();
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
  // A row that somebody else has deleted meanwhile, of an erased owner, must not come back.
  const recorded = await record(
    records,
    now => (hasConnection(now, terraUserId) ? factUpdateOf(terraUserId, gone) : NO_FACT_UPDATES),
    deps,
  );
  return { records: recorded.records, terra: 'agreed' };
}

const hasConnection = ({ connections }: OwnerRecords, terraUserId: string): boolean =>
  connections.some(row => row.terraUserId === terraUserId);
