import type { Instant } from '../platform/clock';
import { type ConnectionFacts, isSuperseded, mergeFacts } from './connection';

/** The Terra users of one owner and what is known of each. */
export type FactsByUser = Map<string, ConnectionFacts>;

/** How one Terra user stands among those that took over from each other. */
export type Place = {
  /** The user that the link began with. */
  start: string;
  /** The users that this one superseded directly, the first to do so first. */
  predecessors: readonly string[];
  /**
   * What the user takes over from all it superseded: since when the link exists, when data last came, and, only with
   * `carryProof`, whether its owner was proved and asked to end it.
   */
  inherited: ConnectionFacts;
  /** Terra went back to this user: of a circle, the newest link leads to it. */
  standsAgain: boolean;
};

type Link = { from: string; to: string; at: Instant };

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

/**
 * Returns the place of every Terra user that is part of a link; users without one are left out. One pass, so that a long
 * chain costs no more for each user than a short one. A circle is cut at its newest link: it begins where that link leads.
 */
export function placesOf(facts: FactsByUser, carryProof: boolean): Map<string, Place> {
  const links = linksOf(facts);
  const circles = circlesOf(links);
  const cut = new Set(circles.map(circle => newestOf(circle).from));
  const into = new Map<string, Link[]>();
  for (const link of links.values()) {
    if (!cut.has(link.from)) into.set(link.to, [...(into.get(link.to) ?? []), link]);
  }

  const places = new Map<string, Place>();
  for (const user of startsFirst(links, cut, into)) {
    const predecessors = (into.get(user) ?? []).toSorted(byTime).map(({ from }) => from);
    const inherited = predecessors.reduce(
      (sum, id) =>
        mergeFacts(mergeFacts(sum, heritableFacts(facts.get(id), carryProof)), places.get(id)?.inherited ?? {}),
      {} as ConnectionFacts,
    );
    const [first] = predecessors;
    const start = (first !== undefined && places.get(first)?.start) || user;
    places.set(user, { start, predecessors, inherited, standsAgain: false });
  }
  for (const circle of circles) {
    const { from: last, to: standing } = newestOf(circle);
    const all = mergeFacts(heritableFacts(facts.get(last), carryProof), places.get(last)?.inherited ?? {});
    for (const { to } of circle) {
      const place = places.get(to);
      if (place)
        places.set(to, { ...place, inherited: mergeFacts(place.inherited, all), standsAgain: to === standing });
    }
  }
  return places;
}

/** The links between known users, by the user that gave way. */
function linksOf(facts: FactsByUser): Map<string, Link> {
  const links = new Map<string, Link>();
  for (const [from, { supersededBy }] of facts) {
    if (!supersededBy || !facts.has(supersededBy.terraUserId)) continue;
    links.set(from, { from, to: supersededBy.terraUserId, at: supersededBy.at });
  }
  return links;
}

/** Users that took over from each other in a circle. Each user gives way to one other, so circles share no user. */
function circlesOf(links: ReadonlyMap<string, Link>): Link[][] {
  const circles: Link[][] = [];
  const walkOf = new Map<string, string>();
  for (const start of links.keys()) {
    let user: string | undefined = start;
    while (user !== undefined && !walkOf.has(user)) {
      walkOf.set(user, start);
      user = links.get(user)?.to;
    }
    if (user === undefined || walkOf.get(user) !== start) continue;
    const circle: Link[] = [];
    for (let link = links.get(user); link && !circle.includes(link); link = links.get(link.to)) circle.push(link);
    if (circle.at(-1)?.to === user) circles.push(circle);
  }
  return circles;
}

function newestOf(circle: readonly Link[]): Link {
  return circle.reduce((newest, link) => (byTime(newest, link) < 0 ? link : newest));
}

/** At equal times the smaller target counts as the newer, so that the order is the same whatever came first. */
const byTime = (a: Link, b: Link): number =>
  a.at - b.at || (a.to === b.to ? (a.from < b.from ? -1 : 1) : a.to < b.to ? 1 : -1);

/** Every user of a link, each after those it superseded. */
function startsFirst(
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

function heritableFacts(
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
