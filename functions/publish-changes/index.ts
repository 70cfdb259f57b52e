import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { type Clock, type Instant, MINUTE, SECOND } from '../core/platform/clock';
import type { DeadLetterQueue, DeadLetter } from '../core/events/dead-letter';
import type { EventBus } from '../core/events/event-bus';
import * as dependencies from '../core/platform/dependencies';
import * as publishingDependencies from '../core/events/publishing-dependencies';
import { connectionEvent, type PublishedEvent, sessionEvent } from '../core/events/published-event';
import type { Confirmation } from '../core/state/session';
import type { Store } from '../core/store/store';
import { readChange, type StreamChange } from '../core/events/stream-change';
import { readItemKey } from '../core/store/table';

type Deps = {
  bus: EventBus;
  letters: DeadLetterQueue;
  confirmation: Confirmation;
  clock: Clock;
  pause: (most: Instant) => Promise<void>;
  alarm: (name: 'unreadable_row') => void;
};

/** What became of a batch; `undone` holds the sequence numbers of the records that must come again. */
export type Published = { published: number; deadLetters: number; undone: string[] };

/** How often the bus is asked to take an event before the event counts as refused. */
const TRIES = 5;
const PAUSE = 100;
/** How long a batch is worked on before the rest is left to come again: well within the function's minute. */
const BUDGET = 30 * SECOND;
/** How long a bus that is away is waited for, by having the batch come again, before its events are put aside. */
const PATIENCE = 15 * MINUTE;

/**
 * Publishes what a batch of the table's stream amounts to, one owner's changes in their order. What cannot be read or is
 * refused goes to the dead letters, so that nobody else's events wait for it; what could not be put there either, or met
 * a bus that was away, is left undone and comes again with everything behind it. An event has the same id each time.
 */
export async function publishChanges(records: readonly DynamoDBRecord[], deps: Deps): Promise<Published> {
  const giveUpAt = deps.clock() + BUDGET;
  const result: Published = { published: 0, deadLetters: 0, undone: [] };
  const stuck = new Set<string>();
  let waiting = records.map(record => readChange(record, deps.confirmation)).filter(({ event }) => event !== undefined);
  if (waiting.some(({ event }) => event === 'unreadable')) deps.alarm('unreadable_row');

  while (waiting.length > 0) {
    const wave = firstOfEachOwner(waiting);
    for (const { row } of await projectConnections(wave)) stuck.add(row.owner);
    result.undone.push(...waiting.filter(({ row }) => stuck.has(row.owner)).map(({ sequence }) => sequence));
    waiting = waiting.filter(change => !wave.has(change) && !stuck.has(change.row.owner));
  }
  return result;

  /** Publishes changes of different owners or puts them aside; those it could do neither with. */
  async function projectConnections(wave: ReadonlySet<StreamChange>): Promise<StreamChange[]> {
    const { refused, away } = await publish([...wave].filter(isReady));
    const aside = [
      ...[...wave].filter(({ event }) => event === 'unreadable').map(change => letterOf(change, 'unreadable')),
      ...refused.map(change => letterOf(change, 'refused')),
      ...away.filter(isOld).map(change => letterOf(change, 'undelivered')),
    ];
    const unsent = await putAside(aside);
    return [...unsent, ...away.filter(change => !isOld(change))];
  }

  async function publish(changes: Ready[]): Promise<{ refused: Ready[]; away: Ready[] }> {
    let open = changes;
    for (let tries = 1; ; tries++) {
      if (open.length === 0 || deps.clock() > giveUpAt) return { refused: [], away: open };
      const verdicts = await deps.bus.put(open.map(({ event }) => event));
      const told = open.map((change, at) => ({ change, verdict: verdicts[at] ?? 'busy' }));
      const left = told.filter(({ verdict }) => verdict !== 'accepted');
      result.published += told.length - left.length;
      if (tries === TRIES) {
        const of = (wanted: string) => left.filter(({ verdict }) => verdict === wanted).map(({ change }) => change);
        return { refused: of('refused'), away: of('busy') };
      }
      open = left.map(({ change }) => change);
      if (open.length > 0) await deps.pause(PAUSE * 2 ** tries);
    }
  }

  /** Those whose letter the queue did not take. Once it fails the others are not tried: it has failed for them too. */
  async function putAside(letters: { change: StreamChange; letter: DeadLetter }[]): Promise<StreamChange[]> {
    for (const [at, { letter }] of letters.entries()) {
      try {
        await deps.letters.send(letter);
        result.deadLetters++;
      } catch {
        return letters.slice(at).map(({ change }) => change);
      }
    }
    return [];
  }

  function isOld({ at }: StreamChange): boolean {
    return deps.clock() - at > PATIENCE;
  }
}

/** Publishes the state a dead letter's row has by now, if it is still there and anything people hear of. Throws if it cannot be read. */
export async function redrive(
  { row }: DeadLetter,
  { store, bus, confirmation }: { store: Pick<Store, 'load'>; bus: EventBus; confirmation: Confirmation },
): Promise<'published' | 'nothing'> {
  const { sessions, connections, unreadable } = await store.load(row.owner);
  if (unreadable.some(({ item }) => item === row.item)) throw new Error('the row of the letter still cannot be read');
  const { kind, id } = readItemKey(row.item) ?? {};
  const session = kind === 'session' ? sessions.find(known => known.id === id) : undefined;
  const connection = kind === 'connection' ? connections.find(known => known.terraUserId === id) : undefined;
  const event =
    (session && sessionEvent(undefined, session, confirmation)) ??
    (connection && connectionEvent(undefined, connection));
  if (!event) return 'nothing';
  const [verdict] = await bus.put([event]);
  if (verdict !== 'accepted') throw new Error(`the event bus answered ${verdict}`);
  return 'published';
}

type Ready = StreamChange & { event: PublishedEvent };

const isReady = (change: StreamChange): change is Ready => typeof change.event === 'object';

function firstOfEachOwner(changes: readonly StreamChange[]): Set<StreamChange> {
  const first = new Map<string, StreamChange>();
  for (const change of changes) if (!first.has(change.row.owner)) first.set(change.row.owner, change);
  return new Set(first.values());
}

function letterOf(change: StreamChange, reason: DeadLetter['reason']): { change: StreamChange; letter: DeadLetter } {
  const { row, at } = change;
  return { change, letter: { row, reason, at, ...(isReady(change) && { event: change.event }) } };
}

let wired: Deps | undefined;

export const handler = async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  wired ??= {
    bus: publishingDependencies.eventBus(),
    letters: publishingDependencies.deadLetterQueue(),
    confirmation: dependencies.confirmation(),
    clock: dependencies.clock,
    pause: dependencies.pause,
    alarm: dependencies.alarm,
  };
  const startedAt = wired.clock();
  const { undone, ...counts } = await publishChanges(Records, wired);
  const level = undone.length > 0 ? 'error' : counts.deadLetters > 0 ? 'warn' : 'info';
  const facts = { records: Records.length, ...counts, failed: undone.length, ms: wired.clock() - startedAt };
  dependencies.log(level, 'publish', facts);
  return { batchItemFailures: undone.map(itemIdentifier => ({ itemIdentifier })) };
};
