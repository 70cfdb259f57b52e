import * as fc from 'fast-check';
import { type ConnectionRow, connectionState } from '../../../functions/core/state/connection';
import { Problem } from '../../../functions/core/http/errors';
import type { Rules } from '../../../functions/core/state/rules';
import { isContested, sessionStatus } from '../../../functions/core/state/session';
import { itemKey } from '../../../functions/core/store/table';
import { applyEvent, type ApplyDeps } from '../../../functions/core/state/apply-event';
import { readTerraEvent } from '../../../functions/core/terra/terra-event';
import { journey, terraEvent, told } from '../../support/journey';
import { NOON, referenceIdOf, terraUser, world as newWorld } from '../../support/world';
import type { Store } from '../../../functions/core/store/store';
import { Crash, type CrashPoint, crashSwitch, type Fate, faulty } from './faulty-store';

/*
 * A list of things that happen to two owners: events of Terra, browsers that return, users who confirm.
 * `play` lets it happen in any order, some things twice, some of them torn apart by a crash and delivered again.
 *
 * What is outside the claim that order cannot matter, because the first to come is meant to win, is kept out here:
 * - every success of a web provider names its session, or an unknown one; which of several sessions an
 *   authentication belongs to that names none is settled by the first look. `user_reauth` never names one, so it lies
 *   outside of every session's time;
 * - a session's browser fails, or returns with one Terra user; one user brings its code; one mint, one phone;
 * - a Terra user gives way to one other;
 * - if reference ids are subjects, no success is unrequested, and only authentications of a Terra user are reported:
 *   it would be foreign until the user is known.
 */

type Owner = 'alice' | 'bob';

export type Happening =
  | { is: 'auth'; user: number; at: number; session: number | 'elsewhere' }
  | { is: 'phone'; at: number }
  | { is: 'reauth'; old: number; at: number }
  | { is: 'deauth' | 'revoked' | 'error' | 'permissions' | 'denied' | 'data'; user: number; at: number }
  | { is: 'return' | 'failure'; session: number }
  | { is: 'confirm'; session: number };

/** When it happens, and whether that time is torn apart; what was torn apart happens once more at the end. */
type Occurrence = { order: number; crash: CrashPoint | undefined };

export type Scenario = {
  rules: Partial<Rules>;
  /** `confirmedBy`: the one who brings the code, since the first to bring it wins. */
  sessions: { by: Owner; returns: number; confirmedBy: Owner; fails: boolean }[];
  /** The successor of each Terra user, if Terra reports it; null if the event does not name the old one. */
  gives: (number | null)[];
  happenings: { what: Happening; when: Occurrence[] }[];
};

const USERS = 5;
const PHONE = 7;
const SECOND = 1_000;
const ownerOf = (user: number): Owner => (user <= 3 || user === PHONE ? 'alice' : 'bob');
const scopesOf = (at: number) => ['DAILY', 'BODY, DAILY', ''][at % 3] ?? '';

const second = fc.integer({ min: 0, max: 11 }).map(n => n * 40);
const anyUser = fc.integer({ min: 1, max: USERS });
const afterAllSessions = fc.integer({ min: 0, max: 5 }).map(n => 9_000 + n * 40);

