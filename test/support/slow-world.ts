import { HOUR, type Instant, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { type ConnectionRow, connectionState } from '../../functions/core/state/connection';
import { Problem } from '../../functions/core/http/errors';
import { shardOf } from '../../functions/core/store/items';
import { type Reconciled, reconcileConnections } from '../../functions/core/state/reconcile-connections';
import type { SessionRow } from '../../functions/core/state/session';
import type { Store } from '../../functions/core/store/store';
import { itemKey } from '../../functions/core/store/table';
import type { Terra } from '../../functions/core/terra/terra';
import { type Sweep, sweep } from '../../functions/sweep-stale';
import { memoryStore } from './memory-store';
import { virtualTime } from './virtual-time';
import { NOON } from './world';

/** What Terra does about one of its users. */
export type Answer = 'answers' | 'answers late' | 'refuses' | 'hangs';

/** As long as a scheduled function may run, less what it leaves itself to finish. */
const RUN = 48 * SECOND;
/** How long things take. */
const QUERY = 5;
const ANSWER = 50;
const LATE_ANSWER = SECOND;
const HANGING = 4 * SECOND;

/** Terra, table and schedules on a clock that moves by what they take, so that a run is as long as it would be. */
export function slowWorld() {
  const time = virtualTime(NOON);
  const store = memoryStore({ parses: false });
  const asked: { what: string; about: string; at: Instant }[] = [];
  const alarms: string[] = [];
  /** What Terra does about users for which it does not simply answer. */
  const behaviour = new Map<string, Answer>();
  /** Terra users that Terra deleted without an event. */
  const lost = new Set<string>();
  /** How long the records of an owner take to load, if longer than others'. */
  const heavy = new Map<string, Instant>();
  /** Owners whose records cannot be read. */
  const broken = new Set<string>();
  let isAway = false;

  async function answer(what: string, about: readonly string[]): Promise<void> {
    asked.push({ what, about: about.join(), at: time.clock() });
    const hangs = isAway || about.some(id => behaviour.get(id) === 'hangs');
    const isLate = about.some(id => behaviour.get(id) === 'answers late');
    await time.wait(hangs ? HANGING : isLate ? LATE_ANSWER : ANSWER);
    if (hangs) throw new Problem('terra_timeout', 'no answer');
    if (about.some(id => behaviour.get(id) === 'refuses')) throw new Problem('terra_rejected', 'no');
  }
  const terra: Pick<Terra, 'findUser' | 'findUsers' | 'deauthenticate' | 'listProviders'> = {
    async findUser(id) {
      await answer('findUser', [id]);
      return undefined;
    },
    async findUsers(ids) {
      await answer('findUsers', ids);
      return new Set(ids.filter(id => !lost.has(id)));
    },
    deauthenticate: id => answer('deauthenticate', [id]),
    async listProviders() {
      await answer('listProviders', []);
      return [];
    },
  };
  const slowStore: Store = {
    ...store,
    async load(owner) {
      await time.wait(heavy.get(owner) ?? QUERY);
      if (broken.has(owner)) throw new Error('unreadable');
      return store.load(owner);
    },
    async scanConnections(cursor) {
      await time.wait(QUERY);
      return store.scanConnections(cursor);
    },
    async due(...query) {
      await time.wait(QUERY);
      return store.due(...query);
    },
  };
  const deps = {
    terra,
    store: slowStore,
    clock: time.clock,
    pause: async () => {},
    rules: { confirmation: 'required', confirmWithin: HOUR, referenceId: 'opaque' } as const,
    offered: terra.listProviders,
    alarm: (name: string) => void alarms.push(name),
    log: (_level: unknown, _message: string, { alarm }: { alarm?: string }) => void (alarm && alarms.push(alarm)),
    dryRun: false,
  };

  const put = (row: { owner: string; dueAt?: number | undefined }, item: string) =>
    store.items.set(JSON.stringify([row.owner, item]), { ...row, item, dueShard: shardOf(row.owner) });

  return {
    ...time,
    store,
    asked,
    alarms,
    behaviour,
    lost,
    heavy,
    broken,
    setAway: (away: boolean) => {
      isAway = away;
    },
    sweep: (): Promise<Sweep> => time.during(sweep({ ...deps, until: time.clock() + RUN })),
    reconcile: (): Promise<Reconciled> => time.during(reconcileConnections({ ...deps, until: time.clock() + RUN })),
    /** A connection that its owner ended a moment ago, and that Terra was not asked about. */
    putEnding: (owner: string, terraUserId: string, since: Instant = time.clock()) =>
      put(
        {
          ...connected(owner, terraUserId, since - HOUR, { disconnect: { at: since, reason: 'owner' } }),
          dueAt: since,
        },
        itemKey.connection(terraUserId),
      ),
    putConnected: (owner: string, terraUserId: string, heardAt: Instant) =>
      put(connected(owner, terraUserId, heardAt), itemKey.connection(terraUserId)),
    /** An expired session without a return. */
    putExpired: (owner: string, id: string, createdAt: Instant = time.clock() - 2 * HOUR) =>
      put(openSession(owner, id, createdAt), itemKey.session(id)),
    /** Terra users that are connected. */
    connected: () =>
      rowsOf(store)
        .filter(({ facts }) => connectionState(facts).status === 'connected')
        .map(({ terraUserId }) => terraUserId),
    /** Rows of connections that are still to be ended at Terra. */
    ending: () =>
      rowsOf(store).filter(({ facts: { disconnect, gone } }) => disconnect && (gone?.at ?? 0) < disconnect.at),
    open: () =>
      [...store.items.values()].filter(row => 'stateHash' in row && !('closed' in row)) as unknown as SessionRow[],
  };
}

const rowsOf = ({ items }: { items: ReadonlyMap<string, object> }): ConnectionRow[] =>
  [...items.values()].filter((row): row is ConnectionRow => 'facts' in row);

function connected(
  owner: string,
  terraUserId: string,
  at: Instant,
  more: Partial<ConnectionRow['facts']> = {},
): ConnectionRow {
  const auth = { at, via: 'session#gone' };
  return {
    owner,
    terraUserId,
    facts: { provider: 'GARMIN', firstAuthAt: at, auth, proof: auth, ...more },
    ids: [`id-${terraUserId}`],
    history: [],
    connectedAt: at,
    updatedAt: at,
    version: at,
  };
}

function openSession(owner: string, id: string, createdAt: Instant): SessionRow {
  const finishBy = createdAt + 75 * MINUTE;
  return {
    owner,
    id,
    sub: 'somebody',
    flow: 'widget',
    returnTo: 'web',
    createdAt,
    expiresAt: createdAt + 15 * MINUTE,
    finishBy,
    stateHash: 'hash',
    terraSessionId: `terra-${id}`,
    authorised: {},
    dueAt: finishBy + 1,
    purgeAt: createdAt / 1_000 + 48 * 3_600,
    version: 1,
  };
}
