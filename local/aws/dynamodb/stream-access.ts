import type { Access } from '../iam/access';
import type { EventSource } from '../lambda/event-source';
import type { LambdaFunction } from '../lambda/lambda-function';
import { StartError } from '../../start-error';

const streamActions = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];

/**
 * Lambda reads a stream as the function that hears of it, and looks at its role when the mapping is made.
 * @throws StartError where the role may not read the stream: the deployment would fail on AWS.
 */
export function checkStreamAccess(
  { function: name, streamArn }: EventSource,
  functions: readonly LambdaFunction[],
  access: Access,
): void {
  const reader = functions.find(known => [known.name, known.arn].includes(name));
  if (reader === undefined) return;
  const who = { title: reader.title, session: reader.name, roleArn: reader.roleArn };
  const refusals = streamActions.flatMap(
    action => access.refusal(who, { action: `dynamodb:${action}`, resource: streamArn }) ?? [],
  );
  if (refusals.length === 0) return;
  throw new StartError(
    `${reader.title} cannot read its stream: its role must allow ${streamActions.join(', ')}\n${refusals.join('\n')}`,
  );
}
