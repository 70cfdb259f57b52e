import * as z from 'zod';
import { HOUR, type Instant, MINUTE, SECOND, systemClock } from '../functions/core/platform/clock';
import { environmentNames } from '../functions/core/platform/environment';
import type { AskAws } from './ask-aws';
import type { DeployedFunction, DeployedQueue, Deployment } from './deployment';
import { OperatorError, toldBy } from './failure';

// What of AWS's answers is used. Times come as dates from the SDK.
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

/** The deployment of a CloudFormation stack: its outputs, and its functions and queues by its list of resources. */
export async function awsDeployment(stackName: string, ask: AskAws): Promise<Deployment> {
  const [stack] = Stacks.parse(
    await ask('cloudformation', 'DescribeStacks', { StackName: stackName }).catch(notThere(stackName)),
  ).Stacks;
  if (stack === undefined || stack.StackStatus.startsWith('DELETE')) throw noStack(stackName);
  const resources = await resourcesOf(stackName, ask);
  const idsOf = (type: string) =>
    resources.flatMap(({ ResourceType, LogicalResourceId: id, PhysicalResourceId: name }) =>
      ResourceType === type && name !== undefined ? [{ id, name }] : [],
    );
  const all = await Promise.all(idsOf('AWS::Lambda::Function').map(({ name }) => functionOf(name, ask)));
  // A stack of the team's own holds other things beside ours.
  const functions = all.filter(({ environment }) => environmentNames.some(name => environment[name] !== undefined));
  const queues = idsOf('AWS::SQS::Queue').filter(({ id }) => /DeadLetters/.test(id));

  return {
    place: 'aws',
    name: stackName,
    outputs: Object.fromEntries(stack.Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])),
    functions,
    queues: queues.map(({ id, name }): DeployedQueue => ({ id, url: name })),
    since: stack.CreationTime.getTime(),
    clientOptions: () => ({}),
    async lastRunOf(title) {
      const name = functions.find(known => known.title === title)?.name;
      return name === undefined ? undefined : lastInvocation(name, ask);
    },
  };
}

async function resourcesOf(stackName: string, ask: AskAws) {
  const found: z.infer<typeof Resources>['StackResourceSummaries'] = [];
  let NextToken: string | undefined;
  do {
    const input = { StackName: stackName, ...(NextToken !== undefined && { NextToken }) };
    const page = Resources.parse(await ask('cloudformation', 'ListStackResources', input));
    found.push(...page.StackResourceSummaries);
    ({ NextToken } = page);
  } while (NextToken !== undefined);
  return found;
}

async function functionOf(name: string, ask: AskAws): Promise<DeployedFunction & { name: string }> {
  const answer = await ask('lambda', 'GetFunctionConfiguration', { FunctionName: name });
  const { Description, Environment } = Configuration.parse(answer);
  return { name, title: Description, environment: Environment.Variables };
}

/** By the metric Lambda keeps of each function, by the minute and a few minutes late. */
async function lastInvocation(name: string, ask: AskAws): Promise<Instant | undefined> {
  const now = systemClock();
  const answer = await ask('cloudwatch', 'GetMetricStatistics', {
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

const notThere = (stackName: string) => (error: unknown) => {
  const { name, message } = toldBy(error);
  const isMissing = name === 'ValidationError' && /does not exist/.test(message);
  throw isMissing ? noStack(stackName) : error;
};
