import { type Instant, MINUTE, SECOND } from './clock';
import {
  authFacts,
  type ConnectionFacts,
  type ConnectionRow,
  connectionState,
  isUnidentified,
  unasked,
} from './connection';
import { mayBeOfMint } from './correlate';
import { decidedAt, endConnection } from './end-connection';
import { type EraseDeps, type ErasureRow, eraseOwner, erasureDueAt, removeErased } from './erasure';
import { Problem } from './errors';
import { completeReturn } from './look-up';
import {
  confirmBy,
  isLeftToLater,
  LEAVE_TO_LATER,
  laterDueAt,
  type Partition,
  scheduled,
  waitingSession,
  withSession,
} from './partition';
import { providerKind } from './providers';
import { NO_NEWS, newsOf, record } from './record';
import { recordAuthentication } from './record-authentication';
import type { Rules } from './rules';
import { closesAt, flowOf, isOpen, type SessionRow, sessionDueAt, unansweredUser } from './session';
import { itemKey, numberOf } from './table';
import type { Terra, TerraProvider } from './terra';
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
  if (flowOf(session) === undefined) return session;
  const terraUserId = session.closed ? undefined : (session.returned?.terraUserId ?? unansweredUser(session));
  const isEnding = now > closesAt(session, confirmation);
  const isAsked = isEnding || confirmation === 'off' || (session.redeemed ?? session.wrongOwner) !== undefined;
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
  if (isLeftToLater(row, partition.sessions, deps.rules)) return partition;
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
 * Asks Terra what is not known of a row before it is judged: whether a user that only data told of is authenticated, and
 * whether the provider of a user that Terra named no link for connects on the phone, so that a token without a provider
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
    if (state.status === 'unseen' && isUnidentified(facts)) {
      swept.looked++;
      const user = await deps.terra.findUser(terraUserId);
      const now = deps.clock();
      const isTheirs = user?.referenceId === row.owner && user.authenticated;
      const at = noLaterThan(user?.createdAt ?? facts.data?.at ?? now, now);
      const found = isTheirs ? authFacts(user.provider, at, unasked.unnamed, user.scopes) : { missed: { at: now } };
      return (await record(partition, () => newsOf(terraUserId, found), deps)).partition;
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
  if (isLeftToLater(row, sessions, rules)) return true;
  const until = confirmBy(row, sessions, rules);
  if (until === undefined || now <= until) return true;
  const session = waitingSession(row, sessions, rules);
  return session !== undefined && isOpen(session, rules.confirmation);
}

/** Says for everything that was due when to look next, unless it changed meanwhile: then whoever changed it said so. */
async function settleDue(partition: Partition, now: Instant, { store, rules }: SweepDeps): Promise<void> {
  const due = isDue(now);
  for (const session of partition.sessions.filter(due)) {
    const isJudged = flowOf(session) !== undefined;
    const next = isJudged ? sessionDueAt(session, now, rules.confirmation) : now + LEAVE_TO_LATER;
    await store.reschedule(itemKey.session(session.id), session, next ?? laterDueAt(session, now));
  }
  for (const mint of partition.mints.filter(due))
    await store.reschedule(itemKey.mint(mint.id), mint, laterDueAt(mint, now));
  for (const row of partition.connections.filter(due)) {
    const next = scheduled(row, partition.sessions, now, rules).dueAt;
    await store.reschedule(itemKey.connection(row.terraUserId), row, next && Math.max(next, now + LOOK_AGAIN));
  }
  // What cannot be read waits, so that it does not keep the sweep from what can.
  for (const { item, stored } of partition.unreadable.filter(row => Number(row.stored.dueAt) <= now)) {
    const version = numberOf(stored.version);
    await store.reschedule(item, { owner: partition.owner, version }, now + LEAVE_TO_LATER);
  }
}

const isDue = (now: Instant) => (row: { dueAt?: number | undefined }) => row.dueAt !== undefined && row.dueAt <= now;
