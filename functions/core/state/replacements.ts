import type { Instant } from '../platform/clock';
import { type ConnectionFacts, isSuperseded, mergeFacts } from './connection';

/** The facts about one owner's Terra users, by Terra user id. */
export type FactsByUser = Map<string, ConnectionFacts>;

/** The position of one Terra user in a chain of users that superseded each other. */
export type ChainPosition = {
  /** The first Terra user of the chain. */
  start: string;
  /** The users that this one superseded directly, oldest link first. */
  predecessors: readonly string[];
  /**
   * The facts that the user inherits from all its predecessors: the first authentication, the newest data and, only with
   * `carryProof`, the proof and the decision to disconnect.
   */
  inherited: ConnectionFacts;
  /** The newest link of a cycle points to this user. */
  standsAgain: boolean;
};

type Link = { from: string; to: string; at: Instant };

/** Returns the last Terra user of the chain; the user itself if nothing superseded it. */
export function successor(facts: FactsByUser, terraUserId: string): string {
  const visited = new Set<string>();
  let last = terraUserId;
  while (!visited.has(last)) {
    visited.add(last);
    const of = facts.get(last);
    const next = of && isSuperseded(of) ? of.supersededBy?.terraUserId : undefined;
    if (next === undefined || !facts.has(next)) return last;
    last = next;
  }
  return last;
}

/**
 * Returns the position of every Terra user with a link. Breaks each cycle at its newest link: the chain starts with the user that
 * link points to. Visits each user once, so that long chains stay fast.
 */
export function chainPositions(facts: FactsByUser, carryProof: boolean): Map<string, ChainPosition> {
  const links = linksOf(facts);
  const cycles = findCycles(links);
  const cut = new Set(cycles.map(cycle => newestOf(cycle).from));
  const into = new Map<string, Link[]>();
  for (const link of links.values()) {
    if (!cut.has(link.from)) into.set(link.to, [...(into.get(link.to) ?? []), link]);
  }

  const positions = new Map<string, ChainPosition>();
  for (const user of inChainOrder(links, cut, into)) {
    const predecessors = (into.get(user) ?? []).toSorted(byTime).map(({ from }) => from);
    const inherited = predecessors.reduce(
      (sum, id) =>
        mergeFacts(mergeFacts(sum, inheritableFacts(facts.get(id), carryProof)), positions.get(id)?.inherited ?? {}),
      {} as ConnectionFacts,
    );
    const [first] = predecessors;
    const start = (first !== undefined && positions.get(first)?.start) || user;
    positions.set(user, { start, predecessors, inherited, standsAgain: false });
  }
  for (const cycle of cycles) {
    const { from: last, to: standing } = newestOf(cycle);
    const all = mergeFacts(inheritableFacts(facts.get(last), carryProof), positions.get(last)?.inherited ?? {});
    for (const { to } of cycle) {
      const place = positions.get(to);
      if (place)
        positions.set(to, { ...place, inherited: mergeFacts(place.inherited, all), standsAgain: to === standing });
    }
  }
  return positions;
}

/** Returns the links between known users, by the superseded user. */
function linksOf(facts: FactsByUser): Map<string, Link> {
  const links = new Map<string, Link>();
  for (const [from, { supersededBy }] of facts) {
    if (!supersededBy || !facts.has(supersededBy.terraUserId)) continue;
    links.set(from, { from, to: supersededBy.terraUserId, at: supersededBy.at });
  }
  return links;
}

/** Returns the cycles of users that superseded each other. A user has only one successor, so cycles share no user. */
function findCycles(links: ReadonlyMap<string, Link>): Link[][] {
  const cycles: Link[][] = [];
  const walkOf = new Map<string, string>();
  for (const start of links.keys()) {
    let user: string | undefined = start;
    while (user !== undefined && !walkOf.has(user)) {
      walkOf.set(user, start);
      user = links.get(user)?.to;
    }
    if (user === undefined || walkOf.get(user) !== start) continue;
    const cycle: Link[] = [];
    for (let link = links.get(user); link && !cycle.includes(link); link = links.get(link.to)) cycle.push(link);
    if (cycle.at(-1)?.to === user) cycles.push(cycle);
  }
  return cycles;
}

function newestOf(cycle: readonly Link[]): Link {
  return cycle.reduce((newest, link) => (byTime(newest, link) < 0 ? link : newest));
}

/** At equal times the smaller target is newer, so that the result does not depend on the order of events. */
const byTime = (a: Link, b: Link): number =>
  a.at - b.at || (a.to === b.to ? (a.from < b.from ? -1 : 1) : a.to < b.to ? 1 : -1);

/** Returns every user with a link, each after its predecessors. */
function inChainOrder(
  links: ReadonlyMap<string, Link>,
  cut: ReadonlySet<string>,
  into: ReadonlyMap<string, readonly Link[]>,
): string[] {
  const users = new Set([...links.values()].flatMap(({ from, to }) => [from, to]));
  const waitingFor = new Map([...users].map(user => [user, into.get(user)?.length ?? 0]));
  const order = [...users].filter(user => waitingFor.get(user) === 0);
  for (const user of order) {
    const next = cut.has(user) ? undefined : links.get(user)?.to;
    if (next === undefined) continue;
    const left = (waitingFor.get(next) ?? 0) - 1;
    waitingFor.set(next, left);
    if (left === 0) order.push(next);
  }
  return order;
}

function inheritableFacts(
  { firstAuthAt, data, proof, disconnect }: ConnectionFacts = {},
  carryProof: boolean,
): ConnectionFacts {
  return {
    ...(firstAuthAt !== undefined && { firstAuthAt }),
    ...(data && { data }),
    ...(carryProof && proof && { proof }),
    ...(carryProof && disconnect && { disconnect }),
  };
}