export function scenarios(only: Partial<Rules> = {}): fc.Arbitrary<Scenario> {
  const rules = fc.record({
    confirmation: only.confirmation ? fc.constant(only.confirmation) : fc.constantFrom('required', 'off'),
    referenceId: only.referenceId ? fc.constant(only.referenceId) : fc.constantFrom('opaque', 'opaque', 'subject'),
  }) as fc.Arbitrary<Partial<Rules>>;
  return rules.chain(chosen =>
    fc.record({
      rules: fc.constant(chosen),
      sessions: fc.array(
        fc.record({
          by: fc.constantFrom<Owner>('alice', 'alice', 'bob'),
          returns: fc.integer({ min: 1, max: 2 }),
          confirmedBy: fc.constantFrom<Owner>('alice', 'alice', 'alice', 'bob'),
          fails: fc.nat(4).map(n => n === 0),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      gives: fc.array(fc.option(anyUser, { freq: 6 }), { minLength: USERS, maxLength: USERS }),
      happenings: fc.array(fc.record({ what: happening(chosen), when: occurrences }), { minLength: 1, maxLength: 9 }),
    }),
  );
}

const crashPoint = fc.record({
  call: fc.integer({ min: 1, max: 5 }),
  fate: fc.constantFrom<CrashPoint['fate']>('fails before', 'answer lost'),
});
const occurrences = fc.array(
  fc.record({ order: fc.nat(1_000), crash: fc.option(crashPoint, { nil: undefined, freq: 3 }) }),
  { minLength: 1, maxLength: 3 },
);

function happening({ referenceId }: Partial<Rules>): fc.Arbitrary<Happening> {
  const isOurs = referenceId === 'subject';
  const session = fc.nat(2);
  const where = isOurs ? session : fc.oneof({ weight: 5, arbitrary: session }, fc.constant('elsewhere' as const));
  const telling = fc.constantFrom('deauth', 'revoked', 'error', 'permissions', 'denied', 'data');
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ is: fc.constant('auth'), user: anyUser, at: second, session: where }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant('phone'), at: isOurs ? fc.constant(60) : second }) },
    {
      weight: isOurs ? 0 : 4,
      arbitrary: fc.record({ is: telling, user: fc.oneof(anyUser, fc.constant(PHONE)), at: second }),
    },
    {
      weight: isOurs ? 0 : 3,
      arbitrary: fc.record({ is: fc.constant('reauth'), old: anyUser, at: afterAllSessions }),
    },
    { weight: 4, arbitrary: fc.record({ is: fc.constantFrom('return', 'return', 'failure'), session }) },
    { weight: 5, arbitrary: fc.record({ is: fc.constant('confirm'), session }) },
  );
}

/** Terra answers no requests, so that only its events count, not the time of lookups. */
const away = new Problem('terra_unavailable', 'away');

export type Played = Awaited<ReturnType<typeof play>>;

/** In the given order and once each; or with repetitions and crashes; or in order, each repeated until its calls succeed. */
export type How = 'as told' | 'shuffled' | { fateOf: () => Fate };

const PATIENCE = 200;

