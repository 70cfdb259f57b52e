import { randomUUID } from 'node:crypto';
import type { AttributeValue, DynamoDBRecord } from 'aws-lambda';
import { account } from '../iam/account';
import type { Item } from './table-use';
import type { TableChange } from './table-writer';

/** A record of a table's stream, in the form a function receives. */
export type StreamRecord = DynamoDBRecord & {
  readonly dynamodb: { readonly SequenceNumber: string; readonly ApproximateCreationDateTime: number };
};

/** Creates a function that turns table changes into stream records with sequence numbers and both images. */
export function streamOf(streamArn: string, clock: () => number = Date.now): (change: TableChange) => StreamRecord {
  // Starts above every number of an earlier run on the same data.
  let sequence = BigInt(clock()) * 1_000_000n;

  return ({ keys, before, after, expired }) => {
    sequence += 1n;
    return {
      eventID: randomUUID().replaceAll('-', ''),
      eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: account.region,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(clock() / 1000),
        Keys: image(keys),
        ...(after && { NewImage: image(after) }),
        ...(before && { OldImage: image(before) }),
        SequenceNumber: `${sequence}`,
        SizeBytes: [keys, before, after].reduce((sum, item) => sum + JSON.stringify(item ?? {}).length, 0),
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
      eventSourceARN: streamArn,
      ...(expired && { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } }),
    };
  };
}

const image = (item: Item) => item as unknown as Record<string, AttributeValue>;
