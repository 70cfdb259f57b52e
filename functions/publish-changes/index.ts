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
  deadLetters: DeadLetterQueue;
  confirmation: Confirmation;
  clock: Clock;
  pause: (most: Instant) => Promise<void>;
  alarm: (name: 'unreadable_row') => void;
};

/** The result of a batch. `unprocessed`: the sequence numbers of the records that Lambda must deliver again. */
export type Published = { published: number; deadLetters: number; unprocessed: string[] };

/** How often an event is put to the bus before it counts as refused. */
const TRIES = 5;
const PAUSE = 100;
/** The time for one batch, well within the function's timeout of a minute. Lambda delivers the rest again. */
const BUDGET = 30 * SECOND;
/** If the bus is unavailable, Lambda delivers the batch again until an event is this old; then it goes to the dead letters. */
const PATIENCE = 15 * MINUTE;

/**
 * Publishes the events of a batch of the table's stream, those of one owner in order. A record that cannot be read, or an event that
 * the bus refuses, goes to the dead letters, so that it does not delay others. If the queue or the bus is unavailable, the record
 * and the owner's later ones are returned as `unprocessed`. A repeated event has the same id.
 */
export async function publishChanges(records: readonly DynamoDBRecord[], deps: Deps): Promise<Published> {
  const deadline = deps.clock() + BUDGET;
  const result: Published = { published: 0, deadLetters: 0, unprocessed: [] };
  const blockedOwners = new Set<string>();
  let waiting = records.map(record => readChange(record, deps.confirmation)).filter(({ event }) => event !== undefined);
  if (waiting.some(({ event }) => event === 'unreadable')) deps.alarm('unreadable_row');

  while (waiting.length > 0) {
    const wave = firstOfEachOwner(waiting);
    for (const { row } of await publishWave(wave)) blockedOwners.add(row.owner);
    result.unprocessed.push(
      ...waiting.filter(({ row }) => blockedOwners.has(row.owner)).map(({ sequence }) => sequence),
    );
    waiting = waiting.filter(change => !wave.has(change) && !blockedOwners.has(change.row.owner));
  }
  return result;

  /** Publishes changes of different owners or sends them to the dead letters. Returns those for which both failed. */
  async function publishWave(wave: ReadonlySet<StreamChange>): Promise<StreamChange[]> {
    const { refused, unavailable } = await publish([...wave].filter(isReady));
    const aside = [
      ...[...wave].filter(({ event }) => event === 'unreadable').map(change => toDeadLetter(change, 'unreadable')),
      ...refused.map(change => toDeadLetter(change, 'refused')),
      ...unavailable.filter(isPatienceOver).map(change => toDeadLetter(change, 'undelivered')),
    ];
    const unsent = await sendDeadLetters(aside);
    return [...unsent, ...unavailable.filter(change => !isPatienceOver(change))];
  }

  async function publish(changes: Ready[]): Promise<{ refused: Ready[]; unavailable: Ready[] }> {
    let open = changes;
    for (let tries = 1; ; tries++) {
      if (open.length === 0 || deps.clock() > deadline) return { refused: [], unavailable: open };
      const verdicts = await deps.bus.put(open.map(({ event }) => event));
      const outcomes = open.map((change, at) => ({ change, verdict: verdicts[at] ?? 'busy' }));
      const left = outcomes.filter(({ verdict }) => verdict !== 'accepted');
      result.published += outcomes.length - left.length;
      if (tries === TRIES) {
        const of = (wanted: string) => left.filter(({ verdict }) => verdict === wanted).map(({ change }) => change);
        return { refused: of('refused'), unavailable: of('busy') };
      }
      open = left.map(({ change }) => change);
      if (open.length > 0) await deps.pause(PAUSE * 2 ** tries);
    }
  }

  /** Returns the changes whose dead letter was not sent. Stops at the first failure, because the queue is unavailable. */
  async function sendDeadLetters(deadLetters: { change: StreamChange; letter: DeadLetter }[]): Promise<StreamChange[]> {
    for (const [at, { letter }] of deadLetters.entries()) {
      try {
        await deps.deadLetters.send(letter);
        result.deadLetters++;
      } catch {
        return deadLetters.slice(at).map(({ change }) => change);
      }
    }
    return [];
  }

  function isPatienceOver({ at }: StreamChange): boolean {
    return deps.clock() - at > PATIENCE;
  }
}

/** Publishes the current state of a dead letter's row, if it still exists and has an event. Throws if it cannot be read. */
export async function redrive(
  { row }: DeadLetter,
  { store, bus, confirmation }: { store: Pick<Store, 'load'>; bus: EventBus; confirmation: Confirmation },
): Promise<'published' | 'nothing'> {
  const { sessions, connections, unreadable } = await store.load(row.owner);
  if (unreadable.some(({ item }) => item === row.item))
    throw new Error('the row of the dead letter still cannot be read');
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

function toDeadLetter(
  change: StreamChange,
  reason: DeadLetter['reason'],
): { change: StreamChange; letter: DeadLetter } {
  const { row, at } = change;
  return { change, letter: { row, reason, at, ...(isReady(change) && { event: change.event }) } };
}

let wired: Deps | undefined;

export const handler = async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  wired ??= {
    bus: publishingDependencies.eventBus(),
    deadLetters: publishingDependencies.deadLetterQueue(),
    confirmation: dependencies.confirmation(),
    clock: dependencies.clock,
    pause: dependencies.pause,
    alarm: dependencies.alarm,
  };
  const startedAt = wired.clock();
  const { unprocessed, ...counts } = await publishChanges(Records, wired);
  const level = unprocessed.length > 0 ? 'error' : counts.deadLetters > 0 ? 'warn' : 'info';
  const facts = { records: Records.length, ...counts, failed: unprocessed.length, ms: wired.clock() - startedAt };
  dependencies.log(level, 'publish', facts);
  return { batchItemFailures: unprocessed.map(itemIdentifier => ({ itemIdentifier })) };
};
