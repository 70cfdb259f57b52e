import { Duration, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule, CfnScheduleGroup, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ConnectFunction } from './connect-function';

/** A function that EventBridge Scheduler runs, with a role that allows only that. A run that cannot be started goes to a dead-letter queue. */
export class ScheduledFunction extends Construct {
  readonly run: ConnectFunction;
  readonly every: Duration;
  readonly deadLetters: Queue;
  readonly role: Role;

  constructor(scope: Construct, id: string, { run, every }: { run: ConnectFunction; every: Duration }) {
    super(scope, id);
    this.run = run;
    this.every = every;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      enforceSSL: true,
      encryption: QueueEncryption.SQS_MANAGED,
      retentionPeriod: Duration.days(14),
    });
    const group = new CfnScheduleGroup(this, 'Group');
    this.role = new Role(this, 'Role', {
      description: `Starts ${run.name} and nothing else`,
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account, 'aws:SourceArn': group.attrArn },
        },
      }),
    });
    this.allow('lambda:InvokeFunction', run.lambda.functionArn);
    this.allow('sqs:SendMessage', this.deadLetters.queueArn);
    const schedule = new CfnSchedule(this, 'Schedule', {
      description: `Runs ${run.name}`,
      groupName: group.ref,
      scheduleExpression: ScheduleExpression.rate(every).expressionString,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: run.lambda.functionArn,
        roleArn: this.role.roleArn,
        // Few retries: the next run does the work of a missed one.
        retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: Duration.hours(1).toSeconds() },
        deadLetterConfig: { arn: this.deadLetters.queueArn },
      },
    });
    schedule.node.addDependency(this.role);
    // No retries after an error: the next run does the work, and a retry would run in parallel with it.
    run.lambda.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.hours(1) });
  }

  private allow(action: string, resource: string): void {
    this.role.addToPolicy(new PolicyStatement({ effect: Effect.ALLOW, actions: [action], resources: [resource] }));
  }
}
