import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { TerraConnect } from '../terra-connect';
import type { RouteName } from '../parts/throttles';

/** A finding of a rule pack that stays, where, and why. */
export type Acknowledgement = {
  readonly id: string;
  readonly on: readonly IConstruct[];
  readonly reason: string;
};

/** The routes that carry no user's token, and what guards each instead. */
const publicRoutes: readonly (readonly [RouteName, string])[] = [
  [
    'returnSuccess',
    "Terra sends a browser here, which has no token: only the secret state in the path changes anything, and nothing counts before the owner's own token and code.",
  ],
  [
    'returnFailure',
    'Terra sends a browser here, which has no token: only the secret state in the path changes anything, and all it can do is note a failure.',
  ],
  ['receiveWebhook', 'Terra has no token of ours: the function verifies an HMAC over the raw body before it reads it.'],
];

/** Every finding that stays in a deployment. One that is not here stops `npm run synth`. */
export function acknowledgements(connect: TerraConnect): Acknowledgement[] {
  const { api, secrets, deadLetters, sweepRuns, reconcileRuns, alarms } = connect;
  const jobs = [connect.sweepStale, connect.reconcile];
  const inner = connect.node.children.filter(child => 'lambda' in child);
  const nets = [deadLetters, sweepRuns, reconcileRuns];
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
        'Terra offers no call that rotates them: a person does, by `npm run secrets`, and both old and new webhook secret count meanwhile.',
    },
    {
      id: 'AwsSolutions-SMG4',
      on: [secrets.referenceKey],
      reason: 'Another key would make other reference ids and so orphan every user: it must never change.',
    },
    {
      id: 'AwsSolutions-SQS3',
      on: nets,
      reason: 'It is itself a dead-letter queue, of a Lambda destination or a schedule, which the rule does not see.',
    },
    {
      id: 'Serverless-SQSRedrivePolicy',
      on: nets,
      reason: 'It is itself a dead-letter queue: what lies there waits for a person, whom an alarm calls.',
    },
    {
      id: 'Serverless-LambdaDLQ',
      on: inner,
      reason:
        'A dead-letter queue hears of asynchronous invocations: users and Terra call synchronously and try again, the publisher has its stream and net, the jobs are repeated by their schedule.',
    },
    {
      id: 'Serverless-LambdaAsyncFailureDestination',
      on: jobs,
      reason:
        'The next scheduled run does what a failed one left, and its failure has an alarm: kept letters would only say the same once a minute.',
    },
    {
      id: 'Serverless-LambdaTracing',
      on: inner,
      reason: 'Tracing costs more than all else here together and is off unless asked for: `tracing: "sampled"`.',
    },
    {
      id: 'Serverless-SNSRedrivePolicy',
      on: [alarms],
      reason:
        'The alarm itself keeps its state and history in CloudWatch: an e-mail that could not be delivered is lost without loss.',
    },
  ];
}

/** Answers the rule packs' findings; a team that runs them over its own app may call it too. */
export function acknowledge(connect: TerraConnect): void {
  for (const { id, on, reason } of acknowledgements(connect)) {
    for (const construct of on) Validations.of(construct).acknowledge({ id, reason });
  }
}

/** What is to be said of each finding of the HIPAA pack; `docs/hipaa-findings.md` shows them together. */
export const hipaaAnswers: Readonly<Record<string, string>> = {
  'HIPAA.Security-DynamoDBInBackupPlan':
    'Point-in-time recovery covers 35 days to the second. A backup plan keeps what users had erased for longer: add one in your own account where your policy asks for it.',
  'HIPAA.Security-SecretsManagerRotationEnabled':
    'Terra offers no call that rotates its keys, so a person does, by `npm run secrets`; the reference-id key must never change.',
  'HIPAA.Security-IAMNoInlinePolicy':
    'Each role has one policy, written for it alone and held to a literal table by a test. A managed policy would only make it possible to attach it elsewhere.',
  'HIPAA.Security-LambdaConcurrency':
    'Set `reservedConcurrency` once the account has enough: a new account has so little that a default would stop its first deployment.',
  'HIPAA.Security-LambdaDLQ':
    'It hears of asynchronous invocations only. Users and Terra call synchronously; the publisher has its own dead letters, the schedules theirs.',
  'HIPAA.Security-LambdaInsideVPC':
    'The functions hold nothing inside a VPC and must reach Terra over the internet: a VPC would add a NAT gateway and take no access away.',
};
