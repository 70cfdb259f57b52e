import { cpuShareOf } from './lambda/cpu-limit';
import type { LambdaFunction } from './lambda/lambda-function';
import type { Stack } from './cloudformation/template';

/** Resources that do their work at run time on AWS, and what is missing here without them. */
const notEmulated: Readonly<Record<string, string>> = {
  'AWS::IAM::Policy':
    "permissions are those of the roles' own policies: policies of resources, keys, trust and the organisation are not enforced, logs are always written",
  'AWS::Lambda::EventSourceMapping': 'table changes that are not published when the stack stops are never published',
  'AWS::Events::EventBus': 'events go no further than the bus: GET /_local/events shows the last 1,000',
  'AWS::SQS::Queue': 'dead letters are kept in memory',
  'AWS::CloudWatch::Alarm': 'alarms never ring',
  'AWS::KMS::Key': 'nothing is encrypted',
  'AWS::ApiGatewayV2::Api':
    "CORS headers are on the gateway's own answers too (401, 403, 404, 429); AWS documents them for answers of functions only",
  'AWS::ApiGatewayV2::DomainName': 'the API has no domain of its own',
};

/** Resources that are emulated, or that have no part in what happens at run time. */
const covered =
  /^AWS::(Lambda::(Function|Permission|EventInvokeConfig)|DynamoDB::Table|SecretsManager::|ApiGatewayV2::(Stage|Route|Integration|Authorizer|ApiMapping)$|Scheduler::|Events::Rule|IAM::(Role|RolePolicy|ManagedPolicy)$|Logs::|SNS::|SQS::QueuePolicy|CloudWatch::Dashboard|CDK::Metadata)/;

/** What is different here from the deployed stack, a short sentence each. */
export function differences(
  stack: Stack,
  functions: readonly LambdaFunction[],
  { likeLambda }: { likeLambda: boolean },
): string[] {
  const runtimes = [...new Set(functions.map(({ runtime }) => runtime))].join(', ');
  const missing = stack.types().flatMap(type => {
    const known = Object.hasOwn(notEmulated, type) ? notEmulated[type] : undefined;
    return known ? [known] : covered.test(type) ? [] : [`${type} is not emulated`];
  });
  return [`Lambda: ${runtimes}, here: ${process.version}`, cpuDifference(functions, likeLambda), ...missing];
}

function cpuDifference(functions: readonly LambdaFunction[], likeLambda: boolean): string {
  const shares = new Map(functions.map(({ memoryMb }) => [memoryMb, cpuShareOf({ memoryMb })]));
  const told = [...shares].map(([memoryMb, share]) => `${share.toFixed(2)} of a core at ${memoryMb} MB`).join(', ');
  return likeLambda
    ? `CPU: functions get ${told} while they serve a request, as on Lambda; their starts get whole cores`
    : `CPU: functions get whole cores; on Lambda ${told} (npm start -- --like-lambda gives them that)`;
}
