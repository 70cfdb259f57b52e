import { type ConnectionFacts, isSuperseded, mergeFacts, publicId } from './connection';

/** The Terra users of one owner and what is known of each. */
export type FactsByUser = Map<string, ConnectionFacts>;

/** Who was superseded by this Terra user directly, in a fixed order. */
export function predecessors(facts: FactsByUser, terraUserId: string): string[] {
  return [...facts]
    .filter(([, of]) => of.supersededBy?.terraUserId === terraUserId)
    .map(([id]) => id)
    .toSorted();
}

/** The last Terra user that stands for this one now; itself if nothing superseded it. */
export function successor(facts: FactsByUser, terraUserId: string): string {
  const seen = new Set<string>();
  let last = terraUserId;
  while (!seen.has(last)) {
    seen.add(last);
    const of = facts.get(last);
    const next = of && isSuperseded(of) ? of.supersededBy?.terraUserId : undefined;
    if (next === undefined || !facts.has(next)) return last;
    last = next;
  }
  return last;
}

/** Who stands where Terra users gave way to each other in a circle: of each circle, whom its newest link leads to. */
export function standingAgain(facts: FactsByUser): Set<string> {
  const standing = new Set<string>();
  for (const start of facts.keys()) {
    const circle: NonNullable<ConnectionFacts['supersededBy']>[] = [];
    let link = facts.get(start)?.supersededBy;
    while (link && circle.length <= facts.size) {
      circle.push(link);
      if (link.terraUserId === start) break;
      link = facts.get(link.terraUserId)?.supersededBy;
    }
    if (!link || link.terraUserId !== start) continue;
    const [newest] = circle.toSorted((a, b) => b.at - a.at || (a.terraUserId < b.terraUserId ? -1 : 1));
    if (newest) standing.add(newest.terraUserId);
  }
  return standing;
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
