import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { itemKey } from '../../functions/core/store/table';
import type { ConnectFunction } from './connect-function';
import type { DeadLetters } from './dead-letters';
import type { RecordTable } from './connect-table';

type StreamPublisherProps = {
  readonly records: RecordTable;
  /** The function that gets the changes. It must report the records of a batch that failed. */
  readonly target: ConnectFunction;
  readonly deadLetters: DeadLetters;
};

// Most changes of the table are counters, token records and deletions, which are not published.
const publishedRows = FilterCriteria.filter({
  eventName: FilterRule.or('INSERT', 'MODIFY'),
  dynamodb: {
    Keys: {
      item: { S: [itemKey.session(''), itemKey.connection('')].flatMap(prefix => FilterRule.beginsWith(prefix)) },
    },
  },
});

/** Calls a function with every change of a session or connection, in order for each row. */
export class StreamPublisher extends Construct {
  readonly mapping: EventSourceMapping;

  constructor(scope: Construct, id: string, { records, target, deadLetters }: StreamPublisherProps) {
    super(scope, id);
    records.grantReadStream(target);
    deadLetters.grantSend(target);
    this.mapping = new EventSourceMapping(this, 'Mapping', {
      target: target.lambda,
      eventSourceArn: records.streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      filters: [publishedRows],
      reportBatchItemFailures: true,
      // The function sends unpublishable events to the dead-letter queue, so retries only wait for an unavailable bus or queue.
      // Bisecting isolates a record that crashes the function.
      bisectBatchOnError: true,
      retryAttempts: 100,
      maxRecordAge: Duration.hours(24),
      // Lambda sends only the stream position of a batch that ran out of retries, not its records.
      onFailure: { bind: () => ({ destination: deadLetters.queue.queueArn }) },
    });
  }
}
