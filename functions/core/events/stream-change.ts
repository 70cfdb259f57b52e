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

/** One record of the table's stream, and what is to be published of it. */
export type StreamChange = {
  sequence: string;
  at: Instant;
  row: RowKey;
  /** Undefined for the many changes nobody needs to hear of; `unreadable` for a row this code cannot make out. */
  event: PublishedEvent | 'unreadable' | undefined;
};

type Image = NonNullable<DynamoDBRecord['dynamodb']>['NewImage'];

/** Reads a record of the stream. A deletion publishes nothing: what ended was told when it ended. */
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
      // The place of a session that is still being opened is no session yet.
      if (!after || !('stateHash' in after)) return undefined;
      const session = readSession(readImage(after));
      // What was before an unreadable row counts as nothing: once the row is mended, its state is told anew.
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
