import * as fc from 'fast-check';
import {
  authFacts,
  type ConnectionFacts,
  connectionState,
  isSuperseded,
} from '../../../functions/core/state/connection';
import type { TokenRecord } from '../../../functions/core/state/token-record';
import {
  currentRow,
  type OwnerRecords,
  withChanges,
  withTokenRecord,
  withSession,
} from '../../../functions/core/state/owner-records';
import { projectConnections } from '../../../functions/core/state/project-connections';
import type { Rules } from '../../../functions/core/state/rules';
import type { SessionRow } from '../../../functions/core/state/session';
import { anyFacts, time, via } from './facts';
import { holds, same } from './proof';

/*
 * The pure half of what order.test.ts shows: everything an owner's rows are computed from arrives piece by piece, in any
 * order, with repetitions, and with crashes after which only some of the rows that should change were stored.
 */

const USERS = ['a', 'b', 'c', 'd'] as const;
const user = fc.constantFrom(...USERS);

type Piece =
  | { is: 'news'; user: string; facts: ConnectionFacts }
  | { is: 'gives way'; old: string; at: number }
  | { is: 'authorised'; session: 1 | 2; user: string; at: number }
  | { is: 'returned' | 'redeemed' | 'rejected'; session: 1 | 2 }
  | { is: 'used'; user: string };

type Story = {
  confirmation: Rules['confirmation'];
  /** Which Terra user each gives way to, and with whom each session's browser returns. */
  gives: Record<string, string>;
  returns: Record<1 | 2, string>;
  phone: string;
  pieces: { piece: Piece; when: { order: number; stored: number }[] }[];
};

const session = fc.constantFrom<1 | 2>(1, 2);
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constant('news'), user, facts: anyFacts.map(plain) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      is: fc.constant('news'),
      user,
      facts: fc.tuple(time, via).map(([at, by]) => authFacts('GARMIN', at, by)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('gives way'), old: user, at: time }) },
  { weight: 5, arbitrary: fc.record({ is: fc.constant('authorised'), session, user, at: time }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constantFrom('returned', 'redeemed', 'rejected'), session }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('used') }) },
) as fc.Arbitrary<Piece>;

/** Checks that the successor is taken only from the facts that name it. */
function plain({ supersededBy: _, ...facts }: ConnectionFacts): ConnectionFacts {
  return facts;
}

