import type { LambdaFunction } from './lambda-function';
import type { Stack } from './template';

/** Resources that do their work at run time on AWS, and what is missing here without them. */
const notEmulated: Readonly<Record<string, string>> = {
  'AWS::IAM::Policy':
    "permissions are those of the roles' own policies: policies of resources, keys, trust and the organisation are not enforced, logs are always written",
  'AWS::Lambda::EventSourceMapping': 'table changes that are not published when the stack stops are never published',
  'AWS::Events::EventBus': 'events go no further than the bus: GET /_local/events shows the last 1,000',
  'AWS::SQS::Queue': 'dead letters are kept in memory',
  'AWS::CloudWatch::Alarm': 'alarms never ring',
  'AWS::KMS::Key': 'nothing is encrypted',
  'AWS::ApiGatewayV2::DomainName': 'the API has no domain of its own',
};

/** Resources that are emulated, or that have no part in what happens at run time. */
const covered =
  /^AWS::(Lambda::(Function|Permission|EventInvokeConfig)|DynamoDB::Table|SecretsManager::|ApiGatewayV2::(Api|Stage|Route|Integration|Authorizer|ApiMapping)$|Scheduler::|Events::Rule|IAM::(Role|RolePolicy|ManagedPolicy)$|Logs::|SNS::|SQS::QueuePolicy|CloudWatch::Dashboard|CDK::Metadata)/;

/** What is different here from the deployed stack, a short sentence each. */
export function differences(stack: Stack, functions: readonly LambdaFunction[]): string[] {
  const runtimes = [...new Set(functions.map(({ runtime }) => runtime))].join(', ');
  const missing = stack.types().flatMap(type => {
    const known = Object.hasOwn(notEmulated, type) ? notEmulated[type] : undefined;
    return known ? [known] : covered.test(type) ? [] : [`${type} is not emulated`];
  });
  return [`Lambda: ${runtimes}, here: ${process.version}`, ...missing];
}
