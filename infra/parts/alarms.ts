import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { type AlarmDeclaration, alarms } from './alarm-list';
import type { Metrics } from './metrics';

type AlarmsProps = {
  readonly metrics: Metrics;
  /** An address to subscribe to the topic. */
  readonly email: string | undefined;
  /** An existing topic. Its policy must allow CloudWatch to publish. */
  readonly existing: ITopic | undefined;
  readonly encryptionKey: IKey | undefined;
};

/** Creates the alarms of `alarm-list.ts`. All publish to one SNS topic. */
export class Alarms extends Construct {
  readonly topic: ITopic;
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, { metrics, email, existing, encryptionKey }: AlarmsProps) {
    super(scope, id);
    this.topic = existing ?? this.createTopic(encryptionKey);
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email));
    this.alarms = alarms.map(declared => this.createAlarm(declared, metrics));
  }

  private createTopic(masterKey: IKey | undefined): Topic {
    const topic = new Topic(this, 'Topic', { enforceSSL: true, ...(masterKey ? { masterKey } : {}) });
    // Replaces the default policy, which allows every alarm of the account to publish.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    return topic;
  }

  private createAlarm(declared: AlarmDeclaration, metrics: Metrics): Alarm {
    const { name, metric, threshold, minutes, periods, description } = declared;
    const isFloor = 'below' in threshold;
    const alarm = new Alarm(this, name, {
      metric: metrics.metric(metric, Duration.minutes(minutes)),
      alarmDescription: description,
      threshold: isFloor ? threshold.below : threshold.atLeast,
      comparisonOperator: isFloor
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: isFloor ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    return alarm;
  }
}
