import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, type NagPack, ServerlessChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import type { TerraConnect } from '../terra-connect';
import type { RouteName } from '../parts/connect-api';

/** The rule packs that every synthesis must pass. A finding without an acknowledgement stops it. */
export const guardRails = (): NagPack[] => [new AwsSolutionsChecks(), new ServerlessChecks()];

/** An accepted finding of a rule pack: the rule, the constructs and the reason. */
export type Acknowledgement = {
  readonly id: string;
  readonly on: readonly IConstruct[];
  readonly reason: string;
};

/** The routes without a user's token, and what protects each one instead. */
const publicRoutes: readonly (readonly [RouteName, string])[] = [
  [
    'returnSuccess',
    'Terra sends a browser here, which has no token: only a valid secret state in the path has an effect, and a connection counts only after its owner confirmed it with token and code.',
  ],
  [
    'returnFailure',
    'Terra sends a browser here, which has no token: only a valid secret state in the path has an effect, and that is to record a failure.',
  ],
  [
    'receiveWebhook',
    'Terra has no token for this API: the function verifies an HMAC over the raw body before it reads the body.',
  ],
];

/** Returns all accepted findings. Any other finding stops `npm run synth`. */
export function acknowledgements(connect: TerraConnect): Acknowledgement[] {
  const { api, secrets, deadLetters, sweepSchedule, reconcileSchedule, alarms } = connect;
  const jobs = [connect.sweepStale, connect.reconcile];
  const functions = connect.node.children.filter(child => 'lambda' in child);
  const deadLetterQueues = [deadLetters, sweepSchedule, reconcileSchedule];
  return [
    ...publicRoutes.map(([name, reason]) => ({
      id: 'AwsSolutions-APIG4',
      on: [api.node.findChild(name)],
      reason,
    })),
    {
      id: 'AwsSolutions-SMG4',
      on: [secrets.terraApi, secrets.terraWebhook],
      reason:
        'Terra has no API to rotate them. An operator rotates them with `npm run secrets`; the old webhook secret stays valid for the overlap.',
    },
    {
      id: 'AwsSolutions-SMG4',
      on: [secrets.referenceKey],
      reason: 'It must never change: with another key, no user could be matched to their connections.',
    },
    {
      id: 'AwsSolutions-SQS3',
      on: deadLetterQueues,
      reason: 'It is a dead-letter queue itself, of a stream or a schedule, which the rule does not recognize.',
    },
    {
      id: 'Serverless-SQSRedrivePolicy',
      on: deadLetterQueues,
      reason: 'It is a dead-letter queue itself. An alarm tells the operator about its messages.',
    },
    {
      id: 'Serverless-LambdaDLQ',
      on: functions,
      reason:
        'A dead-letter queue is only for asynchronous invocations. Users and Terra call synchronously and retry, the stream publisher has its own dead-letter queue, and the schedule repeats the scheduled functions.',
    },
    {
      id: 'Serverless-LambdaAsyncFailureDestination',
      on: jobs,
      reason:
        'The next scheduled run does the work of a failed one, and failures have an alarm. A failure destination would only collect one message a minute.',
    },
    {
      id: 'Serverless-LambdaTracing',
      on: functions,
      reason:
        'Tracing every call would cost more than everything else together. `tracing: "sampled"` turns on a sample.',
    },
    {
      id: 'Serverless-SNSRedrivePolicy',
      on: [alarms],
      reason: 'CloudWatch keeps the state and history of each alarm, so a lost e-mail loses no information.',
    },
  ];
}

/** Acknowledges the findings of the rule packs. Call it if you run these packs over your own app. */
export function acknowledge(connect: TerraConnect): void {
  for (const { id, on, reason } of acknowledgements(connect)) {
    for (const construct of on) Validations.of(construct).acknowledge({ id, reason });
  }
}

/** The answer to each finding of the HIPAA pack, shown in `docs/hipaa-findings.md`. */
export const hipaaAnswers: Readonly<Record<string, string>> = {
  'HIPAA.Security-DynamoDBInBackupPlan':
    'Point-in-time recovery covers 35 days to the second. A backup plan would keep erased data for longer: add one in your account if your policy requires it.',
  'HIPAA.Security-SecretsManagerRotationEnabled':
    'Terra has no API to rotate its secrets, so an operator rotates them with `npm run secrets`. The reference-id key must never change.',
  'HIPAA.Security-IAMNoInlinePolicy':
    'Each role has one policy of its own, which a test compares with a table of the expected permissions. A managed policy could also be attached to other roles.',
  'HIPAA.Security-LambdaConcurrency':
    'Set `reservedConcurrency` if the account has enough concurrency. A new account has so little that a default would make the first deployment fail.',
  'HIPAA.Security-LambdaDLQ':
    'It is only for asynchronous invocations. Users and Terra call synchronously; the stream publisher and the schedules have their own dead-letter queues.',
  'HIPAA.Security-LambdaInsideVPC':
    'The functions use nothing inside a VPC and must reach Terra over the internet. A VPC would add a NAT gateway and remove no access.',
};
