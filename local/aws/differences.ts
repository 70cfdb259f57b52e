import { cpuShareOf } from './lambda/cpu-limit';
import type { LambdaFunction } from './lambda/lambda-function';
import type { Stack } from './cloudformation/template';

/** Resource types that are not fully emulated, and what differs locally. */
const notEmulated: Readonly<Record<string, string>> = {
  'AWS::IAM::Policy':
    "only the roles' identity policies are enforced: resource, key, trust and organization policies are not, and logs are always written",
  'AWS::Lambda::EventSourceMapping': 'table changes that are unpublished when the stack stops are lost',
  'AWS::Events::EventBus': 'events are not delivered to rules: GET /_local/events shows the last 1,000',
  'AWS::SQS::Queue': 'dead letters are kept in memory',
  'AWS::CloudWatch::Alarm': 'alarms are not evaluated',
  'AWS::KMS::Key': 'nothing is encrypted',
  'AWS::ApiGatewayV2::Api':
    "CORS headers are also set on the gateway's own responses (401, 403, 404, 429); AWS documents them for function responses only",
  'AWS::ApiGatewayV2::DomainName': 'the API has no custom domain',
};

/** Resource types that are emulated, or that have no effect at run time. */
const covered =
  /^AWS::(Lambda::(Function|Permission|EventInvokeConfig)|DynamoDB::Table|SecretsManager::|ApiGatewayV2::(Stage|Route|Integration|Authorizer|ApiMapping)$|Scheduler::|Events::Rule|IAM::(Role|RolePolicy|ManagedPolicy)$|Logs::|SNS::|SQS::QueuePolicy|CloudWatch::Dashboard|CDK::Metadata)/;

/** Returns the differences from the deployed stack, one short sentence each. */
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
  const listed = [...shares].map(([memoryMb, share]) => `${share.toFixed(2)} of a core at ${memoryMb} MB`).join(', ');
  return likeLambda
    ? `CPU: functions get ${listed} while they serve a request, as on Lambda; cold starts get whole cores`
    : `CPU: functions get whole cores; on Lambda ${listed} (npm start -- --like-lambda applies those shares)`;
}
