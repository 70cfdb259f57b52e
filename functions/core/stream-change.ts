import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { type Instant, SECOND } from './clock';
import { ConnectionRow } from './connection';
import { connectionEvent, type PublishedEvent, sessionEvent } from './published-event';
import { type Confirmation, SessionRow } from './session';
import { readItemKey, table } from './table';

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
      const session = readImage(after, readSession);
      if (session === 'unreadable') return session;
      return session && sessionEvent(readBefore(before, readSession), session, confirmation);
    }
    case 'connection': {
      const connection = readImage(after, readConnection);
      if (connection === 'unreadable') return connection;
      return connection && connectionEvent(readBefore(before, readConnection), connection);
    }
    default:
      return undefined;
  }
}

/** The place of a session that is still being opened is no session yet. */
const readSession = (item: Record<string, unknown>) => ('stateHash' in item ? SessionRow.parse(item) : undefined);
const readConnection = (item: Record<string, unknown>) => ConnectionRow.parse(item);

function readImage<R>(image: Image, read: (item: Record<string, unknown>) => R): R | 'unreadable' | undefined {
  if (!image) return undefined;
  try {
    return read(unmarshall(image as Record<string, AttributeValue>));
  } catch {
    return 'unreadable';
  }
}

/** What was before an unreadable row counts as nothing: once the row is mended, its state is told anew. */
function readBefore<R>(image: Image, read: (item: Record<string, unknown>) => R): R | undefined {
  const row = readImage(image, read);
  return row === 'unreadable' ? undefined : row;
}