/** Lets all of it happen, on the store in memory or another. */
export async function play(scenario: Scenario, how: How, on?: Store) {
  // Parsing would take a third of the time, and nothing here writes rows of another form.
  const world = newWorld({ ...scenario.rules, parses: false });
  const store: Store = on ?? world.store;
  const crash = crashSwitch();
  let isFaulty = false;
  const fateOf = () => (isFaulty && typeof how === 'object' ? how.fateOf() : 'succeeds');
  const setting = { ...world, store: faulty(crash.through(store), fateOf) };
  const go = journey(setting);
  const sessions: Awaited<ReturnType<typeof go.open>>[] = [];
  for (const { by } of scenario.sessions) sessions.push(await go.open(by));
  await go.mint('alice');
  isFaulty = true;
  world.wait(540 * SECOND);
  world.terra.failWith(away);
  const codes = new Map<number, string>();
  const waiting: Happening[] = [];

  const deps: ApplyDeps = { ...setting, alarm: world.alarm };
  async function tell(event: object, at: number): Promise<void> {
    const { event: read } = readTerraEvent(Buffer.from(JSON.stringify(event)));
    if (!read) throw new Error('an event of the scenario is poison');
    await applyEvent(read, NOON + at * SECOND, deps);
  }
  const as = (user: number) => ({ sub: ownerOf(user), ...(user === PHONE && { provider: 'APPLE' }) });
  const sessionOf = (index: number) => {
    const at = index % sessions.length;
    return { at, ...scenario.sessions[at], ...sessions[at] };
  };

  async function happen(what: Happening): Promise<void> {
    switch (what.is) {
      case 'auth': {
        const session = what.session === 'elsewhere' ? 'elsewhere' : `terra-session-${sessionOf(what.session).at + 1}`;
        const sub = what.session === 'elsewhere' ? ownerOf(what.user) : (sessionOf(what.session).by ?? 'alice');
        // A Terra user is one owner's; the session of another owner has other users.
        const user = sub === ownerOf(what.user) ? what.user : sub === 'alice' ? 1 : 4;
        const event = terraEvent.auth(terraUser(user), { sub, session });
        return tell({ ...event, user: { ...event.user, scopes: scopesOf(what.at) } }, what.at);
      }
      case 'phone':
        return tell(terraEvent.auth(terraUser(PHONE), { provider: 'APPLE' }), what.at);
      case 'reauth': {
        const next = scenario.gives[what.old - 1] ?? null;
        const old = next === null ? null : told(terraUser(what.old), as(what.old));
        return tell(terraEvent.reauth(old, told(terraUser(next ?? what.old), as(next ?? what.old))), what.at);
      }
      case 'permissions':
        return tell(terraEvent.permissions(terraUser(what.user), scopesOf(what.at + 40), as(what.user)), what.at);
      case 'denied':
        return tell(terraEvent.authError(terraUser(what.user), { ...as(what.user), session: 'elsewhere' }), what.at);
      case 'data':
        return tell(terraEvent.data(terraUser(what.user), as(what.user)), 200);
      case 'deauth':
      case 'revoked':
      case 'error':
        return tell(terraEvent[what.is](terraUser(what.user), as(what.user)), what.at);
      case 'return':
        return comeBack(what.session);
      case 'failure':
        if (sessionOf(what.session).fails)
          await go.fail(sessionOf(what.session).state ?? '', { reason: 'access_denied' });
        return;
      case 'confirm':
        return confirm(what);
      default:
        return what satisfies never;
    }
  }

  async function comeBack(index: number): Promise<void> {
    const { at, by, returns = 1, state = '', fails } = sessionOf(index);
    if (fails) return;
    const { code } = await go.comeBack(state, { user_id: terraUser(by === 'alice' ? returns : returns + 3) });
    if (code === undefined) return;
    if ((codes.get(at) ?? code) !== code) throw new Error('a session had two codes');
    codes.set(at, code);
  }

  async function confirm(what: Extract<Happening, { is: 'confirm' }>): Promise<void> {
    const { at, id = '', confirmedBy = 'alice' } = sessionOf(what.session);
    const code = codes.get(at);
    // Nobody can bring a code that was not given yet.
    if (code === undefined && scenario.rules.confirmation === 'required') return void waiting.push(what);
    await go.confirm(confirmedBy, id, code).catch(error => {
      if (!(error instanceof Problem)) throw error;
    });
  }

  const versions = new Map<string, string>();
  function look(): void {
    for (const item of world.store.items.values()) {
      if (!('terraUserId' in item) || !('facts' in item)) continue;
      const row = item as unknown as ConnectionRow;
      const key = `${row.owner} ${row.terraUserId}`;
      const [version, text] = [String(row.version).padStart(16, '0'), JSON.stringify(row.facts)];
      const before = versions.get(key);
      if (before !== undefined && !before.endsWith(text) && version <= before.slice(0, 16)) {
        throw new Error('a row changed without a newer version');
      }
      versions.set(key, version + text);
    }
  }

  const again: Happening[] = [];
  const steps =
    how !== 'shuffled'
      ? scenario.happenings.map(({ what }) => ({ what, crash: undefined }))
      : scenario.happenings
          .flatMap(({ what, when }) => when.map(each => ({ what, ...each })))
          .toSorted((a, b) => a.order - b.order);
  for (const step of steps) {
    crash.arm(step.crash);
    await happen(step.what).catch(async error => {
      if (!(error instanceof Crash)) throw error;
      if (typeof how === 'object') await insist(step.what);
      else again.push(step.what);
    });
    crash.arm(undefined);
    for (const what of waiting.splice(0)) await insist(what);
    look();
  }
  for (const what of again) await happen(what);
  for (const what of waiting.splice(0)) await insist(what);
  look();
  return { world, store };

  async function insist(what: Happening): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await happen(what);
      } catch (error) {
        if (!(error instanceof Crash) || tries === PATIENCE) throw error;
      }
    }
  }
}

