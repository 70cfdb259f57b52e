import { type Instant, MINUTE, SECOND } from './clock';
import {
  authFacts,
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  isEnding,
  isUnidentified,
  unasked,
} from './connection';
import { mayBeOfMint } from './correlate';
import { decidedAt, endConnection } from './end-connection';
import { type EraseDeps, type ErasureRow, eraseOwner, erasureDueAt, removeErased } from './erasure';
import { Problem } from './errors';
import { completeReturn } from './look-up';
import { confirmBy, type Partition, scheduled, waitingSession, withSession } from './partition';
import { providerKind } from './providers';
import { NO_NEWS, newsOf, record } from './record';
import { type RecordedAuthentication, recordAuthentication } from './record-authentication';
import type { Rules } from './rules';
import { closesAt, isOpen, type SessionRow, sessionDueAt, unansweredUser } from './session';
import { itemKey } from './table';
import type { Terra, TerraProvider, TerraUser } from './terra';
import { noLaterThan } from './terra-user';

export type SweepDeps = EraseDeps & {
  terra: Pick<Terra, 'findUser' | 'deauthenticate'>;
  /** Terra's catalogue. */
  offered: () => Promise<TerraProvider[]>;
  alarm: (name: 'disconnect_overdue') => void;
};

/** What was done for one owner. */
export type Swept = { looked: number; closed: number; disconnected: number; terraFailed: number };

/** How long one owner's erasure may take of a run. */
const ERASE_BUDGET = 10 * SECOND;
/** What is still due after a look is looked at again no sooner than this. */
const LOOK_AGAIN = MINUTE;
/** After this long without Terra's agreement a person should look. */
const OVERDUE = 15 * MINUTE;

/** Does what is due for one owner: asks for missing proof, closes sessions, ends what nobody confirmed, repeats what Terra did not hear. */
export async function sweepOwner(owner: string, deps: SweepDeps): Promise<Swept> {
  const now = deps.clock();
  const swept: Swept = { looked: 0, closed: 0, disconnected: 0, terraFailed: 0 };
  let partition = await deps.store.load(owner);

  for (const session of partition.sessions.filter(isDue(now))) {
    const judged = await sweepSession(session, partition, now, swept, deps);
    partition = withSession(partition, judged);
  }
  ({ partition } = await record(partition, () => NO_NEWS, deps));
  for (const row of partition.connections.filter(isDue(now))) {
    partition = await sweepConnection(row, partition, swept, deps);
    await removeErased(partition, row.terraUserId, deps);
  }
  if (partition.erasure && isDue(now)(partition.erasure)) await sweepErasure(partition, partition.erasure, deps);
  await settleDue(partition, now, deps);
  return swept;
}

/**
 * The session after it was completed as far as possible, and closed if nothing can complete it any more. A session whose
 * browser returned with a user that nothing is known of is closed only once Terra answered: Terra may have that user.
 */
async function sweepSession(
  session: SessionRow,
  partition: Partition,
  now: Instant,
  swept: Swept,
  deps: SweepDeps,
): Promise<SessionRow> {
  const { confirmation } = deps.rules;
  const terraUserId = session.closed ? undefined : (session.returned?.terraUserId ?? unansweredUser(session));
  const isOver = now > closesAt(session, confirmation);
  const isAsked = isOver || confirmation === 'off' || (session.redeemed ?? session.wrongOwner) !== undefined;
  let judged = session;
  if (terraUserId !== undefined && isAsked) {
    if (unansweredUser(session) !== undefined) swept.looked++;
    try {
      judged = await completeReturn(session, terraUserId, partition, undefined, deps);
    } catch (error) {
      if (!(error instanceof Problem) || !error.code.startsWith('terra_')) throw error;
      swept.terraFailed++;
      return session;
    }
  }
  if (!isOpen(judged, confirmation) || now <= closesAt(judged, confirmation)) return judged;
  const fact = { kind: 'closed', at: now, version: judged.version } as const;
  const stored = await deps.store.addSessionFact(judged.owner, judged.id, fact, undefined);
  if (stored.written) swept.closed++;
  return stored.session ?? judged;
}

async function sweepConnection(
  row: ConnectionRow,
  partition: Partition,
  swept: Swept,
  deps: SweepDeps,
): Promise<Partition> {
  const identified = await identify(row, partition, swept, deps);
  if (identified === 'unknown') return partition;
  const decide = (now: ConnectionRow | undefined, current: Partition) => now && dueFacts(now, current, deps);
  const ending = await endConnection(identified, row.terraUserId, decide, deps);
  if (ending.terra === 'agreed') swept.disconnected++;
  if (ending.terra === 'failed') {
    swept.terraFailed++;
    const since = (row.facts.wrongOwner ?? row.facts.disconnect)?.at;
    if (since !== undefined && deps.clock() - since > OVERDUE) deps.alarm('disconnect_overdue');
  }
  return ending.partition;
}

/**
 * Asks Terra what is not known of a row before it is judged: whether a user that only data or an unclear event told of is
 * authenticated, what provider a user has that Terra named none for, and whether the provider of a user that Terra named no link for connects on the phone, so that a token without a provider
 * proves it. Returns the records with the answer; `unknown` if Terra could not be asked.
 */
