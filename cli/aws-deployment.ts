import * as z from 'zod';
import { HOUR, type Instant, MINUTE, SECOND, systemClock } from '../functions/core/platform/clock';
import { environmentNames } from '../functions/core/platform/environment';
import type { DeployedFunction, DeployedQueue, Deployment } from './deployment';
import { OperatorError, errorFields } from './failure';

/** Sends one command to an AWS service and returns the parsed response, in the form of the SDK (times are `Date`s). */
export type CallAws = (service: OperatorService, command: string, input: object) => Promise<unknown>;

/** Services that only operators call. No function uses them, so their SDK clients are development dependencies. */
type OperatorService = 'cloudformation' | 'lambda' | 'cloudwatch';

const clientNames: Record<OperatorService, string> = {
  cloudformation: 'CloudFormationClient',
  lambda: 'LambdaClient',
  cloudwatch: 'CloudWatchClient',
};

type Client = { send(command: object): Promise<unknown> };
type Sdk = Record<string, (new (input: object) => Client) | undefined>;

/** Loads the SDK client at the first call: with `--local` no command needs it. */
export const callAws: CallAws = async (service, command, input) => {
  const name = `@aws-sdk/client-${service}`;
  const sdk = await (import(name) as Promise<Sdk>).catch(() => {
    throw new OperatorError(`The package ${name} is not installed`, 'Run `npm ci` without --omit=dev.');
  });
  const Client = sdk[clientNames[service]];
  const Command = sdk[`${command}Command`];
  if (!Client || !Command) throw new OperatorError(`The AWS SDK has no ${command}`, 'Run `npm ci`.');
  return new Client({ maxAttempts: 3 }).send(new Command(input));
};

const Stacks = z.object({
  Stacks: z
    .array(
      z.object({
        StackStatus: z.string(),
        CreationTime: z.date(),
        Outputs: z.array(z.object({ OutputKey: z.string(), OutputValue: z.string() })).default([]),
      }),
    )
    .min(1),
});
const Resources = z.object({
  StackResourceSummaries: z
    .array(
      z.object({ LogicalResourceId: z.string(), ResourceType: z.string(), PhysicalResourceId: z.string().optional() }),
    )
    .default([]),
  NextToken: z.string().optional(),
});
const Configuration = z.object({
  Description: z.string().default(''),
  Environment: z.object({ Variables: z.record(z.string(), z.string()).default({}) }).default({ Variables: {} }),
});
const Statistics = z.object({
  Datapoints: z.array(z.object({ Timestamp: z.date(), Sum: z.number() })).default([]),
});

/**
 * Describes the deployment of a CloudFormation stack: its outputs, functions and dead-letter queues.
 * @throws OperatorError if the stack does not exist.
 */
export async function awsDeployment(stackName: string, call: CallAws): Promise<Deployment> {
  const [stack] = Stacks.parse(
    await call('cloudformation', 'DescribeStacks', { StackName: stackName }).catch(missingStack(stackName)),
  ).Stacks;
  if (stack === undefined || stack.StackStatus.startsWith('DELETE')) throw noStack(stackName);
  const resources = await resourcesOf(stackName, call);
  const idsOf = (type: string) =>
    resources.flatMap(({ ResourceType, LogicalResourceId: id, PhysicalResourceId: name }) =>
      ResourceType === type && name !== undefined ? [{ id, name }] : [],
    );
  const all = await Promise.all(idsOf('AWS::Lambda::Function').map(({ name }) => functionOf(name, call)));
  // A stack of your own can contain other functions and queues.
  const functions = all.filter(({ environment }) => environmentNames.some(name => environment[name] !== undefined));
  const queues = idsOf('AWS::SQS::Queue').filter(({ id }) => /DeadLetters/.test(id));

  return {
    platform: 'aws',
    name: stackName,
    outputs: Object.fromEntries(stack.Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])),
    functions,
    queues: queues.map(({ id, name }): DeployedQueue => ({ id, url: name })),
    since: stack.CreationTime.getTime(),
    clientOptions: () => ({}),
    async lastRunOf(title) {
      const name = functions.find(known => known.title === title)?.name;
      return name === undefined ? undefined : lastInvocation(name, call);
    },
  };
}

async function resourcesOf(stackName: string, call: CallAws) {
  const found: z.infer<typeof Resources>['StackResourceSummaries'] = [];
  let NextToken: string | undefined;
  do {
    const input = { StackName: stackName, ...(NextToken !== undefined && { NextToken }) };
    const page = Resources.parse(await call('cloudformation', 'ListStackResources', input));
    found.push(...page.StackResourceSummaries);
    ({ NextToken } = page);
  } while (NextToken !== undefined);
  return found;
}

async function functionOf(name: string, call: CallAws): Promise<DeployedFunction & { name: string }> {
  const answer = await call('lambda', 'GetFunctionConfiguration', { FunctionName: name });
  const { Description, Environment } = Configuration.parse(answer);
  return { name, title: Description, environment: Environment.Variables };
}

/** Reads the Lambda metric `Invocations`, which has one value a minute and is a few minutes late. */
async function lastInvocation(name: string, call: CallAws): Promise<Instant | undefined> {
  const now = systemClock();
  const answer = await call('cloudwatch', 'GetMetricStatistics', {
    Namespace: 'AWS/Lambda',
    MetricName: 'Invocations',
    Dimensions: [{ Name: 'FunctionName', Value: name }],
    StartTime: new Date(now - HOUR),
    EndTime: new Date(now),
    Period: MINUTE / SECOND,
    Statistics: ['Sum'],
  });
  const times = Statistics.parse(answer)
    .Datapoints.filter(({ Sum }) => Sum > 0)
    .map(({ Timestamp }) => Timestamp.getTime());
  return times.length > 0 ? Math.max(...times) : undefined;
}

const noStack = (stackName: string) =>
  new OperatorError(
    `There is no stack ${stackName} in this account and region`,
    'Check --stage or --stack, AWS_PROFILE and AWS_REGION; or deploy it with `npx cdk deploy`.',
  );

const missingStack = (stackName: string) => (error: unknown) => {
  const { name, message } = errorFields(error);
  const isMissing = name === 'ValidationError' && /does not exist/.test(message);
  throw isMissing ? noStack(stackName) : error;
};