/** The final state without the version and the times of writes, which the claim leaves out. */
export async function outcome({ world, store }: Played) {
  const now = world.clock();
  const { confirmation } = world.rules;
  const allRecords = [await store.load(referenceIdOf('alice')), await store.load(referenceIdOf('bob'))];
  const sessions = allRecords.flatMap(records => records.sessions);
  return {
    sessions: Object.fromEntries(
      sessions.map(({ id, ...session }) => [
        id,
        {
          status: sessionStatus({ id, ...session }, now, confirmation),
          returned: session.returned?.terraUserId,
          // Once two users took part, it does not matter whether the owner had redeemed the code before.
          redeemed: !isContested({ id, ...session }) && session.redeemed !== undefined,
          authorised: Object.fromEntries(
            Object.entries(session.authorised)
              .map(([user, { at }]) => [user, at] as const)
              .toSorted(([a], [b]) => (a < b ? -1 : 1)),
          ),
        },
      ]),
    ),
    connections: Object.fromEntries(
      allRecords
        .flatMap(({ connections }) => connections)
        .map(row => [`${nameOf(row.owner)} ${Number(row.terraUserId.slice(-2))}`, shownFacts(row)] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
    tokenRecords: allRecords.flatMap(({ tokenRecords }) => tokenRecords.map(({ usedBy }) => usedBy?.terraUserId)),
  };
}

/**
 * A link that was used twice is live in no order. Whether its code was given, and so could be brought by another user, depends
 * on when the second use became known.
 */
function shownFacts(row: ConnectionRow) {
  const { attempt: _attempt, proof, wrongOwner, ...facts } = row.facts;
  const { status } = connectionState(row.facts);
  const isDisproved = facts.disproved !== undefined && (proof?.at ?? 0) <= facts.disproved.at;
  const isLive = ['connected', 'error'].includes(status);
  return isDisproved
    ? { isLive, facts, id: row.ids[0] }
    : {
        ...connectionState(row.facts),
        facts: { ...facts, wrongOwner, ...(proof && !wrongOwner && { proof }) },
        id: row.ids[0],
      };
}

const nameOf = (owner: string) => (owner === referenceIdOf('alice') ? 'alice' : 'bob');

/** Every visible change of status, in order. */
export async function histories({ store }: Played) {
  const allRecords = [await store.load(referenceIdOf('alice')), await store.load(referenceIdOf('bob'))];
  const rows = allRecords.flatMap(({ connections }) => connections);
  return Object.fromEntries(
    rows
      // Sorted: what changed at one and the same moment has no order, and a circle of users shares its history.
      .map(
        row =>
          [row.terraUserId, row.history.map(({ status, reason = '' }) => `${status} ${reason}`).toSorted()] as const,
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Deletes what a scenario left in a store that others use too. */
export async function clear(store: Store): Promise<void> {
  for (const sub of ['alice', 'bob']) {
    const { owner, sessions, tokenRecords, quotas, connections } = await store.load(referenceIdOf(sub));
    const items = [
      ...sessions.map(({ id }) => itemKey.session(id)),
      ...tokenRecords.map(({ id }) => itemKey.mint(id)),
      ...connections.map(({ terraUserId }) => itemKey.connection(terraUserId)),
      ...quotas,
    ];
    await Promise.all(items.map(item => store.remove(owner, item, undefined)));
  }
}
