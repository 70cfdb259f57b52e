import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { EVENT_SOURCE, type PublishedEvent } from './published-event';

/** `refused`: the bus will not have this very event. `busy`: it could not be asked, or asks to come again. */
export type PutResult = 'accepted' | 'refused' | 'busy';

export type EventBus = {
  /** Hands over events, in this order; a verdict for each. Rejects never. */
  put(events: readonly PublishedEvent[]): Promise<PutResult[]>;
};

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const ENTRIES_A_CALL = 10;
const BYTES_A_CALL = 256 * 1024;
/** What EventBridge counts for the time of an entry. */
const TIME_BYTES = 14;

const TRANSIENT = /^(Internal|Throttl|ServiceUnavailable|TooManyRequests|RequestLimit)/;
const REFUSAL = /Validation|Serialization|Malformed|InvalidArgument|InvalidParameter|TooLarge/;

/** The bus on EventBridge: as few calls as its limits allow, and each entry's own result looked at. */
export function eventBridge(client: Pick<EventBridgeClient, 'send'>, busName: string): EventBus {
  async function putCall(entries: readonly PutEventsRequestEntry[]): Promise<PutResult[]> {
    try {
      const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [...entries] }));
      return entries.map((_, at) => resultOf(Entries[at]));
    } catch (error) {
      if (!isRefusal(error)) return entries.map(() => 'busy');
      if (entries.length === 1) return ['refused'];
      // One entry can make EventBridge refuse the whole call: it must not take the others with it.
      return putInOrder(entries.map(entry => [entry]));
    }
  }

  async function putInOrder(calls: readonly PutEventsRequestEntry[][]): Promise<PutResult[]> {
    const verdicts: PutResult[] = [];
    let isDown = false;
    for (const entries of calls) {
      const of: PutResult[] = isDown ? entries.map(() => 'busy') : await putCall(entries);
      verdicts.push(...of);
      isDown ||= of.every(verdict => verdict === 'busy');
    }
    return verdicts;
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

/** Whether the call failed because of what was in it. A lack of permission is nothing an event can help. */
const isRefusal = (error: unknown): boolean => error instanceof Error && REFUSAL.test(error.name);
