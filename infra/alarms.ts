import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { ConnectApi } from './connect-api';
import type { ConnectFunction } from './connect-function';
import type { DeadLetters } from './dead-letters';
import type { RepeatedRun } from './repeated-run';

type AlarmsProps = {
  readonly email: string;
  readonly api: ConnectApi;
  readonly webhook: ConnectFunction;
  readonly sweep: ConnectFunction;
  readonly sweepRuns: RepeatedRun;
  readonly publish: ConnectFunction;
  readonly deadLetters: DeadLetters;
};

/** Writes to a person when something needs one; each alarm says what to do. */
export class Alarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { email, api, webhook, sweep, sweepRuns, publish, deadLetters } = props;
    this.topic = new Topic(this, 'Topic', { enforceSSL: true });
    this.topic.addSubscription(new EmailSubscription(email));

    const period = Duration.minutes(5);
    this.when(
      'WebhookFails',
      webhook.lambda.metricErrors({ period }),
      'Terra events fail: read the log of receive-webhook; Terra repeats them for a while.',
    );
    this.when(
      'SweepFails',
      sweep.lambda.metricErrors({ period }),
      'The sweep fails: read the log of sweep-stale; disconnects are waiting.',
    );
    this.when(
      'SweepNotStarted',
      sweepRuns.deadLetters.metricApproximateNumberOfMessagesVisible({ period }),
      'The sweep could not be started: look into its dead-letter queue, mend the cause, then purge the queue.',
    );
    this.when(
      'EventsPutAside',
      deadLetters.queue.metricApproximateNumberOfMessagesVisible({ period }),
      'Events could not be published: read the log of publish-changes, mend the cause, then redrive the dead letters.',
    );
    this.when(
      'EventsLate',
      publish.lambda.metric('IteratorAge', { period, statistic: 'max' }),
      'Events are published late or not at all: read the log of publish-changes; changes are lost after a day.',
      Duration.minutes(10).toMilliseconds(),
    );
    this.when(
      'ApiFails',
      api.httpApi.metricServerError({ period, statistic: 'sum' }),
      'Requests fail with 5xx: read the access log for the route, then the log of its function.',
      5,
    );
  }

  private when(id: string, metric: Metric, todo: string, threshold = 1): void {
    metric
      .createAlarm(this, id, {
        alarmDescription: todo,
        threshold,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      })
      .addAlarmAction(new SnsAction(this.topic));
  }
}
