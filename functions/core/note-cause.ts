import { authFacts, type ConnectionFacts } from './connection';
import { type Authentication, type Cause, correlate } from './correlate';
import { type Partition, withMint, withSession } from './partition';
import type { RecordDeps } from './record';
import { PROJECT_WITHIN } from './session';
import { itemKey } from './table';

/** The partition with the cause's own fact written down, and what follows for the Terra user's connection. */
export type Noted = { partition: Partition; facts: ConnectionFacts; cause: Cause };

const NONE: Cause = { kind: 'none' };

/** Finds what of ours asked for an authentication and writes it down there, at most once for each Terra user and time. */
export async function noteCause(partition: Partition, event: Authentication, deps: RecordDeps): Promise<Noted> {
  const { terraUserId, provider, at, scopes } = event;
  const cause = correlate(partition, event, deps.rules);
  const unasked = { partition, facts: authFacts(provider, at, '', scopes), cause: NONE };
  const dueAt = deps.clock() + PROJECT_WITHIN;
  switch (cause.kind) {
    case 'none':
      return unasked;

    case 'session': {
      const { session } = cause;
      const asked = { facts: authFacts(provider, at, itemKey.session(session.id), scopes), cause };
      if ((session.authorised[terraUserId]?.at ?? -1) >= at) return { ...asked, partition };
      const fact = { kind: 'authorised', at, terraUserId, provider, scopes } as const;
      const stored = await deps.store.addSessionFact(partition.owner, session.id, fact, dueAt, session.dueAt);
      if (stored.written) return { ...asked, partition: withSession(partition, stored.session) };
      const newerIsKnown = (stored.session?.authorised[terraUserId]?.at ?? -1) >= at;
      return newerIsKnown ? { ...asked, partition } : unasked;
    }

    case 'mint': {
      const { mint } = cause;
      const via = itemKey.mint(mint.id);
      const asked = { facts: { ...authFacts(provider, at, via, scopes), proof: { at, via } }, cause };
      if (mint.usedBy) return { ...asked, partition };
      const stored = await deps.store.useMint(partition.owner, mint.id, { terraUserId, at, provider }, dueAt);
      if (stored?.usedBy?.terraUserId === terraUserId) return { ...asked, partition: withMint(partition, stored) };
      // Another Terra user was quicker; the next fitting mint, if any, may still be free.
      return noteCause(stored ? withMint(partition, stored) : withoutMint(partition, mint.id), event, deps);
    }

    default:
      return cause satisfies never;
  }
}

function withoutMint(partition: Partition, id: string): Partition {
  return { ...partition, mints: partition.mints.filter(mint => mint.id !== id) };
}
