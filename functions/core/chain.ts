import { type ConnectionFacts, mergeFacts, publicId } from './connection';

/** The Terra users of one owner and what is known of each. */
export type FactsByUser = Map<string, ConnectionFacts>;

/** Who was superseded by this Terra user directly, in a fixed order. */
export function predecessors(facts: FactsByUser, terraUserId: string): string[] {
  return [...facts]
    .filter(([, of]) => of.supersededBy?.terraUserId === terraUserId)
    .map(([id]) => id)
    .toSorted();
}

/** The last Terra user that stands for this one now; itself if nothing superseded it. A cycle ends where it started. */
export function successor(facts: FactsByUser, terraUserId: string): string {
  const seen = new Set<string>();
  let last = terraUserId;
  for (let next = facts.get(last)?.supersededBy?.terraUserId; next !== undefined && !seen.has(next); ) {
    seen.add(next);
    if (!facts.has(next)) break;
    last = next;
    next = facts.get(last)?.supersededBy?.terraUserId;
  }
  return last;
}

/** Every public id the link was known by: its predecessors' first, so that the first never changes. */
export function unitedIds(
  facts: FactsByUser,
  storedIds: (terraUserId: string) => readonly string[] | undefined,
  terraUserId: string,
  seen: ReadonlySet<string> = new Set(),
): string[] {
  if (seen.has(terraUserId)) return [];
  const before = new Set([...seen, terraUserId]);
  const inherited = predecessors(facts, terraUserId).flatMap(id => unitedIds(facts, storedIds, id, before));
  return [...new Set([...inherited, ...(storedIds(terraUserId) ?? [publicId(terraUserId)])])];
}

/**
 * What a Terra user takes over from all it superseded: since when the link exists, when data last came, and, only where
 * `carryProof`, whether its owner was proved and asked to end it.
 */
export function inheritedFacts(
  facts: FactsByUser,
  terraUserId: string,
  carryProof: boolean,
  seen: ReadonlySet<string> = new Set(),
): ConnectionFacts {
  if (seen.has(terraUserId)) return {};
  const before = new Set([...seen, terraUserId]);
  return predecessors(facts, terraUserId).reduce((sum, id) => {
    const { firstAuthAt, data, proof, disconnect } = facts.get(id) ?? {};
    const own = {
      ...(firstAuthAt !== undefined && { firstAuthAt }),
      ...(data && { data }),
      ...(carryProof && proof && { proof }),
      ...(carryProof && disconnect && { disconnect }),
    };
    return mergeFacts(mergeFacts(sum, own), inheritedFacts(facts, id, carryProof, before));
  }, {} as ConnectionFacts);
}
