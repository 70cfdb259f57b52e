import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { itemKey } from '../../functions/core/store/table';
import type { ConnectFunction } from './connect-function';
import type { DeadLetters } from './dead-letters';
import type { RecordTable } from './connect-table';

type ChangeFeedProps = {
  readonly records: RecordTable;
  /** Hears of the changes; it must answer which records of a batch have to come again. */
  readonly to: ConnectFunction;
  readonly deadLetters: DeadLetters;
};

// Counters, mints and deletions are most of what happens in the table, and nobody is told of them.
const spokenOf = FilterCriteria.filter({
  eventName: FilterRule.or('INSERT', 'MODIFY'),
  dynamodb: {
    Keys: {
      item: { S: [itemKey.session(''), itemKey.connection('')].flatMap(prefix => FilterRule.beginsWith(prefix)) },
    },
  },
});

/** Runs one function with every change of a session or connection, in order for each row. */
export class ChangeFeed extends Construct {
  readonly mapping: EventSourceMapping;

  constructor(scope: Construct, id: string, { records, to, deadLetters }: ChangeFeedProps) {
    super(scope, id);
    records.grantReadStream(to);
    deadLetters.grantSend(to);
    this.mapping = new EventSourceMapping(this, 'Mapping', {
      target: to.lambda,
      eventSourceArn: records.streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      filters: [spokenOf],
      reportBatchItemFailures: true,
      // The function puts aside what is poison. What is left to retry is a bus and a queue that are away, so there is
      // time; a record at which the function itself dies is isolated by halving the batch.
      bisectBatchOnError: true,
      retryAttempts: 100,
      maxRecordAge: Duration.hours(24),
      // Of a batch that ran out of retries the queue is told only where in the stream it lies.
      onFailure: { bind: () => ({ destination: deadLetters.queue.queueArn }) },
    });
  }
}
