import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { type AlarmDeclaration, alarms } from './alarm-list';
import type { Signals } from './metrics';

type AlarmsProps = {
  readonly signals: Signals;
  /** Who is written to beside whoever else listens to the topic. */
  readonly email: string | undefined;
  /** A topic that exists already; CloudWatch must be allowed to publish to it. */
  readonly brought: ITopic | undefined;
  readonly encryptionKey: IKey | undefined;
};

/** Every alarm of `alarm-list.ts`, told to one topic. */
export class Alarms extends Construct {
  readonly topic: ITopic;
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, { signals, email, brought, encryptionKey }: AlarmsProps) {
    super(scope, id);
    this.topic = brought ?? this.ownTopic(encryptionKey);
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email));
    this.alarms = alarms.map(declared => this.make(declared, signals));
  }

  private ownTopic(masterKey: IKey | undefined): Topic {
    const topic = new Topic(this, 'Topic', { enforceSSL: true, ...(masterKey ? { masterKey } : {}) });
    // A policy of its own takes the place of the default one, by which every alarm of the account could speak.
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

  private make({ name, signal, rings, minutes, spans, todo }: AlarmDeclaration, signals: Signals): Alarm {
    const isFloor = 'below' in rings;
    const alarm = new Alarm(this, name, {
      metric: signals.metric(signal, Duration.minutes(minutes)),
      alarmDescription: todo,
      threshold: isFloor ? rings.below : rings.atLeast,
      comparisonOperator: isFloor
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: spans,
      treatMissingData: isFloor ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    return alarm;
  }
}