const stories: fc.Arbitrary<Story> = fc.record({
  confirmation: fc.constantFrom('required', 'off'),
  gives: fc.record({ a: user, b: user, c: user, d: user }),
  returns: fc.record({ 1: user, 2: user }),
  phone: user,
  pieces: fc.array(
    fc.record({
      piece,
      when: fc.array(fc.record({ order: fc.nat(1_000), stored: fc.integer({ min: 0, max: 4 }) }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    { minLength: 1, maxLength: 7 },
  ),
});

const NOW = 100;
const opened = (id: 1 | 2): SessionRow => ({
  owner: 'owner',
  id: String(id),
  sub: 'alice',
  flow: 'widget',
  returnTo: 'web',
  createdAt: 0,
  expiresAt: 1_000,
  finishBy: 2_000,
  stateHash: '',
  authorised: {},
  purgeAt: 0,
  version: 1,
});
const minted: TokenRecord = {
  owner: 'owner',
  id: '1',
  sub: 'alice',
  createdAt: 0,
  expiresAt: 9,
  purgeAt: 0,
  version: 1,
};
const empty: OwnerRecords = {
  owner: 'owner',
  known: true,
  sessions: [opened(1), opened(2)],
  claims: [],
  tokenRecords: [minted],
  quotas: [],
  erasure: undefined,
  connections: [],
  unreadable: [],
};

/** The session, mint or news after one piece: each fact written once, `authorised` growing. */
function withPiece(
  records: OwnerRecords,
  one: Piece,
  { gives, returns, phone, confirmation }: Story,
): { records: OwnerRecords; updates: ReadonlyMap<string, ConnectionFacts> } {
  const updates = (id: string, facts: ConnectionFacts) => ({ records, updates: new Map([[id, facts]]) });
  const known = (id: 1 | 2) => records.sessions.find(each => each.id === String(id)) ?? opened(id);
  const gained = (id: 1 | 2, facts: Partial<SessionRow>) => ({
    records: withSession(records, { ...known(id), ...facts }),
    updates: new Map<string, ConnectionFacts>(),
  });
  switch (one.is) {
    case 'news':
      return updates(one.user, one.facts);
    case 'gives way': {
      const next = gives[one.old] ?? 'a';
      return next === one.old
        ? updates(one.old, authFacts('GARMIN', one.at, ''))
        : {
            records,
            updates: new Map([
              [next, authFacts('GARMIN', one.at, '')],
              [one.old, { supersededBy: { at: one.at, terraUserId: next } }],
            ]),
          };
    }
    case 'authorised': {
      const { authorised } = known(one.session);
      const at = Math.max(authorised[one.user]?.at ?? 0, one.at);
      return {
        ...gained(one.session, { authorised: { ...authorised, [one.user]: { at, provider: 'GARMIN' } } }),
        updates: new Map([[one.user, authFacts('GARMIN', one.at, `session#${one.session}`)]]),
      };
    }
    case 'returned':
    case 'redeemed':
    case 'rejected': {
      const returned = { at: NOW, terraUserId: returns[one.session], codeHash: '' };
      // A code is made by a return, and there is none with confirmation off.
      const redeemed = one.is === 'redeemed' && confirmation === 'required' && { redeemed: { at: NOW } };
      const rejected = one.is === 'rejected' && confirmation === 'required' && { wrongOwner: { at: NOW } };
      return gained(one.session, { returned, ...redeemed, ...rejected });
    }
    case 'used':
      return {
        records: withTokenRecord(records, { ...minted, usedBy: { terraUserId: phone, at: 5, provider: 'APPLE' } }),
        updates: new Map(),
      };
    default:
      return one satisfies never;
  }
}

function tell(story: Story, how: 'as told' | 'shuffled') {
  const rules: Rules = { confirmation: story.confirmation, confirmWithin: 60, referenceId: 'opaque' };
  const each =
    how === 'as told'
      ? story.pieces.map(({ piece: one }) => ({ piece: one, stored: 4 }))
      : story.pieces
          .flatMap(({ piece: one, when }) => when.map(occurrence => ({ piece: one, ...occurrence })))
          .toSorted((a, b) => a.order - b.order);
  // Whoever was interrupted comes once more.
  const again = each.filter(({ stored }) => stored < 4).map(({ piece: one }) => ({ piece: one, stored: 4 }));
  const end = [...each, ...again].reduce((records, { piece: one, stored }) => {
    const next = withPiece(records, one, story);
    const changes = projectConnections(next.records, next.updates, NOW, rules);
    return withChanges(next.records, changes.slice(0, stored));
  }, empty);
  return settled(end, rules);
}

function settled(records: OwnerRecords, rules: Rules): OwnerRecords {
  const changes = projectConnections(records, new Map(), NOW, rules);
  return changes.length === 0 ? records : settled(withChanges(records, changes), rules);
}

/** If a different user sent the code, the proof does not count; the order decides whether it exists. */
function factsOf({ connections }: OwnerRecords) {
  return Object.fromEntries(
    connections
      .map(row => {
        const { proof, ...facts } = row.facts;
        const counts = proof && !facts.wrongOwner;
        return [row.terraUserId, { facts: { ...facts, ...(counts && { proof }) }, id: row.ids[0] }] as const;
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const statusesOf = ({ connections }: OwnerRecords) =>
  Object.fromEntries(
    connections
      .map(row => [row.terraUserId, connectionState(row.facts)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

test('the facts of a connection merge to the same value in any order, repeated, or half stored after a crash', async () => {
  await holds(
    fc.property(stories, story => {
      const told = tell(story, 'as told');
      const shuffled = tell(story, 'shuffled');
      expect(same(factsOf(shuffled), factsOf(told))).toBe(true);
      same(statusesOf(shuffled), statusesOf(told));
      // Wherever a link was passed on to, and be it in a circle, one user stands for it.
      for (const { terraUserId } of told.connections) {
        const row = currentRow(told, terraUserId);
        if (!row || isSuperseded(row.facts)) throw new Error(`nobody stands for ${terraUserId}`);
      }
    }),
    1_200,
    80_000,
  );
});