async function identify(
  row: ConnectionRow,
  partition: Partition,
  swept: Swept,
  deps: SweepDeps,
): Promise<Partition | 'unknown'> {
  const { terraUserId, facts } = row;
  const state = connectionState(facts);
  try {
    if (isUnidentified(facts) && !isEnding(state)) {
      swept.looked++;
      const user = await deps.terra.findUser(terraUserId);
      const isTheirs = user?.referenceId === row.owner && user.authenticated;
      const found = isTheirs
        ? await answerFacts(user, row, partition, deps)
        : { partition, facts: { missed: { at: deps.clock() } } };
      return (await record(found.partition, () => newsOf(terraUserId, found.facts), deps)).partition;
    }
    const { provider, auth } = facts;
    if (state.status !== 'unconfirmed' || !auth || provider === undefined) return partition;
    if (providerKind(provider) === 'sdk' || isOfLink(row, partition)) return partition;
    if (!mayBeOfMint(partition, { provider, at: auth.at })) return partition;
    const catalogueKind = (await deps.offered()).find(({ id }) => id === provider)?.kind;
    // Neither proved nor ended as long as a token fits: nobody knows how this provider connects.
    if (catalogueKind === undefined) return 'unknown';
    const authentication = { terraUserId, provider, at: auth.at, event: 'auth', catalogueKind } as const;
    const recorded = await recordAuthentication(partition, authentication, deps);
    if (recorded.origin.kind !== 'mint') return partition;
    return (await record(recorded.partition, () => newsOf(terraUserId, recorded.facts), deps)).partition;
  } catch (error) {
    if (!(error instanceof Problem) || !error.code.startsWith('terra_')) throw error;
    swept.terraFailed++;
    return 'unknown';
  }
}

/**
 * Returns what Terra's answer adds to a row of which it was not known whether the user is authenticated, or with what provider.
 * A phone's user may have used a token: its event says when. Of any other user the answer does not say when it authenticated.
 */
async function answerFacts(
  user: TerraUser,
  { terraUserId, facts: { auth, data, reported } }: ConnectionRow,
  partition: Partition,
  deps: SweepDeps,
): Promise<Pick<RecordedAuthentication, 'partition' | 'facts'>> {
  const { provider, scopes } = user;
  const now = deps.clock();
  const createdAt = user.createdAt === undefined ? undefined : noLaterThan(user.createdAt, now);
  const told = auth ?? reported;
  // An authentication for which Terra named a widget session used no token.
  if (told?.via === unasked.unnamed && provider !== undefined && providerKind(provider) === 'sdk') {
    const authentication = { terraUserId, provider, at: told.at, createdAt, scopes, event: 'auth' } as const;
    return recordAuthentication(partition, authentication, deps);
  }
  if (auth) return { partition, facts: { provider, seen: { at: now } } };
  const authenticatedAt = reported ? now : (createdAt ?? noLaterThan(data?.at ?? now, now));
  return { partition, facts: authFacts(provider, authenticatedAt, reported?.via ?? unasked.unnamed, scopes) };
}

/** Returns whether a user is known to have authenticated by a link: Terra named a widget session, or a browser returned with it. */
function isOfLink({ terraUserId, facts: { auth } }: ConnectionRow, { sessions }: Partition): boolean {
  const isIn = ({ authorised, returned }: SessionRow) =>
    authorised[terraUserId]?.isNamed === true || returned?.terraUserId === terraUserId;
  return auth?.via === unasked.named || sessions.some(isIn);
}

async function sweepErasure(partition: Partition, erasure: ErasureRow, deps: SweepDeps): Promise<void> {
  const isDone = await eraseOwner(partition, deps.clock() + ERASE_BUDGET, deps);
  const next = erasureDueAt(erasure, isDone, deps.clock());
  await deps.store.reschedule(itemKey.erasure, erasure, next);
}

/** What the sweep adds to a row: nothing to one that is disconnecting (a retry), our decision to one nobody will confirm. */
function dueFacts(row: ConnectionRow, partition: Partition, { clock, rules }: SweepDeps): ConnectionFacts | undefined {
  switch (connectionState(row.facts).status) {
    case 'disconnecting':
    case 'unwanted':
      return {};
    case 'unconfirmed':
      return mayStillConfirm(row, partition, clock(), rules)
        ? undefined
        : { disconnect: { at: decidedAt(row, clock()), reason: 'not_confirmed' } };
    default:
      return undefined;
  }
}

/** The session is the judge: as long as it is open, or its time or the row's is not over, nothing is ended. */
export function mayStillConfirm(row: ConnectionRow, { sessions }: Partition, now: Instant, rules: Rules): boolean {
  const until = confirmBy(row, sessions, rules);
  if (until === undefined || now <= until) return true;
  const session = waitingSession(row, sessions, rules);
  return session !== undefined && isOpen(session, rules.confirmation);
}

/** Says for everything that was due when to look next, unless it changed meanwhile: then whoever changed it said so. */
async function settleDue(partition: Partition, now: Instant, { store, rules }: SweepDeps): Promise<void> {
  const due = isDue(now);
  for (const session of partition.sessions.filter(due)) {
    const next = sessionDueAt(session, now, rules.confirmation);
    await store.reschedule(itemKey.session(session.id), session, next);
  }
  for (const mint of partition.mints.filter(due)) await store.reschedule(itemKey.mint(mint.id), mint, undefined);
  for (const row of partition.connections.filter(due)) {
    const next = scheduled(row, partition.sessions, now, rules).dueAt;
    await store.reschedule(itemKey.connection(row.terraUserId), row, next && Math.max(next, now + LOOK_AGAIN));
  }
}

const isDue = (now: Instant) => (row: { dueAt?: number | undefined }) => row.dueAt !== undefined && row.dueAt <= now;
