import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { EVENT_SOURCE, type PublishedEvent } from './published-event';

/** Result for one event. `refused`: the bus does not accept this event. `busy`: the call failed or can be retried. */
export type PutResult = 'accepted' | 'refused' | 'busy';

export type EventBus = {
  /** Publishes events in this order and returns a result for each. Never rejects. */
  put(events: readonly PublishedEvent[]): Promise<PutResult[]>;
};

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const ENTRIES_A_CALL = 10;
const BYTES_A_CALL = 256 * 1024;
/** Size that EventBridge counts for an entry's time. */
const TIME_BYTES = 14;

const TRANSIENT = /^(Internal|Throttl|ServiceUnavailable|TooManyRequests|RequestLimit)/;
const REFUSAL = /Validation|Serialization|Malformed|InvalidArgument|InvalidParameter|TooLarge/;

/** An event bus on EventBridge. Makes as few calls as the limits allow and reads the result of each entry. */
export function eventBridge(client: Pick<EventBridgeClient, 'send'>, busName: string): EventBus {
  async function putCall(entries: readonly PutEventsRequestEntry[]): Promise<PutResult[]> {
    try {
      const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [...entries] }));
      return entries.map((_, at) => resultOf(Entries[at]));
    } catch (error) {
      if (!isRefusal(error)) return entries.map(() => 'busy');
      if (entries.length === 1) return ['refused'];
      // One bad entry makes EventBridge refuse the whole call, so each entry is sent alone.
      return putInOrder(entries.map(entry => [entry]));
    }
  }

  async function putInOrder(calls: readonly PutEventsRequestEntry[][]): Promise<PutResult[]> {
    const results: PutResult[] = [];
    let isDown = false;
    for (const entries of calls) {
      const callResults: PutResult[] = isDown ? entries.map(() => 'busy') : await putCall(entries);
      results.push(...callResults);
      isDown ||= callResults.every(result => result === 'busy');
    }
    return results;
  }

  return { put: events => putInOrder(splitIntoCalls(events.map(event => toEntry(event, busName)))) };
}

const toEntry = ({ detailType, detail }: PublishedEvent, busName: string): PutEventsRequestEntry => ({
  EventBusName: busName,
  Source: EVENT_SOURCE,
  DetailType: detailType,
  Detail: JSON.stringify(detail),
  Time: new Date(detail.occurredAt),
});

function splitIntoCalls(entries: readonly PutEventsRequestEntry[]): PutEventsRequestEntry[][] {
  const calls: PutEventsRequestEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const last = calls.at(-1);
    const size = bytesOf(entry);
    if (last && last.length < ENTRIES_A_CALL && bytes + size <= BYTES_A_CALL) {
      last.push(entry);
      bytes += size;
    } else {
      calls.push([entry]);
      bytes = size;
    }
  }
  return calls;
}

const bytesOf = ({ Source = '', DetailType = '', Detail = '' }: PutEventsRequestEntry): number =>
  TIME_BYTES + Buffer.byteLength(Source) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);

function resultOf(result: { EventId?: string | undefined; ErrorCode?: string | undefined } | undefined): PutResult {
  if (result?.EventId !== undefined) return 'accepted';
  return result?.ErrorCode === undefined || TRANSIENT.test(result.ErrorCode) ? 'busy' : 'refused';
}

/** Returns whether a call failed because of its events. A missing permission does not depend on them. */
const isRefusal = (error: unknown): boolean => error instanceof Error && REFUSAL.test(error.name);
