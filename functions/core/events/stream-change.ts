import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { type Instant, SECOND } from '../platform/clock';
import { readConnection, readSession } from '../store/items';
import type { Item } from '../store/table';
import { connectionEvent, type PublishedEvent, sessionEvent } from './published-event';
import type { Confirmation } from '../state/session';
import { readItemKey, table } from '../store/table';

export type RowKey = { owner: string; item: string };

/** A record of the table's stream with the event to publish. */
export type StreamChange = {
  sequence: string;
  at: Instant;
  row: RowKey;
  /** Undefined for a change that is not published; `unreadable` for a row that this version cannot read. */
  event: PublishedEvent | 'unreadable' | undefined;
};

type Image = NonNullable<DynamoDBRecord['dynamodb']>['NewImage'];

/** Reads a record of the stream. A deletion publishes nothing, because the end was published when it happened. */
export function readChange({ dynamodb = {} }: DynamoDBRecord, confirmation: Confirmation): StreamChange {
  const { Keys, OldImage, NewImage, SequenceNumber = '', ApproximateCreationDateTime = 0 } = dynamodb;
  const key = (name: string) => Keys?.[name]?.S ?? '';
  const row = { owner: key(table.partitionKey), item: key(table.sortKey) };
  return {
    sequence: SequenceNumber,
    at: ApproximateCreationDateTime * SECOND,
    row,
    event: NewImage && eventOf(row.item, OldImage, NewImage, confirmation),
  };
}

function eventOf(
  item: string,
  before: Image,
  after: Image,
  confirmation: Confirmation,
): PublishedEvent | 'unreadable' | undefined {
  switch (readItemKey(item)?.kind) {
    case 'session': {
      // The row that reserves the id of a session being opened is not a session yet.
      if (!after || !('stateHash' in after)) return undefined;
      const session = readSession(readImage(after));
      // An unreadable old image counts as none, so that a repaired row is published again.
      return session ? sessionEvent(readSession(readImage(before)), session, confirmation) : 'unreadable';
    }
    case 'connection': {
      const connection = readConnection(readImage(after));
      return connection ? connectionEvent(readConnection(readImage(before)), connection) : 'unreadable';
    }
    default:
      return undefined;
  }
}

function readImage(image: Image): Item {
  try {
    return unmarshall((image ?? {}) as Record<string, AttributeValue>);
  } catch {
    return {};
  }
}
